"""Thread hosts for each test, of each kind of loop; what they run has ended when the test has."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from bgwidgets import LoopManager
from bgwidgets.commands import StopLoop
from bgwidgets.hosts.protocol import LoopEnd, LoopPlan
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.identifiers import new_id
from bgwidgets.work import check_work
from tests.loop_factories import LOOP_FACTORIES, LoopFactory
from tests.processes import StartedProcesses

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""
AT_ONCE = 1.0
"""Seconds that are long for what should not wait at all."""

MakeHost = Callable[..., ThreadHost]


@pytest.fixture(params=LOOP_FACTORIES)
def loop_factory(request: pytest.FixtureRequest) -> LoopFactory:
    """Each kind of loop in turn."""
    factory: LoopFactory = request.param
    return factory


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartedProcesses]:
    """All processes that the test starts; none is left when it has ended."""
    processes = StartedProcesses()
    for name, value in processes.environment.items():
        monkeypatch.setenv(name, value)
    yield processes
    processes.expect_none(limit=AT_ONCE)


@pytest.fixture
def manager(processes: StartedProcesses) -> Iterator[LoopManager]:
    """For loops in processes of their own."""
    del processes  # It comes first, so it looks last.
    manager = LoopManager()
    yield manager
    for loop in manager:
        loop.stop(0)
        if loop.host != "thread":
            loop.kill()
        assert loop.state.has_ended


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """What blocked code waits for; opened at the end, so that no thread stays behind."""
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def new_host(gate: threading.Event) -> Iterator[MakeHost]:
    """`new_host(work, *args)`: a host that has not been started."""
    hosts: list[ThreadHost] = []

    def make(
        work: Any = None,
        *args: Any,
        name: str = "work",
        loop_factory: LoopFactory = asyncio.new_event_loop,
        changed: Callable[[], None] = lambda: None,
    ) -> ThreadHost:
        plan = LoopPlan(
            loop_id=new_id(),
            name=name,
            work=check_work(work, args),
            loop_factory=loop_factory,
            changed=changed,
        )
        hosts.append(ThreadHost(plan))
        return hosts[-1]

    yield make
    gate.set()
    for host in hosts:
        host.command(StopLoop(host.loop_id))
    for host in hosts:
        if host.snapshot().started_at is not None:
            host.ended.result(LIMIT)


@pytest.fixture
def start(new_host: MakeHost) -> MakeHost:
    """`start(work, *args)`: a host that runs."""

    def make(*args: Any, **options: Any) -> ThreadHost:
        host = new_host(*args, **options)
        host.start()
        return host

    return make


def end_of(host: ThreadHost) -> LoopEnd:
    """How it ended, as soon as it has."""
    return host.ended.result(LIMIT)


def stop(host: ThreadHost) -> LoopEnd:
    """Have it stopped, and wait for its end."""
    host.command(StopLoop(host.loop_id))
    return end_of(host)


def outcome_of(future: Future[Any]) -> Any:
    """A future's result or its error; never hangs."""
    return future.exception(LIMIT) or future.result(0)


async def for_ever() -> None:
    """Waits for nothing."""
    await asyncio.Event().wait()


async def swallow(times: int, begun: threading.Event, swallowed: list[str]) -> str:
    """Goes on sleeping, that many times, when it is cancelled."""
    while True:
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            swallowed.append("again")
            if len(swallowed) > times:
                return "had enough"
