"""How the tasks of a loop spend their time: in their steps, in the queue for one, or waiting.

On demand, for it costs every step about a microsecond. Each task carries its own
figures, so they are gone when it is, and nothing has to be tidied up.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import frexp
from typing import Any, Final

from bgwidgets.exceptions import InvalidWork
from bgwidgets.observe.asyncio_internals import can_be_timed, is_task, time_steps
from bgwidgets.observe.await_chain import place_of
from bgwidgets.snapshots import TaskTimings

BUCKETS: Final = 24
"""Of steps that took less than 1, 2, 4, 8 ... microseconds, up to 8.4 seconds; and one for the
others."""
PLACED_FROM: Final = 0.001
"""Seconds that a step must take for its place to be looked for, which takes microseconds."""

Clock = Callable[[], float]
CreateTask = Callable[..., asyncio.Task[Any]]

_ATTRIBUTE: Final = "_bgwidgets_timing"
"""Of a task, where its figures are."""


class TaskTiming:
    """One task's figures. Written in the loop's thread, read from any."""

    __slots__ = (
        "_at",
        "_began",
        "_born",
        "_clock",
        "_histogram",
        "_is_ready",
        "_longest",
        "_ready_at",
        "_step_began",
        "_step_so_far",
        "_sums",
        "_where",
        "born_at",
    )

    def __init__(self, clock: Clock) -> None:
        now = clock()
        self._clock: Final = clock
        self._born = now
        self.born_at = time.time()
        """By `time.time()`."""
        # Polls, seconds that it was busy, ready and idle, and up to when: for a reader in another
        # thread all of it changes at once.
        self._sums: tuple[int, float, float, float, float] = (0, 0.0, 0.0, 0.0, now)
        self._is_ready = False
        self._ready_at = now
        self._began: float | None = None
        """While it runs."""
        self._step_began = now
        self._step_so_far = 0.0
        self._longest = 0.0
        self._at: float | None = None
        self._where: str | None = None
        self._histogram: Final = [0] * (BUCKETS + 1)

    # In the loop's thread. A reader relies on the order in which these write.

    def scheduled(self) -> None:
        """It is to take its next step; in the midst of one, from the end of that on."""
        if self._began is None:
            self._ready_at = self._clock()
        self._is_ready = True

    def begins(self) -> None:
        """Its step begins."""
        self._began = self._step_began = self._clock()
        self._is_ready = False

    def ended(self, task: asyncio.Task[Any]) -> None:
        """Its step has ended."""
        now = self._clock()
        took = self._spent_until(now, 1)
        if self._step_so_far:
            took += self._step_so_far
            self._step_so_far = 0.0
        place = frexp(took * 1e6)[1]
        self._histogram[0 if place < 0 else min(BUCKETS, place)] += 1
        if took > self._longest:
            self._longest = took
            self._at = time.time() - (now - self._step_began)
            self._where = _place_of(task) if took >= PLACED_FROM else None

    def had_first_step(self, task: asyncio.Task[Any], began: float) -> None:
        """Its first step was taken as it was made, and has just ended."""
        self._sums = (0, 0.0, 0.0, 0.0, began)
        self.born_at -= self._born - began
        self._born = began
        self._ready_at = self._began = self._step_began = began
        self.ended(task)

    def stands_still(self) -> None:
        """In the midst of a step it lets the loop turn, and waits for that."""
        self._step_so_far += self._spent_until(self._clock(), 0)

    def goes_on(self) -> None:
        """And now its step goes on."""
        self._ready_at = self._began = self._clock()

    def _spent_until(self, now: float, steps: int) -> float:
        polls, busy, ready, idle, before = self._sums
        began: float = self._began  # type: ignore[assignment] # it runs
        ready_at = self._ready_at
        took = now - began
        self._sums = (
            polls + steps,
            busy + took,
            ready + (began - ready_at),
            idle + (ready_at - before),
            now,
        )
        if self._is_ready:
            self._ready_at = now
        self._began = None
        return took

    # In any thread

    def last_step_at(self) -> float:
        """When its last step so far ended, by `time.time()`. Any thread; does not block."""
        return self.born_at + (self._sums[-1] - self._born)

    def as_value(self, *, has_ended: bool) -> TaskTimings:
        """The figures of this moment. Any thread; does not block."""
        polls, busy, ready, idle, until = sums = self._sums
        while True:
            # In this order: it becomes ready first, and then begins.
            is_ready, began, ready_at = self._is_ready, self._began, self._ready_at
            if self._sums is sums:
                break
            polls, busy, ready, idle, until = sums = self._sums
        now = max(until, self._clock())
        if began is not None and began >= until:
            busy, ready, idle = (
                busy + max(0.0, now - began),
                ready + (began - ready_at),
                idle + (ready_at - until),
            )
        elif is_ready:
            since = max(until, ready_at)
            ready, idle = ready + max(0.0, now - since), idle + (since - until)
        elif not has_ended:
            idle += now - until
        histogram = self._histogram.copy()
        bounds = [*(2**number / 1e6 for number in range(BUCKETS)), None]
        return TaskTimings(
            polls=polls,
            busy=busy,
            scheduled=ready,
            idle=idle,
            slowest_step=self._longest,
            slowest_step_at=self._at,
            slowest_step_where=self._where,
            histogram=tuple(zip(bounds, histogram, strict=True)),
        )


def _place_of(task: asyncio.Task[Any]) -> str | None:
    """The line at which a step has ended; None of the last one. Never raises: it is called by what
    turns the loop.
    """
    try:
        return None if task.done() else place_of(task)[1]
    except Exception:  # noqa: BLE001 - a task may run what looks like a coroutine, and is the user's
        return None


class Timings:
    """Takes the time of every task's steps on one loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Clock = time.perf_counter) -> None:
        """From now on. In the loop's thread, before it turns. Raises `InvalidWork` for a loop that
        is not asyncio's own.
        """
        if not can_be_timed(loop):
            raise InvalidWork(
                f"timings=True needs one of asyncio's own event loops, and this is a"
                f" {type(loop).__module__}.{type(loop).__qualname__}: leave loop_factory out, or"
                " timings"
            )
        self._clock: Final = clock
        self._stop: Final = time_steps(loop, self._of)

    def close(self) -> None:
        """Take no more times. In the loop's thread, or when the loop runs no more."""
        self._stop()

    def with_first_steps(self, create_task: CreateTask) -> CreateTask:
        """Such a `create_task` that also sees the steps which eager tasks take inside of it."""

        def create(coro: Any, **options: Any) -> asyncio.Task[Any]:
            began = self._clock()
            task = create_task(coro, **options)
            if is_task(task) and _has_begun(task, coro):
                self._of(task).had_first_step(task, began)
            return task

        return create

    def _of(self, task: asyncio.Task[Any]) -> TaskTiming:
        timing: TaskTiming | None = getattr(task, _ATTRIBUTE, None)
        if timing is None:
            timing = TaskTiming(self._clock)
            setattr(task, _ATTRIBUTE, timing)
        return timing


def timing_of(task: object) -> TaskTiming | None:
    """A task's figures; None where nobody takes them. Any thread; does not block."""
    timing: TaskTiming | None = getattr(task, _ATTRIBUTE, None)
    return timing


@contextmanager
def standing_still(task: object) -> Iterator[None]:
    """Meanwhile this task lets the loop turn in the midst of its step. In the loop's thread."""
    timing = timing_of(task)
    if timing is None:
        yield
        return
    timing.stands_still()
    try:
        yield
    finally:
        timing.goes_on()


def _has_begun(task: asyncio.Task[Any], coroutine: object) -> bool:
    """Whether a task that was just made has taken its first step already."""
    if task.done() or timing_of(task) is None:  # All others have been scheduled.
        return True
    return (
        inspect.iscoroutine(coroutine)
        and inspect.getcoroutinestate(coroutine) != inspect.CORO_CREATED
    )
