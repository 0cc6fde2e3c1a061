"""What a loop is seen at is of one moment, however many threads take turns meanwhile."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bgwidgets.observe.asyncio_internals import glance_at
from bgwidgets.observe.glimpse import Glimpse, glimpse_of
from tests.loop_factories import LOOP_FACTORIES, LoopFactory
from tests.waiting import LIMIT, until

OFTEN = 10
"""Each function is to be seen so often: a tenth of it would be under a wrong name, or none."""


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def short_turns() -> Iterator[None]:
    """Another thread may run at nearly each step of Python."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def even() -> None:
    """For some time."""
    for _ in range(1000):
        pass


def odd() -> None:
    """The same, elsewhere."""
    for _ in range(1000):
        pass


@contextmanager
def two_tasks_by_turns(loop: asyncio.AbstractEventLoop) -> Iterator[int]:
    """Each with a function of its own, and its name; gives the number of the loop's thread."""
    is_over = threading.Event()

    async def repeat(function: Callable[[], None]) -> None:
        await asyncio.sleep(0)
        while not is_over.is_set():
            function()
            await asyncio.sleep(0)

    async def main() -> None:
        tasks = [loop.create_task(repeat(each), name=each.__name__) for each in (even, odd)]
        await asyncio.gather(*tasks)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert thread.ident is not None
    try:
        yield thread.ident
    finally:
        is_over.set()
        thread.join(LIMIT)
        assert not thread.is_alive()


def named(seen: Glimpse | None) -> tuple[str, str]:
    """The task's name, and its function's; empty where there is none."""
    if seen is None:
        return "", ""
    task = None if seen.task is None else seen.task()
    functions = (code.co_name for code, _ in seen.stack.places)
    name = "" if task is None else task.get_name()
    return name, next((each for each in functions if each in NAMES), "")


NAMES = {even.__name__, odd.__name__}


def often(function: str, seen: Counter[tuple[str, str]]) -> bool:
    """Whether it ran at enough of the moments, under whatever name."""
    return sum(times for (_, each), times in seen.items() if each == function) >= OFTEN


@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("factory", LOOP_FACTORIES)
def test_the_task_is_the_one_whose_step_is_on_the_stack(factory: LoopFactory):
    """With one that is told by the next step of Python it would be the other one at times."""
    loop, seen = factory(), Counter[tuple[str, str]]()
    with two_tasks_by_turns(loop) as thread:

        def is_enough() -> bool:
            for _ in range(20):
                seen[named(glimpse_of(loop, thread))] += 1
            return all(often(function, seen) for function in NAMES)

        until(is_enough)
    loop.close()
    assert {("even", "even"), ("odd", "odd")} == {each for each in seen if each[1]}


def test_what_comes_next_is_told_too(loop: asyncio.AbstractEventLoop):
    """None of it is held."""
    number = threading.get_ident()
    nothing = glimpse_of(loop, number)
    assert nothing is not None
    assert (None, None) == (nothing.task, nothing.next)
    handle = loop.call_soon(int)
    loop.call_soon(float)
    before = time.monotonic()
    seen = glimpse_of(loop, number)
    assert seen is not None
    assert seen.next is not None
    assert handle is seen.next()
    assert before <= seen.at <= time.monotonic()
    assert "test_what_comes_next_is_told_too" in {code.co_name for code, _ in seen.stack.places}


def test_of_a_thread_that_has_ended_there_is_none(loop: asyncio.AbstractEventLoop):
    assert glimpse_of(loop, -1) is None


def test_what_cannot_be_referred_to_weakly_is_not_told(loop: asyncio.AbstractEventLoop):
    """A task in name only, say; what comes next is, all the same."""

    class InNameOnly:
        __slots__ = ()

    task = InNameOnly()
    handle = loop.call_soon(int)
    tasks: Any = asyncio.tasks
    tasks._enter_task(loop, task)
    try:
        current, following = glance_at(loop)
    finally:
        tasks._leave_task(loop, task)
    assert current is None
    assert following is not None
    assert handle is following()


def test_a_loop_that_does_not_tell_what_comes_next_is_glanced_at_as_well(
    loop: asyncio.AbstractEventLoop, monkeypatch: pytest.MonkeyPatch
):
    """It is another kind of loop, or keeps it in another way."""
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_ready", None)
        assert [None, None] == list(glance_at(loop))
