"""A task's whole await chain: functions, lines and their text, and timeouts."""

from __future__ import annotations

import asyncio
import contextlib
import linecache
import threading
import weakref
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from IPython.core.compilerop import CachingCompiler

from bgwidgets.observe.await_chain import place_of
from bgwidgets.observe.await_tree import LONGEST_FRAMES, describe
from bgwidgets.observe.ledger import Ledger
from bgwidgets.snapshots import AwaitFrame, TaskDetail
from tests.loop_factories import LoopFactory
from tests.observe.conftest import for_ever, id_of, run, running_beside, turns

Works = Callable[[], Coroutine[Any, Any, Any]]


def detail_of(work: Works, loop_factory: LoopFactory = asyncio.new_event_loop) -> TaskDetail:
    """Of a task that runs `work()`, as soon as it waits."""

    async def watched(_: Ledger) -> TaskDetail:
        task = asyncio.create_task(work())
        await turns(5)
        detail = describe(task, id_of)
        task.cancel()
        await asyncio.wait({task})
        return detail

    detail: TaskDetail = run(watched, loop_factory)
    return detail


async def inner() -> None:
    await asyncio.Event().wait()


async def outer() -> None:
    await inner()


def test_the_whole_chain(loop_factory: LoopFactory):
    """The outermost first, down to asyncio's own function, each with the text of its line."""
    detail = detail_of(outer, loop_factory)
    assert ["outer", "inner", "Event.wait"] == [frame.function for frame in detail.chain]
    assert ["await inner()", "await asyncio.Event().wait()", "await fut"] == [
        frame.source_line for frame in detail.chain
    ]
    assert [Path(__file__).name] * 2 + ["locks.py"] == [frame.file for frame in detail.chain]
    assert __file__ == detail.chain[0].path
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert "await inner()" == lines[detail.chain[0].line - 1].strip()
    assert ("event", 0) == (detail.waiting_on, detail.frames_left_out)


def test_a_method_is_told_with_its_class():
    class Client:
        """Fetches."""

        async def fetch(self) -> None:
            """Take long."""
            await inner()

    assert "Client.fetch" == detail_of(Client().fetch).chain[0].function


def test_a_notebooks_cell():
    """IPython keeps the text of its cells where it can be found."""
    compiler = CachingCompiler()
    source = "async def cell():\n    await inner()  # in a cell\n"
    filename = compiler.cache(source, 7)
    namespace: dict[str, Any] = {"inner": inner}
    exec(compile(source, filename, "exec"), namespace)  # noqa: S102 - as IPython does
    frame = detail_of(namespace["cell"]).chain[0]
    assert (2, "await inner()  # in a cell") == (frame.line, frame.source_line)
    assert filename == frame.path


def test_code_without_a_source():
    """There is no text, and all the rest."""
    namespace: dict[str, Any] = {"inner": inner}
    exec("async def made():\n    await inner()\n", namespace)  # noqa: S102 - what this is about
    frame = detail_of(namespace["made"]).chain[0]
    assert AwaitFrame(function="made", file="<string>", path="<string>", line=2) == frame


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path):
    """As tracebacks do: the lines are those of the file, not of a memory of it."""
    file = tmp_path / "work.py"
    file.write_text("async def work():\n    await inner()\n", encoding="utf-8")
    namespace: dict[str, Any] = {"inner": inner}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), namespace)  # noqa: S102
    assert "await inner()" == detail_of(namespace["work"]).chain[0].source_line
    file.write_text("async def work():\n    await inner()  # changed\n", encoding="utf-8")
    assert "await inner()  # changed" == detail_of(namespace["work"]).chain[0].source_line
    linecache.clearcache()


def test_uvloops_compiled_functions_are_told_without_their_text():
    """The chain reaches the loop's own, of which there is a name and no text."""
    uvloop = pytest.importorskip("uvloop")

    async def connect() -> None:
        loop = asyncio.get_running_loop()
        await loop.getaddrinfo("localhost", 80)

    async def watched(_: Ledger) -> TaskDetail:
        task = asyncio.create_task(connect())
        await asyncio.sleep(0)
        detail = describe(task, id_of)
        await asyncio.wait({task})
        return detail

    detail = run(watched, uvloop.new_event_loop)
    assert ["connect", "Loop.getaddrinfo"] == [frame.function for frame in detail.chain]
    assert ("loop.pyx", "") == (detail.chain[1].file, detail.chain[1].source_line)
    assert "name lookup" == detail.waiting_on


def test_both_ends_of_a_deep_recursion():
    """It says how many are left out between them."""

    async def recurse(depth: int = LONGEST_FRAMES + 48) -> None:
        await (recurse(depth - 1) if depth else inner())

    chain = detail_of(recurse).chain
    assert (LONGEST_FRAMES, "recurse", "Event.wait") == (
        len(chain),
        chain[0].function,
        chain[-1].function,
    )
    # 49 calls, `inner` and `Event.wait` are more than fit.
    assert 51 == detail_of(recurse).frames_left_out


