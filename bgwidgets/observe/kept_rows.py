"""Rows of tasks that wait, kept for as long as they wait for the same: most do, at each look.

To find out where a task waits takes 40 microseconds; that it still waits there, one.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final, NamedTuple
from weakref import ReferenceType, ref

from bgwidgets.observe.asyncio_internals import future_waited_for
from bgwidgets.observe.names import name_of
from bgwidgets.observe.wait_words import time_of
from bgwidgets.observe.weak_by_identity import WeakByIdentity
from bgwidgets.snapshots import TaskSnapshot
from bgwidgets.states import TaskState

MOST_KEPT: Final = 1_000
Task = asyncio.Task[Any]


class _Kept(NamedTuple):
    row: TaskSnapshot
    future: ReferenceType[asyncio.Future[Any]]
    until: float
    """A time of the loop."""
    name: str
    about: object


class KeptRows:
    """One loop's. Any thread may call everything; nothing blocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._kept: Final[WeakByIdentity[Task, _Kept]] = WeakByIdentity()

    def get(self, task: Task, about: object) -> TaskSnapshot | None:
        """The task's row, where it cannot have changed. `about` is what else is known of it."""
        kept = self._kept.get(task)
        if (
            kept is None
            or task.done()
            or task.cancelling()
            # A task that was woken waits for another future, even at the same line.
            or future_waited_for(task) is not kept.future()
            or time_of(self._loop) >= kept.until
            or name_of(task) != kept.name
            or about is not kept.about
        ):
            return None
        return kept.row

    def keep(
        self,
        task: Task,
        row: TaskSnapshot,
        future: asyncio.Future[Any] | None,
        until: float | None,
        about: object,
    ) -> None:
        """Its row while it waits for that future, and before `until`; None: it is not known when
        the row changes, and then it is not kept.
        """
        if until is None or future is None or row.state is not TaskState.PENDING:
            return
        if future_waited_for(task) is not future or future.done():
            return  # It was woken while one looked.
        try:
            kept = _Kept(row, ref(future), until, name_of(task), about)
        except TypeError:  # A future of somebody's own, without weak references.
            return
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[task] = kept
