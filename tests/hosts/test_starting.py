"""`start()` returns when the loop turns, or raises what broke it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import inspect
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NoReturn

import pytest

from bgwidgets import InvalidWork, LoopEnded
from bgwidgets.commands import CancelTasks, SetStopEvent, StopLoop
from bgwidgets.hosts import thread as thread_host
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.observe.asyncio_internals import let_go_of
from tests.conftest import Complaints
from tests.hostile_errors import TASKS_ARE_IN_C
from tests.hosts.conftest import AT_ONCE, LIMIT, MakeHost, end_of, for_ever, stop
from tests.loop_factories import LoopFactory


def test_start_returns_when_the_loop_turns(start: MakeHost, loop_factory: LoopFactory):
    host = start(for_ever, loop_factory=loop_factory)
    assert "running" == host.state
    snapshot = host.snapshot()
    assert ("bgw-work", "thread") == (snapshot.thread_name, snapshot.host)
    (thread,) = (t for t in threading.enumerate() if t.native_id == snapshot.native_thread_id)
    assert ("bgw-work", True) == (thread.name, thread.daemon)
    assert snapshot.started_at is not None
    assert snapshot.started_at <= time.time()
    assert 4 == host.submit(asyncio.sleep(0, 4), None).result(LIMIT)
    assert "stopped" == stop(host).state


def test_a_host_that_was_not_started_is_starting(new_host: MakeHost):
    """It has no tasks, no times, no thread of its own."""
    host = new_host(for_ever)
    assert "starting" == host.state
    snapshot = host.snapshot()
    assert ({}, None, None) == (snapshot.task_counts, snapshot.started_at, snapshot.ended_at)
    assert snapshot.native_thread_id is None


def refuses_to_start(host: ThreadHost, error: type[BaseException]) -> BaseException:
    """It raises, ends as failed, has the error for whoever asks, and is over."""
    with pytest.raises(error) as caught:
        host.start()
    end = end_of(host)
    assert ("failed", caught.value) == (end.state, end.exception)
    snapshot = host.snapshot()
    assert "failed" == snapshot.state
    assert snapshot.error is not None
    assert snapshot.error.splitlines()[-1].endswith(str(caught.value))
    late = for_ever()
    with pytest.raises(LoopEnded):
        host.submit(late, None)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(late)
    return caught.value


@pytest.mark.parametrize("error", [ValueError, TimeoutError, SystemExit, KeyboardInterrupt])
def test_a_loop_factory_that_raises(new_host: MakeHost, error: type[BaseException]):
    """Whatever it raises; a coroutine object that was to run is closed."""

    def broken() -> asyncio.AbstractEventLoop:
        raise error("no loop today")

    coroutine = for_ever()
    host = new_host(coroutine, loop_factory=broken)
    assert "no loop today" in str(refuses_to_start(host, error))
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


@pytest.mark.parametrize("nonsense", [None, 42, asyncio.new_event_loop, asyncio.Event()])
def test_a_loop_factory_that_returns_nonsense(new_host: MakeHost, nonsense: Any):
    host = new_host(for_ever, loop_factory=lambda: nonsense)
    said = str(refuses_to_start(host, InvalidWork))
    name = type(nonsense).__name__
    assert f"loop_factory must return a new event loop, and returned {name}" == said


def test_a_task_factory_that_makes_no_task_of_the_work(new_host: MakeHost):
    """Of what it makes instead, no state could be told."""

    class Wrapped:
        """A task as another library may make them."""

        def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> None:
            self._task = asyncio.Task(coroutine, loop=loop, **options)

        def set_name(self, name: str) -> None:
            """For asyncio, which insists."""
            self._task.set_name(name)

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(Wrapped)  # type: ignore[arg-type]
        return loop

    coroutine = for_ever()
    said = str(refuses_to_start(new_host(coroutine, loop_factory=factory), InvalidWork))
    assert "which is no asyncio.Task" in said
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


def test_a_loop_factory_that_returns_a_closed_loop(new_host: MakeHost):
    closed = asyncio.new_event_loop()
    closed.close()
    host = new_host(for_ever, loop_factory=lambda: closed)
    assert "this one is closed" in str(refuses_to_start(host, InvalidWork))


def test_a_loop_factory_that_returns_a_running_loop(new_host: MakeHost):
    """Which goes on undisturbed."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        host = new_host(for_ever, loop_factory=lambda: loop)
        assert "is running already" in str(refuses_to_start(host, InvalidWork))
        await asyncio.sleep(0)

    asyncio.run(main())


