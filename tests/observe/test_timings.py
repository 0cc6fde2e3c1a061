"""How a task spends its time: exact in what is counted, told by a clock of the test's own."""

from __future__ import annotations

import asyncio
import gc
import itertools
import sys
import time
import weakref
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvloop

from bgwidgets import InvalidWork, TaskTimings
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.timings import BUCKETS, TaskTiming, Timings, timing_of
from tests.loop_factories import LoopFactory, eager_loop
from tests.observe.conftest import ended_rows, fails

NEEDS_EAGER_TASKS = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="eager tasks came with Python 3.12"
)


class Clock:
    """It goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    def passes(self, seconds: float) -> None:
        """So much time passes."""
        self.now += seconds


Timed = Callable[[Clock], Coroutine[Any, Any, Any]]


@contextmanager
def timed_loop(
    clock: Callable[[], float], loop_factory: LoopFactory = asyncio.new_event_loop
) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        timings = Timings(runner.get_loop(), clock)
        ledger = Ledger(runner.get_loop(), timings=timings)
        try:
            yield runner
        finally:
            ledger.close()


def run(timed: Timed, loop_factory: LoopFactory = asyncio.new_event_loop) -> Any:
    """Run `timed(clock)` on a loop whose tasks are timed by that clock."""
    clock = Clock()
    with timed_loop(clock, loop_factory) as runner:
        return runner.run(timed(clock))


def of(task: asyncio.Task[Any]) -> TaskTimings:
    """Its figures now."""
    timing = timing_of(task)
    assert timing is not None
    return timing.as_value(has_ended=task.done())


def spent(task: asyncio.Task[Any]) -> tuple[int, float, float, float]:
    """How often it ran; how long it was busy, ready, and idle."""
    timings = of(task)
    return timings.polls, timings.busy, timings.scheduled, timings.idle


async def yields(times: int) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def takes(clock: Clock, *seconds: float) -> None:
    """A step of each of these lengths."""
    for number, each in enumerate(seconds):
        if number:
            await asyncio.sleep(0)
        clock.passes(each)


class Interrupted(TaskTiming):
    """Something happens in the midst of what is done with it: another thread has its turn."""

    before_reading: tuple[str, Callable[[], object]] | None = None
    after_writing: Callable[[], object] | None = None

    def __getattribute__(self, name: str) -> Any:
        interruption = object.__getattribute__(self, "before_reading")
        if interruption is not None and name == interruption[0]:
            self.before_reading = None
            interruption[1]()
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)
        if self.after_writing is not None:
            self.after_writing()


Change = Callable[[TaskTiming], object]
CHANGES: dict[str, tuple[list[Change], Change]] = {
    "is ready": ([], TaskTiming.scheduled),
    "begins": ([TaskTiming.scheduled], TaskTiming.begins),
    "is ready again": ([TaskTiming.scheduled, TaskTiming.begins], TaskTiming.scheduled),
    "ends": ([TaskTiming.scheduled, TaskTiming.begins], lambda timing: timing.ended(ANY_TASK)),
    "ends ready": (
        [TaskTiming.scheduled, TaskTiming.begins, TaskTiming.scheduled],
        lambda timing: timing.ended(ANY_TASK),
    ),
    "stands still": ([TaskTiming.scheduled, TaskTiming.begins], TaskTiming.stands_still),
    "goes on": (
        [TaskTiming.scheduled, TaskTiming.begins, TaskTiming.stands_still],
        TaskTiming.goes_on,
    ),
}
"""What may come first, and what happens while somebody looks."""


class _AnyTask:
    """One that has ended, so nobody asks where it waits."""

    def done(self) -> bool:
        """It has."""
        return True


ANY_TASK: Any = _AnyTask()


def after_changes(name: str) -> tuple[Interrupted, Change]:
    """Figures of a task in the midst of its second step, or about to take it; and what is next."""
    clock = Clock()
    timing = Interrupted(clock)
    before, change = CHANGES[name]
    first_step: list[Change] = [
        TaskTiming.scheduled,
        TaskTiming.begins,
        lambda timing: timing.ended(ANY_TASK),
    ]
    for number, each in enumerate([*first_step, *before]):
        each(timing)
        clock.passes(2**number)
    return timing, change


def figures(timing: TaskTiming) -> tuple[int, float, float, float]:
    value = timing.as_value(has_ended=False)
    return value.polls, value.busy, value.scheduled, value.idle


@pytest.mark.parametrize("attribute", ["_sums", "_is_ready", "_began", "_ready_at"])
@pytest.mark.parametrize("name", CHANGES)
def test_a_change_in_the_midst_of_a_look(name: str, attribute: str):
    """The look shows how it was before or after that."""
    timing, change = after_changes(name)
    before = figures(timing)
    changed: list[object] = []
    timing.before_reading = attribute, lambda: changed.append(change(timing))
    seen = figures(timing)
    assert 1 == len(changed)
    assert seen in {before, figures(timing)}


@pytest.mark.parametrize("name", CHANGES)
def test_a_look_in_the_midst_of_a_change(name: str):
    """It shows how it was before or will be after that."""
    timing, change = after_changes(name)
    before = figures(timing)
    seen: list[tuple[int, float, float, float]] = []
    timing.after_writing = lambda: seen.append(figures(timing))
    change(timing)
    timing.after_writing = None
    assert set(seen) <= {before, figures(timing)}
    assert len(seen) > 1


@pytest.mark.parametrize("awaits", [0, 1, 7])
def test_every_step_is_counted(awaits: int):
    """One more than there are awaits."""

    async def timed(_: Clock) -> int:
        task = asyncio.create_task(yields(awaits))
        await task
        return of(task).polls

    assert awaits + 1 == run(timed)


def test_busy_ready_and_idle_are_told_apart():
    """To the last second; together they are the task's age."""

    async def timed(clock: Clock) -> tuple[int, float, float, float]:
        event = asyncio.Event()

        async def work() -> None:
            clock.passes(2)
            await event.wait()
            clock.passes(3)

        task = asyncio.create_task(work())
        clock.passes(10)  # This task's step, and that one is ready.
        await asyncio.sleep(0)
        clock.passes(100)  # It waits.
        event.set()
        clock.passes(20)  # It could go on.
        await task
        clock.passes(1000)
        return spent(task)

    assert (2, 5.0, 30.0, 100.0) == run(timed)


