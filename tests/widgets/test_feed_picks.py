"""Commands on several rows, and on all loops."""

from __future__ import annotations

from typing import Any

import pytest

from bgwidgets.commands import CancelTasks, RemoveLoop, RestartLoop, SetStopEvent, StopLoop
from bgwidgets.states import TaskState
from bgwidgets.widgets.meanings import MEANT_FOR, MOST_KEPT
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.second_click import NOT_BEFORE, WITHIN
from tests.widgets.bench import Bench
from tests.widgets.fakes import ended_loop, loop, task


@pytest.fixture
def bench() -> Bench:
    """A page shows three loops, of which the second is selected, and has three tasks."""
    bench = Bench()
    bench.source.loops = [loop(1), loop(2), loop(3)]
    bench.source.tasks = {2: [task(21), task(22), task(23)]}
    bench.open_page()
    bench.page("loops", type="select", loop=2)
    bench.pass_time(3)
    bench.take()
    return bench


def labels(bench: Bench) -> dict[Action, Any]:
    """What was written on buttons."""
    return {
        message["action"]: message["label"]
        for _, message in bench.take()
        if message["type"] == "label"
    }


def picked(bench: Bench) -> list[int]:
    """The tasks that Cancel tasks is for; none: it would be for all."""
    bench.click(Action.CANCEL_TASKS)
    command = bench.source.executed[-1]
    assert isinstance(command, CancelTasks)
    return list(command.task_ids or ())


def test_a_button_acts_on_all_loops_that_are_picked(bench: Bench):
    """The page shows which; one line says what was done."""
    bench.page("loops", type="pick", ids=[2, 3])
    assert bench.frames("loops")[0]["head"]["picked"] == [2, 3]
    bench.click(Action.STOP_EVENT)
    assert bench.source.executed == [SetStopEvent(2), SetStopEvent(3)]
    assert bench.said() == [("info", "Stop event set on loop-2; Stop event set on loop-3")]


def test_another_loop_than_those_that_are_picked(bench: Bench):
    """Then it alone is meant."""
    bench.page("loops", type="pick", ids=[2, 3])
    bench.page("loops", type="act", action="restart", loop=1)
    assert [command for command in bench.source.executed if command != RestartLoop(1)] == []


def test_a_range_is_what_stands_there(bench: Bench):
    """Loops are listed newest first."""
    bench.page("loops", type="pick_range", start=0, stop=2)
    bench.page("loops", type="act", action="stop_loop", loop=2)
    assert bench.source.executed == [StopLoop(3), StopLoop(2)]


def test_only_the_tasks_that_are_picked_are_cancelled(bench: Bench):
    """The button says so."""
    bench.page("tasks", type="pick", ids=[21, 23])
    assert labels(bench) == {Action.CANCEL_TASKS: "Cancel 2 tasks"}
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == [CancelTasks(2, (21, 23))]
    bench.pass_time(1)
    bench.page("tasks", type="pick", ids=[])
    bench.pass_time(1)
    assert labels(bench) == {Action.CANCEL_TASKS: None}
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed[-1] == CancelTasks(2)


def test_picked_tasks_that_have_ended_hold_up_no_command(bench: Bench):
    """They are neither counted nor cancelled; nor are those that nobody knows any more."""
    bench.page("tasks", type="pick", ids=[21, 22, 23])
    bench.source.tasks[2] = [task(21), task(22, state=TaskState.FINISHED)]
    bench.take()
    bench.pass_time(1)
    assert labels(bench) == {Action.CANCEL_TASKS: "Cancel 1 task"}
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == [CancelTasks(2, (21,))]


def test_when_all_picked_tasks_have_ended_no_other_is_cancelled(bench: Bench):
    """That would be every task of the loop."""
    bench.page("tasks", type="pick", ids=[21, 22])
    ended = [task(number, state=TaskState.CANCELLED) for number in (21, 22)]
    bench.source.tasks[2] = [*ended, task(23)]
    bench.take()
    bench.pass_time(1)
    assert labels(bench) == {Action.CANCEL_TASKS: "Cancel 0 tasks"}
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == []
    assert bench.said() == [("info", "Those tasks have ended")]
    bench.page("tasks", type="command", command="cancel_tasks", loop=2, tasks=[22])
    assert bench.source.executed == []
    assert bench.said() == [("info", "That task has ended")]


def test_tasks_of_which_nobody_knows_are_left_to_the_loop(bench: Bench):
    """It says that there are none."""
    bench.page("tasks", type="command", command="cancel_tasks", loop=2, tasks=[999])
    assert bench.source.executed == [CancelTasks(2, (999,))]


