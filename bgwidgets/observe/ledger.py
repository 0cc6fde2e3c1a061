"""The book of a loop's tasks: who was born, who lives, how each ended, who had it cancelled.

Written in the loop's thread, read from any. What is in it has modules of its own: `generations` the
living by their age, `ended_tasks` what is kept of the others, `known_tasks` names and numbers,
`cancellations` who is to end and who wants it; and `look` is how it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from contextlib import AbstractContextManager
from contextvars import Context
from typing import Any, Final

from bgwidgets.commands import Asker
from bgwidgets.identifiers import new_id
from bgwidgets.observe.asyncio_internals import coroutine_of, hide
from bgwidgets.observe.cancellations import Cancellations
from bgwidgets.observe.consistent_copy import Unsettled, listed
from bgwidgets.observe.ended_tasks import (
    FAILURES_KEPT,
    EndedTask,
    EndedTasks,
    Entry,
    Failure,
    OfTask,
    failure_of,
    state_of_ended,
    tells_by_itself,
)
from bgwidgets.observe.generations import Generations
from bgwidgets.observe.group_leftovers import group_leftovers
from bgwidgets.observe.kept_windows import KeptWindows
from bgwidgets.observe.known_tasks import About, KnownTasks, named, runs
from bgwidgets.observe.look import Look, Looks
from bgwidgets.observe.names import name_of_coroutine
from bgwidgets.observe.task_births import Lists
from bgwidgets.observe.task_states import TaskStates
from bgwidgets.observe.timings import Timings
from bgwidgets.observe.warnings_kept import WarningsKept
from bgwidgets.snapshots import LoopHistory, ProgressSnapshot
from bgwidgets.states import TaskState


class BookChanges:
    """Whether anything has changed in the book, told for less than by its `stamp`."""

    __slots__ = ("_any_to_end", "_generations", "_young")

    def __init__(self, generations: Generations, cancellations: Cancellations) -> None:
        self._generations: Final = generations
        self._young: Final = generations.young
        self._any_to_end: Final = cancellations.any_to_end

    def none_since(self, changes: int) -> bool:
        """Whether no task was born, has ended or is to end since the book was settled at that
        number. Not whether one runs. Any thread; does not block.
        """
        return self._generations.changes == changes and not self._young and not self._any_to_end()


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
        self._known: Final = KnownTasks()
        self._cancellations: Final = Cancellations(loop, self._known, warnings or WarningsKept())
        self._ended: Final = EndedTasks(self._record, self._forget, self._why_failed)
        self._generations: Final = Generations(
            loop, self._ended, lists, self._ended_at_birth, timings
        )
        self.states: Final = TaskStates(loop, self._known, self._cancellations)
        """How each task stands. Any thread."""
        self._looks: Final = Looks(
            loop, self._generations, self._ended, self.states, bars, are_timed=timings is not None
        )
        self.changes: Final = BookChanges(self._generations, self._cancellations)
        self.windows: Final = KeptWindows(
            self._looks.rows, self._places_stamp, self._known.about, bars
        )
        """Of tasks that were looked at. Any thread."""

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
        has_ended = name_of_coroutine(coroutine) if task.done() else None
        self._known.note(task, About(is_main=True, runs=runs or has_ended))
        self._generations.enter_now(task)
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
        if task.done() or (self._lists is not None and not self._lists(coroutine_of(task))):
            return
        if is_main or called:
            self._known.note(task, About(is_main=is_main, called=called))
        group_leftovers.note_found(task)
        self._generations.enter(task, None)

    def cancel(self, tasks: Iterable[asyncio.Task[Any]], asker: Asker | None = None) -> None:
        """Cancel these in somebody's name, by default of whom all is done at the moment. In the
        loop's thread.
        """
        self._cancellations.cancel(tasks, asker)

    def naming(self, asker: Asker) -> AbstractContextManager[None]:
        """What is cancelled meanwhile is cancelled in this one's name. In the loop's thread."""
        return self._cancellations.naming(asker)

    def all_is_done_for(self, asker: Asker) -> None:
        """From now on what this package cancels is cancelled in this one's name. In the loop's
        thread.
        """
        self._cancellations.in_the_name_of = asker

    def settle(self) -> None:
        """Count what has ended, and let go of it; done by itself every tenth of a second. In the
        loop's thread.
        """
        self._generations.sweep()

    def is_main_now(self, task: asyncio.Task[Any]) -> None:
        """The loop's runner waits for this task now. In the loop's thread."""
        self._known.is_main_now(task)

    def close(self) -> None:
        """Watch no more births. In the loop's thread, or when the loop runs no more."""
        self._generations.close()
        if self._timings is not None:
            self._timings.close()

    def judge_cancelled(self, *, at_the_end: bool = False) -> None:
        """Tell of the tasks that were cancelled a second ago and go on; of those that the end of
        the loop has left, at once. In the loop's thread, or when the loop runs no more.
        """
        self._cancellations.judge(self._generations.unwatched, at_the_end=at_the_end)

    def _ended_at_birth(self, task: asyncio.Task[Any], coroutine: object) -> None:
        self._known.note(task, About(runs=name_of_coroutine(coroutine)))

    def _record(
        self,
        task: asyncio.Task[Any],
        created_at: float | None,
        ended_at: float | None,
        error: str | None,
    ) -> EndedTask:
        self._cancellations.ended(task)
        about, number = self._known.take(task)
        times = self._looks.times
        created_at, ended_at = times.life_of(task, created_at, ended_at)
        return EndedTask(
            number or new_id(),
            named(task, about),
            runs(task, about),
            state_of_ended(task),
            created_at,
            ended_at,
            error,
            about.is_main,
            times.timing(task),
            self._bars(task),
            OfTask(task),
        )

    def _why_failed(self, task: asyncio.Task[Any], now: float, in_full: bool) -> Failure | None:
        # Its record, which is soon to be made, gets the same number.
        number = self._known.number(task)
        return failure_of(task, number, self.coroutine(task), now, in_full=in_full)

    def _forget(self, tasks: list[asyncio.Task[Any]]) -> None:
        self._cancellations.forget(tasks)
        self._known.forget(tasks)

    # From any thread. What looks at all tasks raises `Unsettled` where `consistent_copy` does.

    def look(self, start: int = 0, stop: int | None = None) -> Look:
        """All tasks as they are at this moment; see `Looks.take`. Any thread."""
        return self._looks.take(start, stop)

    def task_of(self, task_id: int) -> asyncio.Task[Any] | None:
        """The unfinished task of that id. Any thread; does not block."""
        task = self._known.task_of(task_id)
        return None if task is None or task.done() else task

    def entry_of(self, task_id: int) -> Entry | None:
        """The task of that id, when it is unfinished or among the last that ended. Any thread."""
        if (task := self._known.task_of(task_id)) is not None:
            return task
        records = listed(self._ended.records)
        return next((record for record in records if record.id == task_id), None)

    def knows(self, task_id: int) -> bool:
        """Whether a task of that id is unfinished or among the last that ended. Any thread."""
        return self.entry_of(task_id) is not None

    def failure(self, entry: Entry, *, at: float | None = None) -> Failure | None:
        """Why a task failed, as far as that is kept; None of every other. Any thread."""
        if type(entry) is not EndedTask:
            number, coroutine = self.id_of(entry), self.coroutine(entry)
            if self.states.is_own_thread() or tells_by_itself(entry):
                return failure_of(entry, number, coroutine, at or 0.0)
            error = self.states.error(entry)  # All that is known without the user's code.
            if error is None:
                return None
            name = self.name(entry)
            return Failure(number, name, coroutine, at or 0.0, error, None, OfTask(entry))
        failures = listed(self._ended.failures)
        return next((failure for failure in failures if failure.id == entry.id), None)

    def counts(self) -> dict[TaskState, int]:
        """How many tasks are in each state, the ended since the start; empty where that cannot be
        told at this moment. Any thread.
        """
        try:
            return self.look(stop=0).counts()
        except Unsettled:
            return {}

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
            or self._cancellations.any_to_end()
        )
        # A function in a worker thread runs, or waits for its thread: nobody is told which.
        if not is_settled or self._known.functions():
            return None
        return generations.changes, self.states.current() is None

    def settled_at(self) -> int | None:
        """A number for `BookChanges.none_since`; None while the counts may change unnoticed, or a
        task's turn is on. Any thread; does not block.
        """
        changes = self._generations.changes  # Before the stamp: it may only be too old.
        return changes if self.stamp() == (changes, True) else None

    def _places_stamp(self) -> object | None:
        """What stays the same as long as the same tasks stand in the same places, as above."""
        stamp = self.stamp()
        return None if stamp is None else (stamp, len(self._generations.lasting))

    def unfinished(self) -> list[asyncio.Task[Any]]:
        """The unfinished tasks, oldest first. Any thread; does not block."""
        return self.look().unfinished

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks. Any thread; does not block, but formats the last
        tracebacks.
        """
        look = self.look(stop=0)
        counts = look.counts()
        failures = listed(self._ended.failures)
        told = {failure.id for failure in failures}
        # All are asked for their numbers before the first traceback is made: that takes its time,
        # in which the loop's thread goes on to keep why they failed.
        unseen = [
            task
            for task in look.ended
            if type(task) is not EndedTask
            and state_of_ended(task) is TaskState.FAILED
            and self.id_of(task) not in told
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
            cancellations=self._cancellations.history(),
        )

    def id_of(self, task: asyncio.Task[Any]) -> int:
        """By which commands name a task; it is given when first asked for. Any thread."""
        return self._looks.number_of(task)

    def id_so_far(self, entry: Entry) -> int | None:
        """The same, without giving one: None where nobody has asked for it. Any thread."""
        return entry.id if type(entry) is EndedTask else self._known.number_so_far(entry)

    def name(self, entry: Entry) -> str:
        """A task's name now. Any thread; does not block."""
        return self._known.name(entry)

    def coroutine(self, entry: Entry) -> str:
        """The qualified name of what a task runs. Any thread; does not block."""
        return self._known.coroutine(entry)

    def tells_all_by_itself(self) -> bool:
        """Whether nothing is known of a task's name and coroutine that it does not tell. Any
        thread; does not block.
        """
        return self._known.are_all_plain()

    def progress(self, entry: Entry) -> tuple[ProgressSnapshot, ...]:
        """A task's progress bars, the one to be shown first. Any thread; does not block."""
        return self._looks.progress(entry)

    def is_lasting(self, task: asyncio.Task[Any]) -> bool:
        """Whether it is entered by name. Any thread; does not block."""
        return self._looks.is_lasting(task)

    def tasks_that_swallow(self) -> int:
        """How many go on although they were cancelled. Any thread; does not block."""
        return self._cancellations.going_on()
