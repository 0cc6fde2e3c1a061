"""Where a task waits, and on what, in words."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import re
import socket
import types
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bgwidgets.hosts.main_task import run_in_worker_thread
from bgwidgets.observe.await_chain import place_of
from bgwidgets.observe.suspended import LONGEST_CHAIN
from tests.loop_factories import LoopFactory
from tests.observe.conftest import Library, run, turns
from tests.observe.waits import GATE, WAITS, BareYield, OwnFuture

THIS_FILE = Path(__file__).name


@pytest.fixture(autouse=True)
def gate() -> Any:
    """Lets the worker threads go."""
    GATE.clear()
    yield
    GATE.set()


def where_is(
    work: Callable[[], Any], loop_factory: LoopFactory = asyncio.new_event_loop
) -> tuple[str | None, str | None]:
    """The place of a task that runs `work()`, as soon as it waits."""

    async def watched(_: Any) -> tuple[str | None, str | None]:
        task = asyncio.create_task(work())
        await turns(5)
        place = place_of(task)
        GATE.set()
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        await asyncio.wait({task})
        return place

    place: tuple[str | None, str | None] = run(watched, loop_factory)
    return place


def last_line_of(function: Callable[..., Any], containing: str) -> str:
    """As a place names it."""
    lines, first = inspect.getsourcelines(function)
    (number,) = (first + i for i, line in enumerate(lines) if containing in line)
    return f"{THIS_FILE}:{number} {function.__name__}"


@pytest.mark.parametrize(("work", "words"), WAITS, ids=[work.__name__ for work, _ in WAITS])
def test_what_it_waits_for(work: Callable[[], Any], words: str, loop_factory: LoopFactory):
    """In words, and the line of the user's code where it does."""
    waiting_on, where = where_is(work, loop_factory)
    assert words == waiting_on
    assert where is not None
    assert where.startswith("waits.py:")
    assert where.endswith(f" {work.__name__}")


def test_a_plain_function_of_ours_is_a_worker_thread():
    """As the main task runs one: there is no line of the user's in that."""

    async def watched(_: Any) -> Any:
        with ThreadPoolExecutor(1) as pool:
            task = asyncio.create_task(run_in_worker_thread(GATE.wait, pool))
            await turns()
            place = place_of(task)
            GATE.set()
            await task
        return place

    assert ("worker thread", None) == run(watched)


READS: dict[str, Callable[[asyncio.StreamReader], Any]] = {
    "readline": lambda reader: reader.readline(),
    "read": lambda reader: reader.read(),
    "readexactly": lambda reader: reader.readexactly(5),
    "readuntil": lambda reader: reader.readuntil(),
}


def test_a_stream(loop_factory: LoopFactory):
    """It waits for a socket, whichever of its methods reads; and to write when it is full.

    The line is asyncio's, as there is none of the user's.
    """

    async def watched(_: Any) -> list[Any]:
        reader, writer = await asyncio.open_connection(sock=ours)
        writer.write(b"x" * 10_000_000)
        places = []
        for waits in (*(read(reader) for read in READS.values()), writer.drain()):
            task = asyncio.create_task(waits)
            await turns()
            places.append(place_of(task))
            task.cancel()
            await asyncio.wait({task})
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return places

    ours, theirs = socket.socketpair()
    with theirs:
        places = run(watched, loop_factory)
    assert ["socket read"] * len(READS) + ["socket write"] == [words for words, _ in places]
    told = [re.fullmatch(r"streams\.py:\d+ (\w+)", where) for _, where in places]
    assert [*READS, "drain"] == [line and line[1] for line in told]


def test_where_is_the_users_innermost_line(loop_factory: LoopFactory):
    """Not asyncio's, not ours, and not the outer ones."""

    async def inner() -> None:
        async with asyncio.timeout(3600):
            await asyncio.Event().wait()  # here

    async def middle() -> None:
        await asyncio.wait_for(inner(), 3600)

    async def outer() -> None:
        await middle()

    expected = ("event", last_line_of(inner, "# here"))
    assert expected == where_is(outer, loop_factory)


PACKAGE = """
import asyncio

class Queue:
    async def get(self, inner=None):
        await (inner or asyncio.Event().wait())
"""
"""An installed one, with a class that is called like one of asyncio's."""


