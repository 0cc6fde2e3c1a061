"""A manager of its own for each test, and a gate that holds the work where the test looks at it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bgwidgets import LoopManager

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""


@pytest.fixture
def manager() -> Iterator[LoopManager]:
    manager = LoopManager()
    yield manager
    for report in manager.stop_all(grace=0):
        assert report.outcome.has_ended, report


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What a plain function waits for; opened at the end, so that no thread stays behind."""
    gate = threading.Event()
    yield gate
    gate.set()
