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


class KeptRow(NamedTuple):
    """A row, and what must not have changed since it was made."""

    row: TaskSnapshot
    task: ReferenceType[Task]
    future: ReferenceType[asyncio.Future[Any]]
    until: float
    """A time of the loop."""
    name: str
    about: object

    def is_true(self, task: Task, about: object) -> bool:
        """Whether its task waits as it did, and is called what it was; but for `until`."""
        future = self.future()
        return (
            future is not None
            # A task that was woken waits for another future, even at the same line.
            and future_waited_for(task) is future
            and not task.done()
            and not task.cancelling()
            and name_of(task) == self.name
            and about is self.about
        )


class KeptRows:
    """One loop's. Any thread may call everything; nothing blocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._kept: Final[WeakByIdentity[Task, KeptRow]] = WeakByIdentity()

    def get(self, task: Task, about: object) -> TaskSnapshot | None:
        """The task's row, where it cannot have changed. `about` is what else is known of it."""
        kept = self._kept.get(task)
        if kept is None or not kept.is_true(task, about) or self.have_changed(kept.until):
            return None
        return kept.row

    def have_changed(self, until: float) -> bool:
        """Whether rows that are true until that time of the loop may not be true any more, whatever
        their tasks do: of one that waits when its loop is closed, that is what is to be said.
        """
        return time_of(self._loop) >= until or self._loop.is_closed()

    def known(self, task: Task) -> KeptRow | None:
        """What is kept of a task, true or not."""
        return self._kept.get(task)

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
            kept = KeptRow(row, ref(task), ref(future), until, name_of(task), about)
        except TypeError:  # A future of somebody's own, without weak references.
            return
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[task] = kept
