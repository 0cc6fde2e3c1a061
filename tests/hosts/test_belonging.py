"""Which loop code belongs to: its tasks, its worker threads, and what others submit to it."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, ClassVar

from bgwidgets import belonging
from bgwidgets.belonging import current_loop_id, loop_id_of_thread, works_for
from tests.hosts.conftest import LIMIT, MakeHost, end_of
from tests.loop_factories import LoopFactory


async def where_am_i() -> int | None:
    return current_loop_id()


def test_outside_of_all_loops():
    """Also in a loop that is not ours."""
    assert current_loop_id() is None
    assert loop_id_of_thread() is None
    assert asyncio.run(where_am_i()) is None


def test_everywhere_in_a_loop(start: MakeHost, loop_factory: LoopFactory):
    """In main, its children, what they hand to worker threads, and in callbacks."""

    async def work() -> dict[str, int | None]:
        loop = asyncio.get_running_loop()
        called = loop.create_future()
        loop.call_soon(lambda: called.set_result(current_loop_id()))
        async with asyncio.TaskGroup() as group:
            in_group = group.create_task(where_am_i())
        return {
            "main": current_loop_id(),
            "task": await asyncio.create_task(where_am_i()),
            "gather": (await asyncio.gather(where_am_i()))[0],
            "task group": in_group.result(),
            "to_thread": await asyncio.to_thread(current_loop_id),
            "run_in_executor": await loop.run_in_executor(None, current_loop_id),
            "callback": await called,
            "empty context": await asyncio.create_task(where_am_i(), context=contextvars.Context()),
        }

    host = start(work, loop_factory=loop_factory)
    found = end_of(host).result
    assert dict.fromkeys(found, host.loop_id) == found


def test_in_the_first_step_worker_threads_are_the_loops_own(
    start: MakeHost, loop_factory: LoopFactory
):
    """Also in an eager first step: no thread of asyncio's own, which would hold up the exit."""

    async def work() -> tuple[str, bool]:
        def describe() -> tuple[str, bool]:
            return threading.current_thread().name, threading.current_thread().daemon

        return await asyncio.to_thread(describe)

    assert ("bgw-work-worker-1", True) == end_of(start(work, loop_factory=loop_factory)).result


def test_what_another_loop_submits_belongs_where_it_runs(
    start: MakeHost, loop_factory: LoopFactory
):
    """It does not bring its caller's loop along."""
    other = start(loop_factory=loop_factory)

    async def in_other() -> list[int | None]:
        return [
            current_loop_id(),
            await asyncio.create_task(where_am_i()),
            await asyncio.to_thread(current_loop_id),
            # In a thread of its own, which knows only the context that it is given.
            await asyncio.get_running_loop().run_in_executor(
                pool, contextvars.copy_context().run, current_loop_id
            ),
        ]

    async def work() -> tuple[list[int | None], int | None]:
        found = await asyncio.wrap_future(other.submit(in_other(), None))
        return found, current_loop_id()

    with ThreadPoolExecutor(1) as pool:
        host = start(work)
        assert ([other.loop_id] * 4, host.loop_id) == end_of(host).result


def test_what_another_loop_calls_belongs_where_it_runs(start: MakeHost):
    """By asyncio's own ways into a loop, which bring the caller's context along."""
    loops: list[asyncio.AbstractEventLoop] = []
    other = start()

    async def in_other() -> list[int | None]:
        return [current_loop_id(), await asyncio.to_thread(current_loop_id)]

    async def note_loop() -> None:
        loops.append(asyncio.get_running_loop())

    async def work() -> Any:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(in_other(), loops[0]))

    other.submit(note_loop(), None).result(LIMIT)
    assert [other.loop_id, other.loop_id] == end_of(start(work)).result


