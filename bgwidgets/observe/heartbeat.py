"""The pulse of one loop: how late it runs, whether it turns at all, and which steps were slow.

Two signs of life, for each alone would be dear or blind. An idle loop beats twice a second, by a
timer, which shows how long other threads keep it from running. A loop that the watchdog sees at
work is asked for an answer: the time until the answer is the time in which it did not turn. To be
seen idle is a sign of life as well, so that a hundred idle loops cost next to nothing.

All times here are `time.monotonic()`.
"""

from __future__ import annotations

import asyncio
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from types import CodeType
from typing import Final, NamedTuple

from bgwidgets.observe.asyncio_internals import runs_a_callback, waits_for_events
from bgwidgets.observe.glimpse import Glimpse, glimpse_of
from bgwidgets.observe.lag import SECONDS_KEPT, LagHistory
from bgwidgets.observe.sightings import listener_of
from bgwidgets.observe.spell import NOBODYS_FAULT, SLOW, UNSEEN, Spell
from bgwidgets.observe.thread_frames import Stack
from bgwidgets.snapshots import SlowStep

BEAT: Final = 0.5
"""Seconds between two beats; under one, for the history has one figure a second."""
SLOW_STEPS_KEPT: Final = 20

NOTICEABLE: Final = 0.001
"""Seconds of lag, below which it is all the same to those who look."""
ONCE_IN: Final = 1.0
"""Seconds in which that is said once."""


class Pulse(NamedTuple):
    """What a heartbeat tells at one moment."""

    lag_history: tuple[float | None, ...]
    slow_steps: tuple[SlowStep, ...]
    blocked: bool | None = None
    lag: float | None = None
    blocked_for: float | None = None
    blocked_by: str | None = None


