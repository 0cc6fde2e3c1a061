"""Whatever a loop is busy with, a stop comes to its end and names what is left."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bgwidgets import LoopManager, LoopState
from bgwidgets.commands import CancelTasks, SetStopEvent, StopLoop
from bgwidgets.exceptions import LoopEnded
from bgwidgets.hosts import names_of_left, stopping
from bgwidgets.snapshots import WindowRequest
from tests.conftest import Complaints
from tests.hosts.conftest import AT_ONCE, LIMIT, MakeHost, end_of, for_ever, stop, swallow
from tests.loop_factories import LoopFactory
from tests.waiting import until

CLOSED_BY = 2.5
"""Seconds in which a loop of ours closes that is stopped: 1 s for its tasks, 0.5 s for its
generators, and some for the machine."""
CHAIN = 2_000
"""Tasks that wait for each other."""


def test_a_thousand_sleepers_end_at_once(start: MakeHost, loop_factory: LoopFactory):
    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(1_000):
                group.create_task(asyncio.sleep(3600))

    host = start(work, loop_factory=loop_factory)
    assert 1 == host.submit(asyncio.sleep(0, 1), None).result(LIMIT)
    began = time.monotonic()
    end = stop(host)
    assert time.monotonic() - began < AT_ONCE
    assert ("stopped", (), ()) == (
        end.state,
        end.leftovers.unfinished_tasks,
        end.leftovers.threads_left,
    )


def test_a_chain_of_thousands_that_wait_for_each_other_ends(
    start: MakeHost, loop_factory: LoopFactory
):
    """Each is cancelled once, and not once more for each that waits for it."""
    begun, cancelled = threading.Event(), list[asyncio.Task[Any]]()

    async def wait_for(inner: asyncio.Task[Any]) -> None:
        await inner

    async def work() -> None:
        task = asyncio.create_task(asyncio.sleep(3600))
        for _ in range(CHAIN):
            cancelled.append(task)
            task = asyncio.create_task(wait_for(task))
        await asyncio.sleep(0)
        begun.set()
        await task

    host = start(work, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    began = time.monotonic()
    end = stop(host)
    assert time.monotonic() - began < AT_ONCE
    assert () == end.leftovers.unfinished_tasks
    assert {1} == {task.cancelling() for task in cancelled}
    cancelled.clear()


class CannotBeCancelled(asyncio.Task[Any]):
    """As somebody's task factory makes them."""

    def cancel(self, msg: Any | None = None) -> bool:
        """Not this one."""
        raise OSError(msg or "not mine")


def in_a_circle() -> list[asyncio.Task[Any]]:
    """Two tasks that wait for each other."""

    async def wait(number: int) -> None:
        await asyncio.sleep(0)
        await tasks[number]

    tasks = [asyncio.create_task(wait(1 - number), name=f"{number}") for number in range(2)]
    return tasks


def one_of_its_own() -> list[asyncio.Task[Any]]:
    """A task whose class has another `cancel`."""
    loop = asyncio.get_running_loop()
    return [CannotBeCancelled(asyncio.sleep(3600), loop=loop, name="0")]


@pytest.mark.parametrize(
    ("make", "why"),
    [(in_a_circle, "2 tasks wait for each other in a circle"), (one_of_its_own, "not mine")],
)
def test_a_task_whose_cancel_raises_saves_no_other(
    start: MakeHost, complaints: Complaints, make: Any, why: str
):
    """All the others are cancelled, why this one is not is told, and the stop comes to its end."""
    others, made, begun = list[Any](), list[Any](), threading.Event()

    async def work() -> None:
        made.extend(make())
        others.extend(asyncio.create_task(asyncio.sleep(3600)) for _ in range(20))
        asyncio.get_running_loop().call_later(0.05, begun.set)
        await asyncio.sleep(3600)

    host = start(work)
    assert begun.wait(LIMIT)
    host.command(CancelTasks(host.loop_id))
    until(lambda: all(task.cancelled() for task in others))
    assert not any(task.done() for task in made)
    end = stop(host)
    assert [task.get_name() for task in made] == sorted(end.leftovers.unfinished_tasks)
    assert end.state == "stopped"
    told = complaints.take()
    assert all(why in text and "cannot be cancelled" in text for text in told[:1])
    assert told
    made.clear()
    complaints.take()


