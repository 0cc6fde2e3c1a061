"""What cannot be undone and concerns everything is done at the second click only."""

from __future__ import annotations

from typing import Final

WITHIN: Final = 3.0
"""Seconds from the first click in which the second one must come."""
NOT_BEFORE: Final = 0.3
"""Seconds from it in which no other one counts: nobody has read yet what a second one does. Of two
clicks that waited for the same cell nobody knows how long they were apart."""


class SecondClick:
    """Tells a second click from a first. Times are of one monotonic clock."""

    def __init__(self) -> None:
        self.until: float | None = None
        """Until when a click is the second one; None when the next is a first."""

    def click(self, now: float) -> bool:
        """Whether this click is a second one. After that, the next is a first again."""
        if not self.is_armed(now):
            self.until = now + WITHIN
            return False
        if self.until is not None and now < self.until - WITHIN + NOT_BEFORE:
            return False
        self.until = None
        return True

    def is_armed(self, now: float) -> bool:
        """Whether a click now would be the second one."""
        if self.until is not None and now >= self.until:
            self.until = None
        return self.until is not None
