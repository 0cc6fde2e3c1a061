"""All tasks of a loop as they were at one moment, and rows of those that are shown."""

from __future__ import annotations

import asyncio
import time
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import Any, Final, NamedTuple

from bgwidgets.observe.asyncio_internals import all_done, future_waited_for
from bgwidgets.observe.await_chain import place_until
from bgwidgets.observe.consistent_copy import Unsettled, consistent_copy, listed
from bgwidgets.observe.ended_tasks import (
    ENDED_KEPT,
    EndedTask,
    EndedTasks,
    Entry,
    Failure,
    state_of_ended,
)
from bgwidgets.observe.generations import Generations
from bgwidgets.observe.kept_rows import KeptRows
from bgwidgets.observe.known_times import SameBirth
from bgwidgets.observe.names import name_of
from bgwidgets.observe.seen_times import LOOKED_AT_ONE_BY_ONE, SeenTimes, not_before
from bgwidgets.observe.task_states import TaskStates
from bgwidgets.snapshots import ProgressSnapshot, TaskSnapshot
from bgwidgets.states import TaskState

CANNOT_BE_SHOWN: Final = "(cannot be shown)"
Task = asyncio.Task[Any]


class Copied(NamedTuple):
    """What was in the book at one moment."""

    lasting: list[Task]
    first: int
    """The place of the first of these."""
    lasting_count: int
    """How many there are, copied or not."""
    told: list[Task]
    """Those of the lasting of which it was told that they have ended."""
    recent: list[SameBirth]
    records: list[EndedTask]
    counts: dict[TaskState, int]
    ends_known_at: float
    """None of the recent had ended then."""
    as_of: float


class Looks:
    """Looks at the book of one loop. Any thread may call everything."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        generations: Generations,
        ended: EndedTasks,
        states: TaskStates,
        bars: Callable[[Task], tuple[ProgressSnapshot, ...]],
        *,
        are_timed: bool,
    ) -> None:
        self._loop: Final = loop
        self._bars: Final = bars
        self.generations: Final = generations
        self._ended: Final = ended
        self.states: Final = states
        self.known: Final = states.known
        self.rows: Final = KeptRows(loop)
        """Of tasks that were looked at."""
        self.times: Final = SeenTimes(loop, generations, are_timed=are_timed)
        """When each was born and has ended."""
        self._told: list[weakref.ref[Task]] = []
        """The lasting that were last counted as ended, before the loop's next turn."""

    def progress(self, entry: Entry) -> tuple[ProgressSnapshot, ...]:
        """A task's progress bars, the one to be shown first."""
        return entry.progress if type(entry) is EndedTask else self._bars(entry)

    def take(self, start: int = 0, stop: int | None = None) -> Look:
        """All tasks as they are at this moment. Any thread.

        Where there are very many, only those from `start` to before `stop` are copied, if it is
        given: a hundred thousand take two milliseconds, in which no other thread runs. Blocks, and
        raises `Unsettled`, as `consistent_copy` does.
        """
        generations, ended = self.generations, self._ended

        def copy() -> Copied:
            lasting, first = generations.lasting, 0
            total = len(lasting)
            if stop is None or total <= LOOKED_AT_ONE_BY_ONE:
                copied = list(lasting)
            else:
                first = min(start, total)
                copied = list(islice(lasting, first, max(first, stop)))
            return Copied(
                lasting=copied,
                first=first,
                lasting_count=total,
                told=[
                    task for each in self._told if (task := each()) is not None and task in lasting
                ],
                recent=generations.recent(time.time()),
                records=list(ended.records),
                counts=dict(ended.counts),
                ends_known_at=generations.ends_known_at,
                as_of=time.time(),
            )

        return Look(self, consistent_copy(self._loop, generations, copy))

    def perhaps_cancelling(self, recent: list[Task]) -> list[Task]:
        """Tasks that are to be cancelled, and those that do not tell.

        Of more silent ones than are looked at one by one, all are taken to be pending.
        """
        cancellations = self.states.cancellations
        silent = [task for task in recent if not cancellations.tells_by_itself(task)]
        unwatched = self.generations.unwatched
        if len(unwatched) <= LOOKED_AT_ONE_BY_ONE:
            silent += list(unwatched)
        return [*cancellations.to_end(), *silent]

    def are_told(self, ended: list[Task]) -> None:
        """These of the lasting were counted as ended: they are to be, whatever the next look is."""
        if ended or self._told:
            self._told = [weakref.ref(task) for task in ended]

    def is_lasting(self, task: Task) -> bool:
        """Whether it is entered by name."""
        return task in self.generations.lasting

    def number_of(self, task: Task) -> int:
        """The number by which commands name a task; it is given when first asked for."""
        number = self.known.number_so_far(task)
        if number is not None:
            return number
        number = self.known.number(task)
        if task.done() and not self.take(stop=0).holds(task):
            # Its record was made while we looked, and will not come to take the number back.
            self.known.take_back(task, number)
            return self._kept_number(task) or number
        return number

    def _kept_number(self, task: Task) -> int | None:
        """Under which it is known, of a task that is in the book no more."""
        kept: list[EndedTask | Failure] = [
            *reversed(listed(self._ended.records)),
            *listed(self._ended.failures),
        ]
        return next((each.id for each in kept if each.of() is task), None)


