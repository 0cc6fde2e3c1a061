"""The pure functions that say what a value looks like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.stage import Stage


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0:00"),
        (3.9, "0:03"),
        (59.999, "0:59"),
        (60, "1:00"),
        (761, "12:41"),
        (3599, "59:59"),
        (3725, "1:02:05"),
        (86399, "23:59:59"),
        (86400, "1d 0h"),
        (2 * 86400 + 3 * 3600 + 59, "2d 3h"),
        (-0.4, "0:00"),
        (None, ""),
    ],
)
def test_an_age_is_as_short_as_it_can_be(helpers: Stage, seconds: float | None, text: str):
    """Minutes and seconds, then hours, then days; a clock that is a little off shows no minus."""
    assert helpers.call("formatAge", seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1,000"), (1207, "1,207"), (1_234_567, "1,234,567")],
)
def test_thousands_are_set_apart(helpers: Stage, count: int, text: str):
    """Numbers have separators whatever the browser's language is."""
    assert helpers.call("formatCount", count) == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({}, ""),
        ({"running": 3, "finished": 776}, "776 finished"),
        (
            {"failed": 2, "cancelled": 14, "finished": 1776},
            "2 failed, 14 cancelled, 1,776 finished",
        ),
    ],
)
def test_only_what_happened_is_told(helpers: Stage, counts: dict[str, int], text: str):
    """The tasks that ended are summed up, worst first, without zeros."""
    assert helpers.call("formatEnded", counts) == text


@pytest.mark.parametrize(
    ("scroll_top", "expected"),
    [
        (0, {"start": 0, "stop": 11}),
        (26 * 2, {"start": 0, "stop": 13}),
        (26 * 100, {"start": 98, "stop": 111}),
        (26 * 100 + 1, {"start": 98, "stop": 112}),
    ],
)
def test_the_window_is_what_is_in_sight_and_two_more(
    helpers: Stage, scroll_top: int, expected: dict[str, int]
):
    """A row that shows by one pixel belongs to the window."""
    assert helpers.call("windowAt", scroll_top, 9) == expected


@pytest.mark.parametrize(
    ("key", "current", "total", "expected"),
    [
        ("ArrowDown", -1, 5, 0),
        ("ArrowDown", 4, 5, 4),
        ("ArrowUp", 0, 5, 0),
        ("PageDown", 1, 50, 9),
        ("PageUp", 3, 50, 0),
        ("Home", 3, 50, 0),
        ("End", 3, 50, 49),
        ("End", -1, 0, None),
        ("x", 3, 50, None),
    ],
)
def test_keys_move_within_the_table(
    helpers: Stage, key: str, current: int, total: int, expected: int | None
):
    """No key leads out of the table, and none moves in an empty one."""
    assert helpers.call("indexAfterKey", key, current, total, 8) == expected


@pytest.mark.parametrize(
    ("row", "note"),
    [
        ({"note": None, "unresponsive": False}, ""),
        ({"note": "epoch 3", "unresponsive": True}, "epoch 3"),
        ({"note": "epoch 3", "unresponsive": 90.0}, "no answer for 10 s · epoch 3"),
        ({"note": None, "unresponsive": 1.5}, "no answer for 1:38"),
        ({"note": None, "unresponsive": 100.4}, "no answer for 0 s"),
    ],
)
def test_the_note_of_a_loop_that_does_not_answer_says_how_old_it_is(
    helpers: Stage, row: dict[str, object], note: str
):
    assert helpers.call("noteOf", row, 100) == note


@pytest.mark.parametrize(
    ("row", "word", "mark", "tone"),
    [
        ({"state": "running"}, "running", "run", "ok"),
        ({"state": "running", "stop_requested": True}, "stop asked", "stopg", "warn"),
        ({"state": "stopping", "stop_requested": True}, "stopping", "stopg", "warn"),
        ({"state": "finished", "stop_requested": True}, "finished", "end", "soft"),
        ({"state": "running", "unresponsive": True}, "unresponsive", "mute", "warn"),
        ({"state": "finished", "unresponsive": True}, "finished", "end", "soft"),
        ({"state": "running", "blocked_since": -3.2}, "blocked 3.2 s", "block", "warn"),
        ({"state": "running", "blocked_since": -0.85}, "blocked 0.8 s", "block", "warn"),
        ({"state": "stopping", "blocked_since": -3.2}, "stopping", "block", "warn"),
        ({"state": "stopped", "blocked_since": -3.2}, "stopped", "end", "soft"),
        ({"state": "cancelled"}, "cancelled", "canc", "soft"),
        ({"state": "lost"}, "lost", "fail", "bad"),
        ({"state": "pending"}, "pending", "wait", "soft"),
    ],
)
def test_a_state_is_said_by_word_shape_and_colour(
    helpers: Stage, row: dict[str, object], word: str, mark: str, tone: str
):
    """A stop that was asked for shows only while the loop still runs."""
    assert helpers.call("appearanceOf", row) == {"word": word, "mark": mark, "tone": tone}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "< 1 ms"),
        (0.001, "1 ms"),
        (0.035, "35 ms"),
        (0.1, "100 ms"),
        (0.999, "1.0 s"),
        (0.4, "400 ms"),
        (0.994, "990 ms"),
        (1, "1.0 s"),
        (3.21, "3.2 s"),
        (9.96, "10 s"),
        (48.4, "48 s"),
        (99.6, "1 m"),
        (3599, "59 m"),
        (3600.2, "1 h"),
        (200_000, "2 d"),
    ],
)
def test_a_lag_in_words(helpers: Stage, seconds: float | None, words: str):
    """With as many digits as anybody reads."""
    assert words == helpers.call("formatLag", seconds)


def test_a_sparkline_ends_on_the_right(helpers: Stage):
    """And is broken where nothing is known."""
    assert "M56 12L57 9M59 0" == helpers.call("sparkPath", "03 c")
