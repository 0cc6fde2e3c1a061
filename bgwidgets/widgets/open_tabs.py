"""Which tabs are open on which pages. A page that shows none has no view, and costs nothing.

Everything here is used by the publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

from bgwidgets.widgets.views import FORGOTTEN_AFTER, MOST_VIEWS

SubjectT = TypeVar("SubjectT")


class OpenTab(Generic[SubjectT]):
    """One page's open tab, which shows one subject for as long as it is there."""

    def __init__(self, name: str, subject: SubjectT) -> None:
        self.name: Final = name
        self.subject: Final[SubjectT] = subject
        self.seen_at = 0.0
        self.turn = 0
        """When it was told last, in the numbers of `View.turn`."""
        self.seq = 0
        """The number of the last message, from 1 on."""

    @property
    def awaits_all(self) -> bool:
        """Whether it was just opened, and shows nothing yet."""
        return self.seq == 0


TabT = TypeVar("TabT", bound=OpenTab)  # type: ignore[type-arg]


class OpenTabs(Generic[SubjectT, TabT]):
    """All tabs of one kind that are open, one for each page at most."""

    def __init__(self, make: Callable[[str, SubjectT], TabT]) -> None:
        self._make: Final = make
        self._views: Final[dict[str, TabT]] = {}

    def __iter__(self) -> Iterator[TabT]:
        return iter(self._views.values())

    def show(self, name: str, subject: SubjectT, known: int, now: float) -> None:
        """A view is open. One that shows something else now, or has missed a message, is told all.

        A message may be on its way while the page says what it knows; to tell all once too often
        does no harm.
        """
        view = self._views.get(name)
        if view is None or view.subject != subject or view.seq != known:
            if view is None and len(self._views) >= MOST_VIEWS:
                del self._views[min(self, key=lambda each: each.seen_at).name]
            view = self._views[name] = self._make(name, subject)
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