class Look:
    """All tasks of a loop as they were at one moment. Rows are made of those that are shown."""

    def __init__(self, looks: Looks, copied: Copied) -> None:
        self._looks: Final = looks
        self._states: Final = looks.states
        self._copied: Final = copied

    def holds(self, task: Task) -> bool:
        """Whether the task was in the book, and was itself still held."""
        return task in self._births or self._looks.is_lasting(task)

    @cached_property
    def unfinished(self) -> list[Task]:
        """The unfinished tasks, oldest first; only for a look at all of them."""
        lasting, recent = self._lasting_tasks[0], self._recent_tasks[0]
        return [*lasting, *recent] if recent else lasting

    @property
    def unfinished_count(self) -> int:
        """How many unfinished tasks there are."""
        ended = len(self._lasting_tasks[1])
        return self._copied.lasting_count - ended + len(self._recent_tasks[0])

    def unfinished_between(self, start: int, stop: int) -> list[Task]:
        """The unfinished tasks of these places, which the look was for."""
        copied, first, count = self._copied.lasting, self._copied.first, self._copied.lasting_count
        if len(copied) == count:
            return self.unfinished[start:stop]
        lasting = copied[max(0, start - first) : max(0, stop - first)]
        recent = self._recent_tasks[0]
        return [*lasting, *recent[max(0, start - count) : max(0, stop - count)]]

    @cached_property
    def ended(self) -> list[Entry]:
        """The last that ended, latest first."""
        ended: list[Entry] = [
            *self._copied.records,
            *self._lasting_tasks[1],
            *self._recent_tasks[1],
        ]
        return ended[: -ENDED_KEPT - 1 : -1]

    def counts(self) -> dict[TaskState, int]:
        """How many are in each state, the ended since the start."""
        counts = dict.fromkeys(TaskState, 0) | self._copied.counts
        ended = self._lasting_tasks[1]
        if self._copied.told:
            ended = list(dict.fromkeys((*ended, *self._copied.told)))
        self._looks.are_told(ended)
        for task in (*ended, *self._recent_tasks[1]):
            counts[state_of_ended(task)] += 1
        others = self._not_pending()
        for task in others:
            counts[self._states.state(task)] += 1
        unfinished = self._copied.lasting_count - len(ended) + len(self._recent_tasks[0])
        counts[TaskState.PENDING] += unfinished - len(others)
        return counts

    def _not_pending(self) -> set[Task]:
        """The unfinished that may be something else than pending, and few others."""
        recent = self._recent_tasks[0]
        candidates = [*self._looks.perhaps_cancelling(recent), *self._looks.known.functions()]
        if (current := self._states.current()) is not None:
            candidates.append(current)
        if not candidates:
            return set()
        mine = set(recent)
        return {
            task
            for task in candidates
            if not task.done() and (task in mine or self._looks.is_lasting(task))
        }

    def created_at(self, task: Task) -> float | None:
        """When a task was born, to within a tenth of a second; None where nobody knows."""
        if (timing := self._looks.times.timing(task)) is not None:
            return timing.born_at
        births = self._births
        return births[task] if task in births else self._looks.generations.lasting.get(task)

    @cached_property
    def _births(self) -> dict[Task, float | None]:
        return {task: birth for tasks, birth in self._copied.recent for task in tasks}

    def ended_at(self, entry: Entry) -> float | None:
        """When a task ended, to within a tenth of a second; None where nobody knows."""
        if type(entry) is EndedTask:
            return entry.ended_at
        if not entry.done():
            return None
        copied = self._copied
        unfinished_at = copied.ends_known_at if entry in self._births else None
        ended_at = self._looks.times.ended_at(entry, unfinished_at, copied.as_of)
        return not_before(self.created_at(entry), ended_at)

    def has_ended(self, entry: Entry) -> bool:
        """Whether a task has, by now."""
        return type(entry) is EndedTask or entry.done()

    def row(self, entry: Entry) -> TaskSnapshot:
        """A task as it stands now. Any thread; does not block.

        One that cannot be shown, for what is the user's there raises, costs its own row alone.
        """
        if type(entry) is EndedTask:
            return _row_of_record(entry)
        try:
            return self._row(entry)
        except Unsettled:
            raise
        except Exception:  # noqa: BLE001 - a user's class may raise anything
            return self._row_without_words(entry)

    def _row_without_words(self, task: Task) -> TaskSnapshot:
        return TaskSnapshot(
            id=self._looks.number_of(task),
            name=name_of(task),
            coroutine=CANNOT_BE_SHOWN,
            state=TaskState.FINISHED if all_done([task])[0] else TaskState.PENDING,
            created_at=self.created_at(task),
            is_main=self._looks.known.about(task).is_main,
        )

    def _row(self, entry: Task) -> TaskSnapshot:
        known, rows, states = self._looks.known, self._looks.rows, self._states
        about = known.about(entry)
        # Not kept with the row: a bar moves while its task waits in the same place.
        progress = next(iter(self._looks.progress(entry)), None)
        if (kept := rows.get(entry, about)) is not None:
            return kept if progress is None else replace(kept, progress=progress)
        number = self._looks.number_of(entry)
        future = future_waited_for(entry)  # Before its place: that may only be too old.
        waiting_on, where, until = (None, None, None) if entry.done() else place_until(entry)
        state = states.state(entry)
        row = TaskSnapshot(
            id=number,
            name=known.name(entry),
            coroutine=known.coroutine(entry),
            state=state,
            created_at=self.created_at(entry),
            ended_at=self.ended_at(entry) if state.has_ended else None,
            waiting_on=waiting_on,
            where=where,
            error=states.error(entry),
            is_main=about.is_main,
        )
        rows.keep(entry, row, future, until, about)
        return row if progress is None else replace(row, progress=progress)

    @cached_property
    def _recent_tasks(self) -> tuple[list[Task], list[Task]]:
        """Those not in the book yet: the unfinished, and the ended."""
        return _parted([task for tasks, _ in self._copied.recent for task in tasks])

    @cached_property
    def _lasting_tasks(self) -> tuple[list[Task], list[Task]]:
        if len(self._copied.lasting) > LOOKED_AT_ONE_BY_ONE:
            return self._copied.lasting, []
        return _parted(self._copied.lasting)


def _row_of_record(record: EndedTask) -> TaskSnapshot:
    return TaskSnapshot(
        id=record.id,
        name=record.name,
        coroutine=record.coroutine,
        state=record.state,
        created_at=record.created_at,
        ended_at=record.ended_at,
        progress=next(iter(record.progress), None),
        error=record.error,
        is_main=record.is_main,
    )


def _parted(tasks: list[Task]) -> tuple[list[Task], list[Task]]:
    """The unfinished, and the ended."""
    ended = {task for task in tasks if task.done()}
    if not ended:
        return tasks, []
    return [task for task in tasks if task not in ended], [task for task in tasks if task in ended]
