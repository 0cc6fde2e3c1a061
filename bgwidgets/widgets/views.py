"""What each view of a table has been shown, and so what it must be told next.

A table may be on several pages at once, each scrolled to its own place. Everything here is used by
the publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bgwidgets.widgets.protocols import Message
from bgwidgets.widgets.rows import Contents, Row, Window

FORGOTTEN_AFTER: Final = 12.0
"""Seconds of silence; a page that is looked at says that it is alive every four."""
MOST_VIEWS: Final = 16
"""Of one table. More pages than that nobody looks at; the one seen least lately gives way."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a view is to be told: the changes, or all rows of its window."""

    rows: tuple[tuple[int, Row], ...]
    head: Mapping[str, Any]
    is_full: bool


class View:
    """One view of a table: its window, and what it has been shown."""

    def __init__(self, name: str, window: Window, now: float) -> None:
        self.name: Final = name
        self.seen_at = now
        self.turn = 0
        """When it was told last, in numbers that only grow: who has the smallest is next."""
        self.answers_owed = 0
        """Frames that the user waits for, because of what was just clicked."""
        self._seq = 0
        self._told: Contents | None = None
        """What it knows all of."""
        self.greet(window)

    def greet(self, window: Window) -> None:
        """The view knows nothing, or nothing that it trusts: everything must come again."""
        self.move(window)
        self._head: Mapping[str, Any] = {}

    def move(self, window: Window) -> None:
        """The view shows other rows, and waits for all of them."""
        self.window = window
        self.awaits_rows = True
        self._told = None
        self._rows: dict[int, Row] = {}
        self._total = -1

    def next_frame(self, contents: Contents) -> Frame | None:
        """What the view does not know of `contents`; None when it knows all of it."""
        if contents is self._told:
            return None
        places = enumerate(contents.rows, contents.start)
        rows = tuple(
            (place, _news(row, self._rows.get(place)))
            for place, row in places
            if self._rows.get(place) != row
        )
        head = {
            key: value
            for key, value in contents.head.items()
            if key not in self._head or self._head[key] != value
        }
        if not (rows or head or self.awaits_rows or contents.total != self._total):
            self._told = contents
            return None
        return Frame(rows, head, is_full=self.awaits_rows)

    def message(self, frame: Frame, contents: Contents, turn: int, kernel_time: float) -> Message:
        """The message that tells it; what was told is known from now on."""
        self._seq += 1
        self._told = contents
        self._rows = dict(enumerate(contents.rows, contents.start))
        self._head = contents.head
        self._total = contents.total
        self.awaits_rows = False
        self.turn = turn
        self.answers_owed = max(0, self.answers_owed - 1)
        return {
            "type": "frame",
            "view": self.name,
            "seq": self._seq,
            "full": frame.is_full,
            "start": contents.start,
            "total": contents.total,
            "rows": [[place, row] for place, row in frame.rows],
            "head": {**frame.head, "now": kernel_time},
        }


def _news(row: Row, shown: Row | None) -> Row:
    """What the page does not know of a row: of one that it shows, the fields that changed. Those
    have no id, which is how the page tells them from a whole row.
    """
    if shown is None or shown["id"] != row["id"]:
        return row
    return {key: value for key, value in row.items() if shown[key] != value}


class TableViews:
    """All views of one table that are looked at."""

    def __init__(self) -> None:
        self._views: Final[dict[str, View]] = {}
        self._strangers: Final[set[str]] = set()

    def __len__(self) -> int:
        return len(self._views)

    def __iter__(self) -> Iterator[View]:
        return iter(self._views.values())

    def greet(self, name: str, window: Window, now: float) -> None:
        """A view said hello."""
        view = self._views.get(name)
        if view is None:
            self._make_room()
            self._views[name] = View(name, window, now)
        else:
            view.seen_at = now
            view.greet(window)

    def move(self, name: str, window: Window, now: float) -> None:
        """A view was scrolled; one that had been forgotten is known again."""
        view = self._views.get(name)
        if view is None:
            self.greet(name, window, now)
        else:
            view.seen_at = now
            view.move(window)

    def heard(self, name: str, now: float) -> None:
        """A view said that it is alive."""
        view = self._views.get(name)
        if view is not None:
            view.seen_at = now
        elif len(self._strangers) < MOST_VIEWS:
            self._strangers.add(name)

    def forget(self, name: str) -> None:
        """A view is gone."""
        self._views.pop(name, None)

    def forget_all(self) -> None:
        """None of them can be reached; whoever is there will say hello."""
        self._views.clear()
        self._strangers.clear()

    def forget_silent(self, now: float) -> None:
        """Forget the views that nobody looks at any more."""
        for view in list(self._views.values()):
            if now >= view.seen_at + FORGOTTEN_AFTER:
                del self._views[view.name]

    def excuse(self, seconds: float, now: float) -> None:
        """For so long until now no view could be heard: that silence does not count."""
        for view in self._views.values():
            view.seen_at = min(now, view.seen_at + seconds)

    def next_to_forget(self) -> float | None:
        """When the next view will have been silent for too long."""
        seen = [view.seen_at for view in self._views.values()]
        return min(seen) + FORGOTTEN_AFTER if seen else None

    def question_to_stranger(self) -> Message | None:
        """A message that makes a view say hello which takes itself for known, and is not.

        It is a frame whose number cannot be the next one, so the view takes it for a gap.
        """
        if not self._strangers:
            return None
        gap = {"type": "frame", "seq": 0, "full": False, "start": 0, "total": 0, "rows": []}
        return {**gap, "view": self._strangers.pop()}

    def _make_room(self) -> None:
        if len(self._views) >= MOST_VIEWS:
            least_lately = min(self._views.values(), key=lambda view: view.seen_at)
            del self._views[least_lately.name]
