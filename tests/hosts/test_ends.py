"""How a loop ends: the first line of the contract's table that matches."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import pytest

from bgwidgets.commands import CancelTasks, StopLoop
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.snapshots import WindowRequest
from tests.conftest import Complaints
from tests.hostile_errors import NAMES, RAISED_BY_TASKS
from tests.hosts.conftest import LIMIT, MakeHost, end_of, for_ever, stop
from tests.loop_factories import LoopFactory
from tests.waiting import until


def test_main_returned(start: MakeHost, loop_factory: LoopFactory):
    async def work() -> str:
        return "result"

    began = time.time()
    host = start(work, loop_factory=loop_factory)
    end = end_of(host)
    assert ("finished", "result", None) == (end.state, end.result, end.exception)
    assert ((), (), ()) == (
        end.leftovers.unfinished_tasks,
        end.leftovers.threads_left,
        end.leftovers.notes,
    )
    snapshot = host.snapshot()
    assert snapshot.started_at is not None
    assert began <= snapshot.started_at <= end.ended_at == snapshot.ended_at
    assert snapshot.error is None
    assert snapshot.stop_requested is False


@pytest.mark.parametrize(
    "error",
    [
        KeyError("a"),
        SystemExit(3),
        KeyboardInterrupt(),
        GeneratorExit(),
        ExceptionGroup("two", [KeyError("a"), ValueError("b")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_main_raised(start: MakeHost, loop_factory: LoopFactory, error: BaseException):
    """Anything but CancelledError: the exception is kept as it is, and told as text."""

    async def work() -> None:
        await asyncio.sleep(0)
        raise error

    host = start(work, loop_factory=loop_factory)
    end = end_of(host)
    assert ("failed", None) == (end.state, end.result)
    assert error is end.exception
    text = host.snapshot().error
    assert text is not None
    assert type(error).__name__ in text
    assert "in work" in text


@pytest.mark.parametrize(
    ("kind", "name"),
    list(zip(RAISED_BY_TASKS, NAMES, strict=False)),
    ids=NAMES[: len(RAISED_BY_TASKS)],
)
def test_main_raised_what_tells_nothing_of_itself(
    start: MakeHost, kind: type[Exception], name: str
):
    """The loop ends as with any other error, and what is known of it is told."""
    error = kind("its text")

    async def work() -> None:
        raise error

    host = start(work)
    end = end_of(host)
    assert "failed" == end.state
    assert error is end.exception
    assert f"{name}: its text" == host.snapshot().error_line


def test_main_is_a_task_that_does_not_tell_how_it_ended(start: MakeHost):
    """As a factory may make it: why nothing is known is why the loop has failed."""

    class Silent(asyncio.Task[Any]):
        def result(self) -> NoReturn:
            """Not told."""
            raise ValueError("not told")

    def new_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop()
        loop.set_task_factory(lambda loop, coro, **options: Silent(coro, loop=loop, **options))
        return loop

    async def work() -> int:
        return 1

    host = start(work, loop_factory=new_loop)
    assert "failed" == end_of(host).state
    assert "ValueError: not told" == host.snapshot().error_line


def test_main_was_cancelled(start: MakeHost, loop_factory: LoopFactory):
    """By a command, or because it cancelled itself."""

    async def work() -> None:
        raise asyncio.CancelledError

    end = end_of(start(work, loop_factory=loop_factory))
    assert ("cancelled", None, None) == (end.state, end.result, end.exception)


def test_main_that_returns_when_it_is_stopped_was_stopped(start: MakeHost):
    """`stop_loop()` wins over what main made of it, and there is no result."""
    begun = threading.Event()

    async def work() -> str:
        try:
            begun.set()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
        return "a result that came too late"

    host = start(work)
    assert begun.wait(LIMIT)
    end = stop(host)
    assert ("stopped", None) == (end.state, end.result)


@pytest.mark.parametrize(
    ("command", "expected"), [(CancelTasks, "finished"), (StopLoop, "stopped")]
)
def test_main_that_swallows_a_cancellation_went_on(
    start: MakeHost, command: Callable[[int], Any], expected: str
):
    begun, go_on = threading.Event(), threading.Event()

    async def work() -> str:
        try:
            begun.set()
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            go_on.set()
        await asyncio.sleep(0.01)
        return "result"

    host = start(work)
    assert begun.wait(LIMIT)
    host.command(command(host.loop_id))
    assert go_on.wait(LIMIT)
    assert expected == end_of(host).state


@pytest.mark.parametrize("command", [CancelTasks, StopLoop])
def test_main_that_fails_in_its_cancel_handler_has_failed(
    start: MakeHost, loop_factory: LoopFactory, command: Callable[[int], Any]
):
    """Also when it was stopped: an error is never hidden."""
    begun = threading.Event()

    async def work() -> None:
        try:
            begun.set()
            await asyncio.sleep(3600)
        finally:
            raise ValueError("the clean-up broke")

    host = start(work, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    host.command(command(host.loop_id))
    end = end_of(host)
    assert "failed" == end.state
    assert "the clean-up broke" == str(end.exception)


def test_what_main_leaves_is_cancelled(start: MakeHost, loop_factory: LoopFactory):
    """And may clean up: the loop closes when all of it has ended."""
    cleaned: list[str] = []

    async def sprinter(name: str) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(name)

    async def work() -> str:
        tasks = [asyncio.create_task(sprinter(name), name=name) for name in "ab"]
        await asyncio.sleep(0)
        del tasks
        return "done"

    host = start(work, loop_factory=loop_factory)
    assert ("finished", "done") == (end_of(host).state, end_of(host).result)
    assert ["a", "b"] == sorted(cleaned)
    counts = host.snapshot().task_counts
    assert {"finished": 1, "cancelled": 2} == {key: n for key, n in counts.items() if n}


def test_stopping_shows_while_the_rest_cleans_up(start: MakeHost, gate: threading.Event):
    """Main has ended, the loop has not: no new work, and it takes a stop."""
    cleaning = threading.Event()

    async def slow_to_leave() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            cleaning.set()
            await asyncio.to_thread(gate.wait, LIMIT)

    async def work() -> None:
        keep.append(asyncio.create_task(slow_to_leave()))
        await asyncio.sleep(0)

    keep: list[Any] = []
    host = start(work)
    assert cleaning.wait(LIMIT)
    assert "stopping" == host.state
    gate.set()
    assert "finished" == end_of(host).state


def test_a_stop_while_the_rest_cleans_up_counts(start: MakeHost, gate: threading.Event):
    """Main had returned, and then a stop was asked for: stopped, says the table."""
    begun, swallowed = threading.Event(), threading.Event()

    async def stays() -> None:
        begun.set()
        while not gate.is_set():
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                swallowed.set()

    async def work() -> None:
        keep.append(asyncio.create_task(stays()))
        await asyncio.sleep(0)

    keep: list[Any] = []
    host = start(work)
    assert begun.wait(LIMIT)
    assert swallowed.wait(LIMIT)
    host.command(StopLoop(host.loop_id))
    gate.set()
    assert "stopped" == end_of(host).state


def test_the_end_is_told_exactly_once(start: MakeHost):
    """In the loop's thread, when the loop is closed."""
    told: list[tuple[str, bool]] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        await host_is_known.wait()

    host_is_known = asyncio.Event()
    host = start(work)
    thread = host.snapshot().thread_name
    host.ended.add_done_callback(
        lambda _: told.append((threading.current_thread().name, loops[0].is_closed()))
    )
    for _ in range(3):
        stop(host)
    until(lambda: told)  # Those who wait for the end hear of it before those who are called.
    assert [(thread, True)] == told


