"""Interleaved rounds, medians and ratios."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

WARM_UP_ROUNDS: Final = 3


@dataclass(frozen=True)
class Row:
    """One candidate's seconds, and how they compare with the baseline's."""

    name: str
    median: float
    p90: float
    ratio: float | None
    """The median over the baseline's median; None when there is no baseline."""


@dataclass(frozen=True)
class Result:
    """One table."""

    title: str
    rounds: int
    rows: Sequence[Row]
    goal: str = ""
    is_met: bool | None = None
    notes: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def as_text(self) -> str:
        """A table for the screen."""
        width = max(len(row.name) for row in self.rows)
        lines = [f"{self.title} ({self.rounds} rounds)"]
        lines.append(f"  {'':{width}}  {'median':>10}  {'p90':>10}  {'ratio':>6}")
        for row in self.rows:
            ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
            lines.append(
                f"  {row.name:{width}}  {in_words(row.median):>10}  {in_words(row.p90):>10}"
                f"  {ratio:>6}"
            )
        if self.goal:
            verdict = {True: "met", False: "MISSED", None: "not judged"}[self.is_met]
            lines.append(f"  goal: {self.goal}: {verdict}")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


def interleaved(
    candidates: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Each candidate once a round, so that what disturbs the machine disturbs all of them.

    In a new order each time, for each leaves the machine in a state that the next one finds. A
    candidate returns the seconds that it measured. The first rounds are not counted.
    """
    order = list(candidates)
    dice = random.Random(0)  # noqa: S311 - the same orders each time
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(-WARM_UP_ROUNDS, rounds):
        dice.shuffle(order)
        for name in order:
            took = candidates[name]()
            if number >= 0:
                seconds[name].append(took)
    return seconds


def rows_of(seconds: Mapping[str, Sequence[float]], baseline: str | None = None) -> list[Row]:
    """A row for each candidate, in order."""
    base = statistics.median(seconds[baseline]) if baseline else None
    return [
        Row(
            name,
            statistics.median(all_of_it),
            sorted(all_of_it)[int(0.9 * (len(all_of_it) - 1))],
            statistics.median(all_of_it) / base if base else None,
        )
        for name, all_of_it in seconds.items()
    ]


def in_words(seconds: float) -> str:
    """A duration as short as it can be: 274 us, 1.3 ms, 2.10 s."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} us"
    if seconds < 1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.2f} s"
