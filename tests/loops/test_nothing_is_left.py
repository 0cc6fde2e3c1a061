"""Loops that come and go leave nothing: no thread, no file descriptor, no memory."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
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
    until(lambda: gc.collect() and kept() is None)


def test_no_class_is_made_for_a_loop(manager: LoopManager):
    """Of each that there ever was Python keeps a place in a table."""
    manager.start(asyncio.sleep, 0).wait(LIMIT)
    gc.collect()
    before = set(object.__subclasses__())
    manager.start(asyncio.sleep, 0).wait(LIMIT)
    assert set() == {*object.__subclasses__()} - before
