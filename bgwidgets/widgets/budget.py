"""At most ten messages a second, of which the last ones are kept for what somebody waits for."""

from __future__ import annotations

from collections import deque
from typing import Final

MOST: Final = 10
SPAN: Final = 1.1
"""Seconds; more than one, for messages take longer and shorter to arrive, and whoever counts them
there should not find eleven in a second either."""


BYTES_A_SECOND: Final = 400_000
"""Of charts, pictures and what is downloaded. Servers drop what is more than a million, and others
send too."""


class ByteBudget:
    """Knows when large messages may be sent again. Not thread safe: it has one owner."""

    def __init__(self) -> None:
        self.free_at = float("-inf")

    def spend(self, now: float, size: int) -> None:
        """So many bytes are sent now: those that follow wait until they have been carried."""
        self.free_at = max(now, self.free_at) + size / BYTES_A_SECOND


class MessageBudget:
    """Knows when the next message may be sent. Not thread safe: it has one owner."""

    def __init__(self) -> None:
        self._sent_at: Final[deque[float]] = deque(maxlen=MOST)

    def free_at(self, now: float, most: int = MOST) -> float:
        """When a message may go that must not be more than the `most`th: `now`, or later.

        The less urgent a message is, the fewer others it may come on top of.
        """
        if len(self._sent_at) < most:
            return now
        return max(now, self._sent_at[-most] + SPAN)

    def spend(self, now: float) -> None:
        """A message is sent now."""
        self._sent_at.append(now)