def test_a_loop_that_is_started_by_another_is_its_own(start: MakeHost):
    """It does not belong to the one that started it."""

    async def work() -> tuple[int, int | None, int | None]:
        inner = start(where_am_i)
        end = await asyncio.to_thread(end_of, inner)
        return inner.loop_id, end.result, current_loop_id()

    host = start(work)
    inner, found, outer = end_of(host).result
    assert (inner, host.loop_id) == (found, outer)


def test_threads_of_the_works_own_belong_nowhere(start: MakeHost):
    """Nobody told them; but one that is given the context does, and one that works for the loop by
    `run_in_executor` for as long as it does.
    """

    async def work() -> list[int | None]:
        with ThreadPoolExecutor(1) as pool:
            context = contextvars.copy_context()
            loop = asyncio.get_running_loop()
            return [
                await asyncio.wrap_future(pool.submit(current_loop_id)),
                await asyncio.wrap_future(pool.submit(context.run, current_loop_id)),
                await loop.run_in_executor(pool, current_loop_id),
                await asyncio.wrap_future(pool.submit(current_loop_id)),
            ]

    host = start(work)
    assert [None, host.loop_id, host.loop_id, None] == end_of(host).result


def test_its_own_thread_and_its_worker_threads_work_for_it(start: MakeHost):
    """Only the first is its own; the others may wait for what runs on it."""

    async def work() -> list[tuple[int | None, bool]]:
        def look() -> tuple[int | None, bool]:
            return loop_id_of_thread(), works_for(host.loop_id)

        await known.wait()
        return [look(), await asyncio.to_thread(look)]

    known = asyncio.Event()
    host = start(work)
    host.submit(set_event(known), None)
    assert [(host.loop_id, True), (None, True)] == end_of(host).result
    assert not works_for(host.loop_id)


async def set_event(event: asyncio.Event) -> None:
    event.set()


def test_the_creators_context_is_the_works(start: MakeHost):
    """As with every task: what the creator had set, the work finds."""
    variable = contextvars.ContextVar("variable", default="unset")

    async def work() -> str:
        return variable.get()

    variable.set("set by the creator")
    assert "set by the creator" == end_of(start(work)).result


def test_a_thread_works_for_a_loop_only_while_it_turns(start: MakeHost):
    """The system gives a thread's number to the next one."""

    async def work() -> list[int]:
        return [threading.get_ident(), await asyncio.to_thread(threading.get_ident)]

    host = start(work)
    numbers = end_of(host).result
    for thread in threading.enumerate():
        if thread.name.startswith("bgw-work"):
            thread.join(LIMIT)
    for number in numbers:
        assert number not in belonging._loop_of_thread
        assert number not in belonging._loop_of_worker


def test_a_threads_number_may_be_given_out_again():
    """A new thread does not belong to the loop of the one that had its number before."""
    number = threading.get_ident()
    belonging._loop_of_thread[number] = (7, threading.Thread())
    try:
        assert loop_id_of_thread() is None
        assert not works_for(7)
        assert belonging.loop_id_of(number) is None
    finally:
        belonging._loop_of_thread.pop(number, None)


class LookedAt(asyncio.SelectorEventLoop):
    """Notes who asks for its dictionary."""

    asked: ClassVar[list[str]] = []

    def __getattribute__(self, name: str) -> Any:
        if name == "__dict__":
            self.asked.append("".join(traceback.format_stack(limit=3)))
        return super().__getattribute__(name)


def test_nobody_looks_at_the_dictionary_of_a_loop(start: MakeHost):
    """On Python 3.11 and 3.12 all that it does would take a tenth longer from then on."""
    LookedAt.asked.clear()

    async def work() -> None:
        await asyncio.gather(*(asyncio.create_task(asyncio.sleep(0)) for _ in range(10)))
        await asyncio.to_thread(int)

    end_of(start(work, loop_factory=LookedAt))
    assert [] == LookedAt.asked
    with closing(LookedAt()) as loop:
        vars(loop)
    assert 1 == len(LookedAt.asked)
