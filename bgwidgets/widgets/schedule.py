"""When the manager is looked at: at each interval, and soon after something happened."""

from __future__ import annotations

from typing import Final

SETTLES_IN: Final = 0.015
"""Seconds. What happens seldom comes alone: a loop that is stopped changes twice in a moment."""
CHANGES_APART: Final = 0.05
"""Looks because of changes are at least so far apart, however many changes there are."""
EFFECT_SHOWS_AFTER: Final = (SETTLES_IN, 0.06, 0.2, 0.5)
"""When to look for what a command did, which the loop may need a moment for."""


class LookSchedule:
    """The looks that are due. Times are seconds of the publisher's clock."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._wanted: list[float] = [float("-inf")]
        """The first look is due at once."""

    def something_changed(self, now: float, apart: float = CHANGES_APART) -> None:
        """A loop was added, removed or changed its state."""
        moment = max(now + SETTLES_IN, self._looked_at + apart)
        if all(moment < wanted for wanted in self._wanted):
            self._wanted.append(moment)

    def command_given(self, now: float) -> None:
        """A command's effect is to be seen soon, and not only at the next interval."""
        self._wanted.extend(now + seconds for seconds in EFFECT_SHOWS_AFTER)

    def looked(self, now: float) -> None:
        """A look was taken: it serves all that were wanted until now."""
        self._looked_at = now
        if self._wanted:
            self._wanted = [moment for moment in self._wanted if moment > now]

    @property
    def is_soon_wanted(self) -> bool:
        """Whether a look is wanted besides those at each interval."""
        return bool(self._wanted)

    def next_look(self, interval: float | None) -> float | None:
        """When the next look is due; `interval` is None when nobody watches."""
        moments = list(self._wanted)
        if interval is not None:
            moments.append(self._looked_at + interval)
        return min(moments, default=None)
