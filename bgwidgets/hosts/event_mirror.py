"""A stop event that is one in two processes: each has its own, and tells the other of its changes.

What both do at the same moment crosses on its way. So each change has a number, one more than that
of the last change that was known; the higher one counts, and of two that are equal the kernel's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.messages import SetEvent
from bgwidgets.stop_event import StopEvent


class EventMirror:
    """One side of it. Any thread may call everything; nothing blocks."""

    def __init__(self, send: Callable[[SetEvent], None], *, is_kernels: bool) -> None:
        """`send` tells the other side."""
        self._send: Final = send
        self._rank: Final = int(is_kernels)
        self._guard: Final = free_in_forks(threading.RLock())  # A signal handler may set it, too.
        self._last = 0, 0
        """The number of the last change, and who made it."""
        self.event: Final = StopEvent(self._tell)
        """What this side sets, clears and waits for."""

    def _tell(self, is_set: bool) -> None:
        """It was set, or cleared, on this side."""
        with self._guard:
            number = self._last[0] + 1
            self._last = number, self._rank
            self.event.be(is_set=is_set)  # The other side's change may have come in between.
            self._send(SetEvent(is_set, number))

    def take(self, message: SetEvent) -> bool:
        """The other side has changed it. Whether that counts."""
        with self._guard:
            change = message.number, 1 - self._rank
            if change <= self._last:
                return False
            self._last = change
            self.event.be(is_set=message.is_set)
            return True
