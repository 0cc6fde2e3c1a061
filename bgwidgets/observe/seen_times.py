"""When a loop's tasks were born and have ended, as it is seen from outside.

The loop notes neither for each. A block, in which it notes nothing at all, is where that would be
wrong by its whole length: so those who look meanwhile note it, the watchdog first of all.
"""

from __future__ import annotations

import asyncio
import time
from itertools import compress
from typing import Any, Final

from bgwidgets.observe.generations import Generations
from bgwidgets.observe.known_times import known_end
from bgwidgets.observe.sightings import listen
from bgwidgets.observe.timings import TaskTiming, timing_of
from bgwidgets.observe.weak_by_identity import WeakByIdentity

LOOKED_AT_ONE_BY_ONE: Final = 5_000
"""Of more tasks, one that has just ended counts as unfinished until the loop's next turn; unless it
was told already that it has."""

Task = asyncio.Task[Any]


class SeenTimes:
    """Those of one loop's tasks. Any thread may call everything; nothing blocks."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, generations: Generations, *, are_timed: bool
    ) -> None:
        self._generations: Final = generations
        self._are_timed: Final = are_timed
        self._seen: Final[WeakByIdentity[Task, tuple[float, float]]] = WeakByIdentity()
        """Of tasks that somebody saw had ended, while the book did not know of it yet: between
        which moments that was."""
        self._lasting_seen_at = 0.0
        """When it was last looked which of the lasting have ended."""
        listen(loop, self)

    def timing(self, task: Task) -> TaskTiming | None:
        """The task's own figures, which are exact, where they are taken."""
        return timing_of(task) if self._are_timed else None

    def ended_at(self, task: Task, now: float) -> float | None:
        """When a task ended that is seen `now` to have, which the book does not know; None where
        nobody knows.
        """
        if (timing := self.timing(task)) is not None:
            return timing.last_step_at()
        seen = self._seen.get(task)
        if seen is None:
            # One of the lasting tells by itself, in the loop's next turn.
            is_lasting = task in self._generations.lasting
            since = now if is_lasting else self._generations.ends_known_at
            self._seen[task] = seen = since, now
        return known_end(*seen)

    def life_of(
        self, task: Task, created_at: float | None, ended_at: float | None
    ) -> tuple[float | None, float | None]:
        """When one was born and has ended whose record is being made now, which is to say so. In
        the loop's thread.
        """
        seen = self._seen.pop(task) if len(self._seen) else None
        if (timing := self.timing(task)) is not None:
            return timing.born_at, timing.last_step_at()
        return created_at, ended_at if seen is None else known_end(*seen)

    # In the watchdog's thread

    def does_not_turn(self, since: float) -> None:
        """As `Sighted.does_not_turn`. Who has ended before that is not to be taken for one that
        has ended after it.
        """
        generations = self._generations
        generations.note_births()
        before, began = generations.changes, time.time()
        recent = [task for tasks, _ in generations.recent(began) for task in tasks]
        are_all = self._see_ends(recent, generations.ends_known_at)
        if are_all and before % 2 == 0 and before == generations.changes:
            generations.ends_known_at = began
        if self._see_ends(list(generations.lasting), max(since, self._lasting_seen_at)):
            self._lasting_seen_at = began

    def _see_ends(self, tasks: list[Task], since: float) -> bool:
        """Note those that have ended, since that moment. Whether all could be asked."""
        if len(tasks) > LOOKED_AT_ONE_BY_ONE:
            return False
        try:
            are_done = list(map(asyncio.Task.done, tasks))
        except TypeError:  # Some task of another kind, whose code is not to run in this thread.
            return False
        now = time.time()
        for task in compress(tasks, are_done):
            if task not in self._seen:
                self._seen[task] = since, now
        return True
