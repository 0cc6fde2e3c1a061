"""What a loop that was started elsewhere is warned of: all that a loop of ours is."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, LoopState, LoopWarning, WarningKind
from bgwidgets.observe import discovery
from tests.adoption.conftest import LIMIT, until
from tests.adoption.test_adopting import Running, for_ever
from tests.conftest import Complaints
from tests.waiting import never_within


def kinds(job: BackgroundLoop) -> set[WarningKind]:
    return {warning.kind for warning in job.snapshot().warnings}


def warned(job: BackgroundLoop, kind: WarningKind) -> LoopWarning:
    """The first of that kind, as soon as there is one."""
    until(lambda: kind in kinds(job))
    return next(each for each in job.snapshot().warnings if each.kind is kind)


def adopted(manager: LoopManager, theirs: Running) -> BackgroundLoop:
    """As soon as it is watched."""
    theirs.spawn(for_ever())
    job = manager.adopt(theirs.loop)
    until(lambda: job.tasks and job.snapshot().lag is not None)
    return job


async def returns_at_once() -> None:
    pass


async def fails() -> None:
    raise ValueError("broke")


async def goes_on(is_over: threading.Event) -> None:
    while not is_over.is_set():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(0.05)


async def drops_one() -> None:
    returns_at_once()  # type: ignore[unused-coroutine]


def test_while_it_runs(manager: LoopManager, complaints: Complaints):
    """Blocked, lost exceptions, and coroutines that are never awaited."""
    theirs, gate = Running(asyncio.new_event_loop()), threading.Event()
    job = adopted(manager, theirs)

    async def blocks() -> None:
        gate.wait(LIMIT)

    theirs.spawn(blocks())
    assert " at test_warnings.py:" in warned(job, WarningKind.BLOCKED).text
    gate.set()
    theirs.spawn(fails())
    assert "ValueError: broke" in warned(job, WarningKind.EXCEPTION_NEVER_RETRIEVED).text
    until(complaints.take)
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        theirs.spawn(drops_one())
        assert "'returns_at_once'" in warned(job, WarningKind.COROUTINE_NEVER_AWAITED).text
    assert 1 == len(shown)
    theirs.end()
    assert 3 == len(kinds(job))


def test_what_fails_when_its_future_is_cancelled(manager: LoopManager, complaints: Complaints):
    """Its error is told of, though the future has none."""
    theirs, begun = Running(asyncio.new_event_loop()), threading.Event()
    job = adopted(manager, theirs)

    async def fails_in_its_clean_up() -> None:
        try:
            begun.set()
            await for_ever()
        finally:
            await fails()

    future = job.submit(fails_in_its_clean_up())
    assert begun.wait(LIMIT)
    assert future.cancel()
    until(lambda: (gc.collect(), kinds(job))[1])
    assert "ValueError: broke" in warned(job, WarningKind.EXCEPTION_NEVER_RETRIEVED).text
    until(complaints.take)
    theirs.end()


@pytest.mark.parametrize("is_older", [True, False], ids=["from before", "later"])
def test_a_task_that_goes_on_when_it_is_cancelled(manager: LoopManager, is_older: bool):
    """Whether it was there before the loop was adopted, or came later."""
    theirs, is_over = Running(asyncio.new_event_loop()), threading.Event()
    if is_older:
        theirs.spawn(goes_on(is_over))
    job = adopted(manager, theirs)
    if not is_older:
        theirs.spawn(goes_on(is_over))
    until(lambda: {"goes_on", "for_ever"} == {task.coroutine for task in job.tasks})
    until(lambda: all(task.waiting_on for task in job.tasks))
    job.cancel_tasks()
    warning = warned(job, WarningKind.SWALLOWED_CANCELLED_ERROR)
    assert "was cancelled by thread MainThread and has not ended " in warning.text
    assert 1 == job.snapshot().tasks_that_swallow
    is_over.set()
    theirs.end()
    assert 0 == job.snapshot().tasks_that_swallow
    assert {WarningKind.SWALLOWED_CANCELLED_ERROR} == kinds(job)


def test_a_thread_of_a_pool_of_the_users_own_that_it_leaves_behind(manager: LoopManager):
    """In the warning and in what is left of it."""
    theirs, gate, begun = Running(asyncio.new_event_loop()), threading.Event(), threading.Event()
    job, pool = adopted(manager, theirs), ThreadPoolExecutor(1, thread_name_prefix="theirs")

    def compute() -> None:
        begun.set()
        gate.wait(LIMIT)

    async def work() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, compute)

    theirs.spawn(work())
    assert begun.wait(LIMIT)
    assert ("theirs_0",) == job.stop(grace=0).threads_left
    theirs.end()
    assert "thread 'theirs_0' was still at" in warned(job, WarningKind.THREADS_LEFT_BEHIND).text
    gate.set()
    pool.shutdown()


def test_what_it_leaves_behind(manager: LoopManager):
    """A task that does not end, and a thread that is busy; idle ones are no matter."""
    theirs, gate, is_over = Running(asyncio.new_event_loop()), threading.Event(), threading.Event()
    job = adopted(manager, theirs)

    def compute() -> None:
        gate.wait(LIMIT)

    async def work() -> None:
        asyncio.get_running_loop().run_in_executor(None, compute)
        await asyncio.to_thread(int)
        await goes_on(is_over)

    theirs.spawn(work())
    until(lambda: any(task.waiting_on and task.coroutine == "work" for task in job.tasks))
    host: Any = job._run.host
    until(lambda: host._warnings._threads)  # A beat has come meanwhile.
    executor: Any = theirs.loop._default_executor  # type: ignore[attr-defined]
    theirs.end()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert "task 'Task-" in warned(job, WarningKind.PENDING_AT_STOP).text
    assert " compute" in (warned(job, WarningKind.THREADS_LEFT_BEHIND).where or "")
    assert 1 == sum(w.kind is WarningKind.THREADS_LEFT_BEHIND for w in job.snapshot().warnings)
    gate.set()
    is_over.set()
    executor.shutdown()


def test_a_cell_that_takes_its_time_is_no_reason_for_a_warning(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """It runs on the kernel's own loop, as cells do. A task of the user's is another thing."""
    kernels = "<the kernel>"
    code: dict[str, Any] = {}
    exec(compile("async def run_cell(cell): cell()", kernels, "exec"), code)  # noqa: S102 - code of another file
    monkeypatch.setattr(
        discovery,
        "why_kernels",
        lambda thread: "it is the kernel's" if thread and thread.name == "kernel" else None,
    )
    monkeypatch.setattr("bgwidgets.observe.kernels_own._kernels_folders", lambda: (kernels,))
    theirs = Running(asyncio.new_event_loop(), name="kernel")
    job = adopted(manager, theirs)

    async def users() -> None:
        time.sleep(0.5)  # noqa: ASYNC251 - the subject

    theirs.spawn(code["run_cell"](lambda: time.sleep(0.5)))
    until(lambda: job.snapshot().blocked)
    never_within(0.6, lambda: kinds(job))
    theirs.spawn(users())
    assert " users · time.sleep" in warned(job, WarningKind.BLOCKED).text
    theirs.end(is_cleaned_up=False)
    for task in asyncio.all_tasks(theirs.loop):
        task.cancel()
    theirs.loop.run_until_complete(asyncio.sleep(0))
    theirs.loop.close()