def test_tasks_that_start_two_in_their_place_do_not_become_millions(
    start: MakeHost, complaints: Complaints
):
    """The stop comes to its end, and what is left is let go."""
    born, begun, is_over = list[Any](), threading.Event(), threading.Event()

    async def hydra() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            if not is_over.is_set():
                born.extend(asyncio.create_task(hydra()) for _ in range(2))

    host = start(hydra)
    assert begun.wait(LIMIT)
    assert stop(host).state == "stopped"
    is_over.set()
    assert 2**5 < len(born) < 2**14
    born.clear()
    complaints.take()


@pytest.mark.parametrize("length", [10, 700])
def test_a_long_chain_of_tasks_is_cancelled_from_its_head(start: MakeHost, length: int):
    """As by asyncio alone, which has room for more of them than there is for our frames."""

    async def wait(task: asyncio.Future[Any]) -> None:
        await task

    async def work() -> list[bool]:
        chain = [asyncio.create_task(asyncio.sleep(3600))]
        for _ in range(length):
            chain.append(asyncio.create_task(wait(chain[-1])))
        for _ in range(3):
            await asyncio.sleep(0)
        chain[-1].cancel()
        await asyncio.wait(chain)
        return [task.cancelled() and task.cancelling() == 1 for task in chain]

    assert [True] * (length + 1) == end_of(start(work)).result


async def chain_of_three(innermost: asyncio.Future[Any]) -> list[asyncio.Task[Any]]:
    """The last waits for the one before it, and so on; suspended, all of them."""

    async def wait(what: asyncio.Future[Any]) -> None:
        await what

    chain = [asyncio.create_task(wait(innermost))]
    for _ in range(2):
        chain.append(asyncio.create_task(wait(chain[-1])))
    for _ in range(3):
        await asyncio.sleep(0)
    return chain


def test_an_error_amid_a_chain_of_tasks_comes_up_as_by_asyncio_alone(start: MakeHost):
    """Each has been asked once by then, and nothing is lost but what raised."""

    class Refuses(asyncio.Future[Any]):
        def cancel(self, msg: Any | None = None) -> bool:
            raise OSError(msg or "not mine")

    async def work() -> list[int]:
        future = Refuses()
        chain = await chain_of_three(future)
        with pytest.raises(OSError, match="not mine"):
            chain[-1].cancel()
        asked = [task.cancelling() for task in chain]
        future.set_result(None)
        await asyncio.wait(chain)
        return asked

    assert [1, 1, 1] == end_of(start(work)).result


def test_a_tasks_own_cancel_is_not_passed_by(start: MakeHost):
    """Amid a chain too: it says no, and so it is not cancelled."""

    async def work() -> list[int]:
        gate = asyncio.get_running_loop().create_future()
        chain = await chain_of_three(gate)

        def refuse(_task: object, msg: Any | None = None) -> bool:
            return msg is not None

        guarded = type("Guarded", (type(chain[0]),), {"cancel": refuse})

        async def wait(what: asyncio.Future[Any]) -> None:
            await what

        inner = guarded(wait(gate), loop=asyncio.get_running_loop())
        await asyncio.sleep(0)
        outer = asyncio.create_task(wait(inner))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        outer.cancel()
        levels = [inner.cancelling(), outer.cancelling()]
        gate.set_result(None)
        await asyncio.wait({inner, outer, *chain})
        return levels

    assert [0, 1] == end_of(start(work)).result


