"""Loops that come and go leave nothing: no thread, no file descriptor, no memory."""

from __future__ import annotations

import asyncio
import gc
import threading
import traceback
import weakref
from collections.abc import Callable

import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState
from tests.leavings import expect_nothing_left_of
from tests.loops.conftest import LIMIT
from tests.waiting import until

long = [pytest.mark.long, pytest.mark.timeout(1200)]


async def with_all_that_belongs_to_it(begun: threading.Event) -> None:
    side = asyncio.create_task(asyncio.sleep(3600))
    await asyncio.to_thread(print, "in a worker thread")
    bgw.metric("loss", 1.0)
    begun.set()
    await side


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize("times", [50, pytest.param(1000, marks=long)])
def test_nothing_is_left_of_many_loops(manager: LoopManager, times: int):
    def start_and_stop() -> None:
        begun = threading.Event()
        job = manager.start(with_all_that_belongs_to_it, begun)
        future = job.submit(asyncio.sleep(3600))
        assert begun.wait(LIMIT)
        job.stop_loop()
        assert LoopState.STOPPED == job.wait(LIMIT)
        assert future.done()
        manager.remove_finished()

    expect_nothing_left_of(start_and_stop, times)


def test_nothing_is_left_of_a_manager():
    """Nor is it kept for the interpreter's end, or for a fork, when its loops have ended."""
    manager = LoopManager()
    job = manager.start(asyncio.sleep, 0)
    job.wait(LIMIT)
    kept = weakref.ref(manager)
    del manager, job
    until(lambda: gc.collect() >= 0 and kept() is None)


class Thing:
    """What a task has in a variable, large perhaps."""


@pytest.mark.parametrize("end", [BackgroundLoop.cancel_tasks, BackgroundLoop.stop_loop])
def test_what_a_cancelled_main_task_had_is_let_go_of(
    manager: LoopManager, end: Callable[[BackgroundLoop], None]
):
    """Though its error leads there, and the list and a handle have the loop."""
    things = weakref.WeakSet[Thing]()
    begun = threading.Event()

    async def work() -> Thing:
        things.add(thing := Thing())
        begun.set()
        await asyncio.sleep(3600)
        return thing

    job = manager.start(work)
    assert begun.wait(LIMIT)
    assert 1 == len(things)
    end(job)
    assert job.wait(LIMIT) in {LoopState.CANCELLED, LoopState.STOPPED}
    until(lambda: gc.collect() >= 0 and not things)


def test_it_is_let_go_of_while_other_tasks_still_clean_up(manager: LoopManager):
    things = weakref.WeakSet[Thing]()
    begun, go_on = threading.Event(), threading.Event()

    async def cleans_up() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            await asyncio.to_thread(go_on.wait, LIMIT)

    async def work() -> Thing:
        things.add(thing := Thing())
        side = asyncio.create_task(cleans_up())
        await asyncio.sleep(3600)
        await side
        return thing

    job = manager.start(work)
    assert begun.wait(LIMIT)
    job.cancel_tasks()
    until(lambda: gc.collect() >= 0 and not things)
    assert LoopState.STOPPING == job.state
    go_on.set()
    assert LoopState.CANCELLED == job.wait(LIMIT)


def test_of_a_main_task_that_failed_the_error_is_kept_with_all_it_leads_to(manager: LoopManager):
    """As a debugger wants it."""

    async def work() -> None:
        thing = Thing()
        raise ValueError(repr(thing))

    job = manager.start(work)
    assert LoopState.FAILED == job.wait(LIMIT)
    gc.collect()
    error = job.exception()
    assert error is not None
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    assert "Thing" == type(frames[-1].f_locals["thing"]).__name__


def test_no_class_is_made_for_a_loop(manager: LoopManager):
    """Of each that there ever was Python keeps a place in a table."""
    manager.start(asyncio.sleep, 0).wait(LIMIT)
    gc.collect()
    before = set(object.__subclasses__())
    manager.start(asyncio.sleep, 0).wait(LIMIT)
    assert set() == {*object.__subclasses__()} - before
