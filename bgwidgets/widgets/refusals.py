"""The answers to messages that no script of a panel's sends: each is answered, also where the same
is said already. What comes faster than a page is told anything is answered in one.
"""

from __future__ import annotations

from bgwidgets.widgets.protocols import Said


class Refusals:
    """Those of one panel. Used by the publisher's thread alone."""

    def __init__(self) -> None:
        self._count = 0
        self._reasons: dict[str, None] = {}
        """Of those that are not answered yet, in order, each once."""

    @property
    def are_waiting(self) -> bool:
        """Whether one is not answered yet."""
        return bool(self._reasons)

    def add(self, reason: str, count: int = 1) -> None:
        """One more message was refused, or so many."""
        self._count += count
        self._reasons[reason] = None

    def take(self) -> Said:
        """The answer. It counts them, for a page shows no difference between twice the same."""
        reasons, self._reasons = "; ".join(self._reasons), {}
        times = "" if self._count == 1 else f" ({self._count:,} messages so far)"
        return Said(f"The page sent what it should not{times}: {reasons}", is_error=True)