def test_a_task_that_has_not_begun_and_one_that_has_ended():
    async def watched(_: Ledger) -> list[TaskDetail]:
        task = asyncio.create_task(outer())
        details = [describe(task, id_of)]
        task.cancel()
        await asyncio.wait({task})
        return [*details, describe(task, id_of)]

    not_begun, ended = run(watched)
    assert (["outer"], None) == (
        [frame.function for frame in not_begun.chain],
        not_begun.waiting_on,
    )
    assert ((), None, None) == (ended.chain, ended.waiting_on, ended.where)


# Timeouts


def timeouts_of(work: Works, loop_factory: LoopFactory) -> dict[str, str | None]:
    """In whole minutes."""
    return {
        frame.function: f"{frame.timeout / 60:.0f}"
        for frame in detail_of(work, loop_factory).chain
        if frame.timeout is not None
    }


def test_the_timeouts_that_a_task_is_in(loop_factory: LoopFactory):
    """Each where it was set, in seconds; of several, the first that will run out."""

    async def within_a_minute() -> None:
        async with asyncio.timeout(60), asyncio.timeout(600):
            await inner()

    async def within_two() -> None:
        async with asyncio.timeout(120):
            await within_a_minute()

    assert {"within_two": "2", "within_a_minute": "1"} == timeouts_of(within_two, loop_factory)


def test_a_timeout_that_was_entered_by_way_of_an_exit_stack(loop_factory: LoopFactory):
    """As long as the stack has it, and its time is not over."""

    async def handed_on() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(asyncio.timeout(60))
            others = stack.pop_all()
            await for_ever()
            await others.aclose()

    async def stacked() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(asyncio.timeout(600))
            await stack.enter_async_context(asyncio.timeout(120))
            stack.callback(int)
            await for_ever()

    async def left() -> None:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(asyncio.timeout(60))
        await for_ever()

    assert {"stacked": "2"} == timeouts_of(stacked, loop_factory)
    assert {"handed_on": "1"} == timeouts_of(handed_on, loop_factory)
    assert {} == timeouts_of(left, loop_factory)


def test_wait_fors_timeout(loop_factory: LoopFactory):
    """On Python 3.11 the rest of the chain is another task's."""

    async def work() -> None:
        await asyncio.wait_for(inner(), 180)

    assert {"wait_for": "3"} == timeouts_of(work, loop_factory)


def test_no_timeout_that_is_over_or_has_no_end(loop_factory: LoopFactory):
    """Though the coroutine still holds it."""

    async def work() -> None:
        async with asyncio.timeout(60) as over:
            await asyncio.sleep(0)
        async with asyncio.timeout(None) as endless:
            assert over is not endless
            await inner()

    assert {} == timeouts_of(work, loop_factory)


# What looking does


class Thing:
    """Something of the user's."""


@pytest.mark.parametrize("look", [place_of, lambda task: describe(task, id_of)])
def test_looking_keeps_nothing_of_the_users_alive(look: Callable[[asyncio.Task[Any]], object]):
    """Nor does it disturb what it looks at: the task goes on as if nobody had."""

    async def work() -> str:
        thing = Thing()
        things.append(weakref.ref(thing))
        async with asyncio.timeout(60):
            await first.wait()
        del thing
        await second.wait()
        return "done"

    async def watched(_: Ledger) -> str:
        task = asyncio.create_task(work())
        await turns()
        look(task)
        first.set()
        await turns()
        assert things[0]() is None
        second.set()
        return await task

    things: list[weakref.ref[Thing]] = []
    first, second = asyncio.Event(), asyncio.Event()
    assert "done" == run(watched)


def test_no_code_of_the_users_is_run():
    """Not even to find out of which class a thing is."""

    class Shy:
        """Says nothing of itself."""

        @property  # type: ignore[misc] # in `object` it can be set, for type checkers
        def __class__(self) -> type:
            """Must not be asked."""
            asked.append("__class__")
            return int

        def __getattribute__(self, name: str) -> object:
            """Must not be asked."""
            asked.append(name)
            return object.__getattribute__(self, name)

        def __hash__(self) -> int:
            """Must not be asked."""
            asked.append("hash")
            return 1

    async def work() -> None:
        shy = Shy()
        asked.clear()
        await inner()
        del shy

    asked: list[str] = []
    detail_of(work)
    assert [] == asked


def test_from_another_thread_while_the_loop_is_busy(loop_factory: LoopFactory):
    """Tasks come and go all the time, and each look is answered."""

    async def short(depth: int) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(3 if depth else 0):
                group.create_task(short(depth - 1))
            await asyncio.gather(asyncio.sleep(0), asyncio.shield(asyncio.sleep(0)))

    async def watched(_: Ledger) -> None:
        waiting = asyncio.create_task(for_ever())
        try:
            while not is_enough.is_set():
                await asyncio.wait_for(short(2), 60)
        finally:
            waiting.cancel()

    is_enough = threading.Event()
    looks = 0
    with running_beside(watched, loop_factory) as ledger:
        try:
            while looks < 2000:
                for task in ledger.unfinished():
                    number = ledger.id_of(task)
                    detail = describe(task, id_of)
                    assert detail.id in {number, None}
                    looks += 1
        finally:
            is_enough.set()
