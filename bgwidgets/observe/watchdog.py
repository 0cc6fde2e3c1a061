"""The one thread of this process that looks at all watched loops from outside.

A loop that is blocked cannot say so itself. The thread starts with the first loop and ends soon
after the last; it costs a look at every thread's stack, twenty times a second.

Where it wakes up late itself, no thread could run, and nobody is to blame; but where many threads
run Python code, each has to wait for its turn. That much is put down to them, and loops are judged
as ever, if later: see `threads_at_work`.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from bgwidgets.fork_locks import call_in_forks, free_in_forks
from bgwidgets.observe.heartbeat import Heartbeat
from bgwidgets.observe.thread_frames import places_of_other_threads, stacks_of
from bgwidgets.observe.threads_at_work import (
    RECENTLY,
    Positions,
    count_at_work,
    longest_wait,
    positions_in,
)
from bgwidgets.own_thread import OwnThread

LOOK_EVERY: Final = 0.05
"""Seconds between two looks while all loops turn."""
LOOK_CLOSER: Final = 0.025
"""Seconds between two looks while one of them does not."""
OVERSLEPT: Final = 0.1
"""Seconds that the thread must wake up late to say that no thread could run; more where many
threads run Python code."""
_NOTABLY_LATE: Final = 0.025
"""Seconds from which on it is looked how many those are."""
_SHALLOW: Final = 3
"""So many places tell of most threads that wait for events that they do; the others are looked at
whole, one by one."""
LINGERS: Final = 0.5
"""Seconds that it stays after the last loop has gone: the next may come at once."""

_log: Final = logging.getLogger(__name__)


class Watchdog:
    """Looks after heartbeats. Every method may be called from any thread; none blocks."""

    def __init__(self) -> None:
        # Reentrant: a signal handler, or a user's `__del__`, may start a loop in between.
        self._guard: Final = free_in_forks(threading.RLock())
        self._heartbeats: Final[dict[int, Heartbeat]] = {}
        self._thread: threading.Thread | None = None
        self._wakes_at = float("inf")
        self._looked_at = 0.0
        """As long as there are loops to look at."""
        self._patience = OVERSLEPT
        """How late it may be before anybody else than the threads at work is to blame."""
        self._positions: Positions = {}
        """Where the threads were at the last look."""
        call_in_forks(self._forget)

    def overslept(self, now: float) -> float:
        """By how many seconds the watching thread is late at this moment of `time.monotonic()`.

        0 while it is less than can happen to every thread.
        """
        late = now - self._wakes_at
        return late if late > self._patience else 0.0

    def unseen(self) -> float:
        """For how many seconds no loop has been looked at; 0 while none is watched."""
        return max(0.0, time.monotonic() - self._looked_at) if self._heartbeats else 0.0

    def watch(self, heartbeat: Heartbeat) -> None:
        """Look at this loop from now on."""
        with self._guard:
            if not self._heartbeats:
                self._looked_at = time.monotonic()
            self._heartbeats[id(heartbeat)] = heartbeat
            if self._thread is None:
                self._start()

    def unwatch(self, heartbeat: Heartbeat) -> None:
        """And now no more."""
        self._heartbeats.pop(id(heartbeat), None)

    def _start(self) -> None:
        thread = OwnThread(self._run, "bgwidgets-watchdog")
        try:
            thread.start()
        except RuntimeError:  # No thread can be had; loops run as well without being looked at.
            _log.warning("no thread could be started to watch loops: none will be seen blocked")
            return
        self._thread = thread

    def _forget(self) -> None:
        """In a child process after a fork: neither the thread nor the loops have come along."""
        self._heartbeats.clear()
        self._thread = None
        self._wakes_at = float("inf")

    # In the watching thread

    def _run(self) -> None:
        idle_since: float | None = None
        pause = LOOK_EVERY
        while True:
            self._wakes_at = time.monotonic() + pause
            time.sleep(pause)
            if self._heartbeats:
                idle_since = None
                pause = LOOK_CLOSER if self._look() else LOOK_EVERY
            elif idle_since is None:
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > LINGERS and self._has_ended():
                return

    def _look(self) -> bool:
        began = time.monotonic()
        self._judge_lateness(began)
        is_any_stuck = self._look_at_all()
        ended = time.monotonic()
        if ended - began > _NOTABLY_LATE:
            # Who lets go of the lock amid a look, to read a line's file say, may be kept waiting
            # for it there as well as in a pause.
            self._wakes_at = began
            self._judge_lateness(ended)
        return is_any_stuck

    def _look_at_all(self) -> bool:
        heartbeats = list(self._heartbeats.values())
        numbers = [each.thread_id for each in heartbeats]
        now = time.monotonic()  # Whatever takes long from here on, it was not seen.
        stacks = stacks_of({number for number in numbers if number is not None}, _SHALLOW)
        is_any_stuck = False
        for heartbeat, number in zip(heartbeats, numbers, strict=True):
            try:
                is_stuck = heartbeat.look(None if number is None else stacks.get(number), now)
            except Exception:  # noqa: BLE001 - one broken loop must not blind us to the others
                _log.exception("A loop is watched no longer: looking at it failed")
                self.unwatch(heartbeat)
                continue
            is_any_stuck = is_any_stuck or is_stuck
        self._looked_at = now
        return is_any_stuck

    def _judge_lateness(self, now: float) -> None:
        self._patience = OVERSLEPT
        places = places_of_other_threads()
        self._positions = positions_in(places, self._positions, now)
        if now - self._wakes_at > _NOTABLY_LATE:
            at_work = count_at_work(places, self._positions, self._wakes_at - RECENTLY)
            self._patience = max(OVERSLEPT, longest_wait(at_work))
        if late := self.overslept(now):
            self._wakes_at = now
            for heartbeat in list(self._heartbeats.values()):
                heartbeat.overslept(late)

    def _has_ended(self) -> bool:
        with self._guard:
            if self._heartbeats:
                return False
            self._thread = None
            self._wakes_at = float("inf")
            return True


watchdog: Final = Watchdog()
"""This process's."""
