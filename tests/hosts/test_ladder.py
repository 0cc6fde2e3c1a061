"""The ladder's steps and limits, climbed with fake hosts: nobody sleeps here."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, cast

import pytest

from bgwidgets.commands import CancelTasks, SetStopEvent, StopLoop
from bgwidgets.hosts.ladder import climb_down, climb_down_async, ladder
from bgwidgets.hosts.protocol import Host, Leftovers, LoopEnd
from bgwidgets.snapshots import StopReport
from bgwidgets.states import LoopState
from tests.hosts.conftest import LIMIT

LEFT = Leftovers(unfinished_tasks=("a",), threads_left=("t",), notes=("blocked",))


class FakeHost:
    """Ends at the command that it is told to end at."""

    def __init__(self, loop_id: int, ends_at: type[Any] | None) -> None:
        self.loop_id = loop_id
        self.state = LoopState.RUNNING
        self.ended: Future[LoopEnd] = Future()
        self.commands: list[Any] = []
        self.is_asked = threading.Event()
        self.was_given_up = False
        self._ends_at = ends_at

    def command(self, command: Any) -> None:
        """Note it, and end if it is the one."""
        self.commands.append(command)
        self.is_asked.set()
        if type(command) is self._ends_at:
            self.end(LoopState.STOPPED)

    def end(self, state: LoopState, ended_at: float = 0.0) -> None:
        """End now."""
        self.state = state
        self.ended.set_result(LoopEnd(state=state, ended_at=ended_at, leftovers=LEFT))

    def give_up(self) -> Leftovers:
        """Note it."""
        self.was_given_up = True
        return LEFT


def climb(hosts: list[FakeHost], grace: float) -> tuple[list[Any], list[StopReport]]:
    """Without waiting: what would have been waited for, and the reports."""
    waits: list[Any] = []
    steps = ladder(cast("list[Host]", hosts), grace)
    while True:
        try:
            left, limit = next(steps)
        except StopIteration as stop:
            return waits, stop.value
        waits.append(([cast("FakeHost", host).loop_id for host in left], limit))


STEPS = ("stop_event", "cancel_tasks", "stop_loop")


@pytest.mark.parametrize(
    ("ends_at", "expected"),
    [
        (SetStopEvent, [SetStopEvent(7)]),
        (CancelTasks, [SetStopEvent(7), CancelTasks(7)]),
        (StopLoop, [SetStopEvent(7), CancelTasks(7), StopLoop(7)]),
    ],
)
def test_no_step_more_than_needed(ends_at: type[Any], expected: list[Any]):
    """Event, grace, cancel, stop; each waits at most its own time, in all grace + 3 s."""
    host = FakeHost(7, ends_at)
    waits, (report,) = climb([host], grace=5.0)
    assert expected == host.commands
    assert STEPS[: len(expected)] == report.steps
    limits = [([7], 5.0), ([7], 1.0), ([7], 1.9)]
    assert limits[: len(expected)] == waits
    assert (LoopState.STOPPED, ("a",), ("t",), ("blocked",)) == (
        report.outcome,
        report.unfinished_tasks,
        report.threads_left,
        report.notes,
    )
    assert not host.was_given_up


def test_the_limits_keep_the_promise():
    """`stop(grace)` waits at most grace + 3 s."""
    waits, _ = climb([FakeHost(1, None)], grace=0.0)
    assert sum(limit for _, limit in waits) <= 3.0


def test_one_that_does_not_end_is_given_up():
    """It stays in its state, and the report says what it is busy with."""
    host = FakeHost(1, None)
    _, (report,) = climb([host], grace=0)
    assert host.was_given_up
    assert LoopState.RUNNING == report.outcome
    assert (STEPS, ("a",), ("t",), ("blocked",)) == (
        report.steps,
        report.unfinished_tasks,
        report.threads_left,
        report.notes,
    )


def test_one_that_has_ended_needs_nothing():
    """No command, no step, no time."""
    host = FakeHost(1, None)
    host.end(LoopState.FINISHED)
    waits, (report,) = climb([host], grace=5.0)
    assert ([], [], (), 0.0) == (waits, host.commands, report.steps, report.seconds)
    assert LoopState.FINISHED == report.outcome


def test_many_climb_together_and_each_at_its_own_rung_off():
    """The reports come in the order of the loops."""
    hosts = [FakeHost(1, StopLoop), FakeHost(2, SetStopEvent), FakeHost(3, None)]
    hosts.append(FakeHost(4, CancelTasks))
    waits, reports = climb(hosts, grace=0.5)
    assert [([1, 2, 3, 4], 0.5), ([1, 3, 4], 1.0), ([1, 3], 1.9)] == waits
    assert [3, 1, 3, 2] == [len(report.steps) for report in reports]
    assert [False, False, True, False] == [host.was_given_up for host in hosts]


def test_nothing_to_bring_down():
    assert ([], []) == climb([], grace=0)


@pytest.mark.parametrize("grace", [-1, -0.001, float("nan")])
def test_a_grace_below_zero_is_refused(grace: float):
    """Before anything was asked of anybody."""
    host = FakeHost(1, SetStopEvent)
    with pytest.raises(ValueError, match="grace is a number of seconds, at least 0, not"):
        climb([host], grace)
    assert [] == host.commands


def down(host: FakeHost) -> StopReport:
    (report,) = climb_down(ladder([cast("Host", host)], LIMIT))
    return report


def down_async(host: FakeHost) -> StopReport:
    (report,) = asyncio.run(climb_down_async(ladder([cast("Host", host)], LIMIT)))
    return report


@pytest.mark.parametrize("climb_it", [down, down_async])
def test_the_climber_goes_on_when_the_loop_has_ended(climb_it: Callable[[FakeHost], StopReport]):
    """And not when its time is over."""
    host = FakeHost(1, None)

    def end_when_asked() -> None:
        assert host.is_asked.wait(LIMIT)
        host.end(LoopState.FINISHED, float("inf"))

    ending = threading.Thread(target=end_when_asked)
    ending.start()
    report = climb_it(host)
    ending.join(LIMIT)
    assert (("stop_event",), LoopState.FINISHED) == (report.steps, report.outcome)


def test_an_async_climber_that_is_cancelled_leaves_the_loop_alone():
    """Its end can still be waited for by others."""
    host = FakeHost(1, None)

    async def main() -> None:
        climbing = asyncio.create_task(climb_down_async(ladder([cast("Host", host)], LIMIT)))
        await asyncio.sleep(0)
        climbing.cancel()
        await asyncio.wait({climbing}, timeout=LIMIT)
        assert climbing.cancelled()

    asyncio.run(main())
    assert not host.ended.done()
    host.end(LoopState.FINISHED)
    assert [SetStopEvent(1)] == host.commands
