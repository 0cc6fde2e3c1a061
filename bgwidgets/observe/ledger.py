"""The book of a loop's tasks: who was born, who lives, how each ended, who had it cancelled.

Written in the loop's thread, read from any. A reader copies with single steps of C code, which
other threads see as a whole; a copy that a change interrupts is made again.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from bgwidgets.commands import END_OF_THE_LOOP, NOBODY_KNOWS, Asker
from bgwidgets.identifiers import new_id
from bgwidgets.observe.askers import find_asker
from bgwidgets.observe.asyncio_internals import (
    coroutine_of,
    future_waited_for,
    hide,
    peek_exception,
    running_loop_here,
)
from bgwidgets.observe.await_chain import kind_of_wait, place_until
from bgwidgets.observe.ended_tasks import (
    ENDED_KEPT,
    FAILURES_KEPT,
    LONGEST_NAME,
    EndedTask,
    EndedTasks,
    Failure,
    Swept,
    failure_of,
    name_of_coroutine,
    state_of_ended,
)
from bgwidgets.observe.error_text import one_line
from bgwidgets.observe.generations import Generations
from bgwidgets.observe.kept_rows import KeptRows
from bgwidgets.observe.swallowed import CANCELLING_IS_TRUE, PATIENCE, Cancelled, Swallowed
from bgwidgets.observe.task_births import Lists
from bgwidgets.observe.timings import Timings, timing_of
from bgwidgets.observe.warnings_kept import WarningsKept
from bgwidgets.observe.watched_task import listen, watched_task_class
from bgwidgets.snapshots import LoopHistory, ProgressSnapshot, TaskCancellation, TaskSnapshot
from bgwidgets.states import TaskState

CANCELLATIONS_KEPT: Final = 50
UNWATCHED_A_LOOK: Final = 500
LOOKED_AT_ONE_BY_ONE: Final = 5_000
"""Of more tasks, one that has just ended counts as unfinished until the loop's next turn."""
_COPY_ATTEMPTS: Final = 100
_COPY_AGAIN_AFTER: Final = 0.0005
"""Seconds."""
_DEFAULT_NAME: Final = re.compile(r"Task-\d+")

