"""Finds every process that a test started, wherever it went: one left behind is a failure."""

from __future__ import annotations

import secrets
import time
from typing import Final

import psutil

LIMIT: Final = 15.0
POLL: Final = 0.05


class ProcessesLeft(AssertionError):
    """Raised when processes were left behind; the message names them. They have been ended."""


class StartedProcesses:
    """All processes started with `environment`, and all that those started.

    They are known by a variable that every descendant inherits, also one that left its parent and
    its process group: none can hide.
    """

    def __init__(self) -> None:
        self._value = secrets.token_hex(16)

    @property
    def environment(self) -> dict[str, str]:
        """The mark, to be added to a process's environment when it is started."""
        return {"BGWIDGETS_TEST_RUN": self._value}

    def alive(self, *, but: int | None = None) -> list[psutil.Process]:
        """Those that run now, without the one whose process id is `but`."""
        return [
            process
            for process in psutil.process_iter()
            if process.pid != but and self._is_marked(process)
        ]

    def expect_none(self, *, but: int | None = None, limit: float = LIMIT) -> None:
        """Wait until they are gone; what stays is ended and is a failure."""
        deadline = time.monotonic() + limit
        while left := self.alive(but=but):
            if time.monotonic() > deadline:
                names = "\n".join(_describe(process) for process in left)
                for process in left:
                    _end(process)
                raise ProcessesLeft(f"processes left behind after {limit:g} s:\n{names}")
            time.sleep(POLL)

    def _is_marked(self, process: psutil.Process) -> bool:
        try:
            return bool(self.environment.items() <= process.environ().items())
        except psutil.Error:
            # It ended in this moment, or is another user's: not ours in both cases.
            return False


def _describe(process: psutil.Process) -> str:
    try:
        return f"{process.pid} ({process.status()}): {' '.join(process.cmdline())}"
    except psutil.Error:
        return f"{process.pid}: ended in this moment"


def _end(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
