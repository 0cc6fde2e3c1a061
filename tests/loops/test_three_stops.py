"""The main scene: a race of two tasks, brought down in each of the three ways."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState, TaskState
from tests.loops.conftest import LIMIT

STEP = 0.02
"""Seconds between two looks of stopper at its stop event."""


async def sprinter() -> None:
    await asyncio.sleep(3600)


async def stopper(stop_event: bgw.StopEvent) -> None:
    while not stop_event.is_set():  # noqa: ASYNC110 - the seed's way
        await asyncio.sleep(STEP)


async def race(is_on: threading.Event) -> None:
    loop = bgw.current()
    assert loop is not None
    runner = asyncio.create_task(sprinter(), name="sprinter")
    is_on.set()
    await stopper(loop.stop_event)
    del runner


def running_race(manager: LoopManager) -> BackgroundLoop:
    is_on = threading.Event()
    job = manager.start(race, is_on)
    assert is_on.wait(LIMIT)
    return job


STOPS = [
    pytest.param(BackgroundLoop.request_stop, LoopState.FINISHED, id="stop event"),
    pytest.param(BackgroundLoop.stop_loop, LoopState.STOPPED, id="stop loop"),
    pytest.param(BackgroundLoop.cancel_tasks, LoopState.CANCELLED, id="cancel tasks"),
]
Stop = Callable[[BackgroundLoop], None]


def end_of(job: BackgroundLoop, name: str) -> TaskState:
    (task,) = (task for task in job.tasks if task.name == name)
    return task.state


@pytest.mark.parametrize(("stop", "expected"), STOPS)
def test_each_stop_ends_a_running_race(
    manager: LoopManager, stop: Stop, expected: LoopState, capfd: pytest.CaptureFixture[str]
):
    """In its own state, with sprinter cancelled, and without a word on stderr."""
    job = running_race(manager)
    stop(job)
    assert expected == job.wait(LIMIT)
    assert TaskState.CANCELLED == end_of(job, "sprinter")
    assert ("", "") == tuple(capfd.readouterr())


@pytest.mark.parametrize(("stop", "expected"), STOPS)
def test_each_stop_is_honoured_right_after_the_start(
    manager: LoopManager, stop: Stop, expected: LoopState, capfd: pytest.CaptureFixture[str]
):
    """Without waiting for the first outputs; not even for the main task's first step."""
    for _ in range(50):
        job = manager.start(race, threading.Event())
        stop(job)
        assert expected == job.wait(LIMIT)
    assert "" == capfd.readouterr().err


@pytest.mark.parametrize(("stop", "expected"), STOPS)
def test_each_stop_may_come_twice_and_after_the_end(
    manager: LoopManager, stop: Stop, expected: LoopState
):
    """What has been asked for already, and what is over, is left as it is."""
    job = running_race(manager)
    stop(job)
    stop(job)
    assert expected == job.wait(LIMIT)
    for late in (job.request_stop, job.stop_loop, job.cancel_tasks):
        late()
    assert expected == job.state


def test_the_stop_event_is_a_flag_and_no_state(manager: LoopManager, gate: threading.Event):
    """A loop that does not care runs on, and it can be seen that it was asked."""
    job = manager.start(gate.wait, LIMIT)
    assert not job.snapshot().stop_requested
    job.request_stop()
    assert LoopState.RUNNING == job.state
    assert job.snapshot().stop_requested


def test_stopping_shows_at_once(manager: LoopManager):
    """Also while the loop is blocked and cannot answer."""
    go_on = threading.Event()

    async def block() -> None:
        go_on.wait(LIMIT)

    job = manager.start(block)
    job.stop_loop()
    assert LoopState.STOPPING == job.state
    go_on.set()
    assert LoopState.STOPPED == job.wait(LIMIT)


def test_an_empty_loop_ends_by_its_stop_event(manager: LoopManager):
    """Cancelling its tasks leaves it running: it has no main task."""
    job = manager.start()
    job.submit(asyncio.sleep(3600))
    job.cancel_tasks()
    assert 5 == job.submit(asyncio.sleep(0, 5)).result(LIMIT)
    assert LoopState.RUNNING == job.state
    job.request_stop()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert job.result() is None


def test_single_tasks_can_be_cancelled(manager: LoopManager):
    """By their ids; the others go on."""
    job = running_race(manager)
    (sprint,) = (task for task in job.tasks if task.name == "sprinter")
    job.cancel_tasks(sprint.id)
    assert 1 == job.submit(asyncio.sleep(0, 1)).result(LIMIT)
    assert TaskState.CANCELLED == end_of(job, "sprinter")
    assert LoopState.RUNNING == job.state


def test_an_unknown_task_id_cancels_nothing(manager: LoopManager):
    """Not even the known one beside it."""
    job = running_race(manager)
    (sprint,) = (task for task in job.tasks if task.name == "sprinter")
    with pytest.raises(bgw.UnknownTask, match=r"no task 999999.*Nothing was cancelled"):
        job.cancel_tasks(sprint.id, 999_999)
    assert 1 == job.submit(asyncio.sleep(0, 1)).result(LIMIT)
    assert TaskState.PENDING == end_of(job, "sprinter")
