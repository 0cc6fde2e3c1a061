"""Tasks in an order or through a filter, of which there are very many.

For one window of them the loop's host looks at all: a hundred thousand take the kernel some thirty
milliseconds, ten times as long by what they wait on. So a refresh has that done once a second,
whatever the interval, and asks for some rows more, which a little scrolling finds there. Who
scrolls far, sorts or filters asks anew, and at once.

Used by the publisher's thread alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from bgwidgets.snapshots import TaskWindow, WindowRequest

VERY_MANY: Final = 10_000
KEPT_FOR: Final = 1.0
"""Seconds."""
MORE_ROWS: Final = 60
"""On either side."""
MOST_KEPT: Final = 16
"""Windows: as many as there are views."""


class _Kept(NamedTuple):
    window: TaskWindow
    start: int
    stop: int
    at: float


class SortedWindows:
    """The windows of the last second. `clock`: in seconds."""

    def __init__(
        self,
        ask: Callable[[int, WindowRequest], TaskWindow],
        clock: Callable[[], float],
    ) -> None:
        self._ask: Final = ask
        self._clock: Final = clock
        self._kept: Final[dict[tuple[int, WindowRequest], list[_Kept]]] = {}

    def window(self, loop_id: int, request: WindowRequest) -> TaskWindow:
        """The tasks that are asked for, as they were at most a second ago."""
        now = self._clock()
        self._forget_old(now)
        key = (loop_id, replace(request, start=0, stop=0))
        kept = self._kept.setdefault(key, [])
        for each in kept:
            if each.start <= request.start and request.stop <= each.stop:
                return _cut(each.window, request)
        start, stop = max(0, request.start - MORE_ROWS), request.stop + MORE_ROWS
        window = self._ask(loop_id, replace(request, start=start, stop=stop))
        # By the time at which it is there: were asking slow, nothing else would be done any more.
        kept.append(_Kept(window, start, stop, self._clock()))
        del kept[:-MOST_KEPT]
        return _cut(window, request)

    def _forget_old(self, now: float) -> None:
        for key, kept in list(self._kept.items()):
            kept[:] = [each for each in kept if 0 <= now - each.at < KEPT_FOR]
            if not kept:
                del self._kept[key]


def is_dear(request: WindowRequest, count: int) -> bool:
    """Whether one window of so many tasks costs a look at all of them, and that much time."""
    asks_for_all = request.sort or request.descending or request.filter or request.states
    return bool(asks_for_all) and count >= VERY_MANY


def _cut(window: TaskWindow, request: WindowRequest) -> TaskWindow:
    first = max(0, request.start - window.start)
    tasks = window.tasks[first : max(first, request.stop - window.start)]
    return replace(window, tasks=tasks, start=request.start)