@pytest.mark.parametrize(
    "message", [{"type": "filter", "text": "x"}, {"type": "chips", "chips": ["failed"]}]
)
def test_another_filter_lets_go_of_what_was_picked(bench: Bench, message: dict[str, Any]):
    """What is not in sight any more is not cancelled."""
    bench.page("tasks", type="pick", ids=[21, 22])
    bench.take()
    bench.page("tasks", **message)
    assert bench.frames("tasks")[0]["head"]["picked"] == []
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == [CancelTasks(2)]


def test_a_click_in_a_page_is_for_the_loop_that_it_shows(bench: Bench):
    """Another one may have been started since, and be what a click from Python would be for."""
    bench.face.chosen = None
    bench.source.loops.append(loop(4))
    bench.line(type="meant", action="stop_loop", loop=3, picked=False)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == [StopLoop(3)]
    bench.pass_time(MEANT_FOR)
    bench.source.loops.append(loop(5))
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed[1:] == [StopLoop(5)]


def test_a_click_in_a_page_that_shows_no_loop(bench: Bench):
    """Whatever there is by now."""
    bench.line(type="meant", action="stop_loop", loop=None, picked=False)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == []
    assert bench.said() == [("info", "No loop is selected")]


def test_clicks_in_two_pages_do_not_take_each_others_meaning(bench: Bench):
    """Though their messages come one between the other; and each word is good for one click."""
    bench.line(type="meant", action="stop_loop", loop=3, picked=False)
    bench.line(type="meant", action="stop_event", loop=1, picked=False)
    bench.click(Action.STOP_EVENT)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == [SetStopEvent(1), StopLoop(3)]
    bench.line(type="meant", action="stop_loop", loop=1, picked=False)
    bench.line(type="meant", action="stop_loop", loop=3, picked=False)
    bench.click(Action.STOP_LOOP)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed[2:] == [StopLoop(1), StopLoop(3)]
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed[4:] == [StopLoop(2)]


def test_only_so_much_is_kept_of_what_is_said_of_clicks(bench: Bench):
    """Whatever a page sends."""
    bench.line(type="meant", action="stop_loop", loop=3, picked=False)
    for _ in range(MOST_KEPT):
        bench.line(type="meant", action="restart", loop=1, picked=False)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == [StopLoop(2)]


def test_what_was_said_of_a_click_that_never_came_is_of_no_other(bench: Bench):
    """A moment later nobody means it any more."""
    bench.line(type="meant", action="stop_loop", loop=3, picked=False)
    bench.pass_time(MEANT_FOR)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == [StopLoop(2)]


@pytest.mark.parametrize("is_paused", [False, True])
def test_whoever_picks_tasks_stays_with_their_loop(bench: Bench, is_paused: bool):
    """Though nobody had chosen it, and a newer one is started, also in a pause."""
    bench.source.loops = [loop(2)]
    bench.face.chosen = None
    bench.pass_time(1)
    bench.page("tasks", type="pick", ids=[21, 22], loop=2)
    bench.page("loops", type="pause", paused=is_paused)
    bench.source.change(loop(2), loop(3))
    bench.pass_time(1)
    assert bench.face.selected == 2
    bench.line(type="meant", action="cancel_tasks", loop=2, picked=True)
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == [CancelTasks(2, (21, 22))]


def test_picked_tasks_that_were_let_go_do_not_become_all_tasks(bench: Bench):
    """The page may show them as selected for a moment more: by its key, and by its button."""
    bench.page("tasks", type="pick", ids=[21, 22], loop=2)
    bench.page("loops", type="filter", text="x")
    bench.take()
    bench.page("tasks", type="act", action="cancel_tasks", loop=2, picked=True)
    assert bench.said() == [("info", "Those tasks are not selected any more")]
    bench.line(type="meant", action="cancel_tasks", loop=2, picked=True)
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == []


def test_tasks_of_a_loop_that_is_not_selected_any_more_are_not_picked(bench: Bench):
    """They would count as another loop's."""
    bench.page("tasks", type="pick", ids=[21, 22], loop=3)
    bench.page("tasks", type="pick_range", start=0, stop=2, loop=3)
    assert labels(bench) == {}


def test_only_so_many_are_picked(bench: Bench):
    """Which is said, where there are more."""
    bench.page("tasks", type="pick_range", start=0, stop=100_000, loop=2)
    assert bench.said() == []
    bench.source.tasks[2] = [task(number) for number in range(1500)]
    bench.pass_time(1)
    bench.page("tasks", type="pick_range", start=0, stop=1500, loop=2)
    assert bench.said() == [("info", "Only the first 1,000 of them are selected")]