def test_below_a_package_the_users_line_is_named(library: Library):
    """Not the package's, nor the standard library's: they are no lines that the user can change."""
    get = library(PACKAGE)["Queue"]().get

    async def work() -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(get)

    line = work.__code__.co_firstlineno + 1
    assert ("event", f"{THIS_FILE}:{line} work") == where_is(work)


def test_below_a_package_in_a_timeout_too(library: Library):
    """Up to Python 3.11 it runs in a task of its own."""
    get = library(PACKAGE)["Queue"]().get

    async def work() -> None:
        await asyncio.wait_for(get(), 3600)  # here

    assert ("event", last_line_of(work, "# here")) == where_is(work)


def test_what_a_package_calls_of_the_users_is_the_users(library: Library):
    """The innermost counts."""
    get = library(PACKAGE)["Queue"]().get

    async def handler() -> None:
        await get()  # here

    async def work() -> None:
        await get(handler())

    assert ("event", last_line_of(handler, "# here")) == where_is(work)


def test_where_nothing_is_the_users_the_package_is_named(library: Library):
    """Rather than nothing, or the standard library's line."""
    names = library(
        PACKAGE
        + """
from contextlib import AsyncExitStack

async def serve():
    async with AsyncExitStack() as stack:
        stack.push_async_callback(Queue().get)
"""
    )
    assert ("event", "lib.py:6 get") == where_is(names["Queue"]().get)
    assert ("event", "lib.py:6 get") == where_is(names["serve"])


def test_the_users_own_functions_are_no_words_of_asyncios():
    """Though one is called `sleep`, and waits for an event."""

    async def to_thread() -> None:
        await asyncio.Event().wait()

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    assert "event" == where_is(to_thread)[0]
    assert "future" == where_is(wait)[0]


def test_what_asyncio_calls_of_the_users_is_the_users():
    """The words are for the innermost line that is shown, not for what is outside of it."""

    class Reader(asyncio.StreamReader):
        """Has a way of its own to read, which asyncio's `readline` calls."""

        async def readuntil(self, *_args: Any, **_options: Any) -> bytes:
            """Wait."""
            await asyncio.Event().wait()  # here
            return b""

    async def work() -> None:
        await Reader().readline()

    assert ("event", last_line_of(Reader.readuntil, "# here")) == where_is(work)


def test_through_awaitables_of_all_kinds():
    """Objects with `__await__`, and generators that are coroutines."""

    class Awaitable_:  # noqa: N801 - a name is taken
        """Awaits inside of a generator."""

        def __await__(self) -> Generator[Any, None, None]:
            """Wait."""
            yield from asyncio.Event().wait().__await__()  # here

    @types.coroutine
    def old_style() -> Generator[Any, None, None]:
        yield from asyncio.Event().wait().__await__()  # here

    async def with_object() -> None:
        await Awaitable_()

    async def with_old_style() -> None:
        await old_style()

    assert ("event", last_line_of(Awaitable_.__await__, "# here")) == where_is(with_object)
    assert ("event", last_line_of(old_style, "# here")) == where_is(with_old_style)


@pytest.mark.parametrize("how", ["async for", "anext", "anext with a default", "asend", "aclose"])
def test_into_an_asynchronous_generator(how: str, loop_factory: LoopFactory):
    """However it is asked for its next value, or to end."""

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            if how == "aclose":
                yield 0
            await asyncio.Event().wait()  # here
        finally:
            if how == "aclose":
                await asyncio.Event().wait()  # at its end
        yield 1

    async def work() -> None:
        generator = numbers()
        if how == "async for":
            async for _ in generator:
                pass
        elif how == "anext":
            await anext(generator)
        elif how == "anext with a default":
            await anext(generator, None)
        elif how == "asend":
            await generator.asend(None)
        else:
            await anext(generator)
            await generator.aclose()

    line = "# at its end" if how == "aclose" else "# here"
    assert ("event", last_line_of(numbers, line)) == where_is(work, loop_factory)


@pytest.mark.parametrize("awaitable", [BareYield, OwnFuture])
def test_an_awaitable_of_the_users_own(awaitable: Callable[[], Any], loop_factory: LoopFactory):
    """It waits, and for what is its own affair; the line is that of its `__await__`."""

    async def work() -> None:
        await awaitable()

    words, where = where_is(work, loop_factory)
    assert "unknown" == words
    assert where is not None
    assert where.startswith("waits.py:")
    assert where.endswith(" __await__")


