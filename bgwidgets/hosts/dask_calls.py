"""Calls of an actor whose answer nobody waits for, or not any more.

The scheduler's word that an actor is not wanted any more may overtake a call. What comes to the
worker then is an error in its log, and in the kernel one on stderr, of which nobody can make sense.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Any, Final

ANSWERED_WITHIN: Final = 1.0
"""Seconds that an actor is kept for the answers, at most."""
_MOST: Final = 16
"""So many are remembered: where more are not answered, nothing is."""


class CallsUnderWay:
    """Those to one actor."""

    def __init__(self) -> None:
        """There are none yet."""
        # Not changed in two steps: a signal handler may kill a loop in between.
        self._calls: Final[deque[Any]] = deque(maxlen=_MOST)

    def add(self, call: Any) -> None:
        """One more. Any thread; does not block."""
        self._calls.append(call)

    async def settle(self, limit: float = ANSWERED_WITHIN) -> None:
        """Wait until they are answered, however they are; at most `limit` seconds. On the loop of
        the client.
        """
        calls = [call for call in self._calls if not call.done()]
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), limit)
