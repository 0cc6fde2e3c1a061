"""When a loop's tasks were born and have ended, as it is seen from outside.

The loop notes neither for each. A block, in which it notes nothing at all, is where that would be
wrong by its whole length: so those who look meanwhile note it, the watchdog first of all.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from itertools import compress, repeat
from operator import call, is_
from typing import Any, Final
from weakref import ref

from bgwidgets.observe.generations import Generations
from bgwidgets.observe.known_times import EXACT, known_end
from bgwidgets.observe.sightings import listen
from bgwidgets.observe.timings import TaskTiming, timing_of
from bgwidgets.observe.watchdog import LOOK_EVERY, watchdog

LOOKED_AT_ONE_BY_ONE: Final = 5_000
"""Of more tasks, one that has just ended counts as unfinished until the loop's next turn; unless it
was told already that it has."""

Task = asyncio.Task[Any]
_NOTHING: Final = ((lambda: None), 0.0, 0.0)


class SeenTimes:
    """Those of one loop's tasks. Any thread may call everything; nothing blocks."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, generations: Generations, *, are_timed: bool
    ) -> None:
        self._generations: Final = generations
        self._are_timed: Final = are_timed
        self._seen: Final[dict[int, tuple[Callable[[], Task | None], float, float]]] = {}
        """By its `id`, of a task that somebody saw had ended, while the book did not know of it
        yet: the task, weakly, and between which moments that was."""
        self._lasting_seen_at = 0.0
        """When it was last looked which of the lasting have ended."""
        self._turned_at: float | None = None
        """When the loop has turned last, while it does not."""
        self._forgets_at = LOOKED_AT_ONE_BY_ONE
        """At so many that were seen, those that are no more are looked for."""
        listen(loop, self)

    def timing(self, task: Task) -> TaskTiming | None:
        """The task's own figures, which are exact, where they are taken."""
        return timing_of(task) if self._are_timed else None

    def ended_at(self, task: Task, unfinished_at: float | None, looked_at: float) -> float | None:
        """When a task ended that is seen now to have, which the book does not know; None where
        nobody knows. It had not yet at the moment `unfinished_at`; None: it is one of the lasting,
        which tell by themselves in the loop's next turn, and was one when it was `looked_at`.
        """
        now = time.time()  # It was done before that; those of one quick look are told alike.
        now = looked_at if now - looked_at < EXACT / 2 else now
        if (timing := self.timing(task)) is not None:
            return timing.last_step_at()
        seen = self._seen_of(task)
        if seen is None:
            since = unfinished_at
            if since is None:
                since = min(looked_at - EXACT, self._lasting_unfinished_at())
            seen = since, now
            self._note(id(task), ref(task), since, now)
            if len(self._seen) > self._forgets_at:
                self._forget_the_dead()
                self._forgets_at = 2 * len(self._seen) + LOOKED_AT_ONE_BY_ONE
        return known_end(*seen)

    def life_of(
        self, task: Task, created_at: float | None, ended_at: float | None
    ) -> tuple[float | None, float | None]:
        """When one was born and has ended whose record is being made now, which is to say so. In
        the loop's thread.
        """
        # It stays seen: somebody may still look at it as it was before.
        seen = self._seen_of(task) if self._seen else None
        if (timing := self.timing(task)) is not None:
            return timing.born_at, timing.last_step_at()
        if seen is not None:
            if ended_at is None or ended_at > seen[1] - EXACT / 2:
                ended_at = known_end(*seen)
        elif ended_at is not None and (now := time.time()) - ended_at < EXACT / 2:
            # It tells by itself in the turn after that in which it ended: which may be long past.
            is_known = known_end(self._lasting_unfinished_at(), now) is not None
            ended_at = ended_at if is_known else None
        return created_at, not_before(created_at, ended_at)

    def _lasting_unfinished_at(self) -> float:
        """A moment at which no lasting task had ended that ends up to now and is not seen."""
        turned_at = self._turned_at
        if turned_at is not None:
            return max(turned_at, self._lasting_seen_at)
        # At its last look the watchdog saw the loop turn, or be at work for no longer than this.
        return time.time() - watchdog.unseen() - LOOK_EVERY

    def _seen_of(self, task: Task) -> tuple[float, float] | None:
        found = self._seen.get(id(task))
        return found[1:] if found is not None and found[0]() is task else None

    def turns_again(self) -> None:
        """As `Sighted.turns_again`."""
        self._turned_at = None

    # In the watchdog's thread, which must not be the last to hold a task: it would run what of the
    # user's comes at its end. So tasks are only looked at in single steps of C code, in which no
    # other thread runs, and held weakly; and `Generations` empties the lists that it gives up.

    def does_not_turn(self, since: float) -> None:
        """As `Sighted.does_not_turn`. Who has ended before that is not to be taken for one that
        has ended after it.
        """
        generations = self._generations
        generations.note_births()
        before, began = generations.changes, time.time()
        self._turned_at = since
        survivors = [tasks for tasks, _ in generations.survivors]
        recent = [generations.older, generations.young, *survivors]
        are_all = sum(map(len, recent)) <= LOOKED_AT_ONE_BY_ONE
        for tasks in recent if are_all else ():
            are_all = self._see_ends(tasks, generations.ends_known_at) and are_all
        if are_all and before % 2 == 0 and before == generations.changes:
            generations.ends_known_at = began
        if self._see_ends(generations.lasting, max(since, self._lasting_seen_at)):
            self._lasting_seen_at = began
        self._forget_the_dead()

    def _see_ends(self, tasks: Collection[Task], since: float) -> bool:
        """Note those that have ended, since that moment. Whether all could be asked."""
        if len(tasks) > LOOKED_AT_ONE_BY_ONE:
            return False
        try:
            ended = list(map(ref, filter(asyncio.Task.done, tasks)))
        except (TypeError, AttributeError):
            return False  # Some task of another kind, whose code is not to run in this thread.
        except RuntimeError:
            return False  # The lasting became more, or fewer, in this moment.
        now = time.time()
        # One that is no more by now has the number of None, and is forgotten with the dead.
        for number, task in zip(map(id, map(call, ended)), ended, strict=True):
            self._note(number, task, since, now)
        return True

    def _note(self, number: int, task: Callable[[], Task | None], since: float, now: float) -> None:
        """It has ended in between; what was noted of it first is closer."""
        known = self._seen.setdefault(number, (task, since, now))
        if known[0] is not task:  # Python has one weak reference for each task.
            self._seen[number] = task, since, now

    def _forget_the_dead(self) -> None:
        """Those of which no record was made."""
        numbers = list(self._seen)
        kept = [self._seen.get(number, _NOTHING)[0] for number in numbers]
        are_dead = list(map(is_, map(call, kept), repeat(None)))
        for number in compress(numbers, are_dead):
            self._seen.pop(number, None)


def not_before(created_at: float | None, ended_at: float | None) -> float | None:
    """The end, of a task that was born then: both are known to a tenth of a second only."""
    if created_at is None or ended_at is None or created_at <= ended_at:
        return ended_at
    return created_at if created_at - ended_at <= 2 * EXACT else None