def test_a_first_step_that_is_taken_at_once_holds_up_no_start(
    start: MakeHost, gate: threading.Event
):
    """As an eager task factory does, which came with Python 3.12; this one waits in its place."""
    begun = threading.Event()

    def make_task(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        begun.set()
        gate.wait(LIMIT)
        return asyncio.Task(coroutine, loop=loop, **options)

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.set_task_factory(make_task)
        return loop

    async def work() -> str:
        return "done"

    host = start(work, loop_factory=factory)
    assert begun.is_set()
    assert not gate.is_set()
    assert host.state == "running"
    gate.set()
    assert end_of(host).result == "done"


def break_call_soon(loop: Any) -> None:
    def call_soon(*_args: Any, **_options: Any) -> None:
        raise OSError("the loop is broken")

    loop.call_soon = call_soon


def break_run_forever(loop: Any) -> None:
    def run_forever() -> None:
        raise OSError("the loop is broken")

    loop.run_forever = run_forever


def throw_out(loop: Any) -> None:
    def run_forever() -> None:
        raise KeyboardInterrupt

    loop.run_forever = run_forever


def test_a_loop_that_throws_its_runner_out_for_ever(
    new_host: MakeHost, monkeypatch: pytest.MonkeyPatch
):
    """It is given up, and keeps no core busy."""
    monkeypatch.setattr(thread_host, "START_LIMIT", LIMIT)

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        throw_out(loop)
        return loop

    host = new_host(for_ever(), loop_factory=factory)
    said = str(refuses_to_start(host, RuntimeError))
    assert said.startswith("the loop does not turn: KeyboardInterrupt in a task")


@pytest.mark.skipif(not TASKS_ARE_IN_C, reason="a task in Python asks itself, and cannot begin")
def test_a_task_factory_whose_tasks_tell_nothing(
    new_host: MakeHost, monkeypatch: pytest.MonkeyPatch, complaints: Complaints
):
    """The start breaks at once, and nobody waits for the end of such a loop."""
    monkeypatch.setattr(thread_host, "START_LIMIT", LIMIT)

    class Silent(asyncio.Task[Any]):
        """Raises whatever it is asked."""

        def done(self) -> bool:
            """Not told."""
            raise ValueError("not told")

        def add_done_callback(self, *_: object, **__: object) -> NoReturn:
            """Not done."""
            raise ValueError("not done")

    made: list[Silent] = []

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Silent:
        made.append(Silent(coroutine, loop=loop, **options))
        return made[-1]

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop()
        loop.set_task_factory(make)
        return loop

    host = new_host(for_ever, loop_factory=factory)
    refuses_to_start(host, ValueError)
    (said,) = complaints.take()  # Of ours, which was to end it.
    assert said.startswith("Exception in callback Agent._begin")
    for task in [*made, *host._agent._our_tasks]:
        let_go_of(task)
        with contextlib.suppress(asyncio.InvalidStateError):
            task.exception()  # Or it would be said in a later test that nobody has asked.


def test_a_loop_that_does_not_come_to_its_first_turn(
    new_host: MakeHost, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """What is said of it is so: its factory has returned."""
    monkeypatch.setattr(thread_host, "START_LIMIT", 0.05)

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        loop.call_soon(gate.wait, LIMIT)
        return loop

    host = new_host(for_ever, loop_factory=factory)
    with pytest.raises(TimeoutError, match=r"within 0\.05 s: its loop does not turn"):
        host.start()
    gate.set()
    assert "stopped" == end_of(host).state


@pytest.mark.parametrize("break_it", [break_call_soon, break_run_forever])
def test_a_loop_that_never_turns(
    new_host: MakeHost,
    break_it: Callable[[Any], None],
    monkeypatch: pytest.MonkeyPatch,
):
    """Breaks the start, at once, as a factory that raises does."""
    monkeypatch.setattr(thread_host, "START_LIMIT", AT_ONCE)

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        break_it(loop)
        return loop

    coroutine = for_ever()
    refuses_to_start(new_host(coroutine, loop_factory=factory), OSError)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


def test_a_coroutine_function_that_raises_when_it_is_called(
    new_host: MakeHost, loop_factory: LoopFactory
):
    """An error of `f(...)` itself, before there is a coroutine."""

    class Unlucky:
        """Called like a coroutine function, and fails before it has made a coroutine."""

        async def __call__(self) -> None:
            """Never runs."""

    work = Unlucky()
    host = new_host(work, loop_factory=loop_factory)
    del Unlucky.__call__
    refuses_to_start(host, TypeError)


def test_a_start_that_takes_too_long(
    new_host: MakeHost, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """The caller is not held up for ever; the loop that comes up later is stopped at once."""
    monkeypatch.setattr(thread_host, "START_LIMIT", 0.01)
    ran = []

    async def work() -> None:
        ran.append("work")

    def slow() -> asyncio.AbstractEventLoop:
        gate.wait(LIMIT)
        return asyncio.new_event_loop()

    host = new_host(work, loop_factory=slow)
    with pytest.raises(TimeoutError, match=r"'work' did not come up within 0\.01 s"):
        host.start()
    assert "stopping" == host.state
    gate.set()
    assert "stopped" == end_of(host).state
    assert [] == ran


def test_no_file_descriptor_can_be_had(
    new_host: MakeHost, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The error says what to do; what asyncio had opened already is closed, without a word."""
    made: list[selectors.BaseSelector] = []

    def no_more() -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    class Selector(selectors.DefaultSelector):
        def __init__(self) -> None:
            super().__init__()
            made.append(self)

    monkeypatch.setattr(socket, "socketpair", no_more)
    monkeypatch.setattr(selectors, "DefaultSelector", Selector)
    host = new_host(for_ever)
    with pytest.raises(OSError, match="Too many open files") as raised:
        host.start()
    monkeypatch.undo()
    assert "stop loops" in raised.value.__notes__[0]
    assert "failed" == end_of(host).state
    assert [None] == [selector.get_map() for selector in made]
    raised.value.__traceback__ = None
    gc.collect()
    assert "" == capsys.readouterr().err


def test_no_thread_can_be_had(new_host: MakeHost, monkeypatch: pytest.MonkeyPatch):
    """The coroutine is closed, the loop has failed."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    coroutine = for_ever()
    host = new_host(coroutine)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            host.start()
    assert "failed" == end_of(host).state
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


COMMANDS = [SetStopEvent, StopLoop, CancelTasks]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("work", [for_ever, None])
def test_a_command_on_a_start_that_broke_does_nothing(
    new_host: MakeHost, command: Callable[[int], Any], work: Any
):
    host = new_host(work, loop_factory=lambda: None)
    refuses_to_start(host, InvalidWork)
    host.command(command(host.loop_id))
    assert "failed" == host.state


def test_many_start_at_the_same_time(start: MakeHost):
    """Each in its own thread, with its own id."""
    with ThreadPoolExecutor(8) as pool:
        began: list[Future[ThreadHost]] = [pool.submit(start, for_ever) for _ in range(32)]
        hosts = [future.result(LIMIT) for future in began]
    assert 32 == len({host.loop_id for host in hosts})
    assert 32 == len({host.snapshot().native_thread_id for host in hosts})
    for host in hosts:
        assert "stopped" == stop(host).state
