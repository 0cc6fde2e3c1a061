"""A loop's tasks by their age: those of this moment, those of the last, and the lasting.

Most tasks end soon after they are born. Of those only their birth is noted, by one append; when
they are swept their ends are counted. Only what survives a tick or two is entered in the book, as
generational garbage collectors do it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from itertools import compress
from typing import Any, Final

from bgwidgets.observe.ended_tasks import (
    ENDED_KEPT,
    RECORDS_A_TICK,
    EndedTasks,
    Judged,
    can_be_judged,
)
from bgwidgets.observe.known_times import (
    Births,
    SameBirth,
    births_among,
    by_birth,
    known_end,
    mark,
)
from bgwidgets.observe.task_births import Lists, TaskBirths
from bgwidgets.observe.timings import Timings
from bgwidgets.observe.watched_task import watched_task_class

TICK: Final = 0.1
"""Seconds between two sweeps, while tasks are being born."""
NURSERY: Final = 128
"""So many births at most bring a sweep before its time. With more, the garbage collector would come
round more often (it does every 700 objects), and each task costs it three.
"""
SMALL_NURSERY: Final = 8
"""So many at least. What ended tasks have returned is held until they are swept."""
FILLED_IN: Final = 0.005
"""Seconds in which a nursery of the right size is filled."""
AT_ONCE: Final = 0.02
"""Seconds that there may be between a look at the clock and one at the tasks."""
PROMOTED_A_TURN: Final = 500
STORM: Final = 0.1
"""When fewer than this part of a full nursery is alive, it is a storm of short tasks."""

Tasks = list[asyncio.Task[Any]]


class Generations:
    """The tasks of one loop. Everything but reading happens in the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ended: EndedTasks,
        lists: Lists | None,
        ended_at_birth: Callable[[asyncio.Task[Any], object], None],
        timings: Timings | None,
    ) -> None:
        self._loop: Final = loop
        self._ended: Final = ended
        self.young: Final[Tasks] = []
        self.young_births: Births = (time.time(), [])
        self.older: Tasks = []
        self.older_births: Births = (0.0, [])
        self.ends_known_at = 0.0
        """When it was last looked which of all these have ended."""
        self.survivors: Final[list[SameBirth]] = []
        """On their way to `lasting`, in slices, so that the loop does not stand still."""
        self.lasting: Final[dict[asyncio.Task[Any], float | None]] = {}
        """Each with the time of its birth, where that is known; those of one tick share it."""
        self.unwatched: Final[dict[asyncio.Task[Any], None]] = {}
        """Those of the lasting that do not tell when they are to be cancelled."""
        self.changes = 0
        """Odd while something moves from one of these to another: then a reader looks again."""
        self._limit: Final = [1]
        self._size = SMALL_NURSERY
        self._swept_at = 0.0
        """When the nursery was last swept."""
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._is_sweeping = False
        """Whether tasks are being looked at: what is made meanwhile waits for the next time."""
        self._promotion: asyncio.Handle | None = None
        """The next slice, while there are any."""
        self._context: Final = Context()
        self._watched: Final = watched_task_class()
        self.births: Final = TaskBirths(
            loop, self.young, self._limit, self._full, lists, ended_at_birth, timings
        )

    def enter(self, task: asyncio.Task[Any], created_at: float | None) -> None:
        """One that is known to last, or that was born before anybody watched."""
        self.lasting[task] = created_at
        if not issubclass(type(task), self._watched):
            self.unwatched[task] = None
        task.add_done_callback(self._died, context=self._context)

    def enter_now(self, task: asyncio.Task[Any]) -> None:
        """One that was born in this moment, and is known to last."""
        self.enter(task, time.time())

    def sweep(self) -> None:
        """Count all that have ended, enter all others in the book, and keep nothing else."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = time.time()
        with self._sweeping():
            young, let_go = len(self.young), list[asyncio.Task[Any]]()
            by_age = [
                self._judge(tasks, births, now, at_least=ENDED_KEPT)
                for tasks, births in (
                    (self.older, self.older_births),
                    (self.young[:young], self.young_births),
                )
            ]
            with self._moving():
                for judged in by_age:
                    self.survivors.extend(by_birth(judged.living, judged.births, now))
                    let_go += self._ended.add_all(judged)
                given_up, self.older = self.older, []
                given_up.clear()  # Whoever looks at it now is not to hold them to the last.
                del self.young[:young]
                self.young_births = (now, [])
                self._limit[0] = 1
        let_go.clear()  # Now that the book may be read again.
        for judged in by_age:
            judged.ended.clear()
        while self.survivors:
            self._promote()

    def recent(self, now: float) -> list[SameBirth]:
        """Those that are not lasting yet, oldest first. Any thread."""
        return [
            *self.survivors,
            *by_birth(self.older, self.older_births, now),
            *by_birth(list(self.young), self.young_births, now),
        ]

    def note_births(self) -> None:
        """So many tasks have been born up to now. Any thread."""
        births, at = self.young_births, time.time()
        count = len(self.young)
        # Each sweep begins another list of marks, when it has taken out those that ended: what was
        # counted before that is not noted, or in a list that nobody reads any more.
        if self.young_births is births and time.time() - at < AT_ONCE:
            mark(births[1], at, count)

    def close(self) -> None:
        """Watch no more births; those who live are told of when they die."""
        self.births.close()
        self.sweep()
        self._is_closed = True  # What somebody still has our `create_task` note is thrown away.

    def _full(self) -> None:
        if self._is_closed:
            self.young.clear()
            return
        if self._timer is None:  # The first for a while.
            self._swept_at = time.time()
            self.young_births = (self._swept_at, [])
            if not self.survivors:
                self.ends_known_at = self._swept_at
            self._limit[0] = self._size
            self._set_timer()
            return
        if self._is_sweeping:
            return  # The garbage collector came round meanwhile, and a finalizer makes a task.
        self._is_sweeping = True  # Not `_sweeping`, for this is called for every hundredth task.
        now = time.time()
        try:
            born = len(self.young)
            judged = self._judge(self.young[:born], self.young_births, now)
            self.changes += 1
            try:
                self.young[:born] = judged.living
                self.young_births = judged.births
                let_go = self._ended.add_all(judged)
            finally:
                self.changes += 1
        finally:
            self._is_sweeping = False
        let_go.clear()  # Now that the book may be read again; here, whoever sees this list.
        living = len(judged.living)
        self._fit_size(born, now)
        self._limit[0] = max(self._size, 2 * living)
        self.births.watch_cancellations(wanted=born < NURSERY or living > STORM * born)

    def _judge(self, tasks: Tasks, births: Births, now: float, *, at_least: int = 0) -> Judged:
        """As `EndedTasks.judge`. Whoever makes a task must not suffer for another that cannot be
        asked; nor must those that come after it: it is let go of.
        """
        since = self.ends_known_at
        try:
            return self._ended.judge(tasks, births, since, now, at_least=at_least)
        except Exception:  # noqa: BLE001 - a user's kind of task may raise anything
            chosen = [can_be_judged(task) for task in tasks]
            told, births = list(compress(tasks, chosen)), births_among(births, chosen)
            return self._ended.judge(told, births, since, now, at_least=at_least)

    def _fit_size(self, born: int, now: float) -> None:
        elapsed, self._swept_at = now - self._swept_at, now
        size = NURSERY if elapsed <= 0 else int(born * FILLED_IN / elapsed)
        self._size = min(NURSERY, max(SMALL_NURSERY, size))

    def _tick(self) -> None:
        self._timer = None
        now = time.time()
        with self._sweeping():
            born = len(self.young)
            older, young = (
                self._judge(tasks, births, now, at_least=RECORDS_A_TICK)
                for tasks, births in (
                    (self.older, self.older_births),
                    (self.young[:born], self.young_births),
                )
            )
            with self._moving():
                let_go = self._ended.add_all(older) + self._ended.add_all(young)
                self.survivors.extend(by_birth(older.living, older.births, now))
                given_up, self.older, self.older_births = self.older, young.living, young.births
                given_up.clear()
                mark(young.births[1], now, len(young.living))
                del self.young[:born]
                self.young_births = (now, [])
                self.ends_known_at = now
                self._fit_size(born, now)
                self._limit[0] = self._size
        let_go.clear()  # Now that the book may be read again.
        older.ended.clear()
        young.ended.clear()
        self.births.watch_cancellations(wanted=True)
        if self.survivors and self._promotion is None:
            self._promote_in_slices()
        if self.older:
            self._set_timer()
        else:
            self._limit[0] = 1

    def _set_timer(self) -> None:
        # In a context of its own, or the timer would keep the caller's variables alive. Not as an
        # argument: a loop's own `call_later` may not know that one, and a task is being made here.
        self._timer = Context().run(self._loop.call_later, TICK, self._tick)

    def _promote_in_slices(self) -> None:
        self._promotion = None
        if self.survivors:  # A sweep in between has entered them all.
            self._promote()
        if self.survivors:
            self._promotion = self._loop.call_soon(self._promote_in_slices, context=self._context)

    def _promote(self) -> None:
        """Enter some survivors in the book; one that has ended meanwhile is told of at once."""
        now = time.time()
        tasks, born_at = self.survivors[0]
        first, rest = tasks[:PROMOTED_A_TURN], tasks[PROMOTED_A_TURN:]
        ended_at = known_end(self.ends_known_at, now)
        ends = {id(task): self._ended.end_of(task, now) for task in first if task.done()}
        with self._moving():
            for task in first:
                if (end := ends.get(id(task))) is not None:
                    self._ended.add(end, born_at, ended_at)
                else:
                    self.enter(task, born_at)
            if rest:
                self.survivors[0] = (rest, born_at)
            else:
                del self.survivors[0]
            tasks.clear()

    def _died(self, task: asyncio.Task[Any]) -> None:
        now = time.time()
        end = self._ended.end_of(task, now)
        self.changes += 1  # Not `_moving`, which would cost as much as all of the rest.
        try:
            self.unwatched.pop(task, None)
            self._ended.add(end, self.lasting.pop(task, None), now)
        finally:
            self.changes += 1

    @contextmanager
    def _sweeping(self) -> Iterator[None]:
        """Tasks are being looked at: what is made meanwhile waits for the next time."""
        was_sweeping, self._is_sweeping = self._is_sweeping, True
        try:
            yield
        finally:
            self._is_sweeping = was_sweeping

    @contextmanager
    def _moving(self) -> Iterator[None]:
        """Tasks are on their way from one place to another: nothing of the user's may run here."""
        self.changes += 1
        try:
            yield
        finally:
            self.changes += 1