def test_what_is_under_way_is_counted_up_to_now():
    """While it runs, is ready, or waits."""

    async def timed(clock: Clock) -> None:
        current = asyncio.current_task()
        assert current is not None
        clock.passes(4)
        assert (0, 4.0, 0.0, 0.0) == spent(current)
        task = asyncio.create_task(asyncio.Event().wait())
        clock.passes(1)
        assert (0, 0.0, 1.0, 0.0) == spent(task)
        await asyncio.sleep(0)
        clock.passes(2)
        assert (1, 0.0, 1.0, 2.0) == spent(task)
        task.cancel()

    run(timed)


def test_a_step_that_asks_for_the_next_one_is_ready_from_its_end_on():
    """`sleep(0)` puts the task into the queue in the midst of its own step."""

    async def timed(clock: Clock) -> tuple[int, float, float, float]:
        task = asyncio.create_task(takes(clock, 3, 5))
        await asyncio.sleep(0)
        clock.passes(1)
        await task
        return spent(task)

    assert (2, 8.0, 1.0, 0.0) == run(timed)


def test_the_slowest_step():
    """How long it took, when it began, and the line at which it ended."""

    async def timed(clock: Clock) -> None:
        before = time.time()
        task = asyncio.create_task(takes(clock, 0.25, 2, 0.5))
        await task
        timings = of(task)
        assert 2.0 == timings.slowest_step
        assert timings.slowest_step_where is not None
        assert timings.slowest_step_where.startswith("test_timings.py:")
        assert timings.slowest_step_where.endswith(" takes")
        # The clock's two seconds have not passed for the calendar.
        assert timings.slowest_step_at is not None
        assert before - 2 <= timings.slowest_step_at <= time.time() - 2

    run(timed)


def test_the_last_step_has_no_line_and_a_short_one_neither():
    """A task that has ended waits nowhere; and to look costs more than a short step takes."""

    async def timed(clock: Clock) -> list[str | None]:
        last = asyncio.create_task(takes(clock, 0.1, 5))
        short = asyncio.create_task(takes(clock, 0.0009, 0))
        await asyncio.gather(last, short)
        return [of(last).slowest_step_where, of(short).slowest_step_where]

    assert [None, None] == run(timed)


def test_the_histogram():
    """Powers of two from a microsecond up, always the same, and the rest at its end."""

    async def timed(clock: Clock) -> None:
        steps = [0.0000005, 0.0000015, 0.0000035, 0.003, 0.003, 8.3, 8.4, 3600]
        task = asyncio.create_task(takes(clock, *steps))
        await task
        histogram = of(task).histogram
        bounds = [bound for bound, _ in histogram]
        assert [*(2**number / 1e6 for number in range(BUCKETS)), None] == bounds
        counted = {bound: count for bound, count in histogram if count}
        assert {0.000001: 1, 0.000002: 1, 0.000004: 1, 0.004096: 2, 8.388608: 1, None: 2} == counted
        assert len(steps) == of(task).polls

    run(timed)


