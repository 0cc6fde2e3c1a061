"""Snapshots and commands: frozen, and as well on the other side of a pipe."""

from __future__ import annotations

import dataclasses
import json
import pickle
from typing import Any

import pytest

from bgwidgets import commands, snapshots
from bgwidgets.commands import (
    AdoptLoop,
    Asker,
    CancelTasks,
    InterruptLoop,
    KillLoop,
    RemoveFinished,
    RemoveLoop,
    RestartLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.output import reading
from bgwidgets.output.reading import OutputEntry, OutputReading
from bgwidgets.snapshots import (
    AwaitFrame,
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    LoopWarning,
    MetricSnapshot,
    ProgressSnapshot,
    SlowStep,
    StopReport,
    TaskCancellation,
    TaskDetail,
    TaskFailure,
    TaskLink,
    TaskSnapshot,
    TaskTimings,
    TaskWindow,
    WarningKind,
    WindowRequest,
)
from bgwidgets.states import LoopState, TaskState

PROGRESS = ProgressSnapshot(
    description="epoch",
    done=3,
    total=12,
    unit="B",
    unit_scale=True,
    unit_divisor=1024,
    rate=1.5,
    seconds_left=6.0,
    postfix="loss=0.3",
    colour="green",
    depth=1,
    started_at=1.0,
    ended_at=2.0,
    left_open=True,
)
METRIC = MetricSnapshot(
    name="loss", times=(1.0, 2.0), values=(0.5, None), count=2, lowest=0.5, highest=0.5
)
FIGURE = FigureSnapshot(name="loss", png=b"\x89PNG", version=2, drawn_at=3.0, error="ValueError: x")
TASK = TaskSnapshot(
    id=3,
    name="fetch-3",
    coroutine="fetch",
    state=TaskState.FAILED,
    created_at=1.0,
    ended_at=2.0,
    waiting_on="sleep",
    where="race.py:12 fetch",
    progress=PROGRESS,
    error="KeyError: 'x'",
    is_main=True,
)
SLOW = SlowStep(at=2.0, seconds=0.3, task="fetch-3", where="race.py:12 fetch · time.sleep")
WARNING = LoopWarning(
    kind=WarningKind.BLOCKED,
    text="task 'fetch-3' keeps the loop from turning",
    advice="await it",
    at=2.0,
    task="fetch-3",
    where="race.py:12 fetch",
    count=2,
)
LOOP = LoopSnapshot(
    id=1,
    name="race",
    host="thread",
    state=LoopState.RUNNING,
    task_counts={
        TaskState.PENDING: 2,
        TaskState.RUNNING: 1,
        TaskState.CANCELLING: 4,
        TaskState.FINISHED: 30,
        TaskState.FAILED: 5,
        TaskState.CANCELLED: 6,
    },
    blocked=True,
    lag=0.4,
    blocked_for=0.4,
    blocked_by="fetch-3 · race.py:12 fetch",
    lag_history=(None, 0.001, 0.4),
    slow_steps=(SLOW,),
    warnings=(WARNING,),
    notes=("a",),
    progress=PROGRESS,
    open_bars=1,
    metrics=1,
    figures=1,
    as_of=3.0,
)
FRAME = AwaitFrame(function="fetch", file="race.py", path="/home/race.py", line=12, timeout=1.5)
LINK = TaskLink(id=None, name="a", coroutine="fetch")
TIMINGS = TaskTimings(
    polls=2, busy=0.1, scheduled=0.0, idle=3.0, histogram=((0.000001, 1), (None, 1))
)
ENTRY = OutputEntry(number=4, text="x\n", task_id=3, task_name="a", data={"text/plain": "x"})
VALUES = [
    PROGRESS,
    METRIC,
    FIGURE,
    TASK,
    FRAME,
    LINK,
    SLOW,
    WARNING,
    TIMINGS,
    TaskDetail(
        id=3,
        name="a",
        coroutine="fetch",
        state=TaskState.PENDING,
        chain=(FRAME,),
        waits_for=(LINK,),
        timings=TIMINGS,
        progress=(PROGRESS,),
    ),
    LOOP,
    WindowRequest(sort="name", descending=True, filter="x", ids=(3, 4), start=5, stop=9),
    TaskWindow(tasks=(TASK,), start=0, total=1, as_of=3.0),
    StopReport(outcome=LoopState.STOPPED, seconds=0.1, steps=("stop_event",), notes=("a",)),
    TaskFailure(id=3, name="a", coroutine="f", at=1.0, error="KeyError: 1", traceback="Traceback"),
    TaskCancellation(name="a", coroutine="f", at=1.0, asked_by="thread x", where="a.py:1 f"),
    LoopHistory(births=3, ends={TaskState.FAILED: 2}),
    Asker("thread x", "a.py:1 f"),
    SetStopEvent(1),
    StopLoop(1),
    CancelTasks(1, (3, 7)),
    InterruptLoop(1),
    KillLoop(1),
    RestartLoop(1),
    AdoptLoop(1),
    ENTRY,
    OutputReading(entries=(ENTRY,), open_lines=(), after=5, dropped=0, is_cleared=False, version=9),
    RemoveLoop(1),
    RemoveFinished(),
]


def test_every_value_is_tried():
    """A new one must be added above."""
    made = {
        thing
        for module in (snapshots, commands, reading)
        for thing in vars(module).values()
        if isinstance(thing, type) and dataclasses.is_dataclass(thing)
    }
    assert made == {type(value) for value in VALUES}


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_crosses_a_pipe(value: Any):
    """And is equal on the other side, of plain data that JSON knows as well, but for pictures."""
    assert value == pickle.loads(pickle.dumps(value))  # noqa: S301 - its own
    json.dumps(dataclasses.asdict(value), default=bytes.hex, allow_nan=False)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_is_frozen(value: Any):
    """No attribute can be changed, and none added."""
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)
    assert not hasattr(value, "__dict__")


