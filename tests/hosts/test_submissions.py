"""Coroutines that are handed to a running loop, and their futures: each one resolves."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import inspect
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

import pytest

from bgwidgets import LoopEnded, LoopManager, LoopState, WouldDeadlock
from bgwidgets.commands import CancelTasks, SetStopEvent, StopLoop
from bgwidgets.hosts.failed_futures import fail_all
from bgwidgets.hosts.submissions import Submissions
from bgwidgets.snapshots import WindowRequest
from tests.conftest import Complaints
from tests.hosts.conftest import (
    AT_ONCE,
    LIMIT,
    MakeHost,
    end_of,
    for_ever,
    outcome_of,
    stop,
    swallow,
)
from tests.loop_factories import LoopFactory
from tests.waiting import until


def resolves(future: Future[Any]) -> bool:
    """Also for `concurrent.futures.wait` and `as_completed`, which ask for more than `done()`."""
    return future in concurrent.futures.wait([future], AT_ONCE).done


async def answer(value: int) -> int:
    await asyncio.sleep(0)
    return value


async def fail(error: BaseException) -> None:
    await asyncio.sleep(0)
    raise error


def test_a_loop_that_its_owner_has_closed_takes_no_more():
    """As any that has ended: it may be adopted, and its end not known yet."""
    loop, coroutine = asyncio.new_event_loop(), answer(42)
    submissions = Submissions(1, "theirs", contextvars.copy_context(), lambda *_: None)
    submissions.open(loop, lambda *_: None)
    loop.close()
    with pytest.raises(LoopEnded, match="takes no more work"):
        submissions.submit(coroutine, None)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)
    submissions.fail_the_rest()


def test_the_gate_does_not_close_while_one_is_let_in(monkeypatch: pytest.MonkeyPatch):
    """Whoever has closed it fails all that are inside, and must find this one there."""
    loop, was_closed = asyncio.new_event_loop(), list[bool]()
    submissions = Submissions(1, "work", contextvars.copy_context(), lambda *_: None)
    closed = threading.Event()

    def close() -> None:
        submissions.close()
        closed.set()
        submissions.fail_the_rest()

    closer = threading.Thread(target=close)
    let_in = loop.call_soon_threadsafe

    def close_meanwhile(*args: Any, **options: Any) -> asyncio.Handle:
        closer.start()
        was_closed.append(closed.wait(0.1))
        return let_in(*args, **options)

    monkeypatch.setattr(loop, "call_soon_threadsafe", close_meanwhile)
    submissions.open(loop, lambda *_: None)
    future = submissions.submit(answer(42), None)
    closer.join(LIMIT)
    assert ([False], True) == (was_closed, closed.is_set())
    assert isinstance(future.exception(LIMIT), LoopEnded)
    loop.close()


def test_a_result(start: MakeHost, loop_factory: LoopFactory):
    host = start(loop_factory=loop_factory)
    future = host.submit(answer(42), "the answer")
    assert 42 == future.result(LIMIT)
    assert future.exception(0) is None
    assert resolves(future)
    (task,) = host.task_window(WindowRequest(filter="the answer")).tasks
    assert ("answer", "finished", False) == (task.coroutine, task.state, task.is_main)


def test_an_error(start: MakeHost, loop_factory: LoopFactory):
    """The very one; it is the caller's, so asyncio has nothing to complain of."""
    host = start(loop_factory=loop_factory)
    error = KeyError("a")
    future = host.submit(fail(error), None)
    assert error is future.exception(LIMIT)
    with pytest.raises(KeyError):
        future.result(0)
    assert resolves(future)
    assert "running" == host.state


@pytest.mark.parametrize("error", [KeyboardInterrupt("b"), SystemExit(1)])
def test_an_exit_is_an_error_too(
    start: MakeHost, loop_factory: LoopFactory, error: BaseException, complaints: Complaints
):
    """Eager tasks raise it out of `create_task`; the future has it all the same."""

    async def leave() -> None:
        raise error

    host = start(loop_factory=loop_factory)
    assert error is host.submit(leave(), None).exception(LIMIT)
    assert 1 == host.submit(answer(1), None).result(LIMIT)
    # An eager task that raises it is seen by nobody, so asyncio says that it was not asked.
    assert all(said.startswith("Task exception was never") for said in complaints.take())


