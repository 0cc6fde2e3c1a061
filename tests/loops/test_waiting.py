"""Waiting for a loop: its end, its result, its error; and who may not wait."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState, belonging
from tests.loops.conftest import LIMIT
from tests.waiting import until


async def answer(value: int) -> int:
    return value


async def fail() -> None:
    raise KeyError("what the user's code raised")


async def for_ever() -> None:
    await asyncio.Event().wait()


async def _awaited(job: BackgroundLoop) -> Any:
    return await job


def test_result_is_what_the_main_task_returned(manager: LoopManager):
    """As often as it is asked for."""
    job = manager.start(answer, 42)
    assert 42 == job.result(LIMIT)
    assert 42 == job.result(LIMIT)
    assert job.exception(LIMIT) is None
    assert LoopState.FINISHED == job.wait(LIMIT)


def test_result_raises_what_the_main_task_raised(manager: LoopManager):
    """The original exception; the traceback is kept, and the handle tells it in short."""
    job = manager.start(fail)
    error = job.exception(LIMIT)
    with pytest.raises(KeyError, match="what the user's code raised") as caught:
        job.result(LIMIT)
    assert error is caught.value
    assert LoopState.FAILED == job.state
    text = job.snapshot().error
    assert text is not None
    assert "Traceback" in text
    assert "in fail" in text
    line = 'KeyError: "what the user\'s code raised"'
    assert line == job.snapshot().error_line
    assert f"<BackgroundLoop {job.id} 'fail' failed: {line}>" == repr(job)


@pytest.mark.parametrize("stop", [BackgroundLoop.stop_loop, BackgroundLoop.cancel_tasks])
def test_there_is_no_result_after_a_stop(
    manager: LoopManager, stop: Callable[[BackgroundLoop], None]
):
    """And never a CancelledError thrown into one who only asked."""
    job = manager.start(for_ever)
    stop(job)
    for ask in (job.result, job.exception):
        with pytest.raises(bgw.LoopEnded, match="so there is no result"):
            ask(LIMIT)


def test_waiting_ends_when_its_time_is_over(manager: LoopManager):
    """Each form says how the loop was doing then, and disturbs nothing."""
    job = manager.start(for_ever)
    for wait in (job.wait, job.result, job.exception):
        with pytest.raises(TimeoutError, match="'for_ever' is running after 0 s"):
            wait(0)
    assert LoopState.RUNNING == job.state


def test_a_users_own_timeout_error_is_a_result_like_any_other(manager: LoopManager):
    """It is not taken for the end of our patience."""

    async def time_out() -> None:
        raise TimeoutError("the user's")

    job = manager.start(time_out)
    with pytest.raises(TimeoutError, match="the user's"):
        job.result(LIMIT)


def test_async_code_awaits_a_job(manager: LoopManager):
    """Its result, its error, its end, from a loop that has nothing to do with it."""

    async def look_on() -> tuple[Any, LoopState]:
        job = manager.start(answer, 42)
        with pytest.raises(KeyError):
            await manager.start(fail)
        return await job, await job.wait_async(LIMIT)

    assert (42, LoopState.FINISHED) == asyncio.run(look_on())


def test_one_who_is_cancelled_while_waiting_leaves_the_job_alone(manager: LoopManager):
    """`asyncio.wait_for(job)` gives up the waiting, not the work."""
    job = manager.start(for_ever)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.ensure_future(_awaited(job)), 0.01)
        with pytest.raises(TimeoutError):
            await job.wait_async(0.01)

    asyncio.run(give_up())
    assert LoopState.RUNNING == job.state
    assert LoopState.FINISHED != job.stop(0).outcome
    with pytest.raises(bgw.LoopEnded):
        job.result(LIMIT)


def test_a_plain_function_may_not_wait_for_its_own_loop(manager: LoopManager):
    """The loop ends only after the function, which then waits for ever."""

    def wait_for_oneself() -> None:
        me = bgw.current()
        assert me is not None
        me.wait(LIMIT)

    with pytest.raises(bgw.WouldDeadlock, match=r"wait\(\) in a thread of 'wait_for_oneself'"):
        manager.start(wait_for_oneself).result(LIMIT)


@pytest.mark.parametrize("call", ["wait", "result", "exception", "stop", "restart"])
def test_a_loop_may_not_wait_for_itself(manager: LoopManager, call: str):
    """The refusal names the call and comes at once."""

    async def wait_for_oneself() -> str:
        me = bgw.current()
        assert me is not None
        with pytest.raises(bgw.WouldDeadlock) as refusal:
            getattr(me, call)()
        return str(refusal.value)

    text = manager.start(wait_for_oneself).result(LIMIT)
    name = "stop" if call == "restart" else call
    assert text.startswith((f"{call}()", f"{name}()"))
    assert "would wait for itself" in text


def test_a_loop_may_not_await_itself_either(manager: LoopManager):
    """A task of the loop ends before the loop does, so it can never see its end."""

    async def await_oneself() -> int:
        me = bgw.current()
        assert me is not None
        refused = 0
        for waiting in (me.stop_async(), me.wait_async(), _awaited(me)):
            with pytest.raises(bgw.WouldDeadlock):
                await waiting
            refused += 1
        with pytest.raises(bgw.WouldDeadlock):
            manager.stop_all()
        return refused

    assert 3 == manager.start(await_oneself).result(LIMIT)


def test_a_future_may_not_be_waited_for_in_its_own_loop(manager: LoopManager):
    """It names what to await instead."""

    async def submit_and_block() -> None:
        me = bgw.current()
        assert me is not None
        future = me.submit(answer(1))
        try:
            future.result()
        finally:
            assert 1 == await asyncio.wrap_future(future)

    with pytest.raises(bgw.WouldDeadlock, match="await the coroutine"):
        manager.start(submit_and_block).result(LIMIT)


def test_a_later_thread_of_the_same_number_is_not_taken_for_the_loops(manager: LoopManager):
    """The system uses a thread's number again as soon as that thread has ended."""

    async def number_of_thread() -> int:
        return threading.get_ident()

    job = manager.start(number_of_thread)
    number = job.result(LIMIT)
    deadline = time.monotonic() + LIMIT
    while any(thread.ident == number for thread in threading.enumerate()):
        assert time.monotonic() < deadline
    assert number not in belonging._loop_of_thread


