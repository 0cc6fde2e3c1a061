"""Ten messages a second, and no more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bgwidgets.widgets.budget import MOST, SPAN, MessageBudget


def spent(count: int, at: float = 0.0) -> MessageBudget:
    budget = MessageBudget()
    for _ in range(count):
        budget.spend(at)
    return budget


def test_what_is_quiet_may_speak_at_once():
    """Nobody waits for a turn that nobody else wants."""
    assert MessageBudget().free_at(5.0) == 5.0


def test_after_ten_the_next_waits():
    """Until the first of them is more than a second old."""
    assert spent(MOST - 1).free_at(0.5) == 0.5
    assert spent(MOST).free_at(0.5) == SPAN
    assert spent(MOST).free_at(SPAN) == SPAN


def test_the_less_urgent_leaves_room():
    """So a click is answered at once, however busy the panel is with itself."""
    budget = spent(7)
    assert budget.free_at(0.5, most=7) == SPAN
    assert budget.free_at(0.5, most=8) == 0.5
    budget.spend(0.5)
    assert budget.free_at(0.6, most=1) == 0.5 + SPAN


@given(st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, MOST)), max_size=200))
def test_no_second_ever_has_more_than_ten(wishes: list[tuple[float, int]]):
    """Whenever it begins, and whatever wants to be sent when."""
    budget = MessageBudget()
    now = 0.0
    sent = []
    for pause, most in wishes:
        now = budget.free_at(now + pause, most)
        budget.spend(now)
        sent.append(now)
    for begin in sent:
        assert sum(begin <= at <= begin + 1 for at in sent) <= MOST
