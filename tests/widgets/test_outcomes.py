"""What came of a command is said once, when it is real; or why nothing did."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from bgwidgets.commands import CancelTasks, RestartLoop, SetStopEvent, StopLoop
from bgwidgets.snapshots import LoopSnapshot, TaskSnapshot
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.outcomes import PATIENCE, Outcomes
from bgwidgets.widgets.protocols import Said
from tests.widgets.fakes import ended_loop, loop, task

ASKED = 100.0
SOON = ASKED + 0.2
LATE = ASKED + PATIENCE


TASKS: dict[int, TaskState] = {}
"""Those of race that are still known."""


@pytest.fixture(autouse=True)
def nobody_is_known() -> None:
    TASKS.clear()


def known_among(_loop_id: int, task_ids: Sequence[int]) -> list[TaskSnapshot]:
    return [task(number, state=TASKS[number]) for number in task_ids if number in TASKS]


def outcomes(command: object, **before: Any) -> Outcomes:
    """This was asked of race."""
    awaited = Outcomes(known_among)
    awaited.asked(command, {7: race(**before)}, ASKED)
    return awaited


def race(**more: Any) -> LoopSnapshot:
    return loop(7, name="race", **more)


def counts(**each: int) -> dict[TaskState, int]:
    return {TaskState(state): count for state, count in each.items()}


@pytest.mark.parametrize("command", [SetStopEvent(7), StopLoop(7), CancelTasks(7)])
def test_a_loop_that_has_ended_is_told_of_by_its_state(command: object):
    """Once, and not before it has."""
    awaited = outcomes(command)
    assert awaited.notice([race()], SOON) == []
    assert awaited.notice([ended_loop(7, LoopState.STOPPED, name="race")], SOON) == [
        Said("race is stopped")
    ]
    assert not awaited.is_waiting


def test_a_loop_that_failed_meanwhile_says_why():
    """In one line, as an error."""
    failed = ended_loop(7, LoopState.FAILED, name="race", error_line="OSError: gone")
    said = outcomes(SetStopEvent(7)).notice([failed], SOON)
    assert said == [Said("race is failed: OSError: gone", is_error=True)]


def test_cancelled_tasks_are_counted_when_none_is_under_way_any_more():
    """Those that had been cancelled before are not counted."""
    awaited = outcomes(CancelTasks(7), task_counts=counts(pending=3, cancelled=10))
    assert awaited.notice([race(task_counts=counts(cancelling=2, cancelled=11))], SOON) == []
    assert awaited.notice([race(task_counts=counts(pending=1, cancelled=13))], SOON) == [
        Said("Cancelled 3 tasks of race")
    ]


def test_some_of_the_tasks_were_cancelled_and_the_others_swallow():
    """The first is said at once, the second when it is seen."""
    awaited = outcomes(CancelTasks(7), task_counts=counts(pending=5))
    now = {"task_counts": counts(pending=2, cancelled=3)}
    assert awaited.notice([race(**now)], SOON) == [Said("Cancelled 3 of 5 tasks of race")]
    assert awaited.notice([race(**now)], LATE - 0.1) == []
    assert awaited.notice([race(**now, tasks_that_swallow=2)], LATE) == [
        Said("2 tasks did not end: they swallow CancelledError", is_error=True)
    ]
    assert not awaited.is_waiting


def test_some_of_the_tasks_were_cancelled_and_the_others_ended_by_themselves():
    """There is nothing more to say of them."""
    awaited = outcomes(CancelTasks(7, (1, 2)), task_counts=counts(pending=5))
    # Of others, which nobody cancelled here, nothing is said.
    now = {"task_counts": counts(pending=1, finished=1, cancelled=3)}
    TASKS.update({1: TaskState.CANCELLING, 2: TaskState.FINISHED})
    assert awaited.notice([race(**now)], SOON) == []
    TASKS[1] = TaskState.CANCELLED
    assert awaited.notice([race(**now)], SOON) == [Said("Cancelled 1 of 2 tasks of race")]
    assert awaited.notice([race(**now)], LATE) == []
    assert not awaited.is_waiting


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (
            {"task_counts": counts(cancelling=2), "tasks_that_swallow": 2},
            Said("2 tasks did not end: they swallow CancelledError", is_error=True),
        ),
        (
            {"task_counts": counts(cancelling=1), "tasks_that_swallow": 1},
            Said("1 task did not end: it swallows CancelledError", is_error=True),
        ),
        (
            {"task_counts": counts(cancelling=1)},
            Said("1 task of race did not end yet: still cleaning up, or in a thread"),
        ),
        (
            {"blocked": True, "blocked_by": "fit · model.py:88 fit"},
            Said("race is blocked by fit · model.py:88 fit, so it cannot obey", is_error=True),
        ),
        (
            {"task_counts": counts(pending=1)},
            Said("No task of race was cancelled"),
        ),
    ],
)
def test_when_nothing_came_of_it_the_reason_is_said(now: dict[str, Any], words: Said):
    """After three seconds, and not before."""
    awaited = outcomes(CancelTasks(7))
    assert awaited.next_look() == LATE
    assert awaited.notice([race(**now)], LATE - 0.1) == []
    assert awaited.notice([race(**now)], LATE) == [words]
    assert awaited.next_look() is None


def test_a_stop_event_that_nobody_looks_at():
    """The work goes on, which it may."""
    said = outcomes(SetStopEvent(7)).notice([race(stop_requested=True)], LATE)
    assert said == [Said("race goes on: its work has not looked at the stop event yet")]


def test_a_loop_that_does_not_stop():
    """Whatever keeps it, it is said that it does."""
    said = outcomes(StopLoop(7)).notice([race(state=LoopState.STOPPING)], LATE)
    assert said == [Said("race is still stopping")]


def test_of_a_loop_that_is_gone_or_runs_anew_nothing_is_said():
    """The command was for another run."""
    awaited = outcomes(StopLoop(7))
    assert awaited.notice([race(run_number=2)], LATE) == []
    awaited.asked(StopLoop(7), {7: race()}, ASKED)
    assert awaited.notice([], LATE) == []
    assert not awaited.is_waiting


def test_what_ends_nothing_has_no_outcome_to_wait_for():
    """Nor has a command to a loop that has ended."""
    awaited = outcomes(RestartLoop(7))
    awaited.asked(StopLoop(7), {7: ended_loop(7)}, ASKED)
    awaited.asked(StopLoop(7), {}, ASKED)
    assert not awaited.is_waiting
