"""The time in which a loop does not answer, and who is to blame for it.

The watchdog looks at the loop's thread again and again. What it sees is a sample: that a step is
still the same as at the last look is told by what the loop will run next. A step is blamed only
when it was seen more than once, and has by itself lasted as long as a loop may: where many short
ones keep the loop from turning, which of them is seen is chance.

All times here are `time.monotonic()`.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from types import CodeType
from typing import Any, Final, NamedTuple

from bgwidgets.observe.asyncio_internals import glance_at
from bgwidgets.observe.blame import Seen, outermost_code, seen_at
from bgwidgets.observe.glimpse import Glimpse
from bgwidgets.observe.names import name_of
from bgwidgets.snapshots import SlowStep

BLOCKED_AFTER: Final = 0.15
"""Seconds without a turn after which a loop is blocked, and in one step, after which that is to
blame."""
SLOW: Final = 0.1
"""Seconds that a step may take."""
NAMED_AFTER: Final = 0.02
"""Seconds after which a step is worth a look at its line. Less than two looks are apart: whatever
is seen twice has been looked at.
"""
UNSEEN: Final = 0.1
"""Seconds without a look, after which nobody knows what a loop did meanwhile."""
SIGHTINGS: Final = 2
"""How often a step must be seen: seen once, it may be one of many short ones."""

IN_A_DEBUGGER: Final = "stopped in a debugger"
MANY_SHORT_STEPS: Final = "many short steps"
NOBODYS_FAULT: Final = "GIL held by C code or process suspended"


class _Step(NamedTuple):
    """What tells the step that is under way from the next one."""

    runs: weakref.ref[Any] | CodeType | None
    """A task, or a callback's code."""
    before: weakref.ref[Any] | None
    """What the loop will run next."""

    def is_still(self, other: _Step | None) -> bool:
        """Whether it is the same, as far as that can be seen from outside."""
        # Python has one weak reference for each thing.
        return other is not None and self.runs is other.runs and self.before is other.before


class Culprit(NamedTuple):
    """What is under way while a loop is blocked."""

    task: asyncio.Task[Any] | None
    """None for a callback."""
    where: str
    step: int
    """Which of the spell's steps it is."""
    seconds: float
    """For how long it has been under way, without those in which no thread could run."""
    in_its_own_code: float
    """In which part of the looks it was seen in asynchronous code, with no other call below, or in
    another place of that code than before: it makes many calls, and each returns."""


