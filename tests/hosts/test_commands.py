"""The three commands: before the start, right after it, twice, and after the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bgwidgets import CannotKillThread, UnknownTask
from bgwidgets.commands import CancelTasks, SetStopEvent, StopLoop
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.snapshots import WindowRequest
from tests.hosts.conftest import LIMIT, MakeHost, end_of, for_ever
from tests.loop_factories import LoopFactory
from tests.waiting import until

COMMANDS = [
    pytest.param(SetStopEvent, "finished", id="stop event"),
    pytest.param(StopLoop, "stopped", id="stop loop"),
    pytest.param(CancelTasks, "cancelled", id="cancel tasks"),
]
Command = Callable[[int], Any]


class Polite:
    """Work that waits for its stop event, and says so."""

    def __init__(self) -> None:
        self.host: ThreadHost | None = None
        self.steps: list[str] = []
        self.waits = threading.Event()

    async def __call__(self) -> str:
        """Wait."""
        self.steps.append("begun")
        assert self.host is not None
        self.waits.set()
        await self.host.stop_event.wait()
        return "asked to stop"


@pytest.fixture
def polite() -> Polite:
    return Polite()


@pytest.mark.parametrize(("command", "expected"), COMMANDS)
def test_a_running_loop_obeys(
    new_host: MakeHost,
    polite: Polite,
    loop_factory: LoopFactory,
    command: Command,
    expected: str,
):
    host = polite.host = new_host(polite, loop_factory=loop_factory)
    host.start()
    assert polite.waits.wait(LIMIT)
    host.command(command(host.loop_id))
    end = end_of(host)
    assert expected == end.state == host.state
    assert ("asked to stop" if expected == "finished" else None) == end.result
    assert host.snapshot().stop_requested is (expected == "finished")


@pytest.mark.parametrize(("command", "expected"), COMMANDS)
def test_a_command_that_came_before_the_start_is_obeyed_after_it(
    new_host: MakeHost, polite: Polite, command: Command, expected: str
):
    """A main task that is cancelled before its first step never runs; the event waits for it."""
    host = polite.host = new_host(polite)
    host.command(command(host.loop_id))
    assert ("stopping" if command is StopLoop else "starting") == host.state
    assert host.snapshot().stop_requested is (command is SetStopEvent)
    host.start()
    assert expected == end_of(host).state
    assert (["begun"] if command is SetStopEvent else []) == polite.steps


@pytest.mark.parametrize(("command", "expected"), COMMANDS)
def test_a_command_right_after_the_start(
    new_host: MakeHost, command: Command, expected: str, loop_factory: LoopFactory
):
    """At whatever moment of its coming up it meets the loop."""
    for _ in range(50):
        polite = Polite()
        host = polite.host = new_host(polite, loop_factory=loop_factory)
        host.start()
        host.command(command(host.loop_id))
        assert expected == end_of(host).state


@pytest.mark.parametrize(("command", "expected"), COMMANDS)
def test_a_command_may_come_from_many_threads_and_after_the_end(
    new_host: MakeHost, polite: Polite, command: Command, expected: str
):
    host = polite.host = new_host(polite)
    host.start()
    assert polite.waits.wait(LIMIT)
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            pool.submit(host.command, command(host.loop_id))
        end = end_of(host)
    assert expected == end.state
    for late in (SetStopEvent, StopLoop, CancelTasks):
        host.command(late(host.loop_id))
    assert expected == host.state
    assert end is host.ended.result(0)


@pytest.mark.parametrize(
    ("command", "expected"),
    [(SetStopEvent, "finished"), (StopLoop, "stopped"), (CancelTasks, "finished")],
)
def test_an_empty_loop(start: MakeHost, loop_factory: LoopFactory, command: Command, expected: str):
    """Lives until its event is set or it is stopped: cancelling its tasks leaves it running."""
    host = start(loop_factory=loop_factory)
    task = host.submit(for_ever(), "guest")
    host.command(command(host.loop_id))
    if command is CancelTasks:
        assert 5 == host.submit(asyncio.sleep(0, 5), None).result(LIMIT)
        until(task.cancelled)
        assert "running" == host.state
        host.command(SetStopEvent(host.loop_id))
    end = end_of(host)
    assert (expected, None) == (end.state, end.result)


@pytest.mark.parametrize(
    ("command", "expected"),
    [(SetStopEvent, "finished"), (StopLoop, "stopped"), (CancelTasks, "finished")],
)
def test_an_empty_loop_that_was_told_before_its_start(
    new_host: MakeHost, command: Command, expected: str
):
    host = new_host()
    host.command(command(host.loop_id))
    host.start()
    if command is CancelTasks:
        assert 5 == host.submit(asyncio.sleep(0, 5), None).result(LIMIT)
        host.command(SetStopEvent(host.loop_id))
    assert expected == end_of(host).state


def test_only_some_tasks_are_cancelled(start: MakeHost):
    """The main task like any other, and a task that has ended without a word."""
    host = start(for_ever)
    tasks = {name: host.submit(for_ever(), name) for name in ("a", "b")}
    host.submit(asyncio.sleep(0), "ended").result(LIMIT)
    ids = {task.name: task.id for task in host.task_window(WindowRequest()).tasks}
    assert {"work", "a", "b", "ended"} == set(ids)
    host.command(CancelTasks(host.loop_id, (ids["a"], ids["ended"])))
    assert 1 == host.submit(asyncio.sleep(0, 1), None).result(LIMIT)
    assert (True, False) == (tasks["a"].cancelled(), tasks["b"].done())
    host.command(CancelTasks(host.loop_id, (ids["work"],)))
    assert "cancelled" == end_of(host).state


@pytest.mark.parametrize("is_started", [True, False])
def test_an_unknown_task_cancels_nothing(new_host: MakeHost, is_started: bool):
    host = new_host(for_ever)
    ids: tuple[int, ...] = (999_999_999,)
    if is_started:
        host.start()
        (main,) = host.task_window(WindowRequest()).tasks
        ids = (main.id, 999_999_999)
    with pytest.raises(UnknownTask, match=r"'work' has no task 999999999: .* Nothing was cancel"):
        host.command(CancelTasks(host.loop_id, ids))
    if not is_started:
        host.start()
    assert 1 == host.submit(asyncio.sleep(0, 1), None).result(LIMIT)
    assert "running" == host.state


def test_a_thread_cannot_be_killed(start: MakeHost):
    """It says what to do instead, and the loop runs on."""
    host = start(for_ever)
    assert not host.capabilities.can_be_killed
    with pytest.raises(CannotKillThread, match=r"use stop\(\)"):
        host.kill()
    assert "running" == host.state


def test_changes_are_told(new_host: MakeHost, polite: Polite):
    """Each change of the state, and the stop event; the last when whoever waits has been told."""
    states: list[str] = []
    all_is_over = threading.Event()

    def changed() -> None:
        states.append(host.state)
        if host.ended.done():
            all_is_over.set()

    host = polite.host = new_host(polite, changed=changed)
    host.start()
    assert polite.waits.wait(LIMIT)
    assert ["running"] == states
    host.command(SetStopEvent(host.loop_id))
    assert all_is_over.wait(LIMIT)
    # That the event was set is told in this thread, perhaps when the loop is a step further on.
    assert ["running", "stopping", "finished"] == list(dict.fromkeys(states))
    assert len(states) >= 4
