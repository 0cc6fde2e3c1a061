"""The progress bars of one run of a loop: which are open, in which task, and how the last ended.

What a bar is, is not known here: see `tqdm_bars`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Final, Protocol
from weakref import ReferenceType, WeakKeyDictionary, ref

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.snapshots import ProgressSnapshot

ENDED_KEPT: Final = 10
"""Of each task."""
LOOKED_AT: Final = 1_000
"""Of more open bars, a look does not find out of all whether their tasks have ended."""

Task = asyncio.Task[Any]
_log: Final = logging.getLogger(__name__)


class Bar(Protocol):
    """A bar that somebody else keeps alive."""

    def as_value(
        self, *, depth: int, ended_at: float | None = None, left_open: bool = False
    ) -> ProgressSnapshot | None:
        """How it stands; None while there is nothing to show. Any thread; does not block."""


class OpenBar:
    """A bar in its place."""

    __slots__ = ("_bar", "_is_broken", "depth", "of_task", "task")

    def __init__(self, bar: Bar, task: Task | None, of_task: _BarsOfTask) -> None:
        self._bar: Final = ref(bar)
        self.task: Final[ReferenceType[Task] | None] = None if task is None else ref(task)
        self.of_task: Final = of_task
        self.depth: Final = len(of_task.open)
        self._is_broken = False

    @property
    def has_lost_its_task(self) -> bool:
        """Whether it cannot go on, for its task has ended."""
        if self.task is None:
            return False
        task = self.task()
        return task is None or task.done()

    def as_value(self, *, ended: bool = False) -> ProgressSnapshot | None:
        """How it stands; `ended`: because its task did."""
        bar = self._bar()
        if bar is None or self._is_broken:
            return None
        ended_at = time.time() if ended else None
        try:
            return bar.as_value(depth=self.depth, ended_at=ended_at, left_open=ended)
        except Exception:  # noqa: BLE001 - a class of the user's own may be broken in any way
            self._is_broken = True
            _log.exception("a progress bar cannot be shown")
            return None


class _BarsOfTask:
    """Of one task, or of all code that belongs to none."""

    __slots__ = ("ended", "open")

    def __init__(self) -> None:
        self.open: Final[list[OpenBar]] = []
        self.ended: Final[deque[ProgressSnapshot]] = deque(maxlen=ENDED_KEPT)


class Bars:
    """All bars of one run. Any thread may call everything; nothing blocks for long."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called after each bar that is opened or ends. It must return at once."""
        self._changed: Final = changed
        # Reentrant: a bar may be destroyed, and say so, in the midst of this.
        self._guard: Final = free_in_forks(threading.RLock())
        self._open: Final[dict[OpenBar, None]] = {}
        self._of_task: Final[WeakKeyDictionary[Task, _BarsOfTask]] = WeakKeyDictionary()
        self._of_nobody: Final = _BarsOfTask()
        self._last: ProgressSnapshot | None = None
        self._is_in_use = False
        self._is_over = False

    def opened(self, bar: Bar, task: Task | None) -> OpenBar | None:
        """There is one more, in this task. It is not kept alive. None: the run is over."""
        with self._guard:
            if self._is_over:
                return None
            if task is None:
                of_task = self._of_nobody
            else:
                of_task = self._of_task.setdefault(task, _BarsOfTask())
            place = OpenBar(bar, task, of_task)
            of_task.open.append(place)
            self._open[place] = None
            self._is_in_use = True
            self._changed()
            return place

    def ended(self, place: OpenBar, last: ProgressSnapshot | None) -> None:
        """It is over; `last` is what stays to be shown of it, if anything. Once for each."""
        with self._guard:
            if place not in self._open:
                return  # Its task has ended before it.
            del self._open[place]
            place.of_task.open.remove(place)
            if last is not None:
                place.of_task.ended.append(last)
                if self._last is None or not last.depth:
                    self._last = last
        self._changed()

    def close(self) -> None:
        """The run is over: no bar is open any more."""
        with self._guard:
            self._is_over = True
            self._left_open(list(self._open))

    def of(self, task: Task) -> tuple[ProgressSnapshot, ...]:
        """Those of a task: the open ones, the outermost first; then the last that ended, the
        outermost first, and of these the latest.
        """
        if not self._is_in_use:
            return ()
        with self._guard:
            of_task = self._of_task.get(task)
            if of_task is None:
                return ()
            if task.done():
                self._left_open(list(of_task.open))
            values = [place.as_value() for place in list(of_task.open)]
            # By depth: what an exception has passed through is let go of in whatever order.
            ended = list(of_task.ended)[::-1]
            ended.sort(key=_depth_of)
            return (*(each for each in values if each is not None), *ended)

    def told(self) -> dict[str, Any]:
        """The fields of the loop's snapshot."""
        if not self._is_in_use:
            return {}
        with self._guard:
            places = list(islice(list(self._open), LOOKED_AT))
            self._left_open([place for place in places if place.has_lost_its_task])
            values = (place.as_value() for place in list(self._open))
            first = next((value for value in values if value is not None), self._last)
            return {"progress": first, "open_bars": len(self._open)}

    @property
    def are_open(self) -> bool:
        """Whether any is, and may change at any time."""
        return bool(self._open)

    def _left_open(self, places: list[OpenBar]) -> None:
        for place in reversed(places):  # So that the outermost ends last.
            self.ended(place, place.as_value(ended=True))


def _depth_of(bar: ProgressSnapshot) -> int:
    return bar.depth
