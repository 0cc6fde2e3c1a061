"""`timings=True`: how each task of a loop spends its time, through the handle."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvloop

from bgwidgets import BackgroundLoop, InvalidWork, LoopManager, LoopState, TaskTimings
from tests.loop_factories import LOOP_FACTORIES, LoopFactory
from tests.loops.conftest import LIMIT
from tests.waiting import until

OF_ASYNCIO = [factory for factory in LOOP_FACTORIES if factory.id != "uvloop"]


async def yields(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


def timings_of(job: BackgroundLoop, name: str) -> TaskTimings:
    (number,) = [task.id for task in job.tasks if task.name == name]
    timings = job.task_detail(number).timings
    assert timings is not None
    return timings


@pytest.mark.parametrize("loop_factory", OF_ASYNCIO)
def test_every_kind_of_work_is_timed(manager: LoopManager, loop_factory: LoopFactory):
    """The main task, what it makes, and what is submitted; still when the loop has ended."""
    are_over = threading.Event()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(yields(1), name="one")
            group.create_task(yields(4), name="four")
        are_over.set()
        await asyncio.Event().wait()

    with manager.start(work, timings=True, loop_factory=loop_factory) as job:
        assert job.snapshot().timings
        job.submit(yields(2), name="submitted").result(LIMIT)
        assert are_over.wait(LIMIT)
        counted = {name: timings_of(job, name).polls for name in ("one", "four", "submitted")}
        assert {"one": 2, "four": 5, "submitted": 3} == counted
        job.stop(0)
        assert {name: timings_of(job, name).polls for name in counted} == counted
        main = timings_of(job, "work")
        assert main.polls >= 2
        assert main.polls == sum(count for _, count in main.histogram)


def test_the_figures_are_a_tasks_age(manager: LoopManager):
    """Of one that waits they grow while it does; of one that has ended no more."""
    before = time.perf_counter()
    job = manager.start(asyncio.sleep, 3600, timings=True)
    first = timings_of(job, "sleep")
    second = until(lambda: timings if (timings := timings_of(job, "sleep")).idle else None)
    age = time.perf_counter() - before
    assert first.idle <= second.idle
    assert 0 < second.busy + second.scheduled + second.idle <= age
    job.stop(0)
    assert timings_of(job, "sleep") == timings_of(job, "sleep")


def test_a_task_that_blocks_its_loop_is_seen_to_be_busy(
    manager: LoopManager, gate: threading.Event
):
    """Read from outside, in the midst of its step."""

    async def blocks() -> None:
        await asyncio.sleep(0)
        gate.wait(LIMIT)

    job = manager.start(blocks, timings=True)
    busy = until(lambda: timings if (timings := timings_of(job, "blocks")).busy > 0.02 else None)
    assert 1 == busy.polls
    assert busy.slowest_step < busy.busy
    gate.set()
    job.wait(LIMIT)
    assert timings_of(job, "blocks").slowest_step > 0.02


@pytest.fixture
def threads_take_quick_turns() -> Iterator[None]:
    """Python gives another thread its turn some hundred times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.00005)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_take_quick_turns")