def test_a_loop_that_breaks_is_lost(start: MakeHost):
    """Its own code raised, not a task's: the futures fail, the coroutines inside are let go."""
    broken = threading.Event()

    class Broken(asyncio.SelectorEventLoop):
        """Breaks when told."""

        def _run_once(self) -> None:
            if broken.is_set():
                raise OSError("the selector broke")
            super()._run_once()  # type: ignore[misc] # private, but there

    host = start(for_ever, loop_factory=Broken)
    futures = [host.submit(for_ever(), None)]
    assert 1 == host.submit(asyncio.sleep(0, 1), None).result(LIMIT)
    broken.set()
    futures.append(host.submit(for_ever(), None))
    end = end_of(host)
    assert "lost" == end.state == host.state
    assert ("the event loop broke: OSError: the selector broke",) == end.leftovers.notes
    for future in futures:
        assert "LoopEnded" == type(future.exception(LIMIT)).__name__
    assert {"work", "Task"} == {name.split("-")[0] for name in end.leftovers.unfinished_tasks}


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_a_loop_that_cannot_be_closed_has_ended(start: MakeHost, error: type[BaseException]):
    """What it raises is noted."""

    class Open(asyncio.SelectorEventLoop):
        """Is closed, and does not say so."""

        def close(self) -> None:
            super().close()
            raise error("not today")

    host = start(for_ever, loop_factory=Open)
    future = host.submit(for_ever(), None)
    end = stop(host)
    assert "stopped" == end.state
    said = f"the event loop could not be closed: {error.__name__}: not today"
    assert (said,) == end.leftovers.notes == host.snapshot().notes
    assert future.done()


