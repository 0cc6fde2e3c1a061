"""A manager of its own for each test, and the seed's code as it was written."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""


def until(is_so: Callable[[], object]) -> None:
    """Wait for something in another thread that tells nobody."""
    deadline = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def manager() -> Iterator[LoopManager]:
    manager = LoopManager()
    yield manager
    for report in manager.stop_all(grace=0):
        assert report.outcome.has_ended, report


async def sprinter(num_sprinter: int = 200) -> None:
    i = 0
    while i < num_sprinter:
        i += 1
        await asyncio.sleep(0.02)


async def stopper(stop_event: asyncio.Event, num_stopper: int = 21) -> None:
    for _i in range(num_stopper):
        if stop_event.is_set():
            break
        await asyncio.sleep(0.02)
    stop_event.set()
    await asyncio.sleep(0.01)


def make_run_loop() -> Any:
    """The seed's function, new each time, for it carries its loop as attributes."""

    def run_loop(num_sprinter: int = 4000, num_stopper: int = 2000) -> None:
        async_loop = asyncio.new_event_loop()
        run_loop.loop = async_loop  # type: ignore[attr-defined]
        asyncio.set_event_loop(async_loop)
        run_loop.task1 = async_loop.create_task(sprinter(num_sprinter))  # type: ignore[attr-defined]
        stop_event = asyncio.Event()
        run_loop.stopx = stop_event  # type: ignore[attr-defined]
        run_loop.task2 = async_loop.create_task(  # type: ignore[attr-defined]
            stopper(stop_event, num_stopper)
        )
        async_loop.run_until_complete(run_loop.task2)  # type: ignore[attr-defined]

    return run_loop


class Owner:
    """Somebody else's thread, which keeps to itself what its function raised."""

    def __init__(self, function: Callable[..., object], *args: Any, name: str = "owner") -> None:
        self.error: BaseException | None = None
        self._function = function
        self._args = args
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            self._function(*self._args)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def start(self) -> None:
        """Let it run."""
        self.thread.start()

    def join(self) -> None:
        """It must have ended."""
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()


def has_both_tasks(job: BackgroundLoop) -> bool:
    """Whether the race is on, and both of its tasks are listed."""
    return {"sprinter", "stopper"} == {task.coroutine for task in job.tasks}
