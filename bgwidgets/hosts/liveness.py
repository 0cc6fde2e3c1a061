"""Whether a host's loop turns, for every host of this process: watched, told of, interrupted."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.exceptions import CannotInterrupt
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.observe.heartbeat import Heartbeat
from bgwidgets.observe.interrupt import raise_in_task
from bgwidgets.observe.names import name_of
from bgwidgets.observe.spell import MANY_SHORT_STEPS, NOBODYS_FAULT
from bgwidgets.observe.watchdog import watchdog


class Interruption:
    """One step of a task that was interrupted, once or several times. `str()` says it: any thread.

    Who asks again before C code returns has the same one come up; but where the task catches it and
    goes on, the next is another.
    """

    def __init__(self, step: object, words: str) -> None:
        """`words` say which task it is, and where."""
        self.step: Final = step
        self.is_certain = False
        self._words: Final = words
        self._at: Final = time.strftime("%H:%M:%S")
        self._times = 0

    def came_up(self) -> None:
        """In the task. Does not block."""
        self._times += 1

    def __str__(self) -> str:
        done = "interrupted"
        if not self.is_certain:
            done = "perhaps interrupted, as it came back by itself,"
        if self._times > 1:
            done = f"interrupted {self._times} times, first"
        return f"{done} at {self._at} in {self._words}: the loop's state may be inconsistent"


class Liveness:
    """The watch over one run of one loop."""

    def __init__(
        self,
        name: str,
        warnings: LoopWarnings,
        *,
        beats: Callable[[], None] = lambda: None,
        changed: Callable[[], None] = lambda: None,
        lag_changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`beats`, `changed` and `lag_changed` are called as by `Heartbeat`."""
        self._name: Final = name
        self._warnings: Final = warnings
        self._tell_beat: Final = beats
        self._changed: Final = changed
        self._lag_changed: Final = lag_changed
        self._heartbeat: Heartbeat | None = None
        self._guard: Final = free_in_forks(threading.RLock())
        self._interruption: Interruption | None = None
        """The last one of which there is a note."""

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Watch from now on. In the loop's thread, or in the one that is about to run it."""
        warnings = self._warnings
        self._heartbeat = Heartbeat(
            loop,
            watchdog.overslept,
            blocked=warnings.blocked.look,
            beats=self._beats,
            changed=self._changed,
            lag_changed=self._lag_changed,
        )
        self._heartbeat.start()
        watchdog.watch(self._heartbeat)
        self._changed()

    def _beats(self) -> None:
        self._warnings.look()
        self._tell_beat()

    def end(self) -> None:
        """Watch no more; what was seen stays. In any thread when the loop does not run."""
        if self._heartbeat is not None:
            watchdog.unwatch(self._heartbeat)
            self._heartbeat.stop()

    def told(self) -> dict[str, Any]:
        """The fields of the loop's snapshot for its pulse. Any thread; does not block."""
        return {} if self._heartbeat is None else self._heartbeat.pulse()._asdict()

    @property
    def is_beating(self) -> bool:
        """Whether the loop is known to turn. Any thread; does not block."""
        return self._heartbeat is not None and self._heartbeat.is_beating

    def steady_until(self, *, closely: bool) -> float | None:
        """As `Heartbeat.steady_until`. Any thread; does not block."""
        return (
            math.inf if self._heartbeat is None else self._heartbeat.steady_until(closely=closely)
        )

    def interrupt(self) -> Interruption | None:
        """Raise `LoopInterrupted` in the task that blocks the loop; returns what is to be noted of
        it, None where that same step of the task was interrupted before: then that counts it.

        Any thread; blocks for some milliseconds at most. Raises `CannotInterrupt`, and then
        nothing was done.
        """
        heartbeat = self._heartbeat
        step = heartbeat.blocking_step() if heartbeat is not None else None
        task = heartbeat.blocking_task() if heartbeat is not None else None
        if heartbeat is None or task is None or heartbeat.thread_id is None:
            pulse = None if heartbeat is None else heartbeat.pulse()
            if pulse is not None and pulse.blocked_by == MANY_SHORT_STEPS:
                raise CannotInterrupt(
                    f"{self._name!r} does not turn because of many short steps, and no single task"
                    " blocks it: nothing was done. cancel_tasks() is heard by each at its next step"
                )
            if pulse is not None and pulse.blocked and pulse.blocked_by in (None, NOBODYS_FAULT):
                raise CannotInterrupt(
                    f"{self._name!r} does not turn, and nobody knows yet what keeps it: nothing was"
                    " done. Try again in a moment"
                )
            if pulse is not None and pulse.blocked:
                raise CannotInterrupt(
                    f"{self._name!r} is blocked by a callback and by no task, and only tasks can be"
                    " interrupted: wait for its end, or restart the kernel"
                )
            raise CannotInterrupt(
                f"{self._name!r} is not blocked by a task at this moment: use cancel_tasks()"
            )
        words = heartbeat.pulse().blocked_by or name_of(task)
        with self._guard:
            last = self._interruption
            is_another = last is None or step is None or last.step != step
            interruption = Interruption(step, words) if last is None or is_another else last
            was_raised = raise_in_task(
                heartbeat.loop, heartbeat.thread_id, task, interruption.came_up
            )
            if was_raised is False:
                raise CannotInterrupt(
                    f"{self._name!r} has just come back by itself: nothing was done"
                )
            interruption.is_certain = interruption.is_certain or was_raised is True
            self._interruption = interruption
        return interruption if is_another else None
