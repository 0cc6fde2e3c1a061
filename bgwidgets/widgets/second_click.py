"""What cannot be undone and concerns everything is done at the second click only."""

from __future__ import annotations

from typing import Final

WITHIN: Final = 3.0
"""Seconds from the first click in which the second one must come."""


class SecondClick:
    """Tells a second click from a first. Times are of one monotonic clock."""

    def __init__(self) -> None:
        self.until: float | None = None
        """Until when a click is the second one; None when the next is a first."""

    def click(self, now: float) -> bool:
        """Whether this click is a second one. After that, the next is a first again."""
        is_second = self.is_armed(now)
        self.until = None if is_second else now + WITHIN
        return is_second

    def is_armed(self, now: float) -> bool:
        """Whether a click now would be the second one."""
        if self.until is not None and now >= self.until:
            self.until = None
        return self.until is not None
