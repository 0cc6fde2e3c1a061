"""What is kept of tasks that have ended: exact counts, the last ones, why the last ones failed, and
who had the last ones cancelled.

Written in the loop's thread. Readers copy with single steps of C code.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from itertools import compress
from traceback import TracebackException
from typing import Any, Final, NamedTuple

from bgwidgets.observe.asyncio_internals import (
    all_cancelled,
    all_done,
    failed_among,
    peek_exception,
)
from bgwidgets.observe.error_text import LONGEST_TEXT, one_line
from bgwidgets.observe.timings import TaskTiming
from bgwidgets.snapshots import ProgressSnapshot, TaskFailure
from bgwidgets.states import TaskState

ENDED_KEPT: Final = 1_000
FAILURES_KEPT: Final = 50
FAILURES_IN_FULL: Final = 20
"""So many in one sweep get their traceback; what fails a thousand times a second is told by one."""
LONGEST_NAME: Final = 200
LONGEST_TRACEBACK: Final = 30
"""Frames."""


class EndedTask(NamedTuple):
    """What is kept of one task. The task itself, its result and its error are not."""

    id: int
    name: str
    coroutine: str
    state: TaskState
    created_at: float | None
    ended_at: float
    error: str | None
    is_main: bool
    timing: TaskTiming | None
    progress: tuple[ProgressSnapshot, ...] = ()


class Failure(NamedTuple):
    """Why one task failed. No frame is kept alive: the text is made when somebody wants it."""

    id: int
    name: str
    coroutine: str
    at: float
    error: str
    traceback: TracebackException | None

    def as_value(self) -> TaskFailure:
        """With the traceback as text."""
        return TaskFailure(
            id=self.id,
            name=self.name,
            coroutine=self.coroutine,
            at=self.at,
            error=self.error,
            traceback=self.text(),
        )

    def text(self) -> str | None:
        """The traceback as text, for which the source is read now; None when there is none."""
        return _text_of(self.traceback) if self.traceback is not None else None


class Swept(NamedTuple):
    """Tasks that ended young, all of one sweep; about to become `EndedTask`s."""

    tasks: list[asyncio.Task[Any]]
    created_at: float
    ended_at: float


def name_of_coroutine(coroutine: object) -> str:
    """The qualified name of what a task runs, short enough to be shown; empty when unknown."""
    if coroutine is None:
        return ""
    name = getattr(coroutine, "__qualname__", None) or type(coroutine).__qualname__
    # "<locals>" and what is before it tell where a function was defined, not which it is.
    return str(name).rsplit("<locals>.", 1)[-1][:LONGEST_NAME]


def state_of_ended(task: asyncio.Task[Any]) -> TaskState:
    """How a task that is done has ended."""
    if task.cancelled():
        return TaskState.CANCELLED
    return TaskState.FINISHED if peek_exception(task) is None else TaskState.FAILED


class EndedTasks:
    """All that is known of a loop's ended tasks."""

    def __init__(
        self,
        record: Callable[[asyncio.Task[Any], float | None, float], EndedTask],
        forget: Callable[[list[asyncio.Task[Any]]], None],
        failure_of: Callable[[asyncio.Task[Any], float, bool], Failure | None],
    ) -> None:
        """`record` makes what is kept of a task, `forget` is told of the others; `failure_of` says
        why one failed, at that time, and whether with its traceback.
        """
        self._record: Final = record
        self._forget: Final = forget
        self._failure_of: Final = failure_of
        self.counts: Final = dict.fromkeys(
            (TaskState.FINISHED, TaskState.FAILED, TaskState.CANCELLED), 0
        )
        self.records: Final[deque[EndedTask]] = deque(maxlen=ENDED_KEPT)
        self.swept: Final[deque[Swept]] = deque()
        self.failures: Final[deque[Failure]] = deque(maxlen=FAILURES_KEPT)
        self._swept_size = 0

    def add(self, task: asyncio.Task[Any], created_at: float | None, now: float) -> None:
        """One task has ended, in this very moment."""
        state = state_of_ended(task)
        self.counts[state] += 1
        if state is TaskState.FAILED:
            self._add_failure(task, now, in_full=True)
        self.records.append(self._record(task, created_at, now))

    def sweep(
        self, tasks: list[asyncio.Task[Any]], created_at: float, now: float
    ) -> list[asyncio.Task[Any]]:
        """Count those that have ended, and return the others."""
        are_done = all_done(tasks)
        if False in are_done:
            living = [task for task, is_done in zip(tasks, are_done, strict=True) if not is_done]
            ended = list(compress(tasks, are_done))
        else:
            living, ended = [], tasks[:]
        if not ended:
            return living
        cancelled = all_cancelled(ended).count(True)
        failed = failed_among(ended)
        self.counts[TaskState.CANCELLED] += cancelled
        self.counts[TaskState.FAILED] += len(failed)
        self.counts[TaskState.FINISHED] += len(ended) - cancelled - len(failed)
        for number, task in enumerate(failed[-FAILURES_KEPT:]):
            self._add_failure(task, now, in_full=number < FAILURES_IN_FULL)
        self.swept.append(Swept(ended, created_at, now))
        self._swept_size += len(ended)
        while self._swept_size - len(self.swept[0].tasks) >= ENDED_KEPT:
            dropped = self.swept.popleft().tasks
            self._swept_size -= len(dropped)
            self._forget(dropped)
        return living

    def settle(self, before: float = math.inf) -> None:
        """Keep of the tasks swept before that only what is to be kept, and let go of them.

        In a storm no task is swept that long without being dropped, so none costs a record.
        """
        too_many = self._swept_size - ENDED_KEPT
        while self.swept and self.swept[0].ended_at < before:
            tasks, created_at, now = self.swept[0]
            start, too_many = max(0, min(too_many, len(tasks))), too_many - len(tasks)
            self._forget(tasks[:start])
            for task in tasks[start:]:
                self.records.append(self._record(task, created_at, now))
            self.swept.popleft()
            self._swept_size -= len(tasks)

    def _add_failure(self, task: asyncio.Task[Any], now: float, *, in_full: bool) -> None:
        failure = self._failure_of(task, now, in_full)
        if failure is not None:
            self.failures.append(failure)


def failure_of(
    task: asyncio.Task[Any], number: int, coroutine: str, now: float, *, in_full: bool = True
) -> Failure | None:
    """Why a task that has ended failed; None when it did not. `number` is the task's.

    Not asked for its coroutine, which crashes Python 3.12.1 when an eager one ended at birth.
    """
    error = None if task.cancelled() else peek_exception(task)
    if error is None:
        return None
    return Failure(
        number,
        task.get_name()[:LONGEST_NAME],
        coroutine,
        now,
        one_line(error),
        _traceback_of(error) if in_full else None,
    )


def _text_of(traceback: TracebackException) -> str | None:
    try:
        return "".join(traceback.format()).rstrip()[:LONGEST_TEXT]
    except BaseException:  # noqa: BLE001 - printing a user's exception runs the user's code
        return None


def _traceback_of(error: BaseException) -> TracebackException | None:
    try:
        return TracebackException(
            type(error),
            error,
            error.__traceback__,
            limit=-LONGEST_TRACEBACK,
            lookup_lines=False,
            compact=True,
        )
    except BaseException:  # noqa: BLE001 - it asks a user's exception for its text
        return None
