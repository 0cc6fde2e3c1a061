"""A loop that has ended and was removed is garbage, whoever started it."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from bgwidgets import BackgroundJobManager, LoopManager
from tests.adoption.conftest import LIMIT, until
from tests.adoption.test_adopting import Running, for_ever

Ref = weakref.ref[asyncio.AbstractEventLoop]


def of_ours() -> Ref:
    manager = LoopManager()
    refs: list[Ref] = []

    async def work() -> None:
        refs.append(weakref.ref(asyncio.get_running_loop()))

    job = manager.start(work)
    job.wait(LIMIT)
    job.remove()
    return refs[0]


def adopted() -> Ref:
    manager = LoopManager()
    theirs = Running(asyncio.new_event_loop())
    theirs.spawn(for_ever())
    job = manager.adopt(theirs.loop)
    until(lambda: job.tasks)
    job.stop_loop()
    job.wait(LIMIT)
    job.remove()
    return weakref.ref(theirs.loop)


def protected() -> Ref:
    manager = LoopManager()
    theirs = Running(asyncio.new_event_loop())
    job = manager.adopt(theirs.loop, protected=True)
    until(lambda: job.snapshot().why_no_stop_event)
    theirs.end(is_cleaned_up=False)
    job.wait(LIMIT)
    job.remove()
    theirs.loop.close()
    return weakref.ref(theirs.loop)


def of_a_job() -> Ref:
    jobs = BackgroundJobManager(LoopManager())
    refs: list[Ref] = []

    async def work() -> None:
        refs.append(weakref.ref(asyncio.get_running_loop()))

    job: Any = jobs.new(lambda: asyncio.run(work()))
    job.join(LIMIT)
    jobs.remove(job.num)
    return refs[0]


@pytest.mark.parametrize("make", [of_ours, adopted, protected, of_a_job])
def test_an_ended_loop_is_garbage(make: Callable[[], Ref]):
    """With its tasks and all that was noted of them."""
    made: list[Ref] = []
    # In a thread of its own, so that no frame of the test holds anything.
    thread = threading.Thread(target=lambda: made.append(make()))
    thread.start()
    thread.join(LIMIT)

    def is_gone() -> bool:
        gc.collect()
        return made[0]() is None

    until(is_gone)
