"""When tasks were born and have ended, as far as that can be told without a clock for each.

A birth is one append to a list, and an end is found when the list is swept. But who looks at the
list from time to time notes how long it was: what stands before that place was born by then, what
comes after it was not. Of an end it is known when the task was last seen unfinished, and when it
was first seen done. What is not known to within a tenth of a second is not told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import compress
from typing import Any, Final

EXACT: Final = 0.1
"""Seconds by which a time that is told may be off."""

Tasks = list[asyncio.Task[Any]]
Marks = list[tuple[float, int]]
"""At these moments there were so many tasks in a list."""
Births = tuple[float, Marks]
"""Of the tasks of a list, in their order: they were all born after that moment."""
SameBirth = tuple[Tasks, float | None]
"""Tasks between whose births nobody has looked, and when that was; None where nobody knows."""


def known_birth(earliest: float, latest: float) -> float | None:
    """When a task was born, which was between these two moments; None where they are too far
    apart.
    """
    is_known = 0 <= latest - earliest <= 2 * EXACT
    return max(earliest, latest - EXACT) if is_known else None


def known_end(earliest: float, latest: float) -> float | None:
    """When a task ended, which was between these two moments, as above."""
    is_known = 0 <= latest - earliest <= 2 * EXACT
    return min(latest, earliest + EXACT) if is_known else None


def mark(marks: Marks, at: float, count: int) -> None:
    """There were so many at that moment. Of looks that have found as many as the one before, the
    first and the last are kept.
    """
    if len(marks) > 1 and marks[-2][1] == count:
        marks[-1] = at, count
    else:
        marks.append((at, count))


def births_among(births: Births, chosen: list[bool]) -> Births:
    """Those of the chosen ones in such a list."""
    since, marks = births
    left: Marks = []
    place = among = 0
    for at, count in list(marks):
        among += chosen[place:count].count(True)
        place = count
        if among:
            mark(left, at, among)
        else:
            since = at  # They all came later.
    return since, left


def by_birth(tasks: Tasks, births: Births, until: float) -> list[SameBirth]:
    """These tasks, all of which were born before that moment, by the times of their births."""
    return [
        (tasks[start:stop], birth) for start, stop, birth in _stretches(len(tasks), births, until)
    ]


def births_of_last(
    number: int, chosen: list[bool], births: Births, until: float
) -> list[float | None]:
    """When so many of the chosen ones, the last, were born: all before that moment."""
    if not births[1]:
        return [known_birth(births[0], until)] * number
    each: list[float | None] = []
    for start, stop, birth in _stretches(len(chosen), births, until):
        each += [birth] * (stop - start)
    of_chosen = list(compress(each, chosen))
    return of_chosen[len(of_chosen) - number :]


def _stretches(count: int, births: Births, until: float) -> Iterator[tuple[int, int, float | None]]:
    """From which place to before which one tasks have the same birth."""
    earliest, marks = births
    start = 0
    for at, so_many in [*marks, (until, count)]:
        stop = min(so_many, count)
        if stop > start:
            yield start, stop, known_birth(earliest, at)
            start = stop
        earliest = at
