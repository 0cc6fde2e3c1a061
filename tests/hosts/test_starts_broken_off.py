"""A start that is broken off, as by Ctrl-C or for want of a thread, leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, LoopState
from bgwidgets.background_loop import host_of
from bgwidgets.hosts import child_process
from bgwidgets.hosts.child_link import ChildLink
from bgwidgets.hosts.child_process import ChildProcess
from bgwidgets.hosts.outbox import Outbox
from bgwidgets.hosts.spawner import Spawner
from bgwidgets.hosts.warden import warden
from bgwidgets.output.router import router
from tests import child_work
from tests.hosts.conftest import AT_ONCE, LIMIT
from tests.processes import StartedProcesses
from tests.waiting import until

HOSTS = ["process", "thread"]


@contextmanager
def interrupted(thing: Any, name: str, *, after: bool = False) -> Iterator[None]:
    """Ctrl-C comes just before this is called, or just after."""
    original = getattr(thing, name)

    def interrupts(*args: Any, **kwargs: Any) -> None:
        if after:
            original(*args, **kwargs)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thing, name, interrupts)
        with pytest.raises(KeyboardInterrupt):
            yield


MOMENTS = [
    (ChildLink, "start", False),
    (ChildLink, "start", True),
    (ChildProcess, "start", True),
    (Spawner, "call", False),
    (Spawner, "call", True),
    (Outbox, "open", False),
    (Outbox, "open", True),
    (router, "look", False),
]
IDS = [f"{'after' if after else 'before'} {name}" for _, name, after in MOMENTS]


@pytest.mark.parametrize(("thing", "name", "after"), MOMENTS, ids=IDS)
def test_nothing_runs_of_a_start_that_is_interrupted(
    manager: LoopManager, processes: StartedProcesses, thing: Any, name: str, after: bool
):
    with interrupted(thing, name, after=after):
        manager.start(child_work.has_a_child, host="process", name="victim")
    assert 0 == len(manager)
    processes.expect_none(limit=AT_ONCE)
    assert not warden._groups


@pytest.mark.parametrize(("thing", "name", "after"), MOMENTS, ids=IDS)
def test_a_restart_that_is_interrupted_ends_and_can_be_tried_again(
    manager: LoopManager, processes: StartedProcesses, thing: Any, name: str, after: bool
):
    job = manager.start(child_work.for_ever, host="process")
    with interrupted(thing, name, after=after):
        job.restart(0)
    assert LoopState.FAILED == job.wait(LIMIT)
    assert isinstance(job.exception(LIMIT), KeyboardInterrupt)
    processes.expect_none(limit=AT_ONCE)
    job.restart()
    until(lambda: job.state is LoopState.RUNNING)


def test_a_process_that_comes_when_nobody_waits_for_it_is_ended(
    manager: LoopManager, processes: StartedProcesses, monkeypatch: pytest.MonkeyPatch
):
    """The thread that starts processes goes on when who called it is interrupted."""
    is_asked, may_go_on, has_ended = threading.Event(), threading.Event(), threading.Event()
    start = ChildProcess._start

    def starts_late(self: ChildProcess) -> None:
        original = child_process._spawn
        is_asked.set()

        def spawn(fd: int) -> Any:
            started = original(fd)
            may_go_on.wait(LIMIT)
            return started

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(child_process, "_spawn", spawn)
            start(self)
        has_ended.set()

    def call(_: Spawner, function: Callable[[], Any]) -> None:
        threading.Thread(target=function).start()
        assert is_asked.wait(LIMIT)
        raise KeyboardInterrupt

    monkeypatch.setattr(ChildProcess, "_start", starts_late)
    monkeypatch.setattr(Spawner, "call", call)
    with pytest.raises(KeyboardInterrupt):
        manager.start(child_work.for_ever, host="process")
    may_go_on.set()
    assert has_ended.wait(LIMIT)
    assert [] == processes.alive()
    assert not warden._groups


@pytest.mark.parametrize("which", ["-from-child", "-to-child"])
def test_a_start_for_which_no_thread_can_be_had_starts_nothing(
    manager: LoopManager,
    processes: StartedProcesses,
    monkeypatch: pytest.MonkeyPatch,
    which: str,
):
    start = threading.Thread.start

    def refuses(self: threading.Thread) -> None:
        if self.name.endswith(which):
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refuses)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        manager.start(child_work.has_a_child, host="process")
    assert 0 == len(manager)
    processes.expect_none(limit=AT_ONCE)


@pytest.mark.parametrize("host", HOSTS)
def test_a_loop_that_is_listed_and_was_interrupted_before_it_began_is_taken_back(
    manager: LoopManager, host: str
):
    def interrupts() -> None:
        raise KeyboardInterrupt

    listed: list[BackgroundLoop] = []
    changed = manager._changed

    def changed_and_interrupted() -> None:
        changed()
        if not listed:
            listed.extend(manager)
            interrupts()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manager, "_changed", changed_and_interrupted)
        with pytest.raises(KeyboardInterrupt):
            manager.start(child_work.for_ever, host=host)
    assert 0 == len(manager)
    assert LoopState.FAILED == listed[0].wait(LIMIT)


@pytest.mark.parametrize("host", HOSTS)
def test_a_restart_that_is_interrupted_before_it_begins_does_not_stay(
    manager: LoopManager, host: str
):
    """Neither `starting` nor `stopping` for ever."""
    job = manager.start(child_work.for_ever, host=host)
    with interrupted(router, "look"):
        job.restart(0)
    assert LoopState.FAILED == job.wait(LIMIT)
    job.stop(0)
    job.restart(0)
    until(lambda: job.state is LoopState.RUNNING)


def test_a_thread_that_was_not_started_yet_runs_nothing(manager: LoopManager):
    with interrupted(threading.Thread, "start"):
        manager.start(child_work.for_ever)
    assert 0 == len(manager)


def test_what_was_never_started_can_be_killed(manager: LoopManager):
    job = manager.start(child_work.for_ever, host="process")
    job.kill()
    job._renew(job._plan.work)
    host = host_of(job)
    assert LoopState.STARTING == host.state
    job.kill()
    assert LoopState.KILLED == job.wait(LIMIT)
    host.abandon(KeyboardInterrupt())
    assert LoopState.KILLED == job.wait(LIMIT)
