"""Looks at all loops, again and again: what has not changed is not made anew, and nothing else."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING
from unittest.mock import create_autospec

import pytest

from bgwidgets import TaskState, loop_watch
from bgwidgets.hosts.signs import Standstill
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bgwidgets import LoopManager
    from bgwidgets.background_loop import BackgroundLoop
    from bgwidgets.loop_watch import LoopWatch
    from bgwidgets.snapshots import LoopSnapshot


@pytest.fixture
def loops(manager: LoopManager) -> Iterator[list[BackgroundLoop]]:
    yield [manager.start(name=f"loop-{number}") for number in range(3)]
    manager.stop_all(0)


@pytest.fixture
def watch(
    manager: LoopManager,
    loops: list[BackgroundLoop],  # noqa: ARG001
    monkeypatch: pytest.MonkeyPatch,
) -> LoopWatch:
    """One that has looked, and of which every loop has come to rest; it asks each at each look."""
    monkeypatch.setattr(loop_watch, "ASKED_WITHIN", 1e-9)
    watch = manager.watch()
    until(lambda: all(map(_is_same, watch.look([]), watch.look([]))))
    return watch


def _is_same(one: LoopSnapshot, other: LoopSnapshot) -> bool:
    return one is other


def test_a_loop_that_has_not_changed_has_the_same_snapshot(watch: LoopWatch):
    """The very same, so that whoever shows it needs not compare."""
    until(lambda: all(map(_is_same, watch.look([]), watch.look([]))))


def test_only_the_loop_that_has_changed_is_looked_at_anew(
    watch: LoopWatch, loops: list[BackgroundLoop]
):
    """A task is born there, is cancelled, and ends."""
    before = watch.look([])
    born = loops[1].submit(asyncio.sleep(3600))
    until(lambda: watch.look([])[1].task_counts.get(TaskState.PENDING) == 1)
    after = watch.look([])
    assert before[1] is not after[1]
    until(lambda: all(map(_is_same, watch.look([]), watch.look([]))))
    born.cancel()
    until(lambda: watch.look([])[1].task_counts[TaskState.CANCELLED] == 1)


def test_a_loop_that_nobody_sees_is_asked_now_and_then(
    manager: LoopManager,
    watch: LoopWatch,
    loops: list[BackgroundLoop],
    monkeypatch: pytest.MonkeyPatch,
):
    """A hundred cost next to nothing then; who looks closely sees it at once, and all an end."""
    asked = create_autospec(Standstill.holds, side_effect=Standstill.holds)
    monkeypatch.setattr(Standstill, "holds", asked)
    monkeypatch.setattr(loop_watch, "ASKED_WITHIN", 3600.0)
    watch = manager.watch()
    until(lambda: all(map(_is_same, watch.look([]), watch.look([]))))
    asked.reset_mock()
    for _ in range(10):
        watch.look([])
    assert asked.call_count == 0
    watch.look([loops[0].id])
    watch.look([loops[0].id])
    assert asked.call_count == 1
    loops[1].stop()
    assert watch.look([])[1].state.has_ended


def test_a_stop_event_and_an_end_are_seen(watch: LoopWatch, loops: list[BackgroundLoop]):
    """In the next look."""
    loops[0].request_stop()
    loops[0].wait(10)
    (first, *_) = watch.look([])
    assert ("finished", True) == (first.state, first.ended_at is not None)
    assert watch.look([])[0].state == "finished"


def test_what_blocks_a_loop_is_seen_without_looking_closely(
    watch: LoopWatch, loops: list[BackgroundLoop]
):
    """And that it does not any more."""
    release = threading.Event()

    async def block() -> None:
        release.wait(10)

    done = loops[2].submit(block())
    until(lambda: watch.look([])[2].blocked)
    release.set()
    done.result(10)
    until(lambda: watch.look([])[2].blocked is False)


def test_the_lag_history_moves_on_for_who_looks_closely(
    watch: LoopWatch, loops: list[BackgroundLoop]
):
    """Until then it is as it was."""
    release = threading.Event()

    async def be_late() -> None:
        release.wait(0.3)

    loops[0].submit(be_late()).result(10)
    until(lambda: max(lag or 0.0 for lag in watch.look([loops[0].id])[0].lag_history) > 0.1)
    known = watch.look([loops[0].id])[0].lag_history
    until(lambda: watch.look([loops[0].id])[0].lag_history != known)


def test_loops_come_and_go(manager: LoopManager, watch: LoopWatch, loops: list[BackgroundLoop]):
    """In the order of their start."""
    another = manager.start(name="another")
    assert [*(loop.id for loop in loops), another.id] == [each.id for each in watch.look([])]
    loops[0].request_stop()
    loops[0].wait(10)
    loops[0].remove()
    assert loops[0].id not in [each.id for each in watch.look([])]


def test_a_restarted_loop_is_not_taken_for_what_it_was(
    manager: LoopManager, watch: LoopWatch, loops: list[BackgroundLoop]
):
    """It is another run."""
    loops[1].stop()
    assert watch.look([])[1].run_number == 1
    loops[1].restart()
    assert (2, "running") == (watch.look([])[1].run_number, watch.look([])[1].state)
    assert len(manager) == 3
