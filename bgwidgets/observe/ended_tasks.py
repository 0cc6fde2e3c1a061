"""What is kept of tasks that have ended: exact counts, the last ones, why the last ones failed, and
who had the last ones cancelled.

Written in the loop's thread. Readers copy with single steps of C code.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable
from itertools import compress
from traceback import TracebackException
from typing import Any, Final, NamedTuple, final

from bgwidgets.observe.asyncio_internals import (
    all_cancelled,
    all_done,
    failed_among,
    peek_exception,
)
from bgwidgets.observe.error_text import (
    LONGEST_TEXT,
    at_a_glance,
    has_plain_traceback,
    one_line,
    traceback_of,
)
from bgwidgets.observe.known_times import Births, births_among, births_of_last, known_end
from bgwidgets.observe.names import name_of
from bgwidgets.observe.timings import TaskTiming
from bgwidgets.snapshots import ProgressSnapshot, TaskFailure
from bgwidgets.states import TaskState

ENDED_KEPT: Final = 1_000
FAILURES_KEPT: Final = 50
FAILURES_IN_FULL: Final = 20
"""So many in one sweep get their traceback; what fails a thousand times a second is told by one."""
LONGEST_TRACEBACK: Final = 30
"""Frames."""
RECORDS_A_SECOND: Final = 1_000
"""A record takes a microsecond and a half, to count a task a tenth of one. In a storm ten times as
many end, and more: nobody can follow it, so there are records of some of them.
"""
RECORDS_A_TICK: Final = 64
"""Of the tasks that are swept at a tick at least so many, for they may be the last for a while."""


@final
class OfTask(weakref.ref[asyncio.Task[Any]]):
    """Which task something is kept of. It is like no other, and never asks the task, which may be
    gone, or compare itself as it likes.
    """

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__


@final
class EndedTask(NamedTuple):
    """What is kept of one task. The task itself, its result and its error are not."""

    id: int
    name: str
    coroutine: str
    state: TaskState
    created_at: float | None
    ended_at: float | None
    error: str | None
    is_main: bool
    timing: TaskTiming | None
    progress: tuple[ProgressSnapshot, ...]
    of: OfTask
    """The task, for those who still hold it: a reader that looked before the record was made."""


class Failure(NamedTuple):
    """Why one task failed. No frame is kept alive: the text is made when somebody wants it."""

    id: int
    name: str
    coroutine: str
    at: float
    error: str
    traceback: TracebackException | None
    of: OfTask
    """As of `EndedTask`."""

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


Entry = asyncio.Task[Any] | EndedTask
"""A task of the book: itself, or what is kept of it. Which of the two, its `type()` tells: asked by
`isinstance`, a task may have an answer of its own."""


def state_of_ended(task: asyncio.Task[Any]) -> TaskState:
    """How a task that is done has ended."""
    if task.cancelled():
        return TaskState.CANCELLED
    return TaskState.FINISHED if peek_exception(task) is None else TaskState.FAILED


def can_be_judged(task: asyncio.Task[Any]) -> bool:
    """Whether a task tells whether it has ended, and how. In the loop's thread; never raises."""
    try:
        return not task.done() or state_of_ended(task).has_ended
    except Exception:  # noqa: BLE001 - a user's kind of task may raise anything
        return False


def error_of(task: asyncio.Task[Any]) -> str | None:
    """Why a task failed, in one line; None when it did not. In the loop's thread."""
    if not task.done() or task.cancelled():
        return None
    error = peek_exception(task)
    return one_line(error) if error is not None else None


def error_at_a_glance(task: asyncio.Task[Any]) -> str | None:
    """The same, but only its type where the text is the user's code to make, which may take any
    time: for whoever is not in the loop's thread.
    """
    error = peek_exception(task) if task.done() and not task.cancelled() else None
    return at_a_glance(error) if error is not None else None


def tells_by_itself(task: asyncio.Task[Any]) -> bool:
    """Whether an ended task tells why it failed, and where, without the user's code. Any thread."""
    error = None if task.cancelled() else peek_exception(task)
    return error is None or has_plain_traceback(error)


class End(NamedTuple):
    """How one task has ended; not in the book yet."""

    task: asyncio.Task[Any]
    state: TaskState
    failure: Failure | None


class Judged(NamedTuple):
    """Of some tasks those that have ended, and how; not in the book yet."""

    living: list[asyncio.Task[Any]]
    ended: list[asyncio.Task[Any]]
    births: Births
    """Of the living."""
    created_at: list[float | None]
    """Of the last, of which a record is to be made."""
    ended_at: float | None
    counts: dict[TaskState, int]
    failures: list[Failure]
    errors: dict[int, str]
    """Why those failed that are to be recorded, by their `id()`."""


