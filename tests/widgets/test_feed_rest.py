"""While nothing changes, a refresh is one look; and whatever changes then is told all the same."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest

from bgwidgets.snapshots import LoopSnapshot, ProgressSnapshot
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.busy_cell import Cell
from bgwidgets.widgets.items import CellRuns, Refresh, SettingChanged
from bgwidgets.widgets.mailer import Mailer
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.rows import loop_row
from bgwidgets.widgets.showing import Showing
from tests.widgets.fakes import NOW, loop, task

if TYPE_CHECKING:
    from tests.widgets.bench import Bench

INTERVAL = 0.5


@pytest.fixture
def quiet(bench: Bench) -> Bench:
    """Two loops and three tasks, of which the page knows all since some refreshes."""
    bench.source.loops = [loop(1), loop(2)]
    bench.source.tasks[2] = [task(number) for number in (21, 22, 23)]
    bench.open_page()
    bench.stay_alive(5)
    bench.take()
    assert bench.feed._rest is not None
    return bench


def test_nothing_is_put_together_while_nothing_changes(
    quiet: Bench, monkeypatch: pytest.MonkeyPatch
):
    """But for the sign of life each second: only looked at."""
    contents = create_autospec(Showing.contents, side_effect=Showing.contents)
    sends = create_autospec(Mailer.send_what_is_due, side_effect=Mailer.send_what_is_due)
    monkeypatch.setattr(Showing, "contents", contents)
    monkeypatch.setattr(Mailer, "send_what_is_due", sends)
    quiet.source.looks = 0
    quiet.face.interval = INTERVAL / 10
    quiet.give(SettingChanged())
    quiet.pass_time(2.5)
    sent = {message["type"] for _, message in quiet.take()}
    assert "beat" in sent
    assert quiet.source.looks >= 45
    assert sends.call_count <= 12
    assert contents.call_count <= 2 * sends.call_count


def _bar() -> ProgressSnapshot:
    return ProgressSnapshot(description="rows", done=3, total=9, started_at=NOW)


LOOPS: dict[str, dict[str, Any]] = {
    "state": {"state": LoopState.STOPPING},
    "unfinished": {"task_counts": {TaskState.PENDING: 5}},
    "lag": {"lag": 0.25},
    "spark": {"lag_history": (0.1, 0.2)},
    "note": {"last_output": "a line"},
    "bar": {"progress": _bar(), "open_bars": 1},
    "blocked_since": {"blocked": True, "blocked_for": 2.0, "blocked_by": "race.py:12 spin"},
    "stop_requested": {"stop_requested": True},
    "unresponsive": {"unresponsive": True},
    "name": {"name": "another"},
    "protected": {"protected": True},
    "ended": {"state": LoopState.FAILED, "ended_at": NOW + 9, "error_line": "ValueError"},
}


@pytest.mark.parametrize("field", LOOPS)
def test_what_changes_of_a_loop_is_told_by_the_next_refresh(field: str, quiet: Bench):
    """Each field of its row."""
    changed = replace(loop(1), **LOOPS[field])
    quiet.source.loops = [changed, loop(2)]
    quiet.pass_time(INTERVAL)
    rows = {row["id"]: row for frame in quiet.frames("loops") for _, row in frame["rows"]}
    assert rows[1][field]
    assert rows[1][field] != _row(loop(1), field)


def _row(snapshot: LoopSnapshot, field: str) -> object:
    return loop_row(snapshot)[field]


TASKS: dict[str, dict[str, Any]] = {
    "state": {"state": TaskState.CANCELLING},
    "name": {"name": "renamed"},
    "waiting": {"waiting_on": "sleep, 3 s left"},
    "coroutine": {"coroutine": "other"},
    "bar": {"progress": _bar()},
    "error": {"state": TaskState.FAILED, "error": "ValueError", "ended_at": NOW},
}


@pytest.mark.parametrize("field", TASKS)
def test_what_changes_of_a_task_is_told_by_the_next_refresh(field: str, quiet: Bench):
    """Each field of its row, though nothing of its loop changes."""
    quiet.source.tasks[2][1] = replace(task(22), **TASKS[field])
    quiet.pass_time(INTERVAL)
    rows = {row["id"]: row for frame in quiet.frames("tasks") for _, row in frame["rows"]}
    assert rows[22][field]


def test_new_rows_are_told_by_the_next_refresh(quiet: Bench):
    """A loop, and a task of another."""
    quiet.source.loops = [loop(1), loop(2), loop(3)]
    quiet.source.tasks[3] = [task(31)]
    quiet.pass_time(INTERVAL)
    assert quiet.frames("loops")[-1]["total"] == 3


def test_a_task_that_is_gone_is_told_by_the_next_refresh(quiet: Bench):
    """There is one row less."""
    del quiet.source.tasks[2][0]
    quiet.pass_time(INTERVAL)
    assert quiet.frames("tasks")[-1]["total"] == 2


def test_settings_are_told_at_once(quiet: Bench):
    """Of which the panel says that one was set."""
    quiet.face.paused = True
    quiet.give(SettingChanged())
    assert quiet.frames("loops")[-1]["head"]["paused"] is True
    quiet.face.paused = False
    quiet.face.filter = "fetch"
    quiet.give(SettingChanged())
    quiet.pass_time(INTERVAL / 2)
    assert quiet.frames("tasks")[-1]["head"]["filter"] == "fetch"


def test_a_cell_that_runs_is_told(quiet: Bench):
    """And something else that keeps its thread busy."""
    quiet.give(CellRuns(Cell(7, NOW)))
    quiet.pass_time(INTERVAL)
    assert quiet.frames("loops")[-1]["head"]["kernel"] == "busy"
    quiet.give(CellRuns(None))
    quiet.stay_alive(3)
    quiet.take()
    quiet.face.is_held_up = True
    quiet.pass_time(INTERVAL)
    assert quiet.frames("loops")[-1]["head"]["kernel"] == "busy"


def test_a_button_that_somebody_has_changed_is_put_right(quiet: Bench):
    """Though nothing else has happened."""
    assert quiet.face.disabled[Action.STOP_LOOP] is False
    quiet.face.disabled[Action.STOP_LOOP] = True
    quiet.pass_time(INTERVAL)
    assert quiet.face.disabled[Action.STOP_LOOP] is False


def test_an_error_while_looking_is_said(quiet: Bench, monkeypatch: pytest.MonkeyPatch):
    """It is none of those that are lost."""

    def broken(_closely: object = None) -> list[LoopSnapshot]:
        raise RuntimeError("the manager is broken")

    monkeypatch.setattr(quiet.source, "look", broken)
    quiet.pass_time(INTERVAL)
    said = [message["text"] for channel, message in quiet.take() if message["type"] == "said"]
    assert any("the manager is broken" in text for text in said)


def test_who_refreshes_by_hand_sees_what_there_is(quiet: Bench):
    """At once."""
    quiet.source.loops = [loop(1), replace(loop(2), last_output="news")]
    quiet.give(Refresh())
    rows = {row["id"]: row for frame in quiet.frames("loops") for _, row in frame["rows"]}
    assert rows[2]["note"] == "news"
