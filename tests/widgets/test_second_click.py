"""What is done at the second click only."""

from __future__ import annotations

from bgwidgets.widgets.second_click import NOT_BEFORE, WITHIN, SecondClick


def test_a_second_click_in_time():
    """And the one after it is a first again."""
    button = SecondClick()
    assert not button.click(10.0)
    assert button.until == 10.0 + WITHIN
    assert button.click(10.0 + WITHIN - 0.1)
    assert not button.click(10.0 + WITHIN)


def test_a_second_click_too_late():
    """It is a first one."""
    button = SecondClick()
    assert not button.click(10.0)
    assert button.is_armed(10.0 + WITHIN - 0.1)
    assert not button.is_armed(10.0 + WITHIN)
    assert not button.click(10.0 + WITHIN)
    assert button.is_armed(10.1 + WITHIN)


def test_a_double_click_and_clicks_that_waited_for_the_same_cell():
    """Are one click: what the second one does has not been read yet."""
    button = SecondClick()
    assert not button.click(10.0)
    assert not button.click(10.0)
    assert not button.click(10.0 + NOT_BEFORE - 0.01)
    assert button.click(10.0 + NOT_BEFORE)
