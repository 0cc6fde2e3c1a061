"""What changes of a loop is seen, also by who asks none: it is told, or seen in a number."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import create_autospec

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, TaskState, loop_watch
from bgwidgets.background_loop import BackgroundLoop
from bgwidgets.hosts.signs import Standstill
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.observe import heartbeat
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bgwidgets.loop_watch import LoopWatch
    from bgwidgets.snapshots import LoopSnapshot

OFTEN_ENOUGH = 50


@pytest.fixture(autouse=True)
def nobody_is_asked_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that each change must be told; and no lag is noticeable that a test does not make."""
    monkeypatch.setattr(loop_watch, "RENEWED_AFTER", 3600.0)
    monkeypatch.setattr(heartbeat, "NOTICEABLE", 0.25)
    monkeypatch.setattr(heartbeat, "SECONDS_KEPT", -1)


@pytest.fixture
def job(manager: LoopManager) -> Iterator[BackgroundLoop]:
    job = manager.start(name="job")
    yield job
    job.stop(0)


@pytest.fixture(params=["closely", "from afar"])
def look(
    request: pytest.FixtureRequest, manager: LoopManager, job: BackgroundLoop
) -> Callable[[], LoopSnapshot]:
    """Looks at the loop, which has come to rest."""
    watch, close = manager.watch(), {job.id} if request.param == "closely" else set[int]()
    come_to_rest(watch, close)
    return lambda: next(each for each in watch.look(close) if each.id == job.id)


def come_to_rest(watch: LoopWatch, close: set[int]) -> None:
    """Until nothing of the loops is looked at anew for as long as a beat takes."""
    quiet_since, last = time.monotonic(), watch.look(close)
    while time.monotonic() < quiet_since + 1.2 * heartbeat.BEAT:
        if (now := watch.look(close)) is not last:
            quiet_since, last = time.monotonic(), now
        threading.Event().wait(0.01)


async def _on_the_loop(call: Callable[[], Any]) -> Any:
    return call()


class _Change:
    """Something that happens to a loop, and how a snapshot shows it."""

    def __init__(
        self, make: Callable[[BackgroundLoop], Any], shows: Callable[[LoopSnapshot], Any]
    ) -> None:
        self.make = make
        self.shows = shows


def _bar(job: BackgroundLoop) -> Any:
    async def work() -> None:
        for _ in bgw.progress(range(3), desc="rows", file=sys.stderr):
            pass

    return job.submit(work()).result(10)


