"""What comes first is done first, and what belongs to one run does not come to another."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import sys
import threading
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from tests.loops.conftest import LIMIT
from tests.waiting import until


async def for_ever() -> None:
    await asyncio.Event().wait()


async def nap(seconds: float) -> None:
    await asyncio.sleep(seconds)


def blocked(manager: LoopManager, go_on: threading.Event) -> bgw.BackgroundLoop:
    """An empty loop whose thread waits."""
    is_blocked = threading.Event()

    async def block() -> None:
        is_blocked.set()
        go_on.wait(LIMIT)

    job = manager.start()
    job.submit(block())
    assert is_blocked.wait(LIMIT)
    return job


def test_a_later_cancellation_reaches_what_was_submitted_before(
    manager: LoopManager, gate: threading.Event
):
    """Commands and submissions keep their order, also when the loop comes to them late."""
    job = blocked(manager, gate)
    job.cancel_tasks()
    caught = job.submit(for_ever())
    job.cancel_tasks()
    spared = job.submit(nap(0))
    gate.set()
    with pytest.raises(concurrent.futures.CancelledError):
        caught.result(LIMIT)
    spared.result(LIMIT)


def test_a_coroutine_can_be_given_to_one_loop_only(manager: LoopManager):
    """Also before its first step; the loop that has it goes on, and nothing else is started."""
    coroutine = for_ever()
    job = manager.start(coroutine)
    with pytest.raises(bgw.InvalidWork, match="runs only once"):
        manager.start(coroutine)
    with pytest.raises(bgw.InvalidWork, match="runs only once"):
        job.submit(coroutine)
    assert [job] == list(manager)
    job.cancel_tasks()
    assert LoopState.CANCELLED == job.wait(LIMIT)


def test_an_abandoned_function_does_not_join_the_next_run(
    manager: LoopManager, gate: threading.Event
):
    """It still sees the stop event of its own run, which is set."""
    seen: list[tuple[int, bool]] = []
    numbers, looked = iter(range(2)), (threading.Event(), threading.Event())

    def work() -> None:
        me = bgw.current()
        assert me is not None
        number = next(numbers)
        if number == 0:
            gate.wait(LIMIT)
        seen.append((number, me.stop_event.is_set()))
        looked[number].set()
        me.stop_event.wait_sync(LIMIT)

    job = manager.start(work)
    job.restart(grace=0)
    gate.set()
    for event in looked:
        assert event.wait(LIMIT)
    assert {(0, True), (1, False)} == set(seen)
    job.stop(LIMIT)


def test_a_callback_that_exits_does_not_keep_the_end_away(
    manager: LoopManager, caplog: pytest.LogCaptureFixture
):
    """Its error is logged; the loop is stopped all the same."""

    async def stubborn() -> None:
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue

    job = manager.start()
    future = job.submit(stubborn())
    future.add_done_callback(lambda _: sys.exit(3))
    job.submit(nap(0)).result(LIMIT)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)
    until(lambda: caplog.records)
    assert [logging.ERROR] == [record.levelno for record in caplog.records]


def test_a_subscriber_that_cancels_does_not_break_the_start(
    manager: LoopManager, caplog: pytest.LogCaptureFixture
):
    """It is logged and dropped, like any that raises."""

    def cancel() -> None:
        raise asyncio.CancelledError

    manager.subscribe(cancel)
    assert LoopState.RUNNING == manager.start(for_ever).state
    assert 1 == len(caplog.records)


async def fail_in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(fail_with(ValueError("a child")))


async def fail_with(error: Exception) -> None:
    raise error


def noted() -> Exception:
    error = RuntimeError("it broke")
    error.add_note("For further information visit the manual")
    return error


@pytest.mark.parametrize(
    ("work", "line"),
    [
        (
            fail_in_a_group,
            "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)",
        ),
        (lambda: fail_with(noted()), "RuntimeError: it broke"),
        (lambda: fail_with(ValueError("one\ntwo")), "ValueError: one two"),
    ],
)
def test_an_error_is_told_in_one_line(manager: LoopManager, work: Any, line: str):
    """Its type and what it says, and not whatever stands last in its traceback."""
    job = manager.start(work)
    job.wait(LIMIT)
    assert line == job.snapshot().error_line
    assert repr(job).endswith(f"failed: {line}>")


def test_a_lost_loop_says_why(manager: LoopManager):
    """In its snapshot, and to whoever asks for the result."""
    broken: list[Any] = []

    async def break_the_loop() -> None:
        loop: Any = asyncio.get_running_loop()
        broken.append(loop)
        loop._selector.close()
        await asyncio.sleep(3600)

    job = manager.start(break_the_loop)
    assert LoopState.LOST == job.wait(LIMIT)
    assert job.snapshot().error_line is not None
    with pytest.raises(bgw.LoopEnded, match=r"was lost \(the event loop broke: "):
        job.result(LIMIT)
    # It could not be closed, and Python would warn of that.
    (loop,) = broken
    loop._ssock.close()
    loop._csock.close()
    loop._closed = True


def test_what_is_born_at_the_very_end_is_named_too(manager: LoopManager):
    """A task that starts another one whenever it is cancelled never comes to an end."""
    is_over = False

    async def again() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            if not is_over:  # When it is garbage, Python closes it.
                asyncio.create_task(again(), name="again")  # noqa: RUF006 - as long as it can

    job = manager.start(again)
    job.submit(nap(0)).result(LIMIT)
    assert "again" in job.stop(0).unfinished_tasks
    is_over = True