def test_a_task_factory_that_raises(start: MakeHost):
    """The future has its error: whoever waits must not wait for ever."""
    host = start()

    def refuse(*_args: Any, **_options: Any) -> Any:
        raise ValueError("no more tasks")

    async def set_factory(factory: Any) -> None:
        asyncio.get_running_loop().set_task_factory(factory)

    host.submit(set_factory(refuse), None).result(LIMIT)
    coroutine = for_ever()
    with pytest.raises(ValueError, match="no more tasks"):
        host.submit(coroutine, None).result(AT_ONCE)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


def test_cancelled_before_it_began(start: MakeHost, gate: threading.Event):
    """It never begins, its coroutine is closed, and everyone who waits is told."""
    blocked = threading.Event()

    async def block() -> None:
        blocked.set()
        gate.wait(LIMIT)

    host = start()
    host.submit(block(), None)
    assert blocked.wait(LIMIT)
    coroutine = for_ever()
    future = host.submit(coroutine, None)
    assert future.cancel()
    gate.set()
    assert resolves(future)
    assert future.cancelled()
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


def test_cancelled_after_it_began(start: MakeHost, loop_factory: LoopFactory):
    """The task is cancelled, at once."""
    host = start(loop_factory=loop_factory)
    begun, cancelled = threading.Event(), threading.Event()

    async def guest() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    future = host.submit(guest(), None)
    assert begun.wait(LIMIT)
    assert future.cancel()
    assert cancelled.wait(AT_ONCE)
    assert resolves(future)
    with pytest.raises(concurrent.futures.CancelledError):
        future.result(0)


def test_cancelled_and_it_does_not_care(start: MakeHost):
    """The future stays cancelled, whatever the task makes of it; and that is told, too."""
    host = start()
    begun, swallowed = threading.Event(), list[str]()
    future = host.submit(swallow(0, begun, swallowed), None)
    assert begun.wait(LIMIT)
    assert future.cancel()
    assert resolves(future)
    host.submit(asyncio.sleep(0), None).result(LIMIT)
    assert future.cancelled()
    assert ["again"] == swallowed


def test_cancelled_in_a_loop_that_is_stopped_meanwhile(start: MakeHost, gate: threading.Event):
    """Nobody passes the cancellation on any more, but it was one."""
    blocked = threading.Event()

    async def block() -> None:
        blocked.set()
        gate.wait(LIMIT)

    host = start()
    host.submit(block(), None)
    assert blocked.wait(LIMIT)
    future = host.submit(for_ever(), None)
    assert future.cancel()
    host.command(StopLoop(host.loop_id))
    host.give_up()
    assert resolves(future)
    gate.set()
    assert "stopped" == end_of(host).state


def test_cancelled_by_a_command(start: MakeHost):
    host = start()
    future = host.submit(for_ever(), None)
    host.command(CancelTasks(host.loop_id))
    assert resolves(future)
    assert future.cancelled()


def test_a_task_that_cancels_itself(start: MakeHost):
    future = start().submit(fail(asyncio.CancelledError()), None)
    assert resolves(future)
    assert future.cancelled()


def test_an_ended_loop_takes_nothing(start: MakeHost):
    """The coroutine is closed, so Python does not warn of it."""
    host = start()
    stop(host)
    late = for_ever()
    with pytest.raises(LoopEnded, match="'work' takes no more work: it has ended or is stopping"):
        host.submit(late, None)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(late)


def test_a_stopping_loop_takes_nothing(start: MakeHost, gate: threading.Event):
    """Main has ended, the rest cleans up."""
    cleaning = threading.Event()

    async def slow_to_leave() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cleaning.set()
            await asyncio.to_thread(gate.wait, LIMIT)

    host = start()
    host.submit(slow_to_leave(), None)
    assert 1 == host.submit(answer(1), None).result(LIMIT)
    host.command(SetStopEvent(host.loop_id))
    assert cleaning.wait(LIMIT)
    late = for_ever()
    with pytest.raises(LoopEnded):
        host.submit(late, None)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(late)


