"""What a loop is warned of, and what not: each of the seven kinds, and what only looks like it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
import sys
import threading
import time
import warnings
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bgwidgets import output
from bgwidgets.commands import Asker, CancelTasks
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.loop_manager import LoopManager
from bgwidgets.observe import swallowed
from bgwidgets.observe.heartbeat import BEAT
from bgwidgets.observe.warnings_kept import LONGEST_LINE, WARNINGS_KEPT
from bgwidgets.snapshots import LoopWarning, TaskSnapshot, WarningKind, WindowRequest
from bgwidgets.states import TaskState
from tests.conftest import Complaints
from tests.hosts.conftest import LIMIT, MakeHost, end_of, for_ever, outcome_of, stop
from tests.loop_factories import LoopFactory
from tests.waiting import never_within, until

PATIENCE = 0.2
"""Seconds after which, in these tests, a task goes on that was cancelled."""


def rows(host: ThreadHost) -> tuple[TaskSnapshot, ...]:
    return host.task_window(WindowRequest()).tasks


def kinds(host: ThreadHost) -> list[WarningKind]:
    return [warning.kind for warning in host.snapshot().warnings]


def other_kinds(host: ThreadHost) -> list[WarningKind]:
    """But for blocked: on a busy machine every step may take long."""
    return [kind for kind in kinds(host) if kind is not WarningKind.BLOCKED]


def warned(host: ThreadHost, kind: WarningKind) -> LoopWarning:
    """The first warning of that kind, as soon as there is one."""

    def find() -> LoopWarning | None:
        return next((each for each in host.snapshot().warnings if each.kind is kind), None)

    return until(find)


def line_of(function: Callable[..., Any], offset: int) -> str:
    code = function.__code__
    return f"test_warnings.py:{code.co_firstlineno + offset} {code.co_name}"


class Switch:
    """Until it is thrown, its methods spin. Any thread."""

    def __init__(self) -> None:
        self.is_over = False

    async def spin(self) -> None:
        """In its own code."""
        await asyncio.sleep(0)  # An eager task has its name only after its first step.
        while not self.is_over:
            pass

    async def await_for_nothing(self) -> None:
        """In coroutines that never wait."""
        await asyncio.sleep(0)
        while not self.is_over:
            await returns_at_once()

    async def make_short_calls(self) -> None:
        """Each of which returns at once."""
        await asyncio.sleep(0)
        numbers = list(range(1_000))
        while not self.is_over:
            sum(numbers)
            min(numbers)
            max(numbers)
            any(number < 0 for number in numbers)

    async def call(self) -> None:
        """In a plain function below."""
        self.compute()

    def compute(self) -> None:
        """Plain Python."""
        while not self.is_over:
            pass


@pytest.fixture
def switch() -> Iterator[Switch]:
    switch = Switch()
    yield switch
    switch.is_over = True


async def returns_at_once() -> int:
    return 1


async def fails() -> None:
    raise ValueError("broke")


# Blocked


def test_a_call_that_blocks(start: MakeHost, loop_factory: LoopFactory):
    """With task, line and what it calls; each time that it blocks is counted."""
    host = start(for_ever, loop_factory=loop_factory)

    async def block(gate: threading.Event) -> None:
        await asyncio.sleep(0)  # An eager task has its name only after its first step.
        gate.wait(LIMIT)

    for times in 1, 2:
        gate = threading.Event()
        future = host.submit(block(gate), "fitter")
        until(lambda: [times] == [each.count for each in host.snapshot().warnings])  # noqa: B023
        gate.set()
        outcome_of(future)
    (warning,) = host.snapshot().warnings
    where = line_of(block, 2)
    assert (WarningKind.BLOCKED, "fitter", where) == (warning.kind, warning.task, warning.where)
    assert f"task 'fitter' keeps the loop from turning at {where} · " in warning.text
    assert "await asyncio.to_thread(" in warning.advice
    assert time.time() == pytest.approx(warning.at, abs=LIMIT)


def test_the_same_call_in_a_thread(start: MakeHost, gate: threading.Event):
    """Is what was advised."""
    host = start(for_ever)
    future = host.submit(asyncio.to_thread(gate.wait, LIMIT), None)
    never_within(0.4, lambda: kinds(host))
    gate.set()
    outcome_of(future)


# Never yields


@pytest.mark.parametrize(
    "how",
    [Switch.spin, Switch.await_for_nothing, Switch.make_short_calls],
    ids=["spin", "awaits", "calls"],
)
def test_a_task_that_never_yields(
    start: MakeHost, loop_factory: LoopFactory, switch: Switch, how: Callable[[Switch], Any]
):
    """It is first taken for one that blocks, and in the end told of once."""
    host = start(for_ever, loop_factory=loop_factory)
    future = host.submit(how(switch), "spinner")
    warned(host, WarningKind.BLOCKED)
    warning = warned(host, WarningKind.NEVER_YIELDS)
    assert [WarningKind.NEVER_YIELDS] == kinds(host)
    switch.is_over = True
    outcome_of(future)
    assert [(WarningKind.NEVER_YIELDS, 1)] == [(w.kind, w.count) for w in host.snapshot().warnings]
    assert "spinner" == warning.task
    assert (warning.where or "").startswith("test_warnings.py:")
    assert "task 'spinner' runs on without ever letting the loop turn at test_w" in warning.text
    assert "await asyncio.sleep(0)" in warning.advice


def test_a_plain_function_that_takes_over_a_second(start: MakeHost, switch: Switch):
    """Blocks, for all that it is a coroutine that calls it."""
    host = start(for_ever)
    future = host.submit(switch.call(), None)
    warned(host, WarningKind.BLOCKED)
    until(lambda: (host.snapshot().blocked_for or 0) > 1.3)
    switch.is_over = True
    outcome_of(future)
    assert [WarningKind.BLOCKED] == kinds(host)


def test_a_task_that_yields_now_and_then(start: MakeHost, switch: Switch):
    """However much it computes."""
    host = start(for_ever)

    async def yields() -> None:
        while not switch.is_over:  # noqa: ASYNC110 - the subject
            await asyncio.sleep(0)

    future = host.submit(yields(), None)
    never_within(1.3, lambda: kinds(host))
    switch.is_over = True
    outcome_of(future)


# Swallowed CancelledError


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is long for a test."""
    look = swallowed.Swallowed.look
    monkeypatch.setattr(
        swallowed.Swallowed, "look", lambda self, **_: look(self, patience=PATIENCE)
    )


