"""One metric: every value counts, and as many points are kept as a chart can show.

A value costs its thread an append. Some hundred of them are thinned together, by functions of C:
for each stretch of time its lowest and its highest value stay. When the stretches are too many,
each two become one.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Sequence
from itertools import compress
from math import inf, isfinite
from typing import Any, Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.snapshots import MetricSnapshot

MOST_STRETCHES: Final = 500
FIRST_WIDTH: Final = 0.001
"""Seconds."""
CHUNK: Final = 500
"""So many numbers wait to be thinned together, half of them times: few enough for the processor to
have them all at hand."""


class _Stretch:
    """What is kept of all values between two times."""

    __slots__ = ("gap_at", "high", "high_at", "low", "low_at")

    def __init__(self) -> None:
        self.low, self.low_at = inf, 0.0
        self.high, self.high_at = -inf, 0.0
        self.gap_at: float | None = None

    def add(self, times: Sequence[float], values: Sequence[float]) -> None:
        low, high = min(values), max(values)
        if low < self.low:
            self.low, self.low_at = low, times[values.index(low)]
        if high > self.high:
            self.high, self.high_at = high, times[values.index(high)]

    def join(self, later: _Stretch) -> None:
        if later.low < self.low:
            self.low, self.low_at = later.low, later.low_at
        if later.high > self.high:
            self.high, self.high_at = later.high, later.high_at
        if later.gap_at is not None:
            self.gap_at = later.gap_at

    def points(self) -> list[tuple[float, float | None]]:
        points: list[tuple[float, float | None]] = []
        if self.low <= self.high:
            points.append((self.low_at, self.low))
        if self.low < self.high:
            points.append((self.high_at, self.high))
        if self.gap_at is not None:
            points.append((self.gap_at, None))
        return sorted(points, key=_time_of)


class Series:
    """The values of one name. Any thread may call everything."""

    __slots__ = (
        "_count",
        "_guard",
        "_last",
        "_last_at",
        "_start",
        "_stretches",
        "_width",
        "numbers",
    )

    def __init__(self) -> None:
        self.numbers: Final[list[float]] = []
        """Times (`clock.now()`) and values in turn, to be extended by both at once; `settle()` when
        there are `CHUNK` of them. Not pairs: these would keep the garbage collector busy."""
        # Not reentrant, and so not waited for by who has a value: it may come in a finalizer, in
        # the midst of this.
        self._guard: Final = free_in_forks(threading.Lock())
        self._stretches: Final[dict[int, _Stretch]] = {}
        self._start: float | None = None
        self._width = FIRST_WIDTH
        self._count = 0
        self._last: float | None = None
        self._last_at = 0.0

    def settle(self) -> None:
        """Thin what has come. Does not block: when another thread is about it, that one does it."""
        if self._guard.acquire(blocking=False):
            try:
                self._settle()
            finally:
                self._guard.release()

    def as_value(self, name: str, ahead: float = 0.0) -> MetricSnapshot:
        """What there is to show; `ahead` is added to each time. Waits for another thread that
        thins, for a millisecond or less.
        """
        with self._guard:
            self._settle()
            places = sorted(self._stretches.items())
            points = [point for _, stretch in places for point in stretch.points()]
            if self._count and (not points or points[-1][0] < self._last_at):
                points.append((self._last_at, self._last))
            lows = [stretch.low for _, stretch in places if stretch.low <= stretch.high]
            highs = [stretch.high for _, stretch in places if stretch.low <= stretch.high]
            return MetricSnapshot(
                name=name,
                times=tuple(at + ahead for at, _ in points),
                values=tuple(value for _, value in points),
                count=self._count,
                last=self._last,
                lowest=min(lows, default=None),
                highest=max(highs, default=None),
            )

    def _settle(self) -> None:
        chunk = self.numbers[:]
        if not chunk:
            return
        del self.numbers[: len(chunk)]  # What others add meanwhile comes behind these.
        times, values = chunk[::2], chunk[1::2]
        if sorted(times) != times:  # They come from several threads.
            pairs = sorted(zip(times, values, strict=True), key=_time_of)
            times, values = [at for at, _ in pairs], [value for _, value in pairs]
        self._count += len(times)
        self._last_at = max(self._last_at, times[-1])
        self._last = values[-1] if isfinite(values[-1]) else None
        if self._start is None:
            self._start = times[0]
        if not isfinite(sum(values)):
            times, values = self._without_gaps(times, values)
        start = 0
        if times and (place := self._place(times[-1])) == self._place(times[0]):
            self._stretch(place).add(times, values)
            return
        while start < len(times):
            place = self._place(times[start])
            end = bisect_right(times, self._start + (place + 1) * self._width, start + 1)
            self._stretch(place).add(times[start:end], values[start:end])
            start = end

    def _without_gaps(
        self, times: list[float], values: list[float]
    ) -> tuple[list[float], list[float]]:
        finite = [isfinite(value) for value in values]
        for at, is_finite in zip(times, finite, strict=True):
            if not is_finite:
                self._stretch(self._place(at)).gap_at = at
        return list(compress(times, finite)), list(compress(values, finite))

    def _place(self, at: float) -> int:
        """The number of the stretch that a time lies in; 0 also before the first: several threads
        may be first.
        """
        since = max(0.0, at - (self._start or 0.0))
        while since >= self._width * MOST_STRETCHES:
            self._width *= 2
            old = sorted(self._stretches.items())
            self._stretches.clear()
            for place, stretch in old:
                known = self._stretches.setdefault(place // 2, stretch)
                if known is not stretch:
                    known.join(stretch)
        return int(since / self._width)

    def _stretch(self, place: int) -> _Stretch:
        return self._stretches.setdefault(place, _Stretch())


def _time_of(point: tuple[float, Any]) -> float:
    return point[0]