def test_a_task_that_fails_does_so_as_ever():
    """Its step counts, and its exception is its own."""

    async def timed(_: Clock) -> int:
        task = asyncio.create_task(fails())
        with pytest.raises(ValueError, match="broke"):
            await task
        return of(task).polls

    assert 2 == run(timed)


def test_a_cancelled_task_counts_the_step_in_which_it_hears_of_it():
    """Also one that had not begun."""

    async def timed(clock: Clock) -> list[tuple[int, float]]:
        async def cleans_up() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                clock.passes(2)
                await asyncio.sleep(0)
                clock.passes(1)

        begun = asyncio.create_task(cleans_up())
        await asyncio.sleep(0)
        unbegun = asyncio.create_task(cleans_up())
        for task in (begun, unbegun):
            task.cancel()
        await asyncio.wait([begun, unbegun])
        assert begun.cancelled()
        assert unbegun.cancelled()
        return [(of(task).polls, of(task).busy) for task in (begun, unbegun)]

    assert [(3, 3.0), (1, 0.0)] == run(timed)


def test_an_exit_in_a_step_counts_it_too():
    """It goes on its way, out of the loop."""
    clock = Clock()
    tasks: list[asyncio.Task[Any]] = []

    async def leaves() -> None:
        clock.passes(1)
        raise SystemExit(3)

    async def timed() -> None:
        tasks.append(asyncio.create_task(leaves()))
        await asyncio.Event().wait()

    with timed_loop(clock) as runner, pytest.raises(SystemExit):
        runner.run(timed())
    assert (1, 1.0) == spent(tasks[0])[:2]
    with pytest.raises(SystemExit):
        tasks[0].result()


def test_groups_timeouts_and_gather_work_as_ever():
    """Every task in them has its own figures."""

    async def timed(clock: Clock) -> None:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            tasks = [group.create_task(takes(clock, *range(count))) for count in (1, 2, 3)]
        assert [1, 2, 3] == [of(task).polls for task in tasks]
        assert [0.0, 1.0, 3.0] == [of(task).busy for task in tasks]
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
        gathered = [asyncio.create_task(yields(2)), asyncio.create_task(yields(3))]
        await asyncio.gather(*gathered)
        assert [3, 4] == [of(task).polls for task in gathered]

    run(timed)


def test_tasks_in_python_are_timed_as_well():
    """As nest_asyncio makes them, and whoever subclasses them."""

    async def timed(clock: Clock) -> tuple[int, float, float, float]:
        in_python: Any = asyncio.tasks._PyTask  # type: ignore[attr-defined] # has no type
        event = asyncio.Event()

        async def work() -> None:
            clock.passes(1)
            await event.wait()
            await yields(2)

        task = in_python(work(), loop=asyncio.get_running_loop())
        await asyncio.sleep(0)
        event.set()
        await task
        return spent(task)

    assert (4, 1.0, 0.0, 0.0) == run(timed)


def test_only_steps_are_taken_for_steps():
    """A task's other methods may be called by the loop, too."""

    async def timed(clock: Clock) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.create_task(asyncio.Event().wait())
        await asyncio.sleep(0)
        loop.call_soon(task.set_name, "other")
        loop.call_soon(clock.passes, 1)
        await asyncio.sleep(0)
        assert (1, 0.0, 0.0, 1.0) == spent(task)
        loop.call_soon(task.cancel)
        await asyncio.wait([task])
        assert ("other", 2) == (task.get_name(), of(task).polls)

    run(timed)


@NEEDS_EAGER_TASKS
def test_an_eager_tasks_first_step():
    """Is taken where the task is made, and counts there too; also when it is the only one."""

    async def timed(clock: Clock) -> None:
        current = asyncio.current_task()
        assert current is not None
        event = asyncio.Event()

        async def waits() -> None:
            clock.passes(2)
            await event.wait()
            clock.passes(3)

        only = asyncio.create_task(takes(clock, 1))
        again = asyncio.create_task(takes(clock, 4, 5))
        waiting = asyncio.create_task(waits())
        assert only.done()
        assert (1, 1.0, 0.0, 0.0) == spent(only)
        assert (1, 4.0, 2.0, 0.0) == spent(again)
        assert (1, 2.0, 0.0, 0.0) == spent(waiting)
        assert 7.0 == of(current).busy
        await again
        clock.passes(10)
        event.set()
        await waiting
        assert (2, 9.0, 2.0, 0.0) == spent(again)
        assert (2, 5.0, 0.0, 15.0) == spent(waiting)  # Also while `again` took its second step.

    run(timed, eager_loop)