Entry = asyncio.Task[Any] | EndedTask
"""A task of the book: itself, or what is kept of it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _About:
    """What a task does not tell by itself."""

    is_main: bool = False
    called: str | None = None
    """What its owner calls it, for as long as it has no name of its own."""
    runs: str | None = None
    """The qualified name of what it runs, where its coroutine does not tell: a plain function in a
    worker thread, or what an eager task has run already."""


_NOTHING_ABOUT: Final = _About()


class Ledger:
    """All tasks of one loop: the unfinished, the last that ended, and exact counts of the ends."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        lists: Lists | None = None,
        warnings: WarningsKept | None = None,
        timings: Timings | None = None,
        bars: Callable[[asyncio.Task[Any]], tuple[ProgressSnapshot, ...]] = lambda _: (),
    ) -> None:
        """Watch `loop` from now on. Called in the loop's thread before it turns.

        Only tasks whose coroutine `lists` wants are entered: of the kernel's loop, the user's.
        Those that swallow their CancelledError are told of in the `warnings`.
        `timings` are those of this loop, if its tasks' times are taken. `bars` says which progress
        bars a task has, the one to be shown in its row first.
        """
        self._loop: Final = loop
        self._lists: Final = lists
        self._timings: Final = timings
        self._bars: Final = bars
        self._ended: Final = EndedTasks(self._record, self._forget, self._why_failed)
        self._generations: Final = Generations(
            loop, self._ended, lists, self._ended_at_birth, timings
        )
        self.rows: Final = KeptRows(loop)
        """Of tasks that were looked at. Any thread."""
        self._about: Final[dict[asyncio.Task[Any], _About]] = {}
        self._ids: Final[dict[asyncio.Task[Any], int]] = {}
        self._by_id: Final[dict[int, asyncio.Task[Any]]] = {}
        self._asked: Final[dict[asyncio.Task[Any], Cancelled]] = {}
        self._swallowed: Final = Swallowed(
            warnings or WarningsKept(), lambda task: self.about(task).runs is not None
        )
        self.cancellations: Final[deque[TaskCancellation]] = deque(maxlen=CANCELLATIONS_KEPT)
        """The last, latest last. Any thread may copy it."""
        self._seen_ended: Final[WeakKeyDictionary[asyncio.Task[Any], float]] = WeakKeyDictionary()
        self.in_the_name_of = END_OF_THE_LOOP
        """Who wants what this package cancels by itself. In the loop's thread."""
        self._watched: Final = watched_task_class()
        listen(loop, self._cancel_asked)

    # In the loop's thread

    def create_main(
        self,
        coroutine: Coroutine[Any, Any, Any],
        *,
        name: str,
        context: Context,
        runs: str | None = None,
    ) -> asyncio.Task[Any]:
        """Create the loop's main task. In the loop's thread."""
        task = self._generations.births.create(coroutine, name=name, context=context)
        self._about[task] = _About(
            is_main=True, runs=runs or (name_of_coroutine(coroutine) if task.done() else None)
        )
        self._generations.enter(task, time.time())
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
        if task.done() or (self._lists is not None and not self._lists(task.get_coro())):
            return
        if is_main or called:
            self._about[task] = _About(is_main=is_main, called=called)
        self._generations.enter(task, None)

    def cancel(self, tasks: Iterable[asyncio.Task[Any]], asker: Asker) -> None:
        """Cancel these in somebody's name. In the loop's thread."""
        with self.naming(asker):
            for task in tasks:
                if task.cancel() and not isinstance(task, self._watched):
                    self._cancel_asked(task)  # It does not tell by itself.

    @contextmanager
    def naming(self, asker: Asker) -> Iterator[None]:
        """What is cancelled meanwhile is cancelled in this one's name. In the loop's thread."""
        before, self.in_the_name_of = self.in_the_name_of, asker
        try:
            yield
        finally:
            self.in_the_name_of = before

    def settle(self) -> None:
        """Count what has ended, and let go of it; done by itself every tenth of a second. In the
        loop's thread.
        """
        self._generations.sweep()

    def is_main_now(self, task: asyncio.Task[Any]) -> None:
        """The loop's runner waits for this task now. In the loop's thread."""
        for other, about in list(self._about.items()):
            self._about[other] = replace(about, is_main=False)
        self._about[task] = replace(self.about(task), is_main=True)

    def close(self) -> None:
        """Watch no more births. In the loop's thread, or when the loop runs no more."""
        self._generations.close()
        if self._timings is not None:
            self._timings.close()

    def _ended_at_birth(self, task: asyncio.Task[Any], coroutine: object) -> None:
        self._about[task] = _About(runs=name_of_coroutine(coroutine))

    def _cancel_asked(self, task: asyncio.Task[Any]) -> None:
        cancellation = self._cancellation_of(task, find_asker(task) or self.in_the_name_of)
        self._asked[task] = self._swallowed.asked(task, cancellation)
        self.cancellations.append(cancellation)
        if task.done():
            self._asked.pop(task, None)

    def _cancellation_of(self, task: asyncio.Task[Any], asker: Asker) -> TaskCancellation:
        return TaskCancellation(
            name=self.name(task),
            coroutine=self.coroutine(task),
            at=time.time(),
            asked_by=asker.who,
            where=asker.where,
        )

    def judge_cancelled(self, *, at_the_end: bool = False) -> None:
        """Tell of the tasks that were cancelled a second ago and go on; of those that the end of
        the loop has left, at once. In the loop's thread, or when the loop runs no more.
        """
        # Nobody was told when these were cancelled. Not all of a great many at each look.
        unwatched = self._generations.unwatched if at_the_end or CANCELLING_IS_TRUE else ()
        for task in list(islice(unwatched, UNWATCHED_A_LOOK)):
            if task.cancelling() and task not in self._asked and not task.done():
                cancellation = self._cancellation_of(task, NOBODY_KNOWS)
                self._asked[task] = self._swallowed.found(task, cancellation)
        self._swallowed.look(patience=0.0 if at_the_end else PATIENCE)

    def _record(
        self, task: asyncio.Task[Any], created_at: float | None, ended_at: float
    ) -> EndedTask:
        about = self._about.pop(task, _NOTHING_ABOUT)
        if (asked := self._asked.pop(task, None)) is not None:
            self._swallowed.ended(task, asked)
        number = self._ids.pop(task, None)
        if number is not None:
            self._by_id.pop(number, None)
        seen = self._seen_ended.pop(task, ended_at) if self._seen_ended else ended_at
        return self._as_ended(task, about, number or new_id(), created_at, min(seen, ended_at))

    def _why_failed(self, task: asyncio.Task[Any], now: float, in_full: bool) -> Failure | None:
        # Its record, which is soon to be made, gets the same number.
        return failure_of(task, self._number(task), self.coroutine(task), now, in_full=in_full)

    def _forget(self, tasks: list[asyncio.Task[Any]]) -> None:
        if not (self._ids or self._asked or self._about):
            return
        for task in tasks:
            self._about.pop(task, None)
            self._asked.pop(task, None)
            number = self._ids.pop(task, None)
            if number is not None:
                self._by_id.pop(number, None)

    # From any thread

    def look(self, start: int = 0, stop: int | None = None) -> Look:
        """All tasks as they are at this moment. Any thread; does not block.

        Where there are very many, only those from `start` to before `stop` are copied, if it is
        given: a hundred thousand take two milliseconds, in which no other thread runs.
        """
        generations, ended = self._generations, self._ended

        def copy() -> Look:
            lasting, first = generations.lasting, 0
            total = len(lasting)
            if stop is None or total <= LOOKED_AT_ONE_BY_ONE:
                copied = list(lasting)
            else:
                first = min(start, total)
                copied = list(islice(lasting, first, max(first, stop)))
            return Look(
                self,
                lasting=copied,
                first=first,
                lasting_count=total,
                recent=[
                    *generations.survivors,
                    (generations.older, generations.older_since),
                    (list(generations.young), generations.young_since),
                ],
                swept=list(ended.swept),
                records=list(ended.records),
                counts=dict(ended.counts),
            )

        return self._consistent(copy)

    def _consistent(self, copy: Callable[[], T]) -> T:
        generations = self._generations
        for _ in range(_COPY_ATTEMPTS):
            before = generations.changes
            if before % 2 == 0:
                try:
                    found = copy()
                except RuntimeError:  # "changed size during iteration", by the other thread
                    continue
                if generations.changes == before:
                    return found
            if running_loop_here() is self._loop:
                break  # Called by what runs in the midst of it, a finalizer say: it would not end.
            # Lets the loop's thread go on. Not for 0 seconds, after which this thread would have
            # the interpreter again before the other has noticed.
            time.sleep(_COPY_AGAIN_AFTER)
        return copy()

    def task_of(self, task_id: int) -> asyncio.Task[Any] | None:
        """The unfinished task of that id. Any thread; does not block."""
        task = self._by_id.get(task_id)
        return None if task is None or task.done() else task

    def entry_of(self, task_id: int) -> Entry | None:
        """The task of that id, when it is unfinished or among the last that ended. Any thread."""
        if (task := self._by_id.get(task_id)) is not None:
            return task
        records = self._consistent(lambda: list(self._ended.records))
        return next((record for record in records if record.id == task_id), None)

    def knows(self, task_id: int) -> bool:
        """Whether a task of that id is unfinished or among the last that ended. Any thread."""
        return self.entry_of(task_id) is not None

    def failure(self, entry: Entry, *, at: float | None = None) -> Failure | None:
        """Why a task failed, as far as that is kept; None of every other. Any thread."""
        if not isinstance(entry, EndedTask):
            return failure_of(entry, self.id_of(entry), self.coroutine(entry), at or 0.0)
        failures = self._consistent(lambda: list(self._ended.failures))
        return next((failure for failure in failures if failure.id == entry.id), None)

    def counts(self) -> dict[TaskState, int]:
        """How many tasks are in each state, the ended since the start. Any thread."""
        return self.look(stop=0).counts()

    def stamp(self) -> object | None:
        """What stays the same as long as the counts do; None where they may change unnoticed. Any
        thread; does not block, and costs no more where there are many tasks.
        """
        generations = self._generations
        is_settled = not (
            generations.changes % 2
            or generations.young
            or generations.older
            or generations.survivors
            or generations.unwatched
            or self._asked
        )
        # A function in a worker thread runs, or waits for its thread: nobody is told which.
        if not is_settled or self.functions():
            return None
        return generations.changes, self.current() is None

    def unfinished(self) -> list[asyncio.Task[Any]]:
        """The unfinished tasks, oldest first. Any thread; does not block."""
        return self.look().unfinished

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks. Any thread; does not block, but formats the last
        tracebacks.
        """
        look = self.look(stop=0)
        counts = look.counts()
        failures = self._consistent(lambda: list(self._ended.failures))
        told = {failure.id for failure in failures}
        unseen = [
            task
            for task in look.ended
            if not isinstance(task, EndedTask)
            and state_of_ended(task) is TaskState.FAILED
            and self._ids.get(task) not in told
        ]
        recent = [
            failure
            for task in unseen[:FAILURES_KEPT]
            if (failure := self.failure(task, at=look.ended_at(task))) is not None
        ]
        return LoopHistory(
            births=sum(counts.values()),
            ends={state: count for state, count in counts.items() if state.has_ended},
            failures=tuple(each.as_value() for each in (*recent, *failures[::-1]))[:FAILURES_KEPT],
            cancellations=tuple(self._consistent(lambda: list(self.cancellations))[::-1]),
        )

    def id_of(self, task: asyncio.Task[Any]) -> int:
        """The number by which commands name a task; it is given when first asked for. Any thread.

        So a hundred thousand tasks that nobody looks at have none, and need no room for it.
        """
        number = self._ids.get(task)
        if number is not None:
            return number
        number = self._number(task)
        if task.done() and not self.look(stop=0).holds(task):
            # Its record was made while we looked, and will not come to take the number back.
            self._ids.pop(task, None)
            self._by_id.pop(number, None)
        return number

    def _number(self, task: asyncio.Task[Any]) -> int:
        number = self._ids.setdefault(task, new_id())
        self._by_id[number] = task
        return number

    def about(self, task: asyncio.Task[Any]) -> _About:
        """What is known of a task beyond itself. Any thread; does not block."""
        return self._about.get(task, _NOTHING_ABOUT)

    def name(self, entry: Entry) -> str:
        """A task's name now. Any thread; does not block."""
        if isinstance(entry, EndedTask):
            return entry.name
        return _name(entry, self.about(entry))

    def coroutine(self, entry: Entry) -> str:
        """The qualified name of what a task runs. Any thread; does not block."""
        if isinstance(entry, EndedTask):
            return entry.coroutine
        return self.about(entry).runs or name_of_coroutine(coroutine_of(entry))

    def state(self, entry: Entry) -> TaskState:
        """A task's state now. Any thread; does not block."""
        if isinstance(entry, EndedTask):
            return entry.state
        if entry.done():
            return state_of_ended(entry)
        if entry.cancelling() and self._is_to_end(entry):
            return TaskState.CANCELLING
        if asyncio.current_task(self._loop) is entry:
            return TaskState.RUNNING
        if self.about(entry).runs and kind_of_wait(entry) == "worker thread":
            return TaskState.RUNNING
        return TaskState.PENDING

    def _is_to_end(self, task: asyncio.Task[Any]) -> bool:
        asked = self._asked.get(task)
        return asked is None or asked.holds(task)

    def error(self, entry: Entry) -> str | None:
        """Why a task failed, in one line; None when it did not. Any thread; does not block."""
        if isinstance(entry, EndedTask):
            return entry.error
        if not entry.done() or entry.cancelled():
            return None
        error = peek_exception(entry)
        return one_line(error) if error is not None else None

    def progress(self, entry: Entry) -> tuple[ProgressSnapshot, ...]:
        """A task's progress bars, the one to be shown first. Any thread; does not block."""
        return entry.progress if isinstance(entry, EndedTask) else self._bars(entry)

    def place_until(self, task: asyncio.Task[Any]) -> tuple[str | None, str | None, float | None]:
        """What a task waits on, where, and how long that stays so. Any thread; does not block."""
        return (None, None, None) if task.done() else place_until(task)

    def kind_of_wait(self, entry: Entry) -> str | None:
        """What a task waits on, as tasks are sorted by it. Any thread; does not block."""
        return None if isinstance(entry, EndedTask) or entry.done() else kind_of_wait(entry)

    def perhaps_cancelling(self, recent: list[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
        """Tasks that are to be cancelled, and those that do not tell. Any thread.

        Of more silent ones than are looked at one by one, all are taken to be pending.
        """
        silent = [task for task in recent if not isinstance(task, self._watched)]
        unwatched = self._generations.unwatched
        if len(unwatched) <= LOOKED_AT_ONE_BY_ONE:
            silent += list(unwatched)
        return [*list(self._asked), *silent]

    def is_lasting(self, task: asyncio.Task[Any]) -> bool:
        """Whether it is entered by name. Any thread; does not block."""
        return task in self._generations.lasting

    def tasks_that_swallow(self) -> int:
        """How many go on although they were cancelled. Any thread; does not block."""
        return self._swallowed.count()

    def created_at(self, task: asyncio.Task[Any]) -> float | None:
        """When a lasting task was born; None where nobody saw it. Any thread; does not block."""
        return self._generations.lasting.get(task)

    def seen_ended_at(self, task: asyncio.Task[Any]) -> float:
        """When somebody first saw that it had ended, which may be now. Any thread."""
        return self._seen_ended.setdefault(task, time.time())

    def current(self) -> asyncio.Task[Any] | None:
        """The task whose turn it is. Any thread; does not block."""
        return asyncio.current_task(self._loop)

    def functions(self) -> list[asyncio.Task[Any]]:
        """The tasks that stand for a function in a worker thread. Any thread; does not block."""
        return [task for task, about in list(self._about.items()) if about.runs]

    def _as_ended(
        self,
        task: asyncio.Task[Any],
        about: _About,
        number: int,
        created_at: float | None,
        ended_at: float,
    ) -> EndedTask:
        state = state_of_ended(task)
        return EndedTask(
            number,
            _name(task, about),
            about.runs or name_of_coroutine(coroutine_of(task)),
            state,
            created_at,
            ended_at,
            self.error(task) if state is TaskState.FAILED else None,
            about.is_main,
            timing_of(task) if self._timings is not None else None,
            self._bars(task),
        )


def _name(task: asyncio.Task[Any], about: _About) -> str:
    name = task.get_name()[:LONGEST_NAME]
    return about.called if about.called and _DEFAULT_NAME.fullmatch(name) else name


class Look:
    """All tasks of a loop as they were at one moment. Rows are made of those that are shown."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        lasting: list[asyncio.Task[Any]],
        first: int,
        lasting_count: int,
        recent: list[tuple[list[asyncio.Task[Any]], float]],
        swept: list[Swept],
        records: list[EndedTask],
        counts: dict[TaskState, int],
    ) -> None:
        self._ledger: Final = ledger
        self._lasting: Final = lasting
        self._first: Final = first
        """The place of the first of these."""
        self._lasting_count: Final = lasting_count
        """How many there are, copied or not."""
        self._recent: Final = recent
        self._swept: Final = swept
        self._records: Final = records
        self._counts: Final = counts

    def holds(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task was in the book, and was itself still held."""
        return task in self._births or self._ledger.is_lasting(task)

    @cached_property
    def unfinished(self) -> list[asyncio.Task[Any]]:
        """The unfinished tasks, oldest first; only for a look at all of them."""
        lasting, recent = self._lasting_tasks[0], self._recent_tasks[0]
        return [*lasting, *recent] if recent else lasting

    @property
    def unfinished_count(self) -> int:
        """How many unfinished tasks there are."""
        ended = len(self._lasting_tasks[1])
        return self._lasting_count - ended + len(self._recent_tasks[0])

    def unfinished_between(self, start: int, stop: int) -> list[asyncio.Task[Any]]:
        """The unfinished tasks of these places, which the look was for."""
        if len(self._lasting) == self._lasting_count:
            return self.unfinished[start:stop]
        lasting = self._lasting[max(0, start - self._first) : max(0, stop - self._first)]
        recent = self._recent_tasks[0]
        count = self._lasting_count
        return [*lasting, *recent[max(0, start - count) : max(0, stop - count)]]

    @cached_property
    def ended(self) -> list[Entry]:
        """The last that ended, latest first."""
        swept = [task for each in self._swept for task in each.tasks]
        ended: list[Entry] = [
            *self._records,
            *swept,
            *self._lasting_tasks[1],
            *self._recent_tasks[1],
        ]
        return ended[: -ENDED_KEPT - 1 : -1]

    def counts(self) -> dict[TaskState, int]:
        """How many are in each state, the ended since the start."""
        ledger = self._ledger
        counts = dict.fromkeys(TaskState, 0) | self._counts
        for task in (*self._lasting_tasks[1], *self._recent_tasks[1]):
            counts[state_of_ended(task)] += 1
        others = self._not_pending()
        for task in others:
            counts[ledger.state(task)] += 1
        counts[TaskState.PENDING] += self.unfinished_count - len(others)
        return counts

    def _not_pending(self) -> set[asyncio.Task[Any]]:
        """The unfinished that may be something else than pending, and few others."""
        ledger = self._ledger
        recent = self._recent_tasks[0]
        candidates = [*ledger.perhaps_cancelling(recent), *ledger.functions()]
        if (current := ledger.current()) is not None:
            candidates.append(current)
        if not candidates:
            return set()
        mine = set(self._recent_tasks[0])
        return {
            task
            for task in candidates
            if not task.done() and (task in mine or ledger.is_lasting(task))
        }

    def created_at(self, task: asyncio.Task[Any]) -> float | None:
        """When a task was born, to within a tenth of a second; None where nobody saw it."""
        if (created := self._births.get(task)) is not None:
            return created
        return self._ledger.created_at(task)

    @cached_property
    def _births(self) -> dict[asyncio.Task[Any], float]:
        swept = ((each.tasks, each.created_at) for each in self._swept)
        return {task: since for tasks, since in (*self._recent, *swept) for task in tasks}

    @cached_property
    def _ends(self) -> dict[asyncio.Task[Any], float]:
        return {task: each.ended_at for each in self._swept for task in each.tasks}

    def ended_at(self, entry: Entry) -> float | None:
        """When a task ended, to within a tenth of a second."""
        if isinstance(entry, EndedTask):
            return entry.ended_at
        if not entry.done():
            return None
        return self._ends.get(entry) or self._ledger.seen_ended_at(entry)

    def row(self, entry: Entry) -> TaskSnapshot:
        """A task as it stands now. Any thread; does not block."""
        ledger = self._ledger
        progress = next(iter(ledger.progress(entry)), None)
        if isinstance(entry, EndedTask):
            return TaskSnapshot(
                id=entry.id,
                name=entry.name,
                coroutine=entry.coroutine,
                state=entry.state,
                created_at=entry.created_at,
                ended_at=entry.ended_at,
                progress=progress,
                error=entry.error,
                is_main=entry.is_main,
            )
        if (kept := ledger.rows.get(entry, ledger.about(entry))) is not None:
            return kept if progress is None else replace(kept, progress=progress)
        number = ledger.id_of(entry)
        future = future_waited_for(entry)  # Before its place: that may only be too old.
        waiting_on, where, until = ledger.place_until(entry)
        state = ledger.state(entry)
        row = TaskSnapshot(
            id=number,
            name=ledger.name(entry),
            coroutine=ledger.coroutine(entry),
            state=state,
            created_at=self.created_at(entry),
            ended_at=self.ended_at(entry) if state.has_ended else None,
            waiting_on=waiting_on,
            where=where,
            error=ledger.error(entry),
            is_main=ledger.about(entry).is_main,
        )
        ledger.rows.keep(entry, row, future, until, ledger.about(entry))
        return row if progress is None else replace(row, progress=progress)

    @cached_property
    def _recent_tasks(self) -> tuple[list[asyncio.Task[Any]], list[asyncio.Task[Any]]]:
        """Those not in the book yet: the unfinished, and the ended."""
        return _parted([task for tasks, _ in self._recent for task in tasks])

    @cached_property
    def _lasting_tasks(self) -> tuple[list[asyncio.Task[Any]], list[asyncio.Task[Any]]]:
        if len(self._lasting) > LOOKED_AT_ONE_BY_ONE:
            return self._lasting, []
        return _parted(self._lasting)


def _parted(
    tasks: list[asyncio.Task[Any]],
) -> tuple[list[asyncio.Task[Any]], list[asyncio.Task[Any]]]:
    """The unfinished, and the ended."""
    ended = {task for task in tasks if task.done()}
    if not ended:
        return tasks, []
    return [task for task in tasks if task not in ended], [task for task in tasks if task in ended]