def test_a_worker_thread_may_wait_for_another_loop(manager: LoopManager):
    """Only a loop's own thread is refused."""
    other = manager.start(answer, 7)
    assert 7 == manager.start(other.result).result(LIMIT)


@pytest.mark.parametrize("wait", [BackgroundLoop.wait_async, _awaited], ids=["wait_async", "await"])
def test_what_waits_for_another_loop_says_so(
    manager: LoopManager, wait: Callable[[BackgroundLoop], Coroutine[Any, Any, Any]]
):
    """And for which one."""
    other, job = manager.start(name="race"), manager.start()
    job.submit(wait(other), name="waiter")

    def words() -> list[str | None]:
        return [task.waiting_on for task in job.tasks if task.name == "waiter"]

    until(lambda: words() not in ([], [None]))
    assert ["end of loop race"] == words()


def test_stop_says_what_was_needed(manager: LoopManager):
    """The event alone, when the work listens to it."""

    async def listen() -> None:
        me = bgw.current()
        assert me is not None
        await me.stop_event.wait()

    job = manager.start(listen)
    report = job.stop(grace=LIMIT)
    assert (LoopState.FINISHED, ("stop_event",)) == (report.outcome, report.steps)
    assert ((), (), ()) == (report.unfinished_tasks, report.threads_left, report.notes)
    assert 0 <= report.seconds < LIMIT


def test_stop_goes_on_to_cancel(manager: LoopManager):
    """When the event is not listened to."""
    report = manager.start(for_ever).stop(grace=0)
    assert LoopState.CANCELLED == report.outcome
    assert ("stop_event", "cancel_tasks") == report.steps


def test_stop_names_what_is_left(manager: LoopManager, gate: threading.Event):
    """A plain function that does not return is abandoned, and named with its thread."""
    job = manager.start(gate.wait, LIMIT, name="stubborn")
    report = job.stop(grace=0)
    assert LoopState.STOPPED == report.outcome
    assert ("stop_event", "cancel_tasks", "stop_loop") == report.steps
    assert ("stubborn",) == report.unfinished_tasks
    assert ("bgw-stubborn-worker-1",) == report.threads_left


def test_stop_gives_up_a_blocked_loop(manager: LoopManager):
    """It stays stopping, its futures are failed, and it is stopped when its thread comes back."""
    go_on, is_blocked = threading.Event(), threading.Event()

    async def block() -> None:
        is_blocked.set()
        go_on.wait(LIMIT)

    job = manager.start(for_ever, name="stuck")
    waiting = job.submit(for_ever())
    blocking = job.submit(block(), name="blocker")
    assert is_blocked.wait(LIMIT)

    report = job.stop(grace=0)

    assert LoopState.STOPPING == report.outcome == job.state
    assert {"stuck", "blocker"} <= set(report.unfinished_tasks)
    assert ("bgw-stuck",) == report.threads_left
    assert report.seconds < 3
    for future in (waiting, blocking):
        with pytest.raises(bgw.LoopEnded):
            future.result(0)
    with pytest.raises(bgw.LoopEnded, match="given up"):
        job.result(0)
    with pytest.raises(bgw.CannotRestart, match="still stopping"):
        job.restart(grace=0)

    go_on.set()
    assert LoopState.STOPPED == job.wait(LIMIT)
    with pytest.raises(bgw.LoopEnded, match="was stopped, so there is no result"):
        job.result(0)


def test_stop_of_what_has_ended_needs_nothing(manager: LoopManager):
    """The report tells the state it ended in."""
    job = manager.start(answer, 1)
    job.wait(LIMIT)
    report = job.stop()
    assert (LoopState.FINISHED, (), 0.0) == (report.outcome, report.steps, report.seconds)


@pytest.mark.parametrize("grace", [-1, float("nan")])
def test_a_grace_below_zero_stops_nothing(manager: LoopManager, grace: float):
    """It is a mistake, and said to be one."""
    job = manager.start(for_ever)
    with pytest.raises(ValueError, match="at least 0"):
        job.stop(grace)
    assert not job.stop_event.is_set()


def test_a_cancelled_future_does_not_raise_into_the_loop(manager: LoopManager):
    """Cancelling the future cancels the task, and nothing else."""
    job = manager.start()
    future = job.submit(for_ever(), name="to cancel")
    assert 1 == job.submit(answer(1)).result(LIMIT)
    assert future.cancel()
    with pytest.raises(CancelledError):
        future.result(LIMIT)
    job.submit(asyncio.sleep(0)).result(LIMIT)
    job.submit(asyncio.sleep(0)).result(LIMIT)
    assert ["cancelled"] == [task.state for task in job.tasks if task.name == "to cancel"]


def test_a_block_stops_its_loop(manager: LoopManager):
    """Both forms, also when the block raises."""

    async def in_async_code() -> BackgroundLoop:
        async with manager.start(for_ever) as job:
            job.cancel_tasks()
        return job

    assert LoopState.CANCELLED == asyncio.run(in_async_code()).state
    with pytest.raises(ZeroDivisionError), manager.start() as empty:
        _ = 1 / 0
    assert LoopState.FINISHED == empty.state
