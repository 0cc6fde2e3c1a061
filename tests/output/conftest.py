"""A manager of the test's own, and streams that nobody else writes to."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator

import pytest

from bgwidgets import LoopManager, output

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""


class CellStream(io.StringIO):
    """Stands for the stream of a Jupyter kernel, by which it is known."""

    pub_thread = None


class Streams:
    """The standard streams of a test."""

    def __init__(self) -> None:
        self.stdout = CellStream()
        self.stderr = CellStream()


@pytest.fixture
def manager() -> Iterator[LoopManager]:
    """All its loops are stopped in the end."""
    manager = LoopManager()
    yield manager
    manager.stop_all(grace=0)


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch, manager: LoopManager) -> Iterator[Streams]:
    """Streams as in a kernel, which show what a cell would."""
    streams = Streams()
    monkeypatch.setattr(sys, "stdout", streams.stdout)
    monkeypatch.setattr(sys, "stderr", streams.stderr)
    yield streams
    manager.stop_all(grace=0)
    output.uninstall()
    output.install()
