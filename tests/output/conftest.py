"""A manager of the test's own, streams that nobody else writes to, and a gate that holds the work
where the test looks at it.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path

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


def fill_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more can be written to this file."""
    write = os.write

    def full(file: int, data: bytes) -> int:
        if path.exists() and os.path.samestat(path.stat(), os.fstat(file)):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(file, data)

    monkeypatch.setattr(os, "write", full)


@pytest.fixture
def manager() -> Iterator[LoopManager]:
    """All its loops are stopped in the end."""
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


@pytest.fixture
def cell(manager: LoopManager) -> Iterator[Streams]:
    """Streams as in a kernel, which show what a cell would."""
    yield Streams()
    manager.stop_all(grace=0)
    output.uninstall()
    output.install()


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """A test with a `cell` runs with its streams: a fixture cannot do that, for pytest puts its own
    there just before the test.
    """
    cell = pyfuncitem.funcargs.get("cell")
    if not isinstance(cell, Streams):
        return (yield)
    # Not by `redirect_stdout`: that would be a cell which captures its output.
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = cell.stdout, cell.stderr
    try:
        return (yield)
    finally:
        sys.stdout, sys.stderr = before