def test_a_task_that_has_not_begun():
    """It waits for nothing; its first line is where it will begin."""

    async def watched(_: Any) -> Any:
        task = asyncio.create_task(turns())
        place = place_of(task)
        task.cancel()
        return place

    words, where = run(watched)
    assert words is None
    assert where is not None
    assert where.endswith(" turns")


def test_a_task_looks_at_itself():
    """It runs, so it waits for nothing."""

    async def watched(_: Any) -> Any:
        task = asyncio.current_task()
        assert task is not None
        return place_of(task)

    words, where = run(watched)
    assert words is None
    assert where is not None
    assert where.startswith(f"{THIS_FILE}:")


def test_a_task_that_has_ended_is_nowhere():
    async def watched(_: Any) -> Any:
        task = asyncio.create_task(turns(1))
        await asyncio.wait({task})
        return place_of(task)

    assert (None, None) == run(watched)


def test_a_deep_recursion_is_not_followed_to_its_end():
    """Which would take long; so it is not known for what it waits, and said why."""

    async def recurse(depth: int) -> None:
        if depth:
            await recurse(depth - 1)
        await asyncio.sleep(3600)

    words, where = where_is(lambda: recurse(LONGEST_CHAIN + 100))
    assert f"more than {LONGEST_CHAIN} calls deep" == words
    assert where is not None
    assert where.endswith(" recurse")


def test_a_name_lookup(monkeypatch: pytest.MonkeyPatch):
    """Which asyncio has done by a thread."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: GATE.wait(10) and [])

    async def work() -> None:
        await asyncio.get_running_loop().getaddrinfo("example.org", 80)

    assert ("name lookup", last_line_of(work, "example.org")) == where_is(work)


class OddFuture:
    """Not asyncio's, though a task can wait for it; what it calls as asyncio does is no such."""

    _asyncio_future_blocking = True
    _callbacks = (1, 2, 3)
    _children = 4

    def __init__(self) -> None:
        self._real = asyncio.get_running_loop().create_future()
        for name in ("get_loop", "add_done_callback", "cancel"):
            setattr(self, name, getattr(self._real, name))

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for ever."""
        yield self


class OddCallback:
    """Has any attribute that one asks for, and none that makes sense."""

    def __call__(self, _: asyncio.Future[Any]) -> None:
        """Do nothing."""

    def __getattr__(self, _: str) -> list[int]:
        """Nonsense."""
        return []


def test_a_future_that_is_not_asyncios():
    """It looks like one to a task, and answers otherwise."""

    async def work() -> None:
        await OddFuture()

    assert "unknown" == where_is(work)[0]


def test_a_future_with_callbacks_of_the_users_own():
    async def work() -> None:
        future = asyncio.get_running_loop().create_future()
        callbacks: tuple[Any, ...] = (OddCallback(), partial(OddCallback()), [].append)
        for callback in callbacks:
            future.add_done_callback(callback)
        await future

    assert "future" == where_is(work)[0]


@pytest.mark.skipif(os.name == "nt", reason="the process is a POSIX one")
def test_a_subprocess_pipe(loop_factory: LoopFactory):
    """It is read and written like a socket, and called what it is."""

    async def watched(_: Any) -> list[str | None]:
        process = await asyncio.create_subprocess_exec("sleep", "3600", stdin=-1, stdout=-1)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x" * 10_000_000)
        words = []
        for waits in (process.stdout.readline(), process.stdin.drain()):
            task = asyncio.create_task(waits)
            await turns()
            words.append(place_of(task)[0])
            task.cancel()
            await asyncio.wait({task})
        process.kill()
        await process.wait()
        return words

    assert ["pipe read", "pipe write"] == run(watched, loop_factory)


@pytest.mark.skipif(os.name == "nt", reason="the process is a POSIX one")
@pytest.mark.parametrize("method", ["wait", "communicate"])
def test_a_subprocess(method: str, loop_factory: LoopFactory):
    async def work() -> None:
        process = await asyncio.create_subprocess_exec("sleep", "3600", stdout=-1)
        started.set()
        try:
            await getattr(process, method)()
        finally:
            process.kill()
            await process.communicate()

    started = asyncio.Event()

    async def watched(_: Any) -> Any:
        task = asyncio.create_task(work())
        await started.wait()
        await turns()
        place = place_of(task)
        task.cancel()
        await asyncio.wait({task})
        return place

    words, where = run(watched, loop_factory)
    assert "subprocess" == words
    assert (where or "").endswith(" work")