def test_a_snapshot_knows_little_by_default():
    """What is not known is None."""
    snapshot = LoopSnapshot(id=1, name="race", host="thread", state=LoopState.STARTING, as_of=0.0)
    known = {"id", "name", "host", "state", "as_of", "run_number", "task_counts"} | {
        "tasks_that_swallow"
    }
    flags = {"stop_requested", "protected", "adopted", "belongs_to_kernel", "timings"}
    flags |= {"can_be_killed"}
    counts = {"open_bars", "metrics", "figures"}
    lists = {"lag_history", "slow_steps", "warnings", "notes"}
    for field in dataclasses.fields(snapshot):
        if field.name in lists:
            assert () == getattr(snapshot, field.name)
        elif field.name in counts:
            assert 0 == getattr(snapshot, field.name)
        elif field.name not in known:
            expected = False if field.name in flags else None
            assert expected is getattr(snapshot, field.name), field.name
    assert (1, {}, 0) == (
        snapshot.run_number,
        snapshot.task_counts,
        snapshot.tasks_that_swallow,
    )


def test_a_snapshot_sums_up_its_tasks():
    assert 7 == LOOP.unfinished_tasks
    assert 48 == LOOP.total_tasks


@pytest.mark.parametrize(
    ("done", "total", "fraction"), [(3, 12, 0.25), (3, None, None), (0, 0, None), (9, 3, 1.0)]
)
def test_progress_knows_which_part_is_done(done: int, total: int | None, fraction: float | None):
    """Never more than all, and nothing where nobody knows how many there will be."""
    assert fraction == ProgressSnapshot(done=done, total=total, started_at=1.0).fraction


def test_a_drawn_figure_is_shown_as_a_picture():
    """By a notebook's cell."""
    assert b"\x89PNG" == FIGURE._repr_png_()
