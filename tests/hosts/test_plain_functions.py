"""Plain functions run in a worker thread of the loop, as its main task."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from bgwidgets.belonging import current_loop_id
from bgwidgets.commands import CancelTasks, SetStopEvent
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.snapshots import TaskSnapshot, WindowRequest
from tests.hosts.conftest import LIMIT, MakeHost, end_of, stop
from tests.loop_factories import LoopFactory


def main_task(host: ThreadHost) -> TaskSnapshot:
    """Its only task."""
    (task,) = host.task_window(WindowRequest()).tasks
    return task


class Blocked:
    """A function that blocks until its gate opens."""

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate
        self.begun = threading.Event()

    def __call__(self) -> str:
        """Block."""
        self.begun.set()
        self._gate.wait(LIMIT)
        return "at last"


def test_its_result(start: MakeHost, loop_factory: LoopFactory):
    """It runs in a daemon thread that belongs to the loop, which turns meanwhile."""

    def work(first: int, second: int) -> tuple[int, str, bool, int | None]:
        thread = threading.current_thread()
        return first + second, thread.name, thread.daemon, current_loop_id()

    host = start(work, 1, 2, loop_factory=loop_factory)
    end = end_of(host)
    assert ("finished", (3, "bgw-work-worker-1", True, host.loop_id)) == (end.state, end.result)


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_its_error(start: MakeHost, loop_factory: LoopFactory, error: type[BaseException]):
    """The very exception, whatever it is; it does not throw the loop about."""
    raised = error("broke")

    def work() -> None:
        raise raised

    host = start(work, loop_factory=loop_factory)
    end = end_of(host)
    assert ("failed", raised) == (end.state, end.exception)
    assert "in work" in (host.snapshot().error or "")


def test_stop_iteration_is_an_error_like_any_other(start: MakeHost, loop_factory: LoopFactory):
    """Through a future it could not pass: the loop would hang, so it becomes a RuntimeError."""

    def work() -> None:
        next(iter([]))

    end = end_of(start(work, loop_factory=loop_factory))
    assert "failed" == end.state
    assert ("RuntimeError", "StopIteration") == (
        type(end.exception).__name__,
        type(end.exception.__cause__).__name__ if end.exception else "",
    )


def test_a_cancelled_error_of_its_own_is_a_cancellation(start: MakeHost):
    def work() -> None:
        raise asyncio.CancelledError

    assert "cancelled" == end_of(start(work)).state


def test_it_may_return_a_coroutine(start: MakeHost, loop_factory: LoopFactory):
    """A lambda around one, say: that is awaited on the loop, in its own thread."""

    async def inner() -> tuple[str, int | None]:
        await asyncio.sleep(0)
        return threading.current_thread().name, current_loop_id()

    host = start(lambda: inner(), loop_factory=loop_factory)  # noqa: PLW0108 - as a user has it
    end = end_of(host)
    assert ("finished", ("bgw-work", host.loop_id)) == (end.state, end.result)


def test_the_coroutine_that_it_returned_can_be_cancelled(start: MakeHost):
    begun = threading.Event()

    async def inner() -> None:
        begun.set()
        await asyncio.sleep(3600)

    host = start(lambda: inner())  # noqa: PLW0108 - as a user has it
    assert begun.wait(LIMIT)
    assert main_task(host).waiting_on == "sleep, 60 min left"
    host.command(CancelTasks(host.loop_id))
    assert "cancelled" == end_of(host).state


def test_it_is_running_as_long_as_it_runs(start: MakeHost, gate: threading.Event):
    """Not pending: it does not wait, it works. Its name is the function's, not our wrapper's."""
    work = Blocked(gate)
    host = start(work)
    assert work.begun.wait(LIMIT)
    task = main_task(host)
    assert ("running", "Blocked", "worker thread") == (task.state, task.coroutine, task.waiting_on)
    assert task.where is None
    assert 1 == host.snapshot().task_counts[task.state]
    gate.set()
    assert "at last" == end_of(host).result
    assert ("finished", "Blocked") == (main_task(host).state, main_task(host).coroutine)


def test_it_stays_cancelling_until_it_returns(start: MakeHost, gate: threading.Event):
    """For a thread cannot be cancelled; then it is cancelled, and its result is dropped."""
    work = Blocked(gate)
    host = start(work)
    assert work.begun.wait(LIMIT)
    for _ in range(3):
        host.command(CancelTasks(host.loop_id))
        assert 1 == host.submit(asyncio.sleep(0, 1), None).result(LIMIT)
    tasks = host.task_window(WindowRequest(filter="Blocked")).tasks
    assert ["cancelling"] == [task.state for task in tasks]
    assert "running" == host.state
    gate.set()
    end = end_of(host)
    assert ("cancelled", None) == (end.state, end.result)


def test_what_it_raises_after_its_cancellation_is_not_dropped(
    start: MakeHost, gate: threading.Event
):
    begun = threading.Event()

    def work() -> None:
        begun.set()
        gate.wait(LIMIT)
        raise ValueError("broke while it was cancelling")

    host = start(work)
    assert begun.wait(LIMIT)
    host.command(CancelTasks(host.loop_id))
    assert 1 == host.submit(asyncio.sleep(0, 1), None).result(LIMIT)
    gate.set()
    end = end_of(host)
    assert "failed" == end.state
    assert "broke while it was cancelling" == str(end.exception)


def test_a_stopped_loop_leaves_it_behind_and_says_so(
    start: MakeHost, gate: threading.Event, capfd: pytest.CaptureFixture[str]
):
    """When it returns at last, nothing happens: no word on stderr, no other end."""
    work = Blocked(gate)
    host = start(work)
    assert work.begun.wait(LIMIT)
    began = time.monotonic()
    end = stop(host)
    assert time.monotonic() - began < 2.5
    assert ("stopped", None) == (end.state, end.result)
    assert ("bgw-work-worker-1",) == end.leftovers.threads_left
    assert ("work",) == end.leftovers.unfinished_tasks
    (worker,) = (t for t in threading.enumerate() if t.name == "bgw-work-worker-1")
    gate.set()
    worker.join(LIMIT)
    assert not worker.is_alive()
    assert ("", "") == tuple(capfd.readouterr())
    assert "stopped" == host.state


def test_it_sees_the_stop_event_of_its_loop(new_host: MakeHost):
    """Also when the loop is stopped: a function that looks at it ends by itself."""
    hosts: list[ThreadHost] = []
    begun = threading.Event()

    def work() -> str:
        begun.set()
        return "asked" if hosts[0].stop_event.wait_sync(LIMIT) else "never asked"

    hosts.append(new_host(work))
    hosts[0].start()
    assert begun.wait(LIMIT)
    hosts[0].command(SetStopEvent(hosts[0].loop_id))
    assert "asked" == end_of(hosts[0]).result

    begun.clear()
    hosts[0] = new_host(work)
    hosts[0].start()
    assert begun.wait(LIMIT)
    end = stop(hosts[0])
    assert "stopped" == end.state
    # It may be on its last step when the loop is closed, and is named then; soon it is gone.
    assert {*end.leftovers.threads_left} <= {"bgw-work-worker-1"}


def test_a_function_that_was_cancelled_before_it_began_never_runs(new_host: MakeHost):
    ran: list[Any] = []
    host = new_host(lambda: ran.append(1))
    host.command(CancelTasks(host.loop_id))
    host.start()
    assert "cancelled" == end_of(host).state
    assert [] == ran
