"""What each open detail tab has been told, and so what it must be told next.

A page that shows no detail tab has no view here, and costs nothing. Everything here is used by the
publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bgwidgets.widgets.detail_parts import DetailSubject, Parts
from bgwidgets.widgets.protocols import Message
from bgwidgets.widgets.views import FORGOTTEN_AFTER, MOST_VIEWS


class DetailView:
    """One page's open detail tab."""

    def __init__(self, name: str, subject: DetailSubject) -> None:
        self.name: Final = name
        self.subject: Final = subject
        self.seen_at = 0.0
        self.turn = 0
        """When it was told last, in the numbers of `View.turn`."""
        self.seq = 0
        """The number of the last message, from 1 on."""
        self._told: Parts = {}

    @property
    def awaits_all(self) -> bool:
        """Whether it was just opened, and shows nothing yet."""
        return self.seq == 0

    def changes(self, parts: Parts) -> Parts | None:
        """The parts that it does not know, with None for those that are gone; None without any."""
        changed = {
            name: part
            for name, part in parts.items()
            if name not in self._told or self._told[name] != part
        }
        changed |= dict.fromkeys(self._told.keys() - parts.keys())
        return changed or None

    def message(self, changes: Parts, parts: Parts, turn: int) -> Message:
        """The message that tells it; what was told is known from now on."""
        is_full = self.awaits_all
        self.seq += 1
        self.turn = turn
        self._told = parts
        return {
            "type": "detail",
            "view": self.name,
            "seq": self.seq,
            "full": is_full,
            "tab": self.subject.tab,
            "loop": self.subject.loop_id,
            "task": self.subject.task_id,
            "parts": changes,
        }


class DetailViews:
    """All detail tabs that are open, one for each page at most."""

    def __init__(self) -> None:
        self._views: Final[dict[str, DetailView]] = {}

    def __iter__(self) -> Iterator[DetailView]:
        return iter(self._views.values())

    def show(self, name: str, subject: DetailSubject, known: int, now: float) -> None:
        """A view is open. One that shows something else now, or has missed a message, is told all.

        A message may be on its way while the page says what it knows; to tell all once too often
        does no harm.
        """
        view = self._views.get(name)
        if view is None or view.subject != subject or view.seq != known:
            if view is None and len(self._views) >= MOST_VIEWS:
                del self._views[min(self, key=lambda each: each.seen_at).name]
            view = self._views[name] = DetailView(name, subject)
        view.seen_at = now

    def forget(self, name: str) -> None:
        """A tab was closed."""
        self._views.pop(name, None)

    def forget_all(self) -> None:
        """None of them can be reached; whoever is there will say what it shows."""
        self._views.clear()

    def forget_silent(self, now: float) -> None:
        """Forget the tabs that nobody looks at any more."""
        for view in list(self):
            if now >= view.seen_at + FORGOTTEN_AFTER:
                del self._views[view.name]

    def excuse(self, seconds: float, now: float) -> None:
        """For so long until now none of them could be heard: that silence does not count."""
        for view in self:
            view.seen_at = min(now, view.seen_at + seconds)

    def next_to_forget(self) -> float | None:
        """When the next one will have been silent for too long."""
        return min((view.seen_at + FORGOTTEN_AFTER for view in self), default=None)
