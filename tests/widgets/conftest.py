"""No test of the widgets may leave a thread behind."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.widgets.bench import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 5.0
"""Seconds until a thread that was asked to end must have ended."""


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Every thread that a test starts ends with it."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + LIMIT
    started = [thread for thread in threading.enumerate() if thread not in before]
    for thread in started:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert [thread.name for thread in started if thread.is_alive()] == []


@pytest.fixture
def bench() -> Bench:
    """A feed without a thread, with the test in the place of page, panel and clock."""
    return Bench()