class EndedTasks:
    """All that is known of a loop's ended tasks.

    How a task ended is found out first, for that may run code of the user's (an error's `__str__`),
    and written in the book afterwards, in a moment: nobody can read it meanwhile.
    """

    def __init__(
        self,
        record: Callable[[asyncio.Task[Any], float | None, float | None, str | None], EndedTask],
        forget: Callable[[list[asyncio.Task[Any]]], None],
        failure_of: Callable[[asyncio.Task[Any], float, bool], Failure | None],
    ) -> None:
        """`record` makes what is kept of a task with that error, `forget` is told of the others;
        `failure_of` says why one failed, at that time, and whether with its traceback.
        """
        self._record: Final = record
        self._forget: Final = forget
        self._failure_of: Final = failure_of
        self.counts: Final = dict.fromkeys(
            (TaskState.FINISHED, TaskState.FAILED, TaskState.CANCELLED), 0
        )
        self.records: Final[deque[EndedTask]] = deque(maxlen=ENDED_KEPT)
        self.failures: Final[deque[Failure]] = deque(maxlen=FAILURES_KEPT)
        self._room = float(ENDED_KEPT)
        """So many more records may be made of tasks that ended young."""
        self._room_at = 0.0

    # Found out

    def end_of(self, task: asyncio.Task[Any], now: float) -> End:
        """How this one has ended, in this very moment."""
        state = state_of_ended(task)
        failure = self._failure_of(task, now, True) if state is TaskState.FAILED else None
        return End(task, state, failure)

    def judge(
        self,
        tasks: list[asyncio.Task[Any]],
        births: Births,
        ended_since: float,
        now: float,
        *,
        at_least: int = 0,
    ) -> Judged:
        """Which of these, which are young, have ended, and how; none had at the moment
        `ended_since`. Of `at_least` so many of them a record is to be made.
        """
        are_done = all_done(tasks)
        if False in are_done:
            living = [task for task, is_done in zip(tasks, are_done, strict=True) if not is_done]
            ended = list(compress(tasks, are_done))
        else:
            living, ended = [], tasks[:]
        if births[1]:
            left = births_among(births, [not is_done for is_done in are_done])
        else:
            left = births[0], []
        cancelled = all_cancelled(ended).count(True)
        failed = failed_among(ended)
        recorded = self._take_room(len(ended), now, at_least)
        ended_at = known_end(ended_since, now) if recorded or failed else None
        failures = [
            self._failure_of(task, now if ended_at is None else ended_at, number < FAILURES_IN_FULL)
            for number, task in enumerate(failed[-FAILURES_KEPT:])
        ]
        counts = {
            TaskState.CANCELLED: cancelled,
            TaskState.FAILED: len(failed),
            TaskState.FINISHED: len(ended) - cancelled - len(failed),
        }
        known = [failure for failure in failures if failure is not None]
        errors = {
            id(task): error_of(task) or ""
            for task in (failed_among(ended[len(ended) - recorded :]) if failed else ())
        }
        created_at = births_of_last(recorded, are_done, births, now) if recorded else []
        return Judged(living, ended, left, created_at, ended_at, counts, known, errors)

    def _take_room(self, wanted: int, now: float, at_least: int) -> int:
        """Of how many tasks of so many a record may be made."""
        more = max(0.0, now - self._room_at) * RECORDS_A_SECOND
        room = min(ENDED_KEPT, self._room + more)
        granted = min(wanted, max(int(room), at_least), ENDED_KEPT)
        self._room, self._room_at = max(0.0, room - granted), now
        return granted

    # Written

    def add(self, end: End, created_at: float | None, ended_at: float | None) -> None:
        """This task has ended."""
        self.counts[end.state] += 1
        if end.failure is not None:
            self.failures.append(end.failure)
        error = end.failure.error if end.failure is not None else None
        self._keep_record(end.task, created_at, ended_at, error)

    def add_all(self, judged: Judged) -> list[asyncio.Task[Any]]:
        """These have ended, and nothing but records is kept of them. Returns them: let go of them
        when the book may be read again, for what they hold may be the user's, and ask for it.
        """
        ended = judged.ended
        if not ended:
            return []
        for state, count in judged.counts.items():
            self.counts[state] += count
        self.failures.extend(judged.failures)
        recorded = len(ended) - len(judged.created_at)
        if recorded:
            self._forget(ended[:recorded])
        for task, created_at in zip(ended[recorded:], judged.created_at, strict=True):
            error = judged.errors.get(id(task))
            self._keep_record(task, created_at, judged.ended_at, error)
        return ended

    def _keep_record(
        self,
        task: asyncio.Task[Any],
        created_at: float | None,
        ended_at: float | None,
        error: str | None,
    ) -> None:
        try:
            self.records.append(self._record(task, created_at, ended_at, error))
        except Exception:  # noqa: BLE001 - what is the user's there may raise anything
            # It is counted already, and must not be again, nor keep others from being counted.
            self._forget([task])


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
        name_of(task),
        coroutine,
        now,
        one_line(error),
        _traceback_of(error) if in_full else None,
        OfTask(task),
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
            traceback_of(error),
            limit=-LONGEST_TRACEBACK,
            lookup_lines=False,
            compact=True,
        )
    except BaseException:  # noqa: BLE001 - it asks a user's exception for its text
        return None
