"""Waiting for what another thread does and tells nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""

T = TypeVar("T")


def until(find: Callable[[], T | None]) -> T:
    """What is found in the end; looks again every few milliseconds."""
    pause = threading.Event()
    deadline = time.monotonic() + LIMIT
    while not (found := find()):
        assert time.monotonic() < deadline
        pause.wait(0.003)
    return found


def never_within(seconds: float, find: Callable[[], object]) -> None:
    """It must not come to be so."""
    pause = threading.Event()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert not find()
        pause.wait(0.003)
