"""The lag of the last minute: one maximum a second."""

from __future__ import annotations

import pytest

from bgwidgets.observe.lag import SECONDS_KEPT, LagHistory


def test_nothing_is_known_at_first():
    assert (None,) * SECONDS_KEPT == LagHistory().last_minute(1000.5)


def test_each_second_keeps_its_maximum():
    """The oldest first; a second in which nothing ran late or in time is None."""
    history = LagHistory()
    for now, lag in [(100.1, 0.01), (100.5, 0.03), (100.9, 0.02), (102.0, 0.0)]:
        history.note(now, lag)
    assert (0.03, None, 0.0) == history.last_minute(102.5)[-3:]
    assert (None,) * (SECONDS_KEPT - 3) == history.last_minute(102.5)[:-3]


def test_what_is_older_than_a_minute_is_gone():
    history = LagHistory()
    history.note(100.5, 0.5)
    assert 0.5 == history.last_minute(100.5 + SECONDS_KEPT - 1)[0]
    assert 0.5 not in history.last_minute(100.5 + SECONDS_KEPT)


def test_a_long_lag_grows_from_second_to_second():
    """In each it is as late as it was by its end."""
    history = LagHistory()
    history.note(103.5, 3.25)
    assert [0.75, 1.75, 2.75, 3.25] == list(history.last_minute(103.9)[-4:])


def test_one_that_lasts_for_hours_fills_the_minute_only():
    history = LagHistory()
    history.note(9000.5, 8000.0)
    minute = history.last_minute(9000.5)
    assert 8000.0 == minute[-1]
    assert None not in minute


def test_what_is_still_due_counts_and_leaves_no_trace():
    history = LagHistory()
    history.note(100.2, 0.1)
    assert pytest.approx((0.75, 1.0)) == history.last_minute(101.25, lag=1.0)[-2:]
    assert (0.1, None) == history.last_minute(101.25)[-2:]