class Heartbeat:
    """One loop's. What is called in which thread stands with each method; none blocks."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        overslept: Callable[[float], float] = lambda _now: 0.0,
        *,
        blocked: Callable[[Spell], None] = lambda _: None,
        beats: Callable[[], None] = lambda: None,
        changed: Callable[[], None] = lambda: None,
        lag_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`overslept` says by how many seconds the watchdog is late itself at a moment: that time
        is nobody's fault. At each look at a blocked loop `blocked` is called, in the watchdog's
        thread; and `beats` at each beat, in the loop's. `changed` is called after each change of
        what is told, in either of them, `lag_changed` where it is only that of a lag. A lag that is
        not noticeable does not count. None of them may block.
        """
        self.loop: Final = loop
        self.thread_id: int | None = None
        self._overslept: Final = overslept
        self._blocked: Final = blocked
        self._beats: Final = beats
        self._changed: Final = changed
        self._lag_changed: Final = lag_changed
        self._history: Final = LagHistory()
        self._slow_steps: Final[deque[SlowStep]] = deque(maxlen=SLOW_STEPS_KEPT)
        self._spell: Spell | None = None
        self._turned_at = self._seen_to_turn_at = time.monotonic()
        """The latter is never only supposed."""
        self._looked_at = self._turned_at
        self._due: float | None = None
        """When the next beat is to come; None while nobody runs the loop."""
        self._lag: float | None = None
        self._runner: CodeType | None = None
        """The code that runs the loop, where the loop itself is written in C and has no frames."""
        self._timer: asyncio.TimerHandle | None = None
        self._ended_at: float | None = None
        self._noticeable_at = self._turned_at
        """When the last noticeable lag was noted, or the first of all."""

    # In the loop's thread

    def start(self) -> None:
        """Begin to beat. In the loop's thread, or in the one that is about to run it."""
        self.thread_id = threading.get_ident()
        self._due = time.monotonic()
        # In a context of its own: the timer would keep the caller's variables alive.
        Context().run(self.loop.call_soon, self._first_beat)

    def stop(self) -> None:
        """Beat no more. In any thread; the timer is cancelled only when the loop does not run."""
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        self._spell = None
        self._changed()
        if self._timer is not None and not self.loop.is_closed() and not self.loop.is_running():
            self._timer.cancel()

    def _first_beat(self) -> None:
        caller = sys._getframe(1).f_code  # noqa: SLF001 - documented, for all its underscore
        if not runs_a_callback(caller):
            self._runner = caller
        self._beat()

    def _beat(self) -> None:
        if self._ended_at is not None:
            return
        now = time.monotonic()
        self.thread_id = threading.get_ident()
        last_due, self._due = self._due, now + BEAT
        if last_due is None:
            self._changed()
        else:
            self._note_lag(now, now - last_due)
        self._timer = self.loop.call_later(BEAT, self._beat)
        self._beats()

    def _answer(self, spell: Spell) -> None:
        if self._spell is not spell:
            return  # It was asked before the loop stood still, or has ended.
        now = time.monotonic()
        self._spell = None
        self._turned_at = self._seen_to_turn_at = now
        if (listener := listener_of(self.loop)) is not None:
            # What has ended before is told in this turn: some of it after this answer.
            Context().run(self.loop.call_soon, listener.turns_again)
        self._note_lag(now, now - spell.asked_at)
        self._keep(spell.over(now - self._overslept(now)))
        self._changed()

    def _note_lag(self, now: float, lag: float) -> None:
        before, self._lag = self._lag, max(0.0, lag)
        self._history.note(now, self._lag)
        if self._lag >= NOTICEABLE:
            self._noticeable_at = now
        if self._lag >= NOTICEABLE or before is None or before >= NOTICEABLE:
            self._lag_changed()

    # In the watchdog's thread

    def look(self, stack: Stack | None, now: float) -> bool:
        """Look at the loop, in whose thread these were the innermost places then, or a little
        later: enough of them to tell that it is idle. True when it was at work.
        """
        at_work: Glimpse | None = None
        is_idle = False
        if self._ended_at is None and stack is not None and self.loop.is_running():
            is_idle = self._is_idle(stack, now)
            if not is_idle and (seen := glimpse_of(self.loop, stack.thread)) is not None:
                now = seen.at  # Others may have run meanwhile.
                is_idle = self._is_idle(seen.stack, now)
                at_work = None if is_idle else seen
        unseen, self._looked_at = now - self._looked_at, now
        if unseen > UNSEEN:
            self._note_ends()
        if at_work is not None:
            self._look_at_work(at_work)
            return True
        if is_idle:
            self._turned_at = self._seen_to_turn_at = now
            if self._spell is not None:
                self._keep(self._spell.look_while_idle(now))
        else:
            self._stands_still(now)
        if unseen > UNSEEN and (listener := listener_of(self.loop)) is not None:
            listener.turns_again()
        return False

    def _look_at_work(self, seen: Glimpse) -> None:
        spell = self._spell
        if spell is None:
            self._ask(seen)
            return
        self._keep(spell.look(seen))
        self._note_ends()
        if spell.is_blocked:
            self._blocked(spell)

    def _note_ends(self) -> None:
        """Let those who listen see what has ended while nobody saw the loop turn."""
        if (listener := listener_of(self.loop)) is not None:
            listener.does_not_turn(time.time() - (time.monotonic() - self._seen_to_turn_at))

    def overslept(self, seconds: float) -> None:
        """The watchdog woke up that much too late: no thread could run, so nobody is to blame."""
        if (spell := self._spell) is not None:
            spell.overslept(seconds)
        self._turned_at = now = time.monotonic()
        # Whatever was due meanwhile was late by as much, and no beat need have been.
        self._history.note(now, seconds)
        self._noticeable_at = now
        self._lag_changed()
        at = time.time() - seconds
        last = self._slow_steps[-1] if self._slow_steps else None
        is_said = last is not None and last.where == NOBODYS_FAULT and last.seconds >= seconds
        if last is None or not is_said or at - last.at - last.seconds > ONCE_IN:
            self._keep(SlowStep(at=at, seconds=seconds, where=NOBODYS_FAULT))

    def _is_idle(self, stack: Stack, now: float) -> bool:
        if stack.places[0][0] is self._runner:
            # Unless the loop has called a function in C, which has no frame either.
            return self._due is None or now - self._due < SLOW
        return waits_for_events(stack.places)

    def _stands_still(self, now: float) -> None:
        """Nobody runs it at the moment, so it is neither late nor blocked."""
        if self._spell is not None:
            self._spell.forget()
        is_news = self._due is not None
        self._spell = self._due = self._lag = None
        self._turned_at = self._seen_to_turn_at = now
        if is_news:
            self._changed()

    def _ask(self, seen: Glimpse) -> None:
        # It was last seen to turn at the one moment, and to be at work at the other.
        began = (self._turned_at + seen.at) / 2
        spell = Spell(self.loop, self._runner, asked_at=seen.at, since=began)
        self._spell = spell
        try:
            self.loop.call_soon_threadsafe(self._answer, spell)
        except Exception:  # noqa: BLE001 - it was closed in this moment, or work has broken it
            self._spell = None
            return
        spell.first_look(seen)
        self._changed()

    def _keep(self, step: SlowStep | None) -> None:
        if step is not None:
            self._slow_steps.append(step)
            self._changed()

    # In any thread

    def pulse(self) -> Pulse:
        """How the loop does at this moment."""
        slow_steps = tuple(self._slow_steps.copy())
        if self._ended_at is not None:
            return Pulse(self._history.last_minute(self._ended_at), slow_steps)
        now = time.monotonic()
        spell = self._spell
        waits = 0.0 if spell is None else max(0.0, now - spell.asked_at)
        history = self._history.last_minute(now, waits)
        if self._due is None:
            return Pulse(history, slow_steps)
        lag = max(self._lag or 0.0, waits)
        if spell is None or not spell.is_blocked:
            return Pulse(history, slow_steps, blocked=False, lag=lag)
        blocked_for = max(0.0, now - spell.since)
        return Pulse(history, slow_steps, True, lag, blocked_for, spell.blocked_by())

    @property
    def is_beating(self) -> bool:
        """Whether the next beat will come, and in time: for all that is known."""
        return self._due is not None and self._ended_at is None and self._spell is None

    def steady_until(self, *, closely: bool) -> float | None:
        """Until when nothing of the pulse changes unless it is told; None while it may at any time.

        Unless one looks `closely`, the lag and its history do not count.
        """
        if self._spell is not None:
            return None
        now = time.monotonic()
        # What was noted moves on with each second, until it has left the history.
        moves = now - self._noticeable_at < SECONDS_KEPT + 1
        if not closely or self._ended_at is not None or not moves:
            return math.inf
        return float(int(now) + 1)

    def blocking_task(self) -> asyncio.Task[object] | None:
        """The task that blocks the loop; None when it is not blocked by one."""
        spell = self._spell
        is_by_one = spell is not None and spell.is_blocked and spell.is_one_step()
        return spell.task if spell is not None and is_by_one else None

    def blocking_step(self) -> object | None:
        """What stays equal as long as the same step of it blocks the loop; None when none does."""
        spell = self._spell
        return None if spell is None or not spell.is_blocked else (spell.asked_at, spell.steps)
