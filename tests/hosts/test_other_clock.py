"""Loops on machines whose clock is another one: all times are those of the kernel's clock."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopSnapshot, LoopState
from bgwidgets import snapshots as values
from bgwidgets.hosts.messages import Answer, Told, Wrote
from bgwidgets.hosts.news import MorePoints, News
from bgwidgets.hosts.other_clock import MOMENTS, SERIES, OtherClock, later
from tests.hosts.conftest import LIMIT
from tests.waiting import until

SKEWED = """
import os, time
_time, _skew = time.time, float(os.environ["SKEW"])
time.time = lambda: _time() + _skew
"""
"""Run by Python when it starts: the clock is wrong by so many seconds."""


async def measures() -> None:
    """Its process has another clock."""
    import asyncio
    import time

    bgw.metric("time", time.time())
    await asyncio.sleep(3600)


def a_snapshot(as_of: float) -> LoopSnapshot:
    return LoopSnapshot(
        id=1,
        name="far",
        host="dask",
        state=LoopState.RUNNING,
        run_number=1,
        started_at=as_of - 5,
        as_of=as_of,
        progress=values.ProgressSnapshot(started_at=as_of - 2),
        warnings=(
            values.LoopWarning(
                kind=values.WarningKind.BLOCKED, text="text", advice="advice", at=as_of - 1
            ),
        ),
    )


@pytest.mark.parametrize("skew", [-300, 300])
def test_all_times_of_a_loop_are_by_the_kernels_clock(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, skew: int
):
    """A process far away is some minutes ahead, or behind; what is known of it has a true age."""
    (tmp_path / "sitecustomize.py").write_text(SKEWED)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("SKEW", str(skew))
    began = time.time()
    job = manager.start(measures, host="process")
    until(lambda: job.tasks and job.metrics)
    (metric,) = job.metrics.values()
    assert metric.last is not None
    assert abs(metric.last - skew - time.time()) < LIMIT, "this child's clock is right"
    snapshot, (task,) = job.snapshot(), job.tasks
    assert snapshot.started_at is not None
    assert task.created_at is not None
    pid = snapshot.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert LoopState.LOST == job.wait(LIMIT)
    (lost,), end = job.tasks, job.snapshot()
    times = [
        snapshot.started_at,
        snapshot.as_of,
        task.created_at,
        *metric.times,
        lost.ended_at,
        end.ended_at,
    ]
    assert [] == [each for each in times if each is None or not began < each <= time.time()]
    assert end.ended_at is not None
    assert end.started_at == snapshot.started_at < end.ended_at


def test_a_clock_that_may_be_right_is_left_alone():
    """Nothing is copied; also when the first word was long on its way."""
    clock = OtherClock(time.time() - 10)
    told = Told(a_snapshot(time.time() - 9), time.time() - 9)
    assert clock.ours(told) is told
    answer = Answer(1, a_snapshot(time.time()))
    assert clock.ours(answer) is answer


def test_the_first_word_says_how_wrong_it_is_and_all_that_follows_is_set_right():
    """By the same difference: times must not jump."""
    clock, wrong = OtherClock(time.time()), time.time() - 300
    first = clock.ours(Told(a_snapshot(wrong), wrong))
    assert isinstance(first, Told)
    assert first.snapshot is not None
    by = first.as_of - wrong
    assert abs(by - 300) < LIMIT
    assert a_snapshot(wrong + by) == first.snapshot
    row = values.TaskSnapshot(
        id=1, name="a", coroutine="a", state=bgw.TaskState.PENDING, created_at=wrong
    )
    window = values.TaskWindow(tasks=(row,), start=0, total=1, as_of=wrong + 7)
    answer = clock.ours(Answer(1, window))
    assert isinstance(answer, Answer)
    assert answer.value.as_of == wrong + 7 + by
    assert answer.value.tasks[0].created_at == wrong + by
    points = MorePoints(3, values.MetricSnapshot(name="loss", times=(1.0, 2.0)))
    news = later(News(number=1, since=0, names=("loss",), changed=(points,)), 10.0)
    assert (11.0, 12.0) == news.changed[0].metric.times
    wrote = Wrote(())
    assert clock.ours(wrote) is wrote


def test_every_field_that_holds_a_time_of_the_day_is_known():
    """By its name, so a new one needs a name like those."""
    kinds: list[Any] = [
        kind for kind in vars(values).values() if isinstance(kind, type) and is_dataclass(kind)
    ]
    named = {
        field.name
        for kind in kinds
        for field in fields(kind)
        if field.name.endswith(("_at", "at", "as_of", "times"))
    }
    assert named - {"repeat"} == MOMENTS | {SERIES}
