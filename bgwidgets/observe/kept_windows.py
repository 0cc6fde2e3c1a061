"""Windows of tasks of which none has moved, kept for as long as that is so.

Most of what is on a screen waits as it did half a second ago. To find that out of a task takes half
a microsecond, to make its line again three times as long; and where no task was born and none has
ended, the same tasks stand in the same places.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from bgwidgets.observe.ended_tasks import EndedTask, Entry
from bgwidgets.observe.kept_rows import KeptRow, KeptRows
from bgwidgets.snapshots import TaskSnapshot

MOST_KEPT: Final = 16
"""Windows: as many as there are views of a table."""
Places = tuple[int, int]
Task = asyncio.Task[Any]


class _Kept(NamedTuple):
    stamp: object
    rows: tuple[TaskSnapshot, ...]
    total: int
    waiting: tuple[KeptRow, ...]
    until: float
    """A time of the loop."""


class WindowStandstill:
    """A window of a loop's tasks shows what it showed. It keeps the loop alive."""

    is_told: Final = False

    def __init__(self, is_true: Callable[[], bool]) -> None:
        self._is_true: Final = is_true

    def holds(self, _now: float) -> bool:
        """Whether it does. Any thread; does not block."""
        return self._is_true()


class KeptWindows:
    """One loop's. Any thread may call everything; nothing blocks."""

    def __init__(
        self,
        rows: KeptRows,
        stamp: Callable[[], object | None],
        about: Callable[[Task], object],
        bars: Callable[[Task], object],
    ) -> None:
        """`rows` are those of the same loop. `stamp` says something else once a task was born or
        has ended, and None where nobody can tell; `about` and `bars`, what is known of a task that
        it does not tell by itself, and which progress bars it has.
        """
        self._rows: Final = rows
        self.stamp: Final = stamp
        self._about: Final = about
        self._bars: Final = bars
        self._kept: Final[dict[Places, _Kept]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, places: Places) -> tuple[tuple[TaskSnapshot, ...], int] | None:
        """The rows of these places and how many there are in all, where none can have changed."""
        kept = self._true(places)
        return None if kept is None else (kept.rows, kept.total)

    def standstill(self, rows: tuple[TaskSnapshot, ...], total: int) -> WindowStandstill | None:
        """What holds as long as these are the rows of their places; None where that is not known,
        or is not so any more.
        """
        for places, kept in list(self._kept.items()):
            if kept.rows is rows and kept.total == total and self._true(places) is kept:
                return WindowStandstill(partial(self._is_true, places, kept))
        return None

    def _is_true(self, places: Places, kept: _Kept) -> bool:
        return self._true(places) is kept

    def _true(self, places: Places) -> _Kept | None:
        kept = self._kept.get(places)
        if kept is None or self.stamp() != kept.stamp or self._rows.have_changed(kept.until):
            return None
        about, bars = self._about, self._bars
        for each in kept.waiting:
            task = each.task()
            if task is None or not each.is_true(task, about(task)) or bars(task):
                return None
        return kept

    def keep(
        self,
        places: Places,
        stamp: object | None,
        entries: Sequence[Entry],
        rows: tuple[TaskSnapshot, ...],
        total: int,
    ) -> None:
        """These rows were made of these entries since there was that stamp. Kept only where each is
        of a task that waits, or of one that has ended.
        """
        self._kept.pop(places, None)
        if stamp is None:
            return
        waiting = []
        for entry, row in zip(entries, rows, strict=True):
            if type(entry) is EndedTask:
                continue
            known = self._rows.known(entry)
            if known is None or known.row is not row:
                return
            waiting.append(known)
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        until = min((each.until for each in waiting), default=float("inf"))
        self._kept[places] = _Kept(stamp, rows, total, tuple(waiting), until)
