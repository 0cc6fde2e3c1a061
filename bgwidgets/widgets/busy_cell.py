"""The cell that runs, as the page is told of it."""

from __future__ import annotations

from typing import Final

TOLD_AFTER: Final = 0.3
"""Seconds. Nobody clicks into a cell that is shorter, and each would cost two messages."""


class BusyCell:
    """Which cell runs, by its number. Times are seconds of the publisher's clock."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._began_at = 0.0

    def take(self, number: int | None, now: float) -> None:
        """Another cell runs, or none."""
        self.number = number
        self._began_at = now

    def told(self, now: float) -> int | None:
        """What the page is to know."""
        return self.number if now >= self._began_at + TOLD_AFTER else None

    def next_change(self, now: float) -> float | None:
        """When the page is to know something else, if nothing happens."""
        moment = self._began_at + TOLD_AFTER
        return moment if self.number is not None and moment > now else None
