"""Long work of a thread beside a loop, in slices between which the loop's thread is let in.

Who waits for the interpreter lock asks for it after 5 milliseconds only, and what is one step of C
code, as to sort a list, is not interrupted at all. A ticker of one millisecond notices both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

SLICE: Final = 1_000
AT_ONCE: Final = 4_000
"""So many are sorted in one step; a millisecond's work."""
LETS_IN_AFTER: Final = 0.001
"""Seconds. Each time costs up to 5 milliseconds where the other thread has much to do."""
_PAUSE: Final = 0.0001
"""Seconds; not 0, as in `consistent_copy`."""
_SAMPLED: Final = 200
_MARGIN: Final = 0.03
"""Of all: by so much more than is asked for is looked at closely."""

T = TypeVar("T")


class LettingIn:
    """One piece of work, in one thread."""

    def __init__(self, *, others: bool) -> None:
        """Without others there is nobody to be let in: the loop's own thread is at work."""
        self._others: Final = others
        self._since = time.perf_counter()

    def slices(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """All of these, some at a time. Blocks for a moment in between."""
        for start in range(0, len(items), SLICE):
            if self._others and time.perf_counter() - self._since > LETS_IN_AFTER:
                time.sleep(_PAUSE)
                self._since = time.perf_counter()
            yield items[start : start + SLICE]

    def sorted_places(self, keys: Sequence[Any], start: int, stop: int) -> list[int]:
        """Which places stand from `start` to before `stop` when all are sorted by their keys; of
        equal keys in their order. What is not asked for is not sorted.
        """
        found: list[int] = []
        left: list[tuple[Sequence[int], int, bool]] = [(range(len(keys)), 0, False)]
        while left:
            places, first, are_equal = left.pop()
            if first >= stop or first + len(places) <= start:
                continue
            if not are_equal and len(places) > AT_ONCE:
                lower, equal, upper = self._parted(places, keys, start - first, stop - first)
                left += [
                    (upper, first + len(lower) + len(equal), False),
                    (equal, first + len(lower), True),
                    (lower, first, False),
                ]
                continue
            in_order = places if are_equal else sorted(places, key=keys.__getitem__)
            found += in_order[max(0, start - first) : stop - first]
        return found

    def _parted(
        self, places: Sequence[int], keys: Sequence[Any], start: int, stop: int
    ) -> tuple[list[int], list[int], list[int]]:
        """Those with a lower key than one of them, with the same, and with a higher one. It stands
        close to where the places that are asked for begin or end, or in the middle.
        """
        count = len(places)
        share = min(0.5, stop / count + _MARGIN)
        if start > count / 2:
            share = max(0.5, start / count - _MARGIN)
        sample = sorted(keys[places[number * count // _SAMPLED]] for number in range(_SAMPLED))
        pivot = sample[min(_SAMPLED - 1, int(share * _SAMPLED))]
        lower: list[int] = []
        equal: list[int] = []
        upper: list[int] = []
        for part in self.slices(places):
            lower += [place for place in part if keys[place] < pivot]
            equal += [place for place in part if keys[place] == pivot]
            upper += [place for place in part if keys[place] > pivot]
        return lower, equal, upper
