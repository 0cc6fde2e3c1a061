"""When a panel is forgotten, and when it is only out of sight."""

from __future__ import annotations

import pytest

from bgwidgets.widgets.attendance import FORGOTTEN_AFTER, MOST_VIEWS, SILENT_FOR, Attendance


@pytest.fixture
def attendance() -> Attendance:
    """A panel that is on one page."""
    attendance = Attendance()
    attendance.displayed("cell", inside_another=False)
    attendance.seen("a", 0.0)
    return attendance


def test_a_panel_that_was_never_displayed_is_not_forgotten():
    """It was not known to anybody."""
    assert Attendance().forgotten_at() is None


def test_a_displayed_panel_is_waited_for_without_a_limit():
    """Its page may be loading, or its cell out of sight."""
    attendance = Attendance()
    attendance.displayed("cell", inside_another=False)
    assert attendance.forgotten_at() is None


def test_it_is_forgotten_when_its_last_output_was_cleared(attendance: Attendance):
    """Not when one of two was."""
    attendance.seen("b", 1.0)
    attendance.left("a", 2.0, cleared=True)
    assert attendance.forgotten_at() == 2.0 + SILENT_FOR
    attendance.left("b", 3.0, cleared=True)
    assert attendance.forgotten_at() == 3.0 + FORGOTTEN_AFTER


def test_a_view_that_comes_in_time_keeps_it(attendance: Attendance):
    """As when its cell was moved."""
    attendance.left("a", 2.0, cleared=True)
    attendance.seen("b", 3.0)
    assert attendance.forgotten_at() is None


def test_a_cell_that_shows_it_again_keeps_it(attendance: Attendance):
    """The old view may go after the new one was asked for, and long before it comes."""
    attendance.displayed("cell", inside_another=False)
    attendance.left("a", 1.0, cleared=True)
    assert attendance.forgotten_at() is None
    attendance.seen("b", 60.0)
    attendance.left("b", 61.0, cleared=True)
    assert attendance.forgotten_at() == 61.0 + FORGOTTEN_AFTER


def test_it_is_forgotten_when_its_cells_were_run_again(attendance: Attendance):
    """All of them; also when no page ever showed it, and though its page says nothing of it."""
    attendance.displayed("other", inside_another=False)
    attendance.replaced("cell", 1.0)
    assert attendance.forgotten_at() is None
    attendance.replaced("other", 2.0)
    assert attendance.forgotten_at() == 2.0 + SILENT_FOR
    attendance.left("a", 3.0, cleared=False)
    assert attendance.forgotten_at() == 3.0 + FORGOTTEN_AFTER
    unseen = Attendance()
    unseen.displayed("cell", inside_another=False)
    unseen.replaced("cell", 1.0)
    assert unseen.forgotten_at() == 1.0 + FORGOTTEN_AFTER


def test_where_the_cell_is_not_known_none_is_run_again(attendance: Attendance):
    """The panel may have been displayed by a task."""
    attendance.displayed(None, inside_another=False)
    attendance.replaced("cell", 1.0)
    assert attendance.forgotten_at() is None


def test_put_away_it_waits_to_be_displayed(attendance: Attendance):
    """And is then as new."""
    attendance.left("a", 1.0, cleared=True)
    attendance.put_away()
    assert attendance.forgotten_at() is None
    attendance.displayed("cell", inside_another=False)
    attendance.seen("b", 50.0)
    attendance.left("b", 60.0, cleared=False)
    assert attendance.forgotten_at() is None


def test_a_notebook_that_is_closed_finds_it_again(attendance: Attendance):
    """A week later."""
    attendance.left("a", 1.0, cleared=False)
    assert attendance.forgotten_at() is None


def test_silence_is_no_reason(attendance: Attendance):
    """A laptop may sleep over the weekend."""
    assert attendance.forgotten_at() is None


def test_silence_beside_what_was_cleared_is_one_after_half_an_hour(attendance: Attendance):
    """It is what a reload left behind; or a hidden tab, which then must say a word in time."""
    attendance.seen("after-reload", 10.0)
    attendance.left("after-reload", 100.0, cleared=True)
    assert attendance.forgotten_at() == 100.0 + SILENT_FOR
    attendance.seen("a", 500.0)
    assert attendance.forgotten_at() == 500.0 + SILENT_FOR


def test_a_panel_inside_another_widget_is_kept():
    """Its container would show a hole."""
    attendance = Attendance()
    attendance.displayed("cell", inside_another=True)
    attendance.displayed("cell", inside_another=False)
    attendance.seen("a", 0.0)
    attendance.left("a", 1.0, cleared=True)
    assert attendance.forgotten_at() is None


def test_a_stranger_that_leaves_says_nothing(attendance: Attendance):
    """Nor does one that says bye twice."""
    attendance.left("b", 1.0, cleared=True)
    assert attendance.forgotten_at() is None
    attendance.left("a", 2.0, cleared=False)
    attendance.left("a", 3.0, cleared=True)
    assert attendance.forgotten_at() is None


def test_the_views_kept_in_mind_are_bounded(attendance: Attendance):
    """A page of a thousand names fills no memory."""
    for number in range(1000):
        attendance.seen(f"b{number}", 1.0 + number)
    assert len(attendance._seen_at) == MOST_VIEWS
    assert "b999" in attendance._seen_at