class Stubborn:
    """Goes on when it is cancelled, until it is let go."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.is_over = asyncio.Event()

    async def work(self) -> str:
        """The swallower."""
        while not self.is_over.is_set():
            self.begun.set()
            with contextlib.suppress(asyncio.CancelledError):
                await self.is_over.wait()
        return "done"

    def let_go(self, host: ThreadHost) -> None:
        """Any thread."""

        async def let_go() -> None:
            self.is_over.set()

        outcome_of(host.submit(let_go(), None))


def test_a_task_that_goes_on_when_it_is_cancelled(start: MakeHost, loop_factory: LoopFactory):
    """After a second; the panel can say how many there are, and they end some day after all."""
    host = start(for_ever, loop_factory=loop_factory)
    stubborn = Stubborn()
    future = host.submit(stubborn.work(), "worker")
    (number,) = until(lambda: [task.id for task in rows(host) if task.name == "worker"])
    assert stubborn.begun.wait(LIMIT)
    host.command(CancelTasks(host.loop_id, (number,), by=Asker("button Cancel tasks")))
    never_within(0.9, lambda: other_kinds(host))
    warning = warned(host, WarningKind.SWALLOWED_CANCELLED_ERROR)
    assert "task 'worker' was cancelled by button Cancel tasks and has not ended 1." in warning.text
    assert ("worker", 1) == (warning.task, warning.count)
    assert " work" in (warning.where or "")
    assert "re-raise CancelledError" in warning.advice
    assert 1 == host.snapshot().tasks_that_swallow
    stubborn.let_go(host)
    outcome_of(future)
    until(lambda: host.snapshot().tasks_that_swallow == 0)
    assert [WarningKind.SWALLOWED_CANCELLED_ERROR] == other_kinds(host)
    assert 1 == warned(host, WarningKind.SWALLOWED_CANCELLED_ERROR).count


def test_a_task_that_does_not_tell_who_cancels_it(start: MakeHost):
    """Of a factory of the user's own: it is found out, in every version of Python."""
    host = start(for_ever)
    stubborn = Stubborn()
    tasks: list[asyncio.Task[str]] = []

    async def make() -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **more: asyncio.Task(coro, loop=loop, **more))
        tasks.append(asyncio.create_task(stubborn.work(), name="worker"))

    async def cancel() -> None:
        tasks[0].cancel()

    outcome_of(host.submit(make(), None))
    ledger = host._agent._ledger
    assert ledger is not None
    until(lambda: tasks[0] in ledger._generations.unwatched)  # It is known to last.
    outcome_of(host.submit(cancel(), None))
    text = warned(host, WarningKind.SWALLOWED_CANCELLED_ERROR).text
    assert "task 'worker' was cancelled and has not ended: it goes on, or" in text


