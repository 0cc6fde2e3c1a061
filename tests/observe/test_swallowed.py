"""Tasks that swallow their CancelledError are found however they were made."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from bgwidgets.observe import cancellations
from bgwidgets.observe.cancellations import LOOKED_AT_AT_ONCE
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.swallowed import MOST_A_LOOK, MOST_WAITED_FOR
from bgwidgets.observe.warnings_kept import WarningsKept
from bgwidgets.states import TaskState
from tests.observe.conftest import LIMIT, ends_later, fails, for_ever, turns


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A task that goes on is told of at the next look."""
    monkeypatch.setattr(cancellations, "PATIENCE", 0.0)


def plain_tasks(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """A factory of the user's own: its tasks do not tell who cancels them."""
    return asyncio.Task(work, loop=loop, **options)


def run(watched: Any, make: Any = plain_tasks) -> WarningsKept:
    """Run `watched(ledger)` on a loop with such a factory, or with none; returns the warnings."""
    warnings = WarningsKept()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ledger = Ledger(loop, warnings=warnings)
        loop.set_task_factory(make)
        try:
            runner.run(watched(ledger))
        finally:
            ledger.close()
    return warnings


@pytest.mark.usefixtures("at_once")
def test_all_are_looked_at_in_turn():
    """Also the last of more than are looked at at once."""
    is_over = asyncio.Event()

    async def stubborn() -> None:
        while not is_over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await is_over.wait()

    async def watched(ledger: Ledger) -> None:
        kept = [asyncio.create_task(for_ever()) for _ in range(LOOKED_AT_AT_ONCE)]
        task = asyncio.create_task(stubborn(), name="worker")
        await turns()
        ledger.settle()
        task.cancel()
        await turns()
        for _ in range(3):
            ledger.judge_cancelled()
        going_on = ledger.tasks_that_swallow()
        is_over.set()
        for each in kept:
            each.cancel()
        await asyncio.wait([*kept, task])
        assert 1 == going_on

    (warning,) = run(watched).all()
    assert "worker" == warning.task


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("number", [MOST_A_LOOK, 5 * MOST_WAITED_FOR])
def test_those_that_have_ended_do_not_hide_one_that_goes_on(number: int):
    """However many are cancelled before and after it; one look is enough."""
    is_over = asyncio.Event()

    async def stubborn() -> None:
        while not is_over.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await is_over.wait()

    async def cancelled() -> None:
        for _ in range(number // MOST_A_LOOK):
            tasks = [asyncio.create_task(for_ever()) for _ in range(MOST_A_LOOK)]
            await turns()
            for each in tasks:
                each.cancel()
            await asyncio.wait(tasks)

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(stubborn(), name="worker")
        await cancelled()
        task.cancel()
        await cancelled()
        ledger.judge_cancelled()
        going_on = ledger.tasks_that_swallow()
        is_over.set()
        await asyncio.wait([task])
        assert 1 == going_on

    (warning,) = run(watched, make=None).all()
    assert "worker" == warning.task


@pytest.mark.usefixtures("at_once")
def test_all_that_end_as_if_they_had_not_been_cancelled_are_counted():
    """Also those of which no record is kept, for too many end in that moment."""

    async def swallows() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await for_ever()

    async def watched(_: Ledger) -> None:
        for _number in range(30):
            await asyncio.gather(*(ends_later() for _ in range(100)))
        tasks = [asyncio.create_task(swallows()) for _ in range(20)]
        await turns()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        for _number in range(10):
            await asyncio.gather(*(ends_later() for _ in range(100)))

    (warning,) = run(watched, None).all()
    assert 20 == warning.count


def test_what_a_task_group_forgets_is_not_held_against_a_task():
    """Up to Python 3.12 it does not take back that it cancelled the task that waits for it."""
    is_over = asyncio.Event()

    async def fails_later() -> None:
        await turns()
        await fails()

    async def has_a_group_that_fails() -> None:
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fails_later())
        await is_over.wait()

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(has_a_group_that_fails(), name="innocent")
        await turns(20)
        ledger.settle()
        for _ in range(3):
            ledger.judge_cancelled()
        assert TaskState.PENDING == ledger.states.state(task)
        task.cancel()  # In earnest, this time.
        assert TaskState.CANCELLING == ledger.states.state(task)
        await asyncio.wait({task})

    assert () == run(watched).all()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("is_followed", [False, True])
def test_a_timeout_is_taken_back_though_a_group_that_fails_in_the_same_turn_is_not(
    is_followed: bool,
):
    """Be it that another timeout runs out afterwards."""
    is_over = asyncio.Event()

    async def fails_then(now: asyncio.Future[None]) -> None:
        await now
        raise ValueError

    async def works() -> None:
        loop = asyncio.get_running_loop()
        now = loop.create_future()
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.timeout(LIMIT) as limit, asyncio.TaskGroup() as group:
                group.create_task(fails_then(now))
                await turns()
                loop.call_soon(limit.reschedule, loop.time())
                now.set_result(None)
        if is_followed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await for_ever()
        await is_over.wait()

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(works(), name="innocent")
        await turns(20)
        askers = {each.asked_by for each in ledger.history().cancellations}
        for _ in range(3):
            ledger.judge_cancelled()
        is_over.set()
        await asyncio.wait({task})
        assert {"timeout", "its own task group"} == askers

    assert () == run(watched, make=None).all()


async def runs_into_timeouts(*, depth: int = 1) -> None:
    """One within the other, twice."""
    for _ in range(2):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                if depth > 1:
                    await runs_into_timeouts(depth=depth - 1)
                await for_ever()


async def cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("depth", [0, 1, 2], ids=["not", "one by one", "nested"])
def test_who_is_named_is_not_a_timeout_that_was_taken_back(depth: int):
    """The task runs into some, swallows what somebody else asks, and runs into more of them."""
    is_over = asyncio.Event()

    async def polls() -> None:
        await runs_into_timeouts()
        with contextlib.suppress(asyncio.CancelledError):
            await for_ever()
        if depth:
            await runs_into_timeouts(depth=depth)
        await is_over.wait()

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(polls(), name="worker")
        await turns(20)
        await asyncio.create_task(cancel(task), name="boss")
        await turns(40)
        for _ in range(3):
            ledger.judge_cancelled()
        going_on = ledger.tasks_that_swallow()
        is_over.set()
        await asyncio.wait({task})
        assert 1 == going_on

    (warning,) = run(watched, make=None).all()
    assert "task 'worker' was cancelled by task boss and has not ended" in warning.text
    assert 1 == warning.count


@pytest.mark.usefixtures("at_once")
def test_one_that_was_taken_back_is_not_told_of_while_another_is_at_work():
    """At that moment the task is to end, but not because of the first."""
    is_over = asyncio.Event()

    async def works() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await for_ever()
        this = asyncio.current_task()
        assert this is not None
        this.uncancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                try:
                    await for_ever()
                finally:
                    await is_over.wait()

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(works(), name="worker")
        await turns()
        await asyncio.create_task(cancel(task), name="boss")
        await turns(20)
        for _ in range(3):
            ledger.judge_cancelled()
        is_over.set()
        await asyncio.wait({task})

    (warning,) = run(watched, make=None).all()
    assert "task 'worker' was cancelled by timeout and has not ended" in warning.text


def test_task_groups_are_as_they_were_afterwards():
    """What is wrapped for that is asyncio's own again when the watch ends."""
    original = asyncio.TaskGroup._abort  # type: ignore[attr-defined]

    async def watched(_: Ledger) -> None:
        await asyncio.create_task(turns())

    run(watched)
    assert original is asyncio.TaskGroup._abort  # type: ignore[attr-defined]