def test_futures_fail_when_their_loop_is_stopped(start: MakeHost, loop_factory: LoopFactory):
    """Cancelled, if the task took its cancellation; `LoopEnded`, if it did not end."""
    host = start(loop_factory=loop_factory)
    begun = threading.Event()
    obedient = host.submit(for_ever(), None)
    stubborn = host.submit(swallow(1_000, begun, []), None)
    assert begun.wait(LIMIT)
    stop(host)
    assert resolves(obedient)
    assert obedient.cancelled()
    assert resolves(stubborn)
    with pytest.raises(LoopEnded, match="'work' ended before this coroutine had"):
        stubborn.result(0)


class Blocks:
    """A callback of the user's that does not return until the gate is open."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate
        self._called_in: SimpleQueue[threading.Thread] = SimpleQueue()

    def __call__(self, _future: Future[Any]) -> None:
        """Says so first."""
        sys.stdout.write("called back\n")
        self._called_in.put(threading.current_thread())
        assert self._gate.wait(LIMIT)

    def thread(self) -> threading.Thread:
        """In which it was called."""
        return self._called_in.get(timeout=LIMIT)


def test_a_callback_that_blocks_does_not_keep_the_end_away(
    manager: LoopManager, gate: threading.Event
):
    """What was failed by the loop's end is told of in a thread of its own, which is the loop's."""
    job = manager.start()
    begun, blocks = threading.Event(), Blocks(gate)
    stubborn = job.submit(swallow(1_000, begun, []))
    stubborn.add_done_callback(blocks)
    assert begun.wait(LIMIT)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)
    assert isinstance(stubborn.exception(LIMIT), LoopEnded)
    thread = blocks.thread()
    assert f"bgw-{job.name}-callbacks" == thread.name
    assert "called back\n" == job.output.text()
    gate.set()
    thread.join(LIMIT)


def test_a_callback_that_blocks_does_not_hold_up_who_stops_the_loop(
    manager: LoopManager, gate: threading.Event
):
    """It is given up, for its thread is blocked; and so would be who stops it."""
    blocked, blocks, other = threading.Event(), Blocks(gate), threading.Event()

    async def block() -> None:
        blocked.set()
        assert gate.wait(LIMIT)

    job = manager.start()
    first, second = job.submit(for_ever()), job.submit(block())
    first.add_done_callback(blocks)
    second.add_done_callback(lambda _: other.set())
    assert blocked.wait(LIMIT)
    began = time.monotonic()
    assert LoopState.STOPPING == job.stop(0).outcome
    assert time.monotonic() - began < 3.0
    assert isinstance(first.exception(AT_ONCE), LoopEnded)
    assert isinstance(second.exception(AT_ONCE), LoopEnded)
    assert threading.current_thread() is not blocks.thread()
    gate.set()
    assert other.wait(LIMIT)
    assert LoopState.STOPPED == job.wait(LIMIT)


def test_one_that_awaits_a_failed_future_is_woken_though_a_callback_blocks(
    manager: LoopManager, gate: threading.Event
):
    """`asyncio.wrap_future` only passes on, so it need not wait for its turn."""
    job, blocks, begun = manager.start(), Blocks(gate), threading.Event()

    async def await_it() -> BaseException | None:
        stubborn = job.submit(swallow(1_000, begun, []))
        stubborn.add_done_callback(blocks)
        wrapped = asyncio.wrap_future(stubborn)
        await asyncio.to_thread(begun.wait, LIMIT)
        job.stop_loop()
        await asyncio.wait([wrapped], timeout=LIMIT)
        return wrapped.exception()

    assert isinstance(asyncio.run(await_it()), LoopEnded)
    thread = blocks.thread()
    gate.set()
    thread.join(LIMIT)


def test_what_cannot_be_passed_on_keeps_no_other_future_from_its_end(
    caplog: pytest.LogCaptureFixture,
):
    """To a loop that is closed meanwhile, for one: early releases of Python 3.11 raise then."""

    def passes_on(_: Future[None]) -> None:
        raise RuntimeError("Event loop is closed")

    passes_on.__module__ = "asyncio.futures"
    futures: list[Future[None]] = [Future(), Future()]
    futures[0].add_done_callback(passes_on)
    fail_all(futures, lambda: LoopEnded("it has ended"), 1, "job")
    assert all(isinstance(future.exception(0), LoopEnded) for future in futures)
    assert ["a callback of a future of 'job' raised"] == caplog.messages


@pytest.mark.parametrize("method", ["result", "exception"])
def test_no_waiting_in_the_loops_own_thread(start: MakeHost, method: str):
    """It would wait for itself. Awaiting the future is fine, and so is one that is done."""
    host = start()

    async def asks() -> tuple[str, int]:
        future = host.submit(answer(7), None)
        try:
            getattr(future, method)(AT_ONCE)
        except WouldDeadlock as error:
            said = str(error)
        await asyncio.wrap_future(future)
        getattr(future, method)()
        return said, future.result()

    said, value = host.submit(asks(), None).result(LIMIT)
    assert "await asyncio.wrap_future(future)" in said
    assert 7 == value


def test_a_worker_thread_of_the_loop_may_wait(start: MakeHost):
    """The loop turns meanwhile."""
    host = start()

    async def asks() -> Any:
        return await asyncio.to_thread(lambda: host.submit(answer(7), None).result(LIMIT))

    assert 7 == host.submit(asks(), None).result(LIMIT)


@pytest.mark.parametrize("command", [SetStopEvent, StopLoop])
def test_eight_threads_submit_while_the_loop_is_stopped(
    start: MakeHost, loop_factory: LoopFactory, command: Callable[[int], Any]
):
    """Each future resolves, each coroutine ran or was closed."""
    host = start(loop_factory=loop_factory)
    all_submit = threading.Barrier(9)
    coroutines: list[Coroutine[Any, Any, Any]] = []

    def submit() -> list[Future[Any]]:
        futures = [host.submit(answer(0), None)]
        all_submit.wait(LIMIT)
        while True:
            coroutine = answer(len(futures)) if len(futures) % 2 else for_ever()
            coroutines.append(coroutine)
            try:
                futures.append(host.submit(coroutine, None))
            except LoopEnded:
                return futures
            if len(futures) % 50 == 0:  # An answer: eight threads must not drown one loop.
                concurrent.futures.wait(futures[-1:], LIMIT)

    with ThreadPoolExecutor(8) as pool:
        submitters = [pool.submit(submit) for _ in range(8)]
        all_submit.wait(LIMIT)
        host.command(command(host.loop_id))
        end_of(host)
        futures = [future for each in submitters for future in each.result(LIMIT)]
    assert 8 <= len(futures)
    assert not concurrent.futures.wait(futures, LIMIT).not_done
    states = {inspect.getcoroutinestate(coroutine) for coroutine in coroutines}
    assert {inspect.CORO_CLOSED} == states


def test_nothing_is_kept_of_what_has_ended(start: MakeHost):
    """Neither the future nor its result; a loop may take a million of them."""
    host = start()

    class Result:
        """Something that can be counted."""

    async def make() -> Result:
        return Result()

    for _ in range(10):
        host.submit(make(), None).result(LIMIT)
    # The loop's book holds the tasks that have just ended, for a moment.
    until(
        lambda: (
            gc.collect() >= 0 and not [thing for thing in gc.get_objects() if type(thing) is Result]
        )
    )


def test_outcomes_of_many(start: MakeHost, loop_factory: LoopFactory):
    """Two thousand at once, none mistaken for another."""
    host = start(loop_factory=loop_factory)
    futures = [host.submit(answer(number), None) for number in range(2_000)]
    assert list(range(2_000)) == [future.result(LIMIT) for future in futures]
    assert "KeyError" == type(outcome_of(host.submit(fail(KeyError()), None))).__name__


def test_it_begins_as_soon_as_the_loop_hears_of_it(start: MakeHost):
    """Before what stands in line, so that a short answer comes at the same turn."""
    host, order = start(), list[str]()

    async def stand_in_line() -> None:
        asyncio.get_running_loop().call_soon(order.append, "stood in line")

    async def short() -> None:
        assert asyncio.current_task() is not None
        order.append("short")

    async def both() -> None:
        """Handed in while the loop is busy, so that it hears of both in one turn."""
        futures.extend(host.submit(each(), None) for each in (stand_in_line, short))

    futures = list[Future[Any]]()
    host.submit(both(), None).result(LIMIT)
    for future in futures:
        future.result(LIMIT)
    host.submit(answer(0), None).result(LIMIT)
    assert ["short", "stood in line"] == order
