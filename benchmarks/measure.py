"""Interleaved rounds, medians with their quartiles, ratios, and goals."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypeVar

T = TypeVar("T")

WARM_UP_ROUNDS: Final = 3

Unit = Literal["s", "B", "x"]
"""Seconds, bytes, and how many times as much."""


@dataclass(frozen=True)
class Spread:
    """What is in the middle of some values, and where the middle half of them lies."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of one value, which is all three, or of more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True)
class Row:
    """One candidate's values, and how they compare with the baseline's."""

    name: str
    spread: Spread
    ratio: Spread | None
    """Over the baseline's value of the same round; None when there is no baseline."""
    values: Sequence[float]
    """One of each round, in order."""


@dataclass(frozen=True)
class Goal:
    """What a measurement is to be at most."""

    what: str
    measured: Spread
    limit: float
    unit: Unit

    @property
    def is_met(self) -> bool:
        """By the median: the quartiles say how sure that is."""
        return self.measured.median <= self.limit

    def as_text(self) -> str:
        """The verdict, in one line."""
        verdict = "met   " if self.is_met else "MISSED"
        median, low, high, limit = (
            in_words(value, self.unit)
            for value in (self.measured.median, self.measured.low, self.measured.high, self.limit)
        )
        return f"{verdict} {self.what}: {median} ({low} to {high}), goal at most {limit}"


@dataclass(frozen=True)
class Result:
    """One table."""

    title: str
    rounds: int
    rows: Sequence[Row]
    unit: Unit = "s"
    goals: Sequence[Goal] = field(default_factory=tuple)
    notes: Sequence[str] = field(default_factory=tuple)

    def as_json(self) -> dict[str, Any]:
        """Plain data, with the verdicts."""
        goals = [asdict(goal) | {"is_met": goal.is_met} for goal in self.goals]
        return asdict(self) | {"goals": goals}

    def as_text(self) -> str:
        """A table for the screen."""
        width = max(len(row.name) for row in self.rows)
        lines = [f"{self.title} ({self.rounds} rounds; in brackets the middle half of them)"]
        for row in self.rows:
            lines.append(f"  {row.name:{width}}  {_cell(row.spread, self.unit):>30}")
            if row.ratio is not None:
                lines[-1] += f"  {_cell(row.ratio, 'x'):>24}"
        lines += [f"  {goal.as_text()}" for goal in self.goals]
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines)


def interleaved(
    candidates: Mapping[str, Callable[[], T]], rounds: int, warm_up: int = WARM_UP_ROUNDS
) -> dict[str, list[T]]:
    """Each candidate once a round, so that what disturbs the machine disturbs all of them.

    In a new order each time, for each leaves the machine in a state that the next one finds. A
    candidate returns what it measured. The first rounds, `warm_up` of them, are not counted.
    """
    order = list(candidates)
    dice = random.Random(0)  # noqa: S311 - the same orders each time
    values: dict[str, list[T]] = {name: [] for name in candidates}
    for number in range(-warm_up, rounds):
        dice.shuffle(order)
        for name in order:
            value = candidates[name]()
            if number >= 0:
                values[name].append(value)
    return values


def rows_of(values: Mapping[str, Sequence[float]], baseline: str | None = None) -> list[Row]:
    """A row for each candidate, in order."""
    return [
        Row(
            name,
            Spread.of(own),
            None if baseline is None else ratio(values, name, baseline),
            tuple(own),
        )
        for name, own in values.items()
    ]


def ratio(values: Mapping[str, Sequence[float]], name: str, baseline: str) -> Spread:
    """Round by round: what slows the whole machine down for a while is in both."""
    pairs = zip(values[name], values[baseline], strict=True)
    return Spread.of([own / base for own, base in pairs])


def in_words(value: float, unit: Unit = "s") -> str:
    """As short as it can be: 274 us, 1.3 ms, 2.10 s; 1.21 kB; 1.023 x."""
    if unit == "x":
        return f"{value:.3f} x"
    if unit == "B":
        return f"{value / 1000:.3f} kB"
    if abs(value) < 1e-4:
        return f"{value * 1e6:.2f} us"
    if abs(value) < 1e-3:
        return f"{value * 1e6:.0f} us"
    if abs(value) < 1:
        return f"{value * 1e3:.2f} ms"
    return f"{value:.2f} s"


def _cell(spread: Spread, unit: Unit) -> str:
    low, high = in_words(spread.low, unit), in_words(spread.high, unit)
    low_number, low_unit = low.split()
    low = low_number if low_unit == high.split()[1] else low
    return f"{in_words(spread.median, unit)} [{low}-{high}]"
