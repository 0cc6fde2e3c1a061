"""Loops that come and go leave nothing: no thread, no file descriptor, no memory."""

from __future__ import annotations

import asyncio
import threading

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from tests.leavings import expect_nothing_left_of
from tests.loops.conftest import LIMIT

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