def test_one_who_swallows_its_cancellation_once_gets_another(
    start: MakeHost, loop_factory: LoopFactory
):
    begun, swallowed = threading.Event(), list[str]()
    host = start(swallow, 1, begun, swallowed, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    end = stop(host)
    assert ("stopped", ()) == (end.state, end.leftovers.unfinished_tasks)
    assert 2 == len(swallowed)


def test_one_who_swallows_them_for_ever_is_named(
    start: MakeHost, loop_factory: LoopFactory, complaints: Complaints
):
    """And destroyed without a complaint: it was given up on purpose."""
    begun, swallowed = threading.Event(), list[str]()

    async def work() -> None:
        keep.append(asyncio.create_task(swallow(1_000, begun, swallowed), name="stubborn"))
        await asyncio.sleep(3600)

    keep: list[Any] = []
    host = start(work, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    began = time.monotonic()
    end = stop(host)
    assert time.monotonic() - began < CLOSED_BY
    assert ("stopped", ("stubborn",)) == (end.state, end.leftovers.unfinished_tasks)
    assert 2 <= len(swallowed) <= 4
    keep.clear()
    del host
    assert [] == complaints.take()


def test_a_slow_clean_up_is_not_disturbed(start: MakeHost):
    """One CancelledError is enough for one that takes it seriously."""
    begun, errors = threading.Event(), list[str]()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            try:
                await asyncio.sleep(stopping.CANCEL_AGAIN_AFTER * 0.6)
            except asyncio.CancelledError:
                errors.append("disturbed")

    host = start(work)
    assert begun.wait(LIMIT)
    assert "stopped" == stop(host).state
    assert [] == errors


def test_tasks_that_are_born_while_others_are_cancelled_are_cancelled_too(
    start: MakeHost, loop_factory: LoopFactory
):
    """Down to the third generation."""
    born: list[asyncio.Task[None]] = []
    begun = threading.Event()

    async def work(generation: int) -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            if generation < 3:
                born.append(asyncio.create_task(work(generation + 1)))

    host = start(work, 0, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    end = stop(host)
    assert ("stopped", ()) == (end.state, end.leftovers.unfinished_tasks)
    assert [True] * 3 == [task.cancelled() for task in born]


def test_one_who_cancels_everything_around_it_cancels_no_stop(
    start: MakeHost, loop_factory: LoopFactory, complaints: Complaints
):
    """As the seed's own clean-up does: what still cleans up may end, and nothing complains."""
    begun, steps = threading.Event(), list[str]()

    async def canceller() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            for task in asyncio.all_tasks():
                if task is not asyncio.current_task():
                    task.cancel()
            await asyncio.sleep(0.05)
            steps.append("cleaned up")

    async def work() -> None:
        keep.append(asyncio.create_task(canceller(), name="canceller"))
        await asyncio.sleep(3600)

    keep: list[Any] = []
    host = start(work, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    end = stop(host)
    assert ["cleaned up"] == steps
    assert ("stopped", ()) == (end.state, end.leftovers.unfinished_tasks)
    keep.clear()
    del host
    assert [] == complaints.take()


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_a_generator_that_hangs_in_its_finally(
    start: MakeHost, loop_factory: LoopFactory, complaints: Complaints, is_stubborn: bool
):
    """Its loop closes without it, says so, and counts no tasks of ours."""
    waiting = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            while True:
                waiting.set()
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    if not is_stubborn:
                        raise

    async def work() -> None:
        keep.append(numbers())
        async for _ in keep[0]:
            break

    keep: list[Any] = []
    host = start(work, loop_factory=loop_factory)
    began = time.monotonic()
    end = end_of(host)
    assert time.monotonic() - began < CLOSED_BY
    assert waiting.is_set()
    assert "finished" == end.state
    assert ("an asynchronous generator did not close within 0.5 s",) == end.leftovers.notes
    assert ["work"] == [task.name for task in host.task_window(WindowRequest()).tasks]
    keep.clear()
    del host
    assert [] == complaints.take()


def test_nothing_is_said_of_a_generator_that_a_left_task_is_in_the_midst_of(
    start: MakeHost, loop_factory: LoopFactory, complaints: Complaints
):
    """It cannot be closed; the task is named. A handler of the user's hears of all else."""
    begun, heard = threading.Event(), list[str]()

    async def numbers() -> AsyncIterator[int]:
        while True:
            try:
                begun.set()
                await asyncio.Event().wait()
                yield 1
            except asyncio.CancelledError:
                continue

    async def fails_at_its_end() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            raise ValueError("it cannot be closed")

    async def counts() -> None:
        async for _ in numbers():
            pass

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: heard.append(str(context["exception"])))
        keep.append(fails_at_its_end())
        await anext(keep[0])
        await counts()

    keep: list[Any] = []
    host = start(work, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    end = stop(host)
    assert ("stopped", ("work",)) == (end.state, end.leftovers.unfinished_tasks)
    assert ["it cannot be closed"] == heard
    keep.clear()
    del host
    assert [] == complaints.take()


def test_generators_may_clean_up(start: MakeHost, loop_factory: LoopFactory):
    """Those that were left in the middle are closed in their loop."""
    cleaned: list[str] = []

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            cleaned.append("cleaned")

    async def work() -> None:
        keep.append(numbers())
        async for _ in keep[0]:
            break

    keep: list[Any] = []
    end = end_of(start(work, loop_factory=loop_factory))
    assert (["cleaned"], ()) == (cleaned, end.leftovers.notes)


def test_a_task_that_ends_while_generators_close_is_not_left(start: MakeHost):
    """What is named as left is what is left when all is over."""
    begun = threading.Event()

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(3600)

    async def late() -> None:
        """Ends a little after the limit."""
        ends_at = None
        while ends_at is None or time.monotonic() < ends_at:
            begun.set()
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                ends_at = ends_at or time.monotonic() + stopping.STOP_LIMIT + 0.2

    async def work() -> None:
        keep.extend([numbers(), asyncio.create_task(late(), name="late")])
        async for _ in keep[0]:
            break
        await asyncio.sleep(3600)

    keep: list[Any] = []
    host = start(work)
    assert begun.wait(LIMIT)
    end = stop(host)
    assert keep[1].done()
    assert () == end.leftovers.unfinished_tasks


def test_a_worker_thread_that_does_not_return_is_named(
    start: MakeHost, loop_factory: LoopFactory, gate: threading.Event
):
    """Its loop closes without it; the task that waits for it was cancelled, as asyncio has it."""
    begun = threading.Event()

    def stuck() -> None:
        begun.set()
        gate.wait(LIMIT)

    async def work() -> None:
        await asyncio.to_thread(stuck)

    host = start(work, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    began = time.monotonic()
    end = stop(host)
    assert time.monotonic() - began < AT_ONCE
    assert ("stopped", (), ("bgw-work-worker-1",)) == (
        end.state,
        end.leftovers.unfinished_tasks,
        end.leftovers.threads_left,
    )


def test_a_blocked_loop_is_given_up(
    start: MakeHost, loop_factory: LoopFactory, gate: threading.Event
):
    """It stays stopping, which is true, until its thread comes back; its futures fail at once."""
    begun = threading.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        begun.set()
        gate.wait(LIMIT)

    host = start(work, loop_factory=loop_factory)
    future = host.submit(for_ever(), "guest")
    assert begun.wait(LIMIT)
    host.command(StopLoop(host.loop_id))
    assert "stopping" == host.state
    left = host.give_up()
    assert {"work"} <= set(left.unfinished_tasks) <= {"work", "guest"}
    assert ("bgw-work",) == left.threads_left
    assert "its thread is blocked" in left.notes[-1]
    assert "LoopEnded" == type(future.exception(AT_ONCE)).__name__
    assert "stopping" == host.state
    assert not host.ended.done()
    gate.set()
    assert "stopped" == end_of(host).state


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_exit_in_a_side_task_is_that_tasks_own(
    start: MakeHost,
    loop_factory: LoopFactory,
    complaints: Complaints,
    error: type[BaseException],
):
    """The loop goes on, and notes it; asyncio says that nobody asked for the task's error."""

    async def leave() -> None:
        await asyncio.sleep(0)
        raise error("from a side task")

    async def work() -> str:
        task = asyncio.create_task(leave())
        await asyncio.wait({task})
        await asyncio.sleep(0.01)
        return "went on"

    host = start(work, loop_factory=loop_factory)
    end = end_of(host)
    assert ("finished", "went on") == (end.state, end.result)
    assert (f"{error.__name__} in a task: the loop went on",) == end.leftovers.notes
    del end
    (said,) = complaints.take()
    assert said.startswith("Task exception was never retrieved")


def test_a_loop_that_is_thrown_out_at_every_turn_can_still_be_stopped(
    start: MakeHost, gate: threading.Event
):
    """Also at the very turn in which it closes. It says so once, and how often it was."""
    turns: list[int] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loops.append(loop)

        def leave() -> None:
            turns.append(1)
            if not gate.is_set():
                loop.call_soon(leave)
                raise KeyboardInterrupt

        loop.call_soon(leave)
        await asyncio.sleep(0.05)

    host = start(work)
    try:
        host.ended.result(CLOSED_BY)
    finally:
        gate.set()  # Lets a loop go that hangs, so that no thread turns for ever.
        if not host.ended.done():
            loops[0].call_soon_threadsafe(loops[0].stop)
    end = end_of(host)
    assert "finished" == end.state
    (note,) = end.leftovers.notes
    said = re.fullmatch(r"KeyboardInterrupt in a task: the loop went on \(([\d,]+) times\)", note)
    assert said is not None
    assert 20 < int(said[1].replace(",", "")) <= len(turns)


def test_a_stray_stop_of_the_loop_does_not_end_it(start: MakeHost, loop_factory: LoopFactory):
    """The seed's first button did that, from inside and from other threads."""
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> str:
        loop = asyncio.get_running_loop()
        loops.append(loop)
        loop.stop()
        await asyncio.sleep(0.01)
        return "went on"

    host = start(work, loop_factory=loop_factory)
    end = end_of(host)
    assert ("finished", "went on") == (end.state, end.result)
    assert ("loop.stop() was called by the loop's own code: the loop went on",) == (
        end.leftovers.notes
    )
    assert loops[0].is_closed()


def test_a_stop_does_not_wait_for_a_far_timer(start: MakeHost, loop_factory: LoopFactory):
    """An idle loop sleeps in its selector: a command from another thread wakes it."""
    host = start(for_ever, loop_factory=loop_factory)
    for command in (SetStopEvent, StopLoop):
        began = time.monotonic()
        host.command(command(host.loop_id))
    end_of(host)
    assert time.monotonic() - began < AT_ONCE


def test_ten_loops_are_stopped_in_the_time_of_one(start: MakeHost):
    """Each in its own thread."""
    begun = [threading.Event() for _ in range(10)]
    hosts = [start(swallow, 1_000, event, []) for event in begun]
    for event in begun:
        assert event.wait(LIMIT)
    began = time.monotonic()
    for host in hosts:
        host.command(StopLoop(host.loop_id))
    assert {"stopped"} == {end_of(host).state for host in hosts}
    assert time.monotonic() - began < CLOSED_BY


def test_a_loop_that_lets_nobody_call_in_is_given_up():
    """As one that is blocked: every command comes back, and the report names what is left."""
    manager, broken = LoopManager(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def refuse(*_args: Any, **_options: Any) -> None:
        raise OSError("not here")

    async def breaks_its_loop() -> None:
        loops.append(asyncio.get_running_loop())
        loops[0].call_soon_threadsafe = refuse  # type: ignore[method-assign, assignment]
        broken.set()
        await for_ever()

    job = manager.start()
    future = job.submit(breaks_its_loop(), name="breaks")
    assert broken.wait(LIMIT)
    with pytest.raises(OSError, match="not here"):
        job.submit(for_ever())
    job.cancel_tasks()
    report = job.stop(0.05)
    assert (LoopState.STOPPING, ("breaks",)) == (report.outcome, report.unfinished_tasks)
    assert isinstance(future.exception(LIMIT), LoopEnded)
    # Mended, it obeys again: with each call one of the commands that it has not heard.
    del loops[0].call_soon_threadsafe

    def ends() -> bool:
        job.stop_loop()
        return job.state.has_ended

    until(ends)
    assert LoopState.STOPPED == job.state


def test_of_very_many_that_are_left_the_first_are_named(
    start: MakeHost, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """To name them all could take longer than a stop may."""
    monkeypatch.setattr(names_of_left, "MOST_NAMED", 3)
    begun = threading.Event()

    async def work() -> None:
        tasks = [asyncio.create_task(for_ever()) for _ in range(6)]
        await asyncio.sleep(0)
        begun.set()
        gate.wait(LIMIT)
        del tasks

    host = start(work)
    assert begun.wait(LIMIT)
    left = host.give_up()
    gate.set()
    assert 3 == len(left.unfinished_tasks)
    assert "4 more tasks are left, which are not named here" in left.notes
