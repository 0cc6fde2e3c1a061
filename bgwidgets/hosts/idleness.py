"""Whether a loop that was started elsewhere has ended, or only stands still between two runs."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Final

from bgwidgets.hosts.finding import APPEARS_WITHIN

SAID_AFTER: Final = 1.0
"""Seconds after which it is told that nobody runs a loop."""
ENDED_WHEN_IDLE_FOR: Final = 0.3
"""Seconds after which a loop that is to be stopped, and that nobody runs, is ended here."""


class Idleness:
    """That of one loop. Looked at by the thread that watches it; read by any."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def is_long(self) -> bool:
        """Whether nobody runs the loop, for longer than two runs are apart."""
        return is_longer_ago(self._since, SAID_AFTER)

    def ends(self) -> None:
        """The loop runs, or has ended: it is not idle any more."""
        self._since = None

    def is_over(
        self,
        loop: asyncio.AbstractEventLoop,
        owner: threading.Thread | None,
        *,
        is_to_stop: bool,
    ) -> bool:
        """Whether the loop, which this thread runs, does not come back. Does not block."""
        if loop.is_closed():
            return True
        if loop.is_running():
            self.ends()
            return False
        if owner is not None and not owner.is_alive():
            return True
        # Whoever ran it may run it again. But what is to be stopped need not wait for that; nor is
        # there an end to it when nobody knows whose thread would have to end.
        if self._since is None:
            self._since = time.monotonic()
        if is_to_stop:
            return is_longer_ago(self._since, ENDED_WHEN_IDLE_FOR)
        return owner is None and is_longer_ago(self._since, APPEARS_WITHIN)


def is_longer_ago(moment: float | None, seconds: float) -> bool:
    """Than so many seconds; a moment that has not come is not."""
    return moment is not None and time.monotonic() - moment > seconds
