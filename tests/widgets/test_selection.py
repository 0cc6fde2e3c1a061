"""Which loop is selected, and what the buttons can do for it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bgwidgets.states import LoopState
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.selection import (
    Choice,
    about,
    loop_to_select,
    possible_actions,
    why_impossible,
)
from tests.widgets.fakes import ended_loop, loop


@pytest.mark.parametrize(
    ("loops", "chosen", "expected"),
    [
        ([], None, None),
        ([loop(1), loop(2)], None, 2),
        ([loop(1), ended_loop(2)], None, 1),
        ([ended_loop(1), ended_loop(2)], None, 2),
        ([loop(1), loop(2)], 1, 1),
        ([ended_loop(1), loop(2)], 1, 1),
        ([loop(2), loop(3)], 1, 3),
    ],
)
def test_the_newest_unfinished_loop_is_followed_unless_one_was_chosen(
    loops: list[Any], chosen: int | None, expected: int | None
):
    """A choice stays until its loop is gone; if all have ended, the newest is looked at."""
    selected = loop_to_select(loops, chosen)
    assert (selected.id if selected else None) == expected


STOPS = {Action.STOP_EVENT, Action.STOP_LOOP, Action.CANCEL_TASKS, Action.STOP_ALL}


@pytest.mark.parametrize(
    ("selected", "expected"),
    [
        (None, set()),
        (loop(1), STOPS | {Action.RESTART}),
        (loop(1, task_counts={}), STOPS | {Action.RESTART}),
        (loop(1, stop_requested=True), STOPS - {Action.STOP_EVENT} | {Action.RESTART}),
        (loop(1, state=LoopState.STOPPING), STOPS | {Action.RESTART}),
        (loop(1, protected=True), set()),
        (loop(1, why_no_stop_event="none"), STOPS - {Action.STOP_EVENT} | {Action.RESTART}),
        (ended_loop(1), {Action.RESTART, Action.REMOVE_FINISHED}),
    ],
)
def test_buttons_that_would_do_nothing_are_disabled(selected: Any, expected: set[Action]):
    """By what the selected loop is doing."""
    loops = [] if selected is None else [selected]
    assert possible_actions(selected, loops) == expected


def test_remove_finished_looks_at_all_loops():
    """Whichever is selected."""
    assert Action.REMOVE_FINISHED in possible_actions(loop(2), [ended_loop(1), loop(2)])
    assert Action.REMOVE_FINISHED in possible_actions(None, [ended_loop(1)])


def test_stop_all_looks_at_all_loops():
    """Of those that it may stop."""
    assert Action.STOP_ALL in possible_actions(ended_loop(2), [loop(1), ended_loop(2)])
    assert Action.STOP_ALL not in possible_actions(None, [loop(1, protected=True)])


def test_the_line_tells_what_is_selected():
    """Name, run, start and thread, as far as they are known."""
    began = time.mktime((2026, 3, 1, 12, 3, 41, 0, 0, -1))
    snapshot = loop(1, name="race", thread_name="bgw-race", started_at=began, as_of=began + 60)
    assert about(snapshot) == "race · run 1 · started 12:03:41 · thread bgw-race"
    assert about(loop(1, name="race", started_at=None, run_number=3)) == "race · run 3"
    assert about(None) == ""


def test_a_long_name_leaves_room_for_the_rest():
    """Its row has all of it. Where there is no name, the line does not begin with a gap."""
    long = about(loop(1, name="x" * 300, thread_name="bgw-" + "x" * 300, started_at=None))
    assert long == f"{'x' * 23}… · run 1 · thread bgw-{'x' * 19}…"
    assert about(loop(1, name=" ", started_at=None)) == "run 1"


def test_the_line_says_since_when_the_loop_does_not_answer():
    """All else that it says, and the tasks below it, are as old."""
    heard_at = time.mktime((2026, 3, 1, 12, 3, 41, 0, 0, -1))
    silent = loop(1, name="race", unresponsive=True, as_of=heard_at, started_at=None)
    assert about(silent) == "race · no answer since 12:03:41 · run 1"


def test_why_a_button_does_nothing():
    """Where there is more to say than that there is nothing to do."""
    protected = loop(1, protected=True, why_protected="it is the kernel's")
    without = loop(1, why_no_stop_event="none was found")
    assert why_impossible(Action.STOP_LOOP, protected) == "it is the kernel's"
    assert why_impossible(Action.STOP_EVENT, without) == "none was found"
    assert why_impossible(Action.STOP_LOOP, without) is None
    assert why_impossible(Action.REMOVE_FINISHED, protected) is None
    assert why_impossible(Action.STOP_EVENT, ended_loop(1, why_no_stop_event="x")) is None
    assert why_impossible(Action.STOP_EVENT, None) is None
    assert about(protected) == "loop-1 · protected: it is the kernel's"
    assert about(without) == "loop-1 · no stop event: none was found"
    over = ended_loop(1, protected=True, why_protected="it is the kernel's")
    assert about(over).startswith("loop-1 · run 1")


def test_another_day_is_said_with_the_date():
    """12:03 alone would be taken for today's."""
    began = time.mktime((2026, 3, 1, 12, 3, 41, 0, 0, -1))
    text = about(loop(1, name="race", started_at=began, as_of=began + 86400))
    assert text == "race · run 1 · started 2026-03-01 12:03"


def test_a_process_is_told_by_its_id_and_a_protected_loop_by_its_protection():
    """The second says why its buttons are grey."""
    text = about(loop(1, name="x", host="process", pid=42, started_at=None, protected=True))
    assert text == "x · run 1 · pid 42 · protected"
    assert about(loop(1, name="x", pid=42, started_at=None)) == "x · run 1"


# -- choice


def test_what_the_panel_follows_is_no_choice():
    """But what an observer of it sets is one."""
    choice = Choice()
    choice.follow(lambda: choice.take(1))
    assert choice.loop_id is None

    def select() -> None:
        choice.take(1)
        choice.take(2)

    choice.follow(select)
    assert choice.loop_id == 2


def test_a_choice_is_dropped_with_its_loop():
    """Unless another was made meanwhile."""
    choice = Choice()
    choice.take(1)
    choice.drop(5)
    assert choice.loop_id == 1
    choice.drop(1)
    assert choice.loop_id is None


def test_following_that_fails_ends():
    """What is set later is a choice again."""
    choice = Choice()
    with pytest.raises(ZeroDivisionError):
        choice.follow(lambda: 1 / 0)  # type: ignore[arg-type]
    choice.take(3)
    assert choice.loop_id == 3