@pytest.mark.parametrize("is_stopped", [False, True])
def test_code_that_makes_asyncio_forget_its_loop_keeps_it_from_no_end(
    start: MakeHost, is_stopped: bool
):
    """As some do to call `asyncio.run` where a loop runs. What is left may clean up."""
    begun, cleaned = threading.Event(), threading.Event()

    async def left() -> None:
        try:
            await for_ever()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    async def work() -> int:
        loop = asyncio.get_running_loop()
        loop.create_task(left()).add_done_callback(lambda _: None)
        future = loop.create_future()
        await asyncio.sleep(0)
        asyncio._set_running_loop(None)
        begun.set()
        if is_stopped:
            await future
        return 1

    host = start(work)
    assert begun.wait(LIMIT)
    end = stop(host) if is_stopped else end_of(host)
    assert ("stopped" if is_stopped else "finished") == end.state
    assert () == end.leftovers.unfinished_tasks == end.leftovers.notes
    assert cleaned.is_set()


def test_a_main_tasks_error_is_never_called_unretrieved(start: MakeHost, complaints: Complaints):
    """The host has looked at it, though nobody asked for it yet."""

    async def work() -> None:
        raise ValueError("seen")

    host = start(work)
    assert "failed" == end_of(host).state
    del host
    assert [] == complaints.take()


def main_row(host: ThreadHost) -> tuple[str, str, bool]:
    (task,) = host.task_window(WindowRequest()).tasks
    return task.name, task.coroutine, task.is_main


def test_the_main_task_is_marked(start: MakeHost):
    """It bears the loop's name."""
    assert ("work", "for_ever", True) == main_row(start(for_ever))


def test_the_main_task_is_marked_whatever_a_task_factory_does(start: MakeHost):
    """One that starts a task of its own beside each, as an eager main task may too."""

    def factory() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        side: list[Any] = []

        def make(
            loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, Any], **options: Any
        ) -> asyncio.Task[Any]:
            if not side:
                side.append(None)
                side[0] = loop.create_task(for_ever(), name="beside it")
            return asyncio.Task(coro, loop=loop, **options)

        loop.set_task_factory(make)  # type: ignore[arg-type] # no options on 3.11
        return loop

    host = start(for_ever, loop_factory=factory)
    tasks = host.task_window(WindowRequest()).tasks
    assert {"work": True, "beside it": False} == {task.name: task.is_main for task in tasks}
