"""No test leaves a loop, a thread of ours or a complaint of asyncio's behind."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bgwidgets import BackgroundLoop, background_loop, manager

pytest_plugins = ["tests.side_by_side"]

LIMIT = 2.0
"""Seconds until a loop or a thread that is about to end must have ended."""
CLEAN_UP_LIMIT = 1.0
"""Seconds that the threads get which had to be brought down."""
WITH_A_BROWSER = {"browser", "lab"}
"""Folders whose tests run no loop of ours here, but playwright's own."""


class Complaints(logging.Handler):
    """What asyncio and concurrent.futures logged as errors: tasks that nobody asked about, tasks
    that were destroyed while pending, callbacks that raised.
    """

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.texts.append(record.getMessage())

    def take(self) -> list[str]:
        """Those that a test expects: they no longer count against it."""
        gc.collect()
        taken, self.texts = self.texts, []
        return taken


def pytest_collection_finish() -> None:
    """What the imports have made stays for ever: the collector, which the tests call often, need
    not look at it again and again.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def complaints(request: pytest.FixtureRequest) -> Iterator[Complaints]:
    """Fails a test of which asyncio complained, on whatever thread.

    pytest itself does that for exceptions in threads and for those that cannot be raised.
    """
    complaints = Complaints()
    if _has_a_browser(request.path):
        yield complaints
        return
    loggers = [logging.getLogger(name) for name in ("asyncio", "concurrent.futures")]
    for logger in loggers:
        logger.addHandler(complaints)
    yield complaints
    # A task complains when it is destroyed: now, and not in a later test.
    gc.collect()
    for logger in loggers:
        logger.removeHandler(complaints)
    assert [] == complaints.texts


@pytest.fixture(autouse=True)
def nothing_is_left(complaints: Complaints, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a loop or a thread of ours, and brings down what it left."""
    del complaints  # It comes first, so it looks last.
    if _has_a_browser(request.path):
        yield
        return
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + LIMIT
    while _left_behind(before) and time.monotonic() < deadline:
        time.sleep(0.005)
    left = _left_behind(before)
    if left:
        _bring_down(before)
    # A later test finds an empty list, so its loops get the names that it expects.
    manager.remove_finished()
    assert [] == left


@pytest.fixture
def quick_switches() -> Iterator[None]:
    """Threads take turns as often as Python can have it, and so meet in the middle of things."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _has_a_browser(path: Path) -> bool:
    return path.parent.name in WITH_A_BROWSER


def _left_behind(before: set[threading.Thread]) -> list[str]:
    return [
        *(f"{loop.name} is {loop.state}" for loop in manager if not loop.state.has_ended),
        *(thread.name for thread in _threads_of_ours(before)),
    ]


def _threads_of_ours(before: set[threading.Thread]) -> list[threading.Thread]:
    threads = [thread for thread in threading.enumerate() if thread not in before]
    return [thread for thread in threads if thread.name.startswith("bgw-")]


def _bring_down(before: set[threading.Thread]) -> None:
    """What cannot be brought down either is no concern of a later test: it was there `before`."""
    # Also the loops of a test's own manager.
    handles: set[BackgroundLoop] = {*manager, *background_loop._handles.values()}
    unfinished = [loop for loop in handles if not loop.state.has_ended]
    background_loop.stop_together(unfinished, grace=0)
    deadline = time.monotonic() + CLEAN_UP_LIMIT
    for thread in _threads_of_ours(before):
        thread.join(max(0.0, deadline - time.monotonic()))