class Spell:
    """From a question to the loop until its answer. In the watchdog's thread, but for `over()`."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        runner: CodeType | None,
        *,
        asked_at: float,
        since: float,
    ) -> None:
        """The loop is asked at one moment, and has last turned at the other, or about then."""
        self.asked_at: Final = asked_at
        self.since = since
        self.is_blocked = False
        self.steps = 0
        """How many have been seen so far, with this one."""
        self._loop: Final = loop
        self._runner: Final = runner
        self._looked_at = asked_at
        self._clear_since = since
        """Since when the looks have followed each other closely."""
        self._before_that: str | None = None
        """What kept the loop from turning until then; None where nobody knows."""
        self._step: _Step | None = None
        self._task: weakref.ref[asyncio.Task[Any]] | None = None
        self._name: str | None = None
        """The task's, for when it is no more."""
        self._step_since = since
        self._sightings = 0
        self._was_unseen = False
        """Whether it was seen again after a time in which nobody looked."""
        self._lines: dict[str, int] = {}
        """Where the step was seen, and how often."""
        self._looks = self._looks_in_its_own_code = 0
        self._seen = Seen(None)

    @property
    def task(self) -> asyncio.Task[Any] | None:
        """The one whose step is under way. Any thread; who is to hold it for a moment only, or its
        last may come here.
        """
        return None if self._task is None else self._task()

    def first_look(self, seen: Glimpse) -> None:
        """The loop was seen so, and asked thereupon."""
        # The question is in the queue now: it may be what the loop runs next.
        task, following = glance_at(self._loop)
        if task is seen.task and (seen.next is None or seen.next is following):
            step = self._step_under_way(seen._replace(next=following))
            self._begin_step(step, task, self.since)
        else:  # Another one has begun meanwhile, of which no more is known.
            self._begin_step(None, None, self.since)

    def look(self, seen: Glimpse) -> SlowStep | None:
        """There is no answer yet. Returns the step that has ended meanwhile, if it was slow."""
        now = seen.at
        step = self._step_under_way(seen)
        before = self._looked_at
        ended_at = began_at = (before + now) / 2
        if now - before > UNSEEN:
            # The one may have ended as soon, and the other have begun as late.
            ended_at, began_at = before, now
            self._clear_since, self._before_that = now, None
        self._looked_at = now
        slow = None
        if step.is_still(self._step):
            if now - before > UNSEEN and not self._was_unseen:
                self._was_unseen = True  # Others may have kept it from going on: once more, then.
            else:
                self._sightings += 1
            self._note_name()
        else:
            slow = self._slow_step(ended_at)
            self._begin_step(step, seen.task, began_at)
        if now - self._step_since >= NAMED_AFTER:
            last, self._seen = self._seen, seen_at(seen.stack, self._runner)
            goes_on = None not in (last.place, self._seen.place) and last.place != self._seen.place
            self._looks += 1
            self._looks_in_its_own_code += self._seen.in_own_async_code or goes_on
            if (where := self._seen.where) is not None:
                self._lines[where] = self._lines.get(where, 0) + 1
        if now - self.since >= BLOCKED_AFTER:
            self.is_blocked = True
        return slow

    def look_while_idle(self, now: float) -> SlowStep | None:
        """There is no answer yet, but its turn is over. Returns the step that ended, if slow."""
        slow = self._slow_step((self._looked_at + now) / 2)
        self._begin_step(None, None, now)
        self.since = self._looked_at = self._clear_since = now
        self.is_blocked = False
        return slow

    def overslept(self, seconds: float) -> None:
        """For so long no thread could run: that is nobody's fault."""
        self._clear_since, self._before_that = time.monotonic(), NOBODYS_FAULT
        self.since += seconds
        self._step_since += seconds
        self._looked_at += seconds

    def over(self, now: float) -> SlowStep | None:
        """The answer is there. Returns the last step, if it was slow. In the loop's thread."""
        return self._slow_step(now)

    def forget(self) -> None:
        """The loop does not run any more, and may keep the question for long."""
        self._begin_step(None, None, self.since)

    def blocked_by(self) -> str | None:
        """Who it is, and where: "sprinter · race.py:12 spin". Any thread."""
        if self._seen.in_debugger:
            return IN_A_DEBUGGER
        if not self.is_one_step():
            are_seen = self._looked_at - self._clear_since >= BLOCKED_AFTER
            return MANY_SHORT_STEPS if are_seen else self._before_that
        where = self._seen.where or self._where()
        words = () if where is None else (self._name, where)
        return " · ".join(word for word in words if word) or None

    def culprit(self) -> Culprit | None:
        """The step that blocks the loop, if it is blocked by one, and not by a debugger. In the
        watchdog's thread.
        """
        where = self._seen.where or self._where()
        if not self.is_blocked or self._seen.in_debugger or not self.is_one_step():
            return None
        if where is None or not self._looks:
            return None
        seconds = self._looked_at - self._step_since
        share = self._looks_in_its_own_code / self._looks
        return Culprit(self.task, where, self.steps, seconds, share)

    def is_one_step(self) -> bool:
        """Whether the step that is under way is enough to block the loop, whatever ran before it.
        Any thread.
        """
        return self._sightings >= SIGHTINGS and self._looked_at - self._step_since >= BLOCKED_AFTER

    def _step_under_way(self, seen: Glimpse) -> _Step:
        runs = outermost_code(seen.stack, self._runner) if seen.task is None else seen.task
        return _Step(runs, seen.next)

    def _begin_step(
        self, step: _Step | None, task: weakref.ref[asyncio.Task[Any]] | None, since: float
    ) -> None:
        self._step, self._task, self._step_since = step, task, since
        self._note_name()
        self.steps += 1
        self._sightings = 0 if step is None else 1
        self._was_unseen = False
        self._lines, self._seen = {}, Seen(None)
        self._looks = self._looks_in_its_own_code = 0

    def _slow_step(self, now: float) -> SlowStep | None:
        seconds = now - self._step_since
        if seconds < SLOW or self._sightings < SIGHTINGS:
            return None
        if self._looks and not self._lines and not self._seen.in_debugger:
            return None  # It had nothing to do but to wait for its turn.
        at = time.time() - (time.monotonic() - self._step_since)
        if self._seen.in_debugger:
            return SlowStep(at=at, seconds=seconds, where=IN_A_DEBUGGER)
        return SlowStep(at=at, seconds=seconds, task=self._name, where=self._where())

    def _note_name(self) -> None:
        task = self.task
        if task is not None:
            self._name = name_of(task)
        elif self._task is None:
            self._name = None

    def _where(self) -> str | None:
        """The line at which the step was seen most often."""
        lines = self._lines
        return max(lines, key=lines.__getitem__) if lines else None
