"""The book of a loop's tasks: who was born, who lives, how each ended.

Written in the loop's thread, read from any. A reader copies with single steps of C code, which
other threads see as a whole; the rare copy that a change interrupts is made again.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable
from contextvars import Context
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from bgwidgets.identifiers import new_id
from bgwidgets.observe.asyncio_internals import hide, peek_exception
from bgwidgets.observe.await_chain import place_of
from bgwidgets.observe.error_text import one_line
from bgwidgets.snapshots import TaskSnapshot
from bgwidgets.states import TaskState

ENDED_KEPT: Final = 1_000
LONGEST_NAME: Final = 200
_COPY_ATTEMPTS: Final = 100
_DEFAULT_NAME: Final = re.compile(r"Task-\d+")

T = TypeVar("T")


class _End(NamedTuple):
    """What is kept of a task that has ended. A tuple, for this is made once for every task."""

    state: TaskState
    name: str
    coroutine: str
    error: str | None


class TaskRecord:
    """One task's line in the book."""

    __slots__ = ("called", "created_at", "end", "ended_at", "id", "is_main", "runs", "task")

    end: _End | None
    """How it ended; the task itself is not kept any longer than that."""

    def __init__(
        self,
        task: asyncio.Task[Any],
        *,
        is_main: bool = False,
        runs: str | None = None,
        called: str | None = None,
    ) -> None:
        self.id = new_id()
        self.called = called
        """What its owner calls it, for as long as it has no name of its own."""
        self.task: asyncio.Task[Any] | None = task
        self.is_main = is_main
        self.runs = runs
        """The qualified name of what the task runs, where its coroutine does not tell: a plain
        function in a worker thread, or what an eager task has run already."""
        self.created_at = time.time()
        self.ended_at: float | None = None
        self.end = None

    def state(self) -> TaskState:
        """The task's state now. Any thread; does not block."""
        task = self.task
        if task is None or task.done():
            return self.end.state if self.end else _state_of_done(task)
        if task.cancelling():
            return TaskState.CANCELLING
        if asyncio.current_task(task.get_loop()) is task:
            return TaskState.RUNNING
        if self.runs and place_of(task)[0] == "worker thread":
            return TaskState.RUNNING
        return TaskState.PENDING

    def name(self) -> str:
        """The task's name now. Any thread; does not block."""
        task = self.task
        if task is not None:
            name = task.get_name()[:LONGEST_NAME]
            return self.called if self.called and _DEFAULT_NAME.fullmatch(name) else name
        return self.end.name if self.end else ""

    def coroutine(self) -> str:
        """The qualified name of what the task runs. Any thread; does not block."""
        if self.runs is not None:
            return self.runs
        task = self.task
        if task is None:
            return self.end.coroutine if self.end else ""
        return _name_of(task.get_coro())

    def error(self) -> str | None:
        """Why the task failed, in one line; None when it did not. Any thread; does not block."""
        task = self.task
        if self.end is not None or task is None or not task.done() or task.cancelled():
            return self.end.error if self.end else None
        error = peek_exception(task)
        return one_line(error) if error is not None else None

    def place(self) -> tuple[str | None, str | None]:
        """What the task waits on, and where. Any thread; does not block."""
        task = self.task
        return (None, None) if task is None or task.done() else place_of(task)

    def snapshot(self) -> TaskSnapshot:
        """The task as it stands now. Any thread; does not block."""
        waiting_on, where = self.place()
        return TaskSnapshot(
            id=self.id,
            name=self.name(),
            coroutine=self.coroutine(),
            state=self.state(),
            created_at=self.created_at,
            ended_at=self.ended_at,
            waiting_on=waiting_on,
            where=where,
            error=self.error(),
            is_main=self.is_main,
        )


