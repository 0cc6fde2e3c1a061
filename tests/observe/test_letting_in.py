"""Sorting and filtering very many tasks, without keeping the interpreter for long."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgwidgets.observe import letting_in
from bgwidgets.observe.letting_in import SLICE, LettingIn


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a hundred are many."""
    monkeypatch.setattr(letting_in, "AT_ONCE", 3)
    monkeypatch.setattr(letting_in, "SLICE", 7)


@pytest.mark.usefixtures("few_at_once")
@given(
    keys=st.lists(st.integers(0, 30), max_size=200),
    start=st.integers(0, 210),
    count=st.integers(0, 210),
)
def test_any_part_of_the_order_is_that_of_sorted(keys: list[int], start: int, count: int):
    """Equal keys stay in the order in which they came."""
    expected = sorted(range(len(keys)), key=keys.__getitem__)[start : start + count]
    assert expected == LettingIn(others=True).sorted_places(keys, start, start + count)


class Counted(str):
    """A key that counts how often it is compared."""

    __slots__ = ()
    times = 0

    def __lt__(self, other: str) -> bool:
        Counted.times += 1
        return super().__lt__(other)


@pytest.mark.parametrize("start", [0, 50_000, 99_970])
def test_what_is_not_asked_for_is_not_sorted(start: int):
    """Which would take some seventeen comparisons a key."""
    keys = [Counted(number * 7919 % 100_003) for number in range(100_000)]
    Counted.times = 0
    LettingIn(others=False).sorted_places(keys, start, start + 30)
    assert 5 * len(keys) > Counted.times


@pytest.mark.parametrize("others", [False, True])
def test_others_are_let_in_between_two_slices(monkeypatch: pytest.MonkeyPatch, others: bool):
    """If there are any, and time has gone by."""

    class Clock:
        now = 0.0
        pauses = 0

        def perf_counter(self) -> float:
            """As ever."""
            return self.now

        def sleep(self, seconds: float) -> None:
            """Counted."""
            assert seconds > 0
            self.pauses += 1

    clock = Clock()
    monkeypatch.setattr(letting_in, "time", clock)
    work = LettingIn(others=others)
    items: list[Any] = list(range(5 * SLICE + 1))
    found: list[Any] = []
    for part in work.slices(items):
        found += part
        clock.now += letting_in.LETS_IN_AFTER * 0.6
    assert items == found
    assert clock.pauses == (2 if others else 0)
