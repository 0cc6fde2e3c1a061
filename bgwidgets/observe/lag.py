"""How late a loop ran in each of the last seconds."""

from __future__ import annotations

from typing import Final

SECONDS_KEPT: Final = 60


class LagHistory:
    """One maximum a second. Written in one thread, read from any; nothing blocks.

    All times are `time.monotonic()`, all lags seconds.
    """

    def __init__(self) -> None:
        # The second that a place speaks of, and the longest lag in it: replaced as one, so that a
        # reader never sees the one without the other.
        self._seconds: Final[list[tuple[int, float]]] = [(-1, 0.0)] * SECONDS_KEPT

    def note(self, now: float, lag: float) -> None:
        """At `now` something ran that was due `lag` seconds before."""
        last = int(now)
        first = max(int(now - lag), last - SECONDS_KEPT + 1)
        for second in range(first, last + 1):
            # In the seconds before the last one it was as late as it could be by their end.
            so_far = min(lag, second + 1 - (now - lag))
            place = second % SECONDS_KEPT
            known, longest = self._seconds[place]
            if known != second or so_far > longest:
                self._seconds[place] = (second, so_far)

    def last_minute(self, now: float, lag: float = 0.0) -> tuple[float | None, ...]:
        """One figure for each of the last 60 seconds, the oldest first; None where none is known.

        `lag` is that of something which is still due.
        """
        if lag > 0:
            extended = LagHistory()
            extended._seconds[:] = self._seconds
            extended.note(now, lag)
            return extended.last_minute(now)
        last = int(now)
        seconds = range(last - SECONDS_KEPT + 1, last + 1)
        places = [(second, self._seconds[second % SECONDS_KEPT]) for second in seconds]
        return tuple(longest if known == second else None for second, (known, longest) in places)