def test_a_task_that_finishes_as_if_it_had_not_been_cancelled(start: MakeHost):
    """It has ended, but whoever waited for it takes it for a success."""
    host = start(for_ever)

    async def swallows() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)

    async def cancel_it() -> None:
        task = asyncio.create_task(swallows(), name="worker")
        await asyncio.sleep(0)
        task.cancel()
        await task

    outcome_of(host.submit(cancel_it(), "boss"))
    warning = warned(host, WarningKind.SWALLOWED_CANCELLED_ERROR)
    assert "task 'worker' was cancelled by task boss and finished as if it had not" in warning.text
    assert 0 == host.snapshot().tasks_that_swallow


async def runs_into_a_timeout() -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.sleep(3600)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(asyncio.sleep(3600), 0.01)
    await asyncio.sleep(PATIENCE + 2 * BEAT)


async def has_a_group_that_fails() -> None:
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fails())
            group.create_task(asyncio.sleep(3600))
            await asyncio.sleep(3600)
    await asyncio.sleep(PATIENCE + 2 * BEAT)


async def has_a_group_that_fails_while_it_waits() -> None:
    async def fails_later() -> None:
        await asyncio.sleep(0.01)
        await fails()

    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(fails_later())
    await asyncio.sleep(PATIENCE + 2 * BEAT)


async def takes_it_back() -> None:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    task.uncancel()
    await asyncio.sleep(PATIENCE + 2 * BEAT)


async def cancels_another() -> None:
    task = asyncio.create_task(asyncio.sleep(3600))
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await asyncio.sleep(PATIENCE + 2 * BEAT)