def test_a_lazy_task_of_a_factory_has_no_first_step_yet():
    """A factory may make either kind."""

    def lazy(loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=loop, **options)

    async def timed(clock: Clock) -> None:
        asyncio.get_running_loop().set_task_factory(lazy)
        task = asyncio.create_task(takes(clock, 1, 2))
        assert 0 == of(task).polls
        await task
        assert (2, 3.0) == spent(task)[:2]

    run(timed)


def test_a_debugged_loop_says_where_a_callback_came_from():
    """And does not name this package in the place of that."""

    async def timed(_: Clock) -> list[str]:
        asyncio.get_running_loop().set_debug(True)
        handle: Any = asyncio.get_running_loop().call_soon(int)
        return [frame.name for frame in handle._source_traceback][-1:]

    assert ["timed"] == run(timed)


def test_real_time():
    """A task that computes is busy, and one that sleeps is not."""

    async def computes() -> None:
        until = time.perf_counter() + 0.05
        while time.perf_counter() < until:
            pass

    async def timed() -> None:
        busy = asyncio.create_task(computes())
        await busy
        idle = asyncio.create_task(asyncio.sleep(0.05))
        await idle
        assert 0.05 <= of(busy).busy < 5
        assert of(busy).busy == of(busy).slowest_step
        assert 0.04 <= of(idle).idle < 5
        assert of(idle).busy < of(idle).idle

    with timed_loop(time.perf_counter) as runner:
        runner.run(timed())


def test_ten_thousand_short_tasks_leave_nothing_behind():
    """Figures go with their task, but for those of the last thousand that ended."""

    async def timed() -> None:
        last = weakref.ref(asyncio.create_task(yields(1)))
        for _ in range(10_000):
            await asyncio.create_task(yields(1))
        unlisted = [asyncio.Task(yields(1)) for _ in range(1_000)]
        await asyncio.wait(unlisted)
        unlisted.clear()
        ledger.settle()
        gc.collect()
        assert last() is None
        kinds = itertools.groupby(sorted(type(thing).__name__ for thing in gc.get_objects()))
        counts = {name: len(list(group)) for name, group in kinds}
        assert 1_000 <= counts["TaskTiming"] < 1_100
        assert counts.get("_TimedStep", 0) < 10
        assert 1_000 == len(ended_rows(ledger))

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        ledger = Ledger(runner.get_loop(), timings=Timings(runner.get_loop()))
        try:
            runner.run(timed())
        finally:
            ledger.close()


def test_without_it_the_loop_is_as_ever():
    """No attribute on the loop, no handles of another class, no figures."""

    async def watched() -> None:
        loop = asyncio.get_running_loop()
        assert "_call_soon" not in vars(loop)
        task = asyncio.create_task(yields(1))
        assert {asyncio.Handle} == {type(handle) for handle in loop._ready}  # type: ignore[attr-defined]
        await task
        assert timing_of(task) is None

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        ledger = Ledger(runner.get_loop())
        try:
            runner.run(watched())
        finally:
            ledger.close()


def test_when_the_watch_is_over_no_times_are_taken():
    """The tasks that go on after it are as ever."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()
        ledger = Ledger(loop, timings=Timings(loop))
        assert "_call_soon" in vars(loop)
        ledger.close()
        assert "_call_soon" not in vars(loop)


def test_when_it_is_over_the_loop_is_as_it_was():
    """And whoever has wrapped it meanwhile is not disturbed."""
    loop = asyncio.new_event_loop()
    try:
        Timings(loop).close()
        assert "_call_soon" not in vars(loop)
        timings = Timings(loop)
        somebody_elses = loop._call_soon = Clock()  # type: ignore[attr-defined]
        timings.close()
        assert somebody_elses is vars(loop)["_call_soon"]
    finally:
        loop.close()


class Own(asyncio.SelectorEventLoop):
    """A loop with a queue of its own."""

    def _call_soon(self, *args: Any) -> Any:
        return super()._call_soon(*args)  # type: ignore[misc]


@pytest.mark.parametrize("factory", [uvloop.new_event_loop, Own])
def test_a_loop_that_cannot_be_timed_is_refused(factory: LoopFactory):
    """By name, and left as it was."""
    loop = factory()
    try:
        with pytest.raises(InvalidWork, match=f"asyncio's own event loops.*{type(loop).__name__}"):
            Timings(loop)
    finally:
        loop.close()
