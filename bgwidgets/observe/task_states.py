"""How a loop's tasks stand at this moment: each one's state, what it waits on, why it failed."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import running_loop_here
from bgwidgets.observe.await_chain import kind_of_wait
from bgwidgets.observe.cancellations import Cancellations
from bgwidgets.observe.ended_tasks import (
    EndedTask,
    Entry,
    error_at_a_glance,
    error_of,
    state_of_ended,
)
from bgwidgets.observe.known_tasks import KnownTasks
from bgwidgets.states import TaskState


class TaskStates:
    """One loop's. Any thread may ask everything; nothing blocks."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, known: KnownTasks, cancellations: Cancellations
    ) -> None:
        self._loop: Final = loop
        self.known: Final = known
        self.cancellations: Final = cancellations

    def state(self, entry: Entry) -> TaskState:
        """A task's state now."""
        if type(entry) is EndedTask:
            return entry.state
        if entry.done():
            return state_of_ended(entry)
        if self.cancellations.is_to_end(entry):
            return TaskState.CANCELLING
        if self.current() is entry:
            return TaskState.RUNNING
        if self.known.about(entry).runs and kind_of_wait(entry) == "worker thread":
            return TaskState.RUNNING
        return TaskState.PENDING

    def error(self, entry: Entry) -> str | None:
        """Why a task failed, in one line; None when it did not. Outside of the loop's thread it may
        be only the type, until that has made the record.
        """
        if type(entry) is EndedTask:
            return entry.error
        return error_of(entry) if self.is_own_thread() else error_at_a_glance(entry)

    def is_own_thread(self) -> bool:
        """Whether the loop runs in the calling thread."""
        return running_loop_here() is self._loop

    def kind_of_wait(self, entry: Entry) -> str | None:
        """What a task waits on, as tasks are sorted by it."""
        return None if type(entry) is EndedTask or entry.done() else kind_of_wait(entry)

    def current(self) -> asyncio.Task[Any] | None:
        """The task whose turn it is."""
        return asyncio.current_task(self._loop)