@pytest.mark.parametrize(
    "work",
    [
        runs_into_a_timeout,
        has_a_group_that_fails,
        has_a_group_that_fails_while_it_waits,
        takes_it_back,
        cancels_another,
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_cancellation_that_is_caught_for_good_reason(
    start: MakeHost, work: Callable[[], Coroutine[Any, Any, None]]
):
    """Asyncio's own ways, and what is built as they are."""
    host = start(for_ever)
    assert outcome_of(host.submit(work(), None)) is None
    stop(host)
    assert [] == other_kinds(host)


@pytest.mark.usefixtures("impatient")
def test_who_waits_for_the_one_that_goes_on_is_not_to_blame(start: MakeHost):
    """A parent, a gather and a group; the one that does not end is named, and nobody else."""
    host = start(for_ever)
    stubborn, is_known = Stubborn(), asyncio.Event()

    async def parent(task: asyncio.Task[str]) -> None:
        await task

    async def gatherer(task: asyncio.Task[None]) -> None:
        await asyncio.gather(task)

    async def grouper(task: asyncio.Task[None]) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(gatherer(task))

    async def work() -> None:
        worker = asyncio.create_task(stubborn.work(), name="worker")
        last = asyncio.create_task(grouper(asyncio.create_task(parent(worker))))
        await is_known.wait()
        last.cancel()
        await asyncio.wait({last})

    future = host.submit(work(), None)
    until(lambda: [task for task in rows(host) if task.name == "worker" and task.waiting_on])

    async def cancel() -> None:
        is_known.set()

    outcome_of(host.submit(cancel(), None))
    warned(host, WarningKind.SWALLOWED_CANCELLED_ERROR)
    never_within(PATIENCE + 2 * BEAT, lambda: len(other_kinds(host)) > 1)
    stubborn.let_go(host)
    assert outcome_of(future) is None
    stop(host)
    assert [WarningKind.SWALLOWED_CANCELLED_ERROR] == other_kinds(host)
    assert "worker" == warned(host, WarningKind.SWALLOWED_CANCELLED_ERROR).task


@pytest.mark.usefixtures("impatient")
def test_a_plain_function_cannot_be_cancelled(start: MakeHost, gate: threading.Event):
    """And is not blamed for it: what is to be done about it is another thing."""
    host = start(gate.wait)
    until(lambda: host.snapshot().unfinished_tasks)
    host.command(CancelTasks(host.loop_id))
    never_within(PATIENCE + 2 * BEAT, lambda: other_kinds(host))


# Exception never retrieved


def test_a_task_whose_error_nobody_asks_for(
    start: MakeHost, loop_factory: LoopFactory, complaints: Complaints
):
    """Asyncio itself complains as ever."""
    host = start(for_ever, loop_factory=loop_factory)

    async def forget() -> None:
        asyncio.create_task(fails(), name="forgotten")  # noqa: RUF006 - the subject

    outcome_of(host.submit(forget(), None))
    # An eager task is in a circle with its error, and gone when the collector comes.
    until(lambda: (gc.collect(), other_kinds(host))[1])
    warning = warned(host, WarningKind.EXCEPTION_NEVER_RETRIEVED)
    assert "task 'forgotten' failed, and nobody asked why: ValueError: broke" == warning.text
    assert ("forgotten", line_of(fails, 1)) == (warning.task, warning.where)
    assert "await the task" in warning.advice
    (complaint,) = until(complaints.take)
    assert complaint.startswith("Task exception was never retrieved\nfuture: <Task finished")


@pytest.fixture
def stderr_of_asyncio(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """What asyncio complains of on standard error, and not to a loop's output."""
    logger, handler = logging.getLogger("asyncio"), logging.lastResort
    assert handler is not None
    logger.addHandler(handler)
    output.install(tee=False)
    gc.collect()
    gc.disable()
    yield lambda: capsys.readouterr().err
    gc.enable()
    output.install(tee=None)
    logger.removeHandler(handler)


async def leave_a_circle() -> None:
    side = asyncio.create_task(fails(), name="side")
    side.itself = side  # type: ignore[attr-defined]
    await asyncio.sleep(0)


def test_what_comes_to_light_after_the_last_loops_end(
    manager: LoopManager, complaints: Complaints, stderr_of_asyncio: Callable[[], str]
):
    """A task in a circle of references is destroyed when the collector comes, in whatever thread:
    what is said of it belongs to its loop.
    """
    job = manager.start(leave_a_circle)
    job.wait(LIMIT)
    (complaint,) = complaints.take()
    assert complaint.startswith("Task exception was never retrieved")
    assert complaint.splitlines()[0] in job.output.text()
    assert "" == stderr_of_asyncio()
    (warning,) = job.snapshot().warnings
    assert WarningKind.EXCEPTION_NEVER_RETRIEVED is warning.kind
    assert "task 'side' failed, and nobody asked why: ValueError: broke" == warning.text


def test_what_nobody_could_read_any_more_is_told_to_all(
    manager: LoopManager, complaints: Complaints, stderr_of_asyncio: Callable[[], str]
):
    """When the loop was removed, and nobody has it in his hands."""
    job = manager.start(leave_a_circle)
    job.wait(LIMIT)
    handle = weakref.ref(job)
    job.remove()
    del job
    complaints.take()
    assert handle() is None
    assert stderr_of_asyncio().startswith("Task exception was never retrieved")


def test_an_exception_handler_of_the_users_own(start: MakeHost):
    """Is told what it would be told without us; a thousand failures are one warning."""
    host = start(for_ever)
    told: list[str] = []

    async def storm() -> None:
        asyncio.get_running_loop().set_exception_handler(
            lambda _, context: told.append(context["message"])
        )
        for _ in range(10):
            for _ in range(100):
                asyncio.create_task(fails())  # noqa: RUF006 - the subject
            await asyncio.sleep(0)

    outcome_of(host.submit(storm(), None))
    # Where the watch looks at a thread, its frames may live until the collector comes.
    until(lambda: gc.collect() is not None and len(told) == 1_000)
    warning = warned(host, WarningKind.EXCEPTION_NEVER_RETRIEVED)
    assert {"Task exception was never retrieved"} == set(told)
    assert (WarningKind.EXCEPTION_NEVER_RETRIEVED, 1_000) == (warning.kind, warning.count)


def test_a_submitted_coroutine_whose_error_nobody_asks_for(start: MakeHost):
    """Its future is gone, so nobody can. Asyncio does not know of it."""
    host = start(for_ever)
    host.submit(fails(), "forgotten")
    # With nest_asyncio's tasks the error leads back to its future: the collector has to come.
    until(lambda: (gc.collect(), other_kinds(host))[1])
    warning = warned(host, WarningKind.EXCEPTION_NEVER_RETRIEVED)
    assert "task 'forgotten' failed, and nobody asked why: ValueError: broke" == warning.text
    assert line_of(fails, 1) == warning.where


@pytest.mark.parametrize("is_held", [True, False], ids=["held", "dropped"])
def test_a_submitted_coroutine_that_fails_when_its_future_is_cancelled(
    start: MakeHost, loop_factory: LoopFactory, complaints: Complaints, is_held: bool
):
    """A future that was cancelled tells nobody of it, so asyncio does; also while it is held."""
    host = start(for_ever, loop_factory=loop_factory)
    begun = threading.Event()

    async def fails_in_its_clean_up() -> None:
        try:
            begun.set()
            await for_ever()
        finally:
            await fails()

    held = [host.submit(fails_in_its_clean_up(), "cleaner")]
    assert begun.wait(LIMIT)
    assert held[0].cancel()
    if not is_held:
        held.clear()
    # An eager task is in a circle with its error, and gone when the collector comes.
    until(lambda: (gc.collect(), other_kinds(host))[1])
    warning = warned(host, WarningKind.EXCEPTION_NEVER_RETRIEVED)
    assert "task 'cleaner' failed, and nobody asked why: ValueError: broke" == warning.text
    assert ("cleaner", line_of(fails, 1)) == (warning.task, warning.where)
    (complaint,) = until(complaints.take)
    assert complaint.startswith("Task exception was never retrieved\nfuture: <Task finished")


def test_errors_that_somebody_asks_for(start: MakeHost):
    """In each of the ways there are."""
    host = start(for_ever)

    async def asks() -> None:
        await asyncio.gather(fails(), fails(), return_exceptions=True)
        with contextlib.suppress(ValueError):
            await asyncio.gather(fails(), fails())
        with contextlib.suppress(ValueError):
            await asyncio.create_task(fails())
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
        done, _ = await asyncio.wait({asyncio.create_task(fails())})
        assert "broke" == str(done.pop().exception())

    async def awaits_it() -> None:
        with contextlib.suppress(ValueError):
            await asyncio.wrap_future(host.submit(fails(), None))

    assert outcome_of(host.submit(asks(), None)) is None
    with pytest.raises(ValueError, match="broke"):
        host.submit(fails(), None).result(LIMIT)
    assert "broke" == str(host.submit(fails(), None).exception(LIMIT))
    asyncio.run(awaits_it())
    host.submit(for_ever(), None)  # It is the stop that fails this one, and no error of its own.
    stop(host)
    gc.collect()
    assert [] == other_kinds(host)


def test_what_is_still_held_may_be_asked_yet(start: MakeHost):
    """So it is not told of before it is gone."""
    host = start(for_ever)
    future = host.submit(fails(), None)
    until(future.done)
    never_within(0.3, lambda: other_kinds(host))
    del future
    assert [WarningKind.EXCEPTION_NEVER_RETRIEVED] == other_kinds(host)


def test_the_error_of_the_main_task_is_told_of_elsewhere(start: MakeHost):
    """The loop is `failed` by it."""
    host = start(fails)
    assert "failed" == end_of(host).state
    assert [] == other_kinds(host)


def test_an_error_that_cannot_be_shown(start: MakeHost, complaints: Complaints):
    """A name of any length and a broken `__str__` make one line."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("broken")

    async def fails_badly() -> None:
        raise Broken

    async def forget() -> None:
        asyncio.create_task(fails_badly(), name="long\n" * 10_000)  # noqa: RUF006 - the subject

    host = start(for_ever)
    outcome_of(host.submit(forget(), None))
    warning = warned(host, WarningKind.EXCEPTION_NEVER_RETRIEVED)
    assert len(warning.text) <= LONGEST_LINE
    assert len(warning.text.splitlines()) == 1
    assert len(warning.task or "") <= 200
    until(complaints.take)


# Pending at stop


def test_a_task_that_does_not_end_with_its_loop(start: MakeHost, loop_factory: LoopFactory):
    """It is named, and so is the reason."""
    host = start(for_ever, loop_factory=loop_factory)
    stubborn = Stubborn()
    host.submit(stubborn.work(), "worker")
    assert stubborn.begun.wait(LIMIT)
    stop(host)
    warning = warned(host, WarningKind.PENDING_AT_STOP)
    expected = {WarningKind.PENDING_AT_STOP, WarningKind.SWALLOWED_CANCELLED_ERROR}
    assert expected == set(other_kinds(host))
    assert "worker" == warning.task
    assert "task 'worker' had not ended when its loop did, at test_warnings.py:" in warning.text
    assert "await or cancel it" in warning.advice
    assert 1 == host.snapshot().tasks_that_swallow


def test_a_plain_function_that_does_not_end_with_its_loop(start: MakeHost, gate: threading.Event):
    """It cannot be cancelled, and is named once: with its thread, and what there is to be done."""
    begun = threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(LIMIT)

    host = start(work)
    assert begun.wait(LIMIT)
    assert ("work",) == stop(host).leftovers.unfinished_tasks
    assert [WarningKind.THREADS_LEFT_BEHIND] == other_kinds(host)


def test_a_task_of_a_plain_functions_name_is_a_task_as_any_other(
    start: MakeHost, gate: threading.Event
):
    """It is told of, and the function is not, whichever of the two is looked at first."""
    begun, stubborn = threading.Event(), Stubborn()

    def plain() -> Callable[[], None]:
        def work() -> None:
            begun.set()
            gate.wait(LIMIT)

        return work

    def asynchronous() -> Callable[[], Coroutine[Any, Any, str]]:
        async def work() -> str:
            return await stubborn.work()

        return work

    host = start(plain())
    assert begun.wait(LIMIT)
    host.submit(asynchronous()(), "stubborn")
    assert stubborn.begun.wait(LIMIT)
    stop(host)
    pending = warned(host, WarningKind.PENDING_AT_STOP)
    assert ("stubborn", 1) == (pending.task, pending.count)


def test_a_coroutine_that_a_plain_function_returned_is_a_task_as_any_other(start: MakeHost):
    """When it does not end with its loop."""
    stubborn = Stubborn()

    def work() -> Coroutine[Any, Any, str]:
        return stubborn.work()

    host = start(work)
    assert stubborn.begun.wait(LIMIT)
    stop(host)
    assert WarningKind.PENDING_AT_STOP in other_kinds(host)


def test_tasks_that_end_with_their_loop(start: MakeHost):
    """Cancelled, and cleaned up in time."""

    async def cleans_up() -> None:
        try:
            await for_ever()
        finally:
            await asyncio.sleep(0.05)

    host = start(for_ever)
    futures = [host.submit(cleans_up(), None) for _ in range(5)]
    until(lambda: host.snapshot().unfinished_tasks == 6)
    stop(host)
    assert [] == other_kinds(host)
    del futures


# Coroutine never awaited


@pytest.fixture
def shown() -> Iterator[list[warnings.WarningMessage]]:
    """Python's warnings as the user sees them."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        yield shown


async def forgets_to_await() -> None:
    await asyncio.sleep(0)  # An eager task has its name only after its first step.
    returns_at_once()  # type: ignore[unused-coroutine]


def test_a_coroutine_that_is_never_awaited(
    start: MakeHost, loop_factory: LoopFactory, shown: list[warnings.WarningMessage]
):
    """Python's own warning is shown, with all that it says without us."""
    host = start(for_ever, loop_factory=loop_factory)
    outcome_of(host.submit(forgets_to_await(), "forgetful"))
    warning = warned(host, WarningKind.COROUTINE_NEVER_AWAITED)
    where = line_of(forgets_to_await, 2)
    assert ("forgetful", where) == (warning.task, warning.where)
    assert f"coroutine 'returns_at_once' was made and dropped at {where}" in warning.text
    assert "`await` it" in warning.advice
    (message,) = shown
    assert "coroutine 'returns_at_once' was never awaited" == str(message.message)
    assert message.source is not None


def test_each_is_counted_though_python_shows_one(
    start: MakeHost, shown: list[warnings.WarningMessage]
):
    """The next run in the same kernel is told of, too."""
    host, other = start(for_ever), start(for_ever, name="other")
    for _ in range(3):
        outcome_of(host.submit(forgets_to_await(), None))
    outcome_of(other.submit(forgets_to_await(), None))
    assert 3 == warned(host, WarningKind.COROUTINE_NEVER_AWAITED).count
    assert 1 == warned(other, WarningKind.COROUTINE_NEVER_AWAITED).count
    (message,) = shown
    assert Path(__file__) == Path(message.filename)
    assert line_of(forgets_to_await, 2) == f"test_warnings.py:{message.lineno} forgets_to_await"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="Python warns of it from 3.13 on")
def test_a_method_of_an_asynchronous_generator_that_is_never_awaited(
    start: MakeHost, shown: list[warnings.WarningMessage]
):
    """As of any other coroutine."""
    host = start(for_ever)

    async def numbers() -> AsyncGenerator[int, None]:
        yield 1

    async def forgets() -> None:
        numbers().asend(None)  # type: ignore[unused-coroutine]

    outcome_of(host.submit(forgets(), "forgetful"))
    warning = warned(host, WarningKind.COROUTINE_NEVER_AWAITED)
    assert "coroutine 'asend' was made and dropped at test_warnings.py:" in warning.text
    assert 1 == len(shown)


def test_it_is_that_loops_whose_code_dropped_it(
    start: MakeHost, shown: list[warnings.WarningMessage]
):
    """Not another's, and nobody's where it was no loop's code."""
    host, other = start(for_ever), start(for_ever, name="other")
    outcome_of(host.submit(forgets_to_await(), None))
    warned(host, WarningKind.COROUTINE_NEVER_AWAITED)
    returns_at_once()  # type: ignore[unused-coroutine]
    assert 2 == len(shown)
    assert (1, []) == (len(other_kinds(host)), other_kinds(other))
    outcome_of(other.submit(asyncio.to_thread(_drop_one), None))
    assert [WarningKind.COROUTINE_NEVER_AWAITED] == other_kinds(other)


def _drop_one() -> None:
    returns_at_once()  # type: ignore[unused-coroutine]


def test_what_the_filters_hide_is_hidden(start: MakeHost, shown: list[warnings.WarningMessage]):
    """And other warnings are none of this."""
    host = start(for_ever)

    async def warn() -> None:
        warnings.warn("something else", RuntimeWarning, stacklevel=1)
        warnings.warn("coroutine 'x' was never awaited", UserWarning, stacklevel=1)

    assert outcome_of(host.submit(warn(), None)) is None
    assert 2 == len(shown)
    warnings.filterwarnings("ignore", message="coroutine '.*' was never", module="tests[.]hosts")
    outcome_of(host.submit(forgets_to_await(), None))
    assert (2, []) == (len(shown), other_kinds(host))
    warnings.filterwarnings("default", category=RuntimeWarning)
    outcome_of(host.submit(forgets_to_await(), None))
    assert 3 == len(shown)
    assert [WarningKind.COROUTINE_NEVER_AWAITED] == other_kinds(host)


def test_what_was_replaced_is_put_back(start: MakeHost):
    """When the last loop has ended, and not before."""

    def replaced() -> list[object]:
        return [
            vars(warnings)["_showwarnmsg"],
            vars(warnings)["_warn_unawaited_coroutine"],
            vars(asyncio.BaseEventLoop)["call_exception_handler"],
        ]

    before = replaced()
    first, second = start(for_ever), start(for_ever, name="second")
    during = replaced()
    assert all(new is not old for new, old in zip(during, before, strict=True))
    stop(first)
    assert during == replaced()
    stop(second)
    assert before == replaced()


# Executor threads left behind


def test_a_worker_thread_that_goes_on(
    start: MakeHost, gate: threading.Event, loop_factory: LoopFactory
):
    """After its loop has ended; with the line where it is."""
    begun = threading.Event()

    def compute() -> None:
        begun.set()
        gate.wait(LIMIT)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, compute)
        await loop.run_in_executor(None, begun.wait, LIMIT)

    host = start(main, loop_factory=loop_factory)
    end_of(host)
    warning = warned(host, WarningKind.THREADS_LEFT_BEHIND)
    where = line_of(compute, 2)
    assert ([warning.kind], where) == (other_kinds(host), warning.where)
    assert re.search(
        rf"-worker-\d' was still at work when its loop ended, at {where}", warning.text
    )
    assert "stop_event.is_set()" in warning.advice


def test_a_thread_of_an_executor_of_the_users_own(
    start: MakeHost, gate: threading.Event, loop_factory: LoopFactory
):
    """One that was made the loop's default; its idle threads are no matter."""
    executor = ThreadPoolExecutor(2, thread_name_prefix="theirs")

    def compute() -> None:
        gate.wait(LIMIT)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_default_executor(executor)
        loop.run_in_executor(None, compute)
        await asyncio.to_thread(int)

    host = start(main, loop_factory=loop_factory)
    assert ("theirs_0",) == end_of(host).leftovers.threads_left
    warning = warned(host, WarningKind.THREADS_LEFT_BEHIND)
    assert (1, [warning.kind]) == (warning.count, other_kinds(host))
    assert "thread 'theirs_0' was still at work" in warning.text
    gate.set()
    executor.shutdown()


def test_a_pool_of_the_users_own_may_serve_others_as_well(
    start: MakeHost, gate: threading.Event, loop_factory: LoopFactory
):
    """What works for the loop as it ends is named, in the report, too; nothing that has been done,
    and nothing that somebody else has it do.
    """
    all_work = threading.Barrier(3)
    pool = ThreadPoolExecutor(3, thread_name_prefix="theirs")
    workers: dict[str, str] = {}

    def work_for(whom: str) -> None:
        workers[whom] = threading.current_thread().name
        all_work.wait(LIMIT)
        gate.wait(LIMIT)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(pool, int)
        loop.run_in_executor(pool, work_for, "loop")
        await asyncio.wrap_future(pool.submit(all_work.wait, LIMIT))

    pool.submit(work_for, "somebody")
    host = start(main, loop_factory=loop_factory)
    left = end_of(host).leftovers
    assert (workers["loop"],) == left.threads_left
    warning = warned(host, WarningKind.THREADS_LEFT_BEHIND)
    assert (1, [warning.kind]) == (warning.count, other_kinds(host))
    assert f"thread {workers['loop']!r} was still at work" in warning.text
    assert (warning.where or "").endswith(" work_for")
    gate.set()
    pool.shutdown()


def test_what_a_loop_that_does_not_end_is_busy_with(start: MakeHost, gate: threading.Event):
    """Its own thread, and that of a pool which works for it."""
    pool, begun = ThreadPoolExecutor(1, thread_name_prefix="theirs"), threading.Event()

    async def main() -> None:
        asyncio.get_running_loop().run_in_executor(pool, gate.wait, LIMIT)
        begun.set()
        gate.wait(LIMIT)

    host = start(main)
    assert begun.wait(LIMIT)
    until(lambda: "theirs_0" in host.give_up().threads_left)
    assert ("bgw-work", "theirs_0") == host.give_up().threads_left
    gate.set()
    pool.shutdown()


def test_a_loops_own_thread_that_goes_on_is_named_once(
    start: MakeHost, gate: threading.Event, loop_factory: LoopFactory
):
    """Also by uvloop, which does not tell whose its executor is."""
    begun = threading.Event()

    def compute() -> None:
        begun.set()
        gate.wait(LIMIT)

    host = start(for_ever, loop_factory=loop_factory)
    host.submit(asyncio.to_thread(compute), None)
    assert begun.wait(LIMIT)
    (name,) = stop(host).leftovers.threads_left
    assert "bgw-work-worker-1" == name
    assert 1 == warned(host, WarningKind.THREADS_LEFT_BEHIND).count


def test_threads_that_are_done_in_time(start: MakeHost):
    """Also in the very moment in which the loop ends."""

    async def main() -> None:
        for _ in range(20):
            await asyncio.to_thread(int)

    for _ in range(20):
        host = start(main)
        end_of(host)
        assert [] == other_kinds(host)


def test_only_the_last_that_differ_are_kept(start: MakeHost, complaints: Complaints):
    """Oldest first."""
    host = start(for_ever)
    errors = [type(f"Error{number}", (Exception,), {}) for number in range(WARNINGS_KEPT + 5)]

    async def fail_with(error: type[Exception]) -> None:
        raise error

    for error in errors:
        host.submit(fail_with(error), None)
    last = errors[-1].__name__
    until(lambda: any(last in warning.text for warning in host.snapshot().warnings))
    kept = [w.text for w in host.snapshot().warnings if w.kind is not WarningKind.BLOCKED]
    assert [e.__name__ for e in errors[-WARNINGS_KEPT:]] == [t.rsplit(": ", 1)[-1] for t in kept]
    assert [] == complaints.take()


@pytest.mark.parametrize("comes_first", ["group", "timeout"])
def test_a_group_that_failed_leaves_nothing_behind(start: MakeHost, comes_first: str):
    """Python 3.11 and 3.12 leave the task's `cancelling()` as it was: nothing is to be read by it,
    neither that the task goes on nor that a timeout before or after it was not taken back.
    """
    resting, ended = threading.Event(), threading.Event()

    async def fails_in_a_group() -> None:
        with contextlib.suppress(ExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())

    async def times_out() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await asyncio.sleep(LIMIT)

    async def work() -> None:
        steps = [fails_in_a_group, times_out]
        for step in steps if comes_first == "group" else steps[::-1]:
            await step()
        resting.set()
        await asyncio.sleep(1.8)
        ended.set()

    host = start(work)
    assert resting.wait(LIMIT)
    until(lambda: 1 == host.snapshot().task_counts[TaskState.PENDING])
    assert ended.wait(LIMIT)
    assert 0 == host.snapshot().tasks_that_swallow
    assert WarningKind.SWALLOWED_CANCELLED_ERROR not in kinds(host)