class Ledger:
    """All tasks of one loop: the unfinished, the last that ended, and exact counts of the ends."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        lists: Callable[[object], bool] = lambda _coroutine: True,
    ) -> None:
        """Watch `loop` from now on. Called in the loop's thread before it turns.

        Only tasks whose coroutine `lists` wants are entered: of the kernel's loop, the user's.
        """
        self._loop: Final = loop
        self._lists: Final = lists
        self._unfinished: Final[dict[int, TaskRecord]] = {}
        self._ended: Final[deque[TaskRecord]] = deque(maxlen=ENDED_KEPT)
        self._ends: Final[Counter[TaskState]] = Counter()
        # Held while a task goes from one of these to the others. Reentrant, for a reader's copy may
        # set off the garbage collector, and that a user's code.
        self._turning_over: Final = threading.RLock()
        self._create_task: Final = loop.create_task
        self._watches_by_factory = False
        self._watch()

    def _watch(self) -> None:
        # On the instance, and not as a task factory: a user may set one of those at any time.
        create_task = self._create_task
        born = self._born

        def create_and_note(coro: Any, **options: Any) -> asyncio.Task[Any]:
            task = create_task(coro, **options)
            born(task, coro)
            return task

        try:
            self._loop.create_task = create_and_note  # type: ignore[method-assign]
        except AttributeError:  # A loop in C may have no room for attributes of ours.
            self._watches_by_factory = True
            self._watch_by_factory()

    def _watch_by_factory(self) -> None:
        def make(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
            task = asyncio.Task(coro, loop=loop, **options)
            self._born(task, coro)
            return task

        self._loop.set_task_factory(make)

    def create_main(
        self,
        coroutine: Coroutine[Any, Any, Any],
        *,
        name: str,
        context: Context,
        runs: str | None = None,
    ) -> asyncio.Task[Any]:
        """Create the loop's main task. In the loop's thread."""
        if self._watches_by_factory:
            task = asyncio.Task(coroutine, loop=self._loop, name=name, context=context)
        else:
            task = self._create_task(coroutine, name=name, context=context)
        self._born(task, coroutine, is_main=True, runs=runs)
        return task

    def create_unlisted(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Create a task of our own, which no list shows, nor asyncio's. In the loop's thread."""
        task = asyncio.Task(coroutine, loop=self._loop)
        hide(task)
        return task

    def note(
        self, task: asyncio.Task[Any], *, is_main: bool = False, called: str | None = None
    ) -> None:
        """Enter a task that was born before the watch began. In the loop's thread.

        It is shown as what it is `called`, unless somebody gave it a name.
        """
        if not task.done():
            self._born(task, task.get_coro(), is_main=is_main, called=called)

    def is_main_now(self, task: asyncio.Task[Any]) -> None:
        """The loop's runner waits for this task now. In the loop's thread."""
        for record in self.unfinished():
            record.is_main = record.task is task

    def close(self) -> None:
        """Watch no more births. In the loop's thread."""
        if self._watches_by_factory:
            self._loop.set_task_factory(None)
        else:
            self._loop.create_task = self._create_task  # type: ignore[method-assign]

    def _born(
        self,
        task: asyncio.Task[Any],
        coroutine: object,
        *,
        is_main: bool = False,
        runs: str | None = None,
        called: str | None = None,
    ) -> None:
        if not self._lists(coroutine):
            return
        record = TaskRecord(task, is_main=is_main, runs=runs, called=called)
        if task.done():
            # An eager task may be, before anybody has seen it, and then it has no coroutine left.
            record.runs = runs or _name_of(coroutine)
        # Also when it is done: until Python 3.13, `asyncio.create_task` names it only after this.
        self._unfinished[record.id] = record
        task.add_done_callback(partial(self._died, record))

    def _died(self, record: TaskRecord, task: asyncio.Task[Any]) -> None:
        state = _state_of_done(task)
        error = peek_exception(task) if state is TaskState.FAILED else None
        text = one_line(error) if error is not None else None
        record.ended_at = time.time()
        record.end = _End(state, record.name(), record.coroutine(), text)
        record.task = None
        with self._turning_over:
            self._ends[state] += 1
            self._ended.append(record)
            self._unfinished.pop(record.id, None)

    def unfinished(self) -> list[TaskRecord]:
        """The unfinished tasks, oldest first. Any thread; does not block."""
        return _copied(self._unfinished.values)

    def all(self) -> tuple[list[TaskRecord], list[TaskRecord]]:
        """The unfinished and the last that ended, each task in one of them. Any thread."""
        with self._turning_over:
            return self.unfinished(), self.ended()

    def ended(self) -> list[TaskRecord]:
        """The last tasks that ended, latest first. Any thread; does not block."""
        return _copied(lambda: self._ended)[::-1]

    def task_of(self, task_id: int) -> asyncio.Task[Any] | None:
        """The unfinished task of that id. Any thread; does not block."""
        record = self._unfinished.get(task_id)
        return record.task if record else None

    def knows(self, task_id: int) -> bool:
        """Whether a task of that id is unfinished or among the last that ended. Any thread."""
        return any(task_id == record.id for records in self.all() for record in records)

    def counts(self) -> dict[TaskState, int]:
        """How many tasks are in each state, the ended since the start. Any thread."""
        with self._turning_over:
            counts = dict.fromkeys(TaskState, 0) | self._ends
            unfinished = self.unfinished()
        for record in unfinished:
            counts[record.state()] += 1
        return counts


def _name_of(coroutine: object) -> str:
    name = getattr(coroutine, "__qualname__", None) or type(coroutine).__qualname__
    # "<locals>" and what is before it tell where a function was defined, not which it is.
    return str(name).rsplit("<locals>.", 1)[-1][:LONGEST_NAME]


def _state_of_done(task: asyncio.Task[Any] | None) -> TaskState:
    if task is None or task.cancelled():
        return TaskState.CANCELLED
    return TaskState.FINISHED if peek_exception(task) is None else TaskState.FAILED


def _copied(source: Callable[[], Iterable[T]]) -> list[T]:
    """A list of what another thread may be changing."""
    for _ in range(_COPY_ATTEMPTS):
        try:
            return list(source())
        except RuntimeError:  # "changed size during iteration", by the other thread
            continue
    return []
