"""The button Kill: only where there is a process, and at the second click for the same loop."""

from __future__ import annotations

from typing import Any

import pytest

from bgwidgets.commands import KillLoop
from bgwidgets.states import LoopState
from bgwidgets.widgets.items import Changed
from bgwidgets.widgets.outcomes import PATIENCE
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.second_click import NOT_BEFORE, WITHIN
from tests.widgets.bench import Bench, start
from tests.widgets.fakes import ended_loop, loop

HOST: dict[str, Any] = {"host": "process", "can_be_killed": True}


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A thread, and two processes, of which the newest is selected."""
    start(bench, 1, 2, 3)
    bench.source.loops = [loop(1), loop(2, **HOST), loop(3, **HOST)]
    bench.open_page()
    bench.pass_time(1)
    bench.take()
    return bench


def label(bench: Bench) -> str | None:
    return bench.face.labels.get(Action.KILL)


def test_it_is_there_while_the_selected_loop_can_be_killed(bench: Bench):
    assert not bench.face.disabled[Action.KILL]
    bench.page("loops", type="select", loop=1)
    bench.pass_time(2)
    assert bench.face.disabled[Action.KILL]
    bench.page("loops", type="select", loop=2)
    assert not bench.face.disabled[Action.KILL]
    bench.source.loops = [loop(1), ended_loop(2, **HOST), loop(3, **HOST)]
    bench.give(Changed())
    bench.pass_time(3)
    assert bench.face.disabled[Action.KILL]


def test_the_second_click_kills(bench: Bench):
    bench.click(Action.KILL)
    assert [("info", "Click again within 3 s to kill loop-3")] == bench.said()
    assert "Sure? Kill" == label(bench)
    assert [] == bench.source.executed
    bench.pass_time(NOT_BEFORE)
    bench.click(Action.KILL)
    assert [KillLoop(3)] == bench.source.executed
    assert [("info", "Killing loop-3")] == bench.said()
    assert label(bench) is None
    bench.source.change(loop(1), loop(2, **HOST), ended_loop(3, LoopState.KILLED, **HOST))
    bench.give(Changed())
    bench.pass_time(1)
    assert [("info", "loop-3 is killed")] == bench.said()


def test_the_question_is_shown_no_longer_than_it_holds(bench: Bench):
    """Also by a click that came too soon to be the second one."""
    bench.click(Action.KILL)
    bench.pass_time(NOT_BEFORE - 0.1)
    bench.click(Action.KILL)
    shown = [message["seconds"] for _, message in bench.take() if message["type"] == "said"]
    assert [WITHIN, pytest.approx(WITHIN - NOT_BEFORE + 0.1)] == shown


def test_a_click_that_comes_too_late_is_a_first_one_again(bench: Bench):
    bench.click(Action.KILL)
    bench.pass_time(WITHIN)
    assert label(bench) is None
    bench.click(Action.KILL)
    assert [] == bench.source.executed


def test_a_click_for_another_loop_is_a_first_one(bench: Bench):
    bench.click(Action.KILL)
    bench.page("loops", type="select", loop=2)
    assert label(bench) is None
    bench.pass_time(NOT_BEFORE)
    bench.click(Action.KILL)
    assert [] == bench.source.executed
    assert "Sure? Kill" == label(bench)
    bench.pass_time(NOT_BEFORE)
    bench.click(Action.KILL)
    assert [KillLoop(2)] == bench.source.executed


def test_several_that_are_picked(bench: Bench):
    """Of a thread it is said why that cannot be killed."""
    bench.page("loops", type="pick", ids=[2, 3])
    bench.click(Action.KILL)
    assert ("info", "Click again within 3 s to kill 2 loops") in bench.said()
    assert "Sure? Kill 2" == label(bench)
    bench.pass_time(NOT_BEFORE)
    bench.click(Action.KILL)
    assert [KillLoop(2), KillLoop(3)] == bench.source.executed


def test_a_kill_that_does_not_come_there_is_told(bench: Bench):
    """A Dask worker may be out of reach."""
    bench.click(Action.KILL)
    bench.pass_time(NOT_BEFORE)
    bench.click(Action.KILL)
    bench.said()
    bench.pass_time(PATIENCE + 0.5)
    said = ("info", "loop-3 is still running: its process could not be reached")
    assert [said] == bench.said()