def test_a_range_is_of_the_rows_that_were_shown_at_its_ends(bench: Bench):
    """They may have moved since the page showed them."""
    bench.source.tasks[2] = [task(number) for number in range(100, 160)]
    bench.pass_time(1)
    bench.page("tasks", type="pick_range", start=10, stop=50, first=105, last=144, loop=2)
    assert picked(bench) == list(range(105, 145))
    bench.page("tasks", type="pick_range", start=10, stop=50, first=105, loop=2)
    assert picked(bench) == list(range(105, 145))
    bench.page("tasks", type="pick_range", start=10, stop=50, last=155, loop=2)
    assert picked(bench) == list(range(116, 156))
    bench.page("tasks", type="pick_range", start=0, stop=50, last=155, loop=2)
    assert picked(bench) == list(range(100, 156))


@pytest.mark.parametrize("ends", [{"first": 99}, {"last": 99}, {"first": 144, "last": 105}])
def test_a_range_whose_ends_are_not_found_is_refused(bench: Bench, ends: dict[str, int]):
    """For nobody can tell which rows are meant; and what was picked before is let go."""
    bench.source.tasks[2] = [task(number) for number in range(100, 160)]
    bench.page("tasks", type="pick", ids=[110, 111], loop=2)
    bench.pass_time(1)
    bench.page("tasks", type="pick_range", start=10, stop=50, loop=2, **ends)
    assert bench.said() == [("error", "The rows have moved meanwhile: select them again")]
    assert picked(bench) == []


def test_another_loop_has_no_picked_tasks(bench: Bench):
    """And they are not picked again when one comes back to it."""
    bench.page("tasks", type="pick_range", start=0, stop=2)
    assert bench.frames("tasks")[0]["head"]["picked"] == [21, 22]
    bench.page("loops", type="select", loop=1)
    bench.page("loops", type="select", loop=2)
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == [CancelTasks(2)]


def test_a_loop_that_is_gone_is_picked_no_more(bench: Bench):
    """One alone is not several."""
    bench.page("loops", type="pick", ids=[2, 3])
    bench.source.change(loop(1), loop(2))
    bench.pass_time(1)
    bench.click(Action.STOP_EVENT)
    assert bench.source.executed == [SetStopEvent(2)]


def test_a_loop_is_removed_by_key(bench: Bench):
    """And what was removed is said."""
    bench.page("loops", type="act", action="remove", loop=3)
    assert bench.source.executed == [RemoveLoop(3)]
    assert bench.said() == [("info", "Removed loop-3")]


def test_stop_all_needs_a_second_click(bench: Bench):
    """The first one says so, and the button does, for three seconds."""
    bench.click(Action.STOP_ALL)
    sent = bench.take()
    assert {
        "type": "said",
        "level": "info",
        "text": "Click again within 3 s to stop all 3 loops",
        "seconds": WITHIN,
    } in [message for _, message in sent]
    assert [m["label"] for _, m in sent if m["type"] == "label"] == ["Sure? Stop 3"]
    bench.pass_time(WITHIN)
    assert labels(bench) == {Action.STOP_ALL: None}
    bench.click(Action.STOP_ALL)
    bench.click(Action.STOP_ALL)
    assert bench.source.graces == []
    bench.pass_time(NOT_BEFORE)
    bench.click(Action.STOP_ALL)
    assert ("info", "Stopping 3 loops") in bench.said()


def test_there_is_nothing_to_stop(bench: Bench):
    """No second click is asked for."""
    bench.source.loops = [ended_loop(1), loop(2, protected=True)]
    bench.click(Action.STOP_ALL)
    assert bench.said() == [("info", "No loop is running")]


def test_what_came_of_a_command_is_said(bench: Bench):
    """When it is real, be the panel paused or not; when there is nothing, after a while."""
    bench.click(Action.STOP_LOOP)
    assert bench.said() == [("info", "Stopping loop-2")]
    bench.source.change(loop(1), ended_loop(2), loop(3))
    bench.pass_time(1)
    assert bench.said() == [("info", "loop-2 is finished")]
    bench.page("loops", type="pause", paused=True)
    bench.page("loops", type="act", action="stop_event", loop=3)
    bench.pass_time(5)
    assert bench.said()[-1] == (
        "info",
        "loop-3 goes on: its work has not looked at the stop event yet",
    )


def test_what_came_of_a_rows_command_is_said(bench: Bench):
    """A task that swallows is no secret."""
    bench.page("tasks", type="command", command="cancel_tasks", loop=2, tasks=[21])
    cancelling = {"task_counts": {TaskState.CANCELLING: 1}, "tasks_that_swallow": 1}
    bench.source.change(loop(1), loop(2, **cancelling), loop(3))
    bench.stay_alive(4)
    assert bench.said()[-1] == ("error", "1 task did not end: it swallows CancelledError")
