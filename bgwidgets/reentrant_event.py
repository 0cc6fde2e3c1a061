"""An event that a signal handler may set in the middle of another `set()`."""

from __future__ import annotations

import threading
import time
from typing import Final

from bgwidgets.fork_locks import free_in_forks

LOOKS_EVERY: Final = 0.5
"""Seconds. A handler that sets it just before its own thread begins to wait wakes nobody."""


class ReentrantEvent:
    """As `threading.Event`, whose lock is not reentrant: a handler that sets it while the main
    thread is in the middle of setting it would wait for itself for ever.
    """

    def __init__(self) -> None:
        self._is_set = False
        self._changed: Final = free_in_forks(threading.Condition(threading.RLock()))

    def is_set(self) -> bool:
        """Whether it is set. Any thread; does not block."""
        return self._is_set

    def set(self) -> None:
        """Set it, and wake all who wait. Any thread; does not block."""
        self._is_set = True
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> None:
        """Unset it. Any thread; does not block."""
        self._is_set = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most `timeout` seconds. Whether it is, or was."""
        until = None if timeout is None else time.monotonic() + timeout
        with self._changed:
            while not self._is_set:
                left = LOOKS_EVERY if until is None else until - time.monotonic()
                if left <= 0:
                    return False
                if self._changed.wait(min(left, LOOKS_EVERY)):
                    return True
        return True
