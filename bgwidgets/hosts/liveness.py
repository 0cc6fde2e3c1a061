"""Whether a host's loop turns, for every host of this process: watched, told of, interrupted."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.exceptions import CannotInterrupt
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.observe.heartbeat import Heartbeat
from bgwidgets.observe.interrupt import raise_in_task
from bgwidgets.observe.names import name_of
from bgwidgets.observe.spell import MANY_SHORT_STEPS
from bgwidgets.observe.watchdog import watchdog


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
        self._guard: Final = threading.RLock()
        self._interrupted: object | None = None
        """The step of which there is a note."""

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

    def interrupt(self) -> str | None:
        """Raise `LoopInterrupted` in the task that blocks the loop; returns a note of it, None
        where that same step of the task was interrupted before: the first one may not have come up
        yet, while it is in C code.

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
            if pulse is not None and pulse.blocked:
                raise CannotInterrupt(
                    f"{self._name!r} is blocked by a callback and by no task, and only tasks can be"
                    " interrupted: wait for its end, or restart the kernel"
                )
            raise CannotInterrupt(
                f"{self._name!r} is not blocked by a task at this moment: use cancel_tasks()"
            )
        words = heartbeat.pulse().blocked_by or name_of(task)
        was_raised = raise_in_task(heartbeat.loop, heartbeat.thread_id, task)
        if was_raised is False:
            raise CannotInterrupt(f"{self._name!r} has just come back by itself: nothing was done")
        with self._guard:
            if step is not None and step == self._interrupted:
                return None
            self._interrupted = step
        done = "interrupted" if was_raised else "perhaps interrupted, as it came back by itself,"
        when = time.strftime("%H:%M:%S")
        return f"{done} at {when} in {words}: the loop's state may be inconsistent"