CHANGES = {
    "a task is born": _Change(
        lambda job: job.submit(asyncio.sleep(3600)),
        lambda seen: seen.task_counts.get(TaskState.PENDING) == 1,
    ),
    "a task ends": _Change(
        lambda job: job.submit(asyncio.sleep(0)).result(10),
        lambda seen: seen.task_counts.get(TaskState.FINISHED) == 1,
    ),
    "the stop event is set": _Change(
        lambda job: job.stop_event.set(),
        lambda seen: seen.stop_requested,
    ),
    "the loop ends": _Change(
        lambda job: job.stop_loop(),
        lambda seen: seen.state == "stopped" and seen.ended_at is not None,
    ),
    "a line is written": _Change(
        lambda job: job.output.write("hello\n"),
        lambda seen: seen.last_output == "hello",
    ),
    "a task prints": _Change(
        lambda job: job.submit(_on_the_loop(lambda: sys.stdout.write("from a task\n"))).result(10),
        lambda seen: seen.last_output == "from a task",
    ),
    "a bar is drawn": _Change(
        _bar,
        lambda seen: seen.progress is not None and seen.progress.done == 3,
    ),
    "a metric is measured": _Change(
        lambda job: job.submit(_on_the_loop(lambda: bgw.metric("loss", 0.3))).result(10),
        lambda seen: seen.metrics == 1,
    ),
    "it is warned": _Change(
        lambda job: job._run.host._agent._warnings.output_not_written("a.log", "full"),  # type: ignore[attr-defined]
        lambda seen: len(seen.warnings) == 1,
    ),
    "something is noted": _Change(
        lambda job: job._run.host._agent._note("it was interrupted"),  # type: ignore[attr-defined]
        lambda seen: seen.notes == ("it was interrupted",),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changes_is_seen(name: str, job: BackgroundLoop, look: Callable[[], LoopSnapshot]):
    """Of a loop that is looked at closely, and of one that nobody asks."""
    change = CHANGES[name]
    assert not change.shows(look())
    change.make(job)
    until(lambda: change.shows(look()))


def test_a_task_that_does_not_end_is_seen_to_be_cancelled(
    job: BackgroundLoop, look: Callable[[], LoopSnapshot]
):
    """As long as it cleans up."""
    goes_on, may_end = threading.Event(), asyncio.Event()

    async def clean_up() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            goes_on.set()
            await may_end.wait()

    task = job.submit(clean_up())
    until(lambda: look().task_counts.get(TaskState.PENDING) == 1)
    task.cancel()
    assert goes_on.wait(10)
    until(lambda: look().task_counts.get(TaskState.CANCELLING) == 1)
    job.submit(_on_the_loop(may_end.set)).result(10)
    until(lambda: look().task_counts.get(TaskState.CANCELLED) == 1)


def test_what_blocks_a_loop_is_seen_and_that_it_does_not_any_more(
    job: BackgroundLoop, look: Callable[[], LoopSnapshot]
):
    """With the line."""
    release = threading.Event()
    done = job.submit(_on_the_loop(lambda: release.wait(10)))
    until(lambda: look().blocked and look().blocked_by)
    release.set()
    done.result(10)
    until(lambda: look().blocked is False and look().slow_steps)


def test_a_lag_is_seen_closely(manager: LoopManager, job: BackgroundLoop):
    """It stands among those of the last seconds."""
    watch = manager.watch()
    come_to_rest(watch, {job.id})
    job.submit(_on_the_loop(lambda: threading.Event().wait(0.4))).result(10)
    until(lambda: max(lag or 0.0 for lag in watch.look({job.id})[0].lag_history) >= 0.25)


def test_another_loop_is_seen(manager: LoopManager, job: BackgroundLoop):
    """By the very next look."""
    watch = manager.watch()
    come_to_rest(watch, {job.id})
    manager.start(name="another")
    assert [each.name for each in watch.look({job.id})] == ["job", "another"]


def test_nothing_is_looked_at_anew_while_nothing_changes(
    manager: LoopManager, job: BackgroundLoop, monkeypatch: pytest.MonkeyPatch
):
    """No snapshot is taken, and of a loop that nobody looks at closely not even asked whether."""
    other = manager.start(name="other")
    watch = manager.watch()
    come_to_rest(watch, {job.id})
    snapshot = create_autospec(ThreadHost.snapshot, side_effect=ThreadHost.snapshot)
    holds = create_autospec(Standstill.holds, side_effect=Standstill.holds)
    monkeypatch.setattr(ThreadHost, "snapshot", snapshot)
    monkeypatch.setattr(Standstill, "holds", holds)
    seen = watch.look({job.id})
    holds.reset_mock()
    for _ in range(OFTEN_ENOUGH):
        assert watch.look({job.id}) is seen
    assert (snapshot.call_count, holds.call_count) == (0, OFTEN_ENOUGH)
    other.output.write("news")
    until(lambda: watch.look({job.id})[1].last_output == "news")
    assert snapshot.call_count == 1


def test_of_many_that_do_not_tell_each_has_its_turn():
    """Also when the list is made anew all the time."""
    turns = loop_watch._Turns(2.0)
    had: set[int] = set()
    for step in range(20):
        turns.are_for(range(1, 101), 0.1 * step)
        had.update(turns.take(0.1 * step))
    assert len(had) >= 90
    assert turns.next_at < 2.0


def test_a_loop_that_is_gone_is_not_kept_by_who_has_looked(manager: LoopManager):
    """Nor is a run that is over."""
    job = manager.start(name="gone")
    watch = manager.watch()
    come_to_rest(watch, {job.id})
    signs = [each.standstill._signs for each in watch._seen.values()]  # type: ignore[union-attr]
    job.stop(0)
    job.remove()
    del job
    until(lambda: _collected(signs))


def _collected(references: list[Any]) -> bool:
    gc.collect()
    return all(find() is None for find in references)