def test_a_look_from_outside_sees_no_time_twice_and_misses_none(manager: LoopManager):
    """However fast the task goes from one step to the next meanwhile."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(0)
            await loop.run_in_executor(None, int)

    job = manager.start(work, timings=True)
    earliest, latest = float("-inf"), float("inf")
    polls = 0
    while polls < 2_000:
        before = time.perf_counter()
        timings = timings_of(job, "work")
        after = time.perf_counter()
        assert min(timings.busy, timings.scheduled, timings.idle) >= 0
        age = timings.busy + timings.scheduled + timings.idle
        # All looks agree on when it was made.
        earliest, latest = max(earliest, before - age), min(latest, after - age)
        assert earliest <= latest + 1e-6
        assert polls <= timings.polls
        polls = timings.polls


def test_a_loop_that_is_interrupted_goes_on_to_be_timed(manager: LoopManager):
    """The interruption ends a step like any other exception."""

    async def spins() -> None:
        while True:
            pass

    job = manager.start(timings=True)
    future = job.submit(spins(), name="spins")
    until(lambda: job.snapshot().blocked)
    job.interrupt()
    assert "LoopInterrupted" == type(future.exception(LIMIT)).__name__
    assert 1 == timings_of(job, "spins").polls
    job.submit(yields(2), name="later").result(LIMIT)
    assert 3 == timings_of(job, "later").polls


def test_without_it_there_is_nothing(manager: LoopManager):
    """Neither figures nor an attribute of the loop."""

    async def work() -> set[str]:
        return set(vars(asyncio.get_running_loop()))

    job = manager.start(work)
    assert "_call_soon" not in job.result(LIMIT)
    assert not job.snapshot().timings
    (main,) = job.tasks
    assert job.task_detail(main.id).timings is None
    job = manager.start(work, timings=True, name="timed")
    assert "_call_soon" in job.result(LIMIT)


def test_a_restart_is_timed_too(manager: LoopManager):
    """The option belongs to the work; the figures begin anew."""
    job = manager.start(yields, 5, timings=True)
    job.wait(LIMIT)
    job.restart()
    job.wait(LIMIT)
    assert (2, True) == (job.run_number, job.snapshot().timings)
    assert 6 == timings_of(job, "yields").polls


def test_a_nested_run_is_a_wait(manager: LoopManager):
    """The loop turns meanwhile, so the task does not keep it; its step is one all the same."""

    def spin(seconds: float) -> None:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass

    async def inner() -> None:
        spin(0.01)
        await asyncio.sleep(0.1)

    async def outer() -> tuple[float, float]:
        began = time.perf_counter()
        spin(0.01)
        nested_began = time.perf_counter()
        asyncio.run(inner())
        nested = time.perf_counter() - nested_began
        spin(0.01)
        return nested, time.perf_counter() - began - nested

    job = manager.start(outer, nested=True, timings=True)
    nested, the_rest = job.result(LIMIT)
    timings = timings_of(job, "outer")
    assert 1 == timings.polls
    assert 0.1 <= timings.idle <= nested
    assert 0.02 <= the_rest <= timings.busy
    assert timings.slowest_step == pytest.approx(timings.busy)
    assert 2 == job.task_detail(job.tasks[0].id).timings.polls  # type: ignore[union-attr] # inner's


def test_a_nested_run_that_raises_leaves_the_figures_in_order(manager: LoopManager):
    """The step goes on after it."""

    async def fails() -> None:
        await asyncio.sleep(0.02)
        raise KeyError("nested")

    async def outer() -> None:
        with pytest.raises(KeyError, match="nested"):
            asyncio.run(fails())
        await asyncio.sleep(0)

    job = manager.start(outer, nested=True, timings=True)
    job.result(LIMIT)
    timings = timings_of(job, "outer")
    assert (2, True) == (timings.polls, timings.idle >= 0.02)


def test_a_loop_that_cannot_be_timed_is_refused(manager: LoopManager):
    """Nothing is left of it: no row, no open loop, no coroutine that nobody awaited."""
    made: list[asyncio.AbstractEventLoop] = []
    ran: list[Any] = []

    def make() -> asyncio.AbstractEventLoop:
        made.append(uvloop.new_event_loop())
        return made[0]

    async def work() -> None:
        ran.append(work)

    for given in (work, work()):
        with pytest.raises(InvalidWork, match="timings=True needs one of asyncio's own event loop"):
            manager.start(given, timings=True, loop_factory=make)
        assert (0, True, []) == (len(manager), made.pop().is_closed(), ran)


def test_an_adopted_loop_is_not_timed(manager: LoopManager):
    """It has begun without it."""
    other = LoopManager()
    theirs = other.start(asyncio.sleep, 3600)
    job = manager.adopt(theirs.submit(_its_loop()).result(LIMIT), name="theirs")
    until(lambda: job.state is LoopState.RUNNING)
    assert not job.snapshot().timings
    theirs.stop(0)
    job.wait(LIMIT)


async def _its_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()
