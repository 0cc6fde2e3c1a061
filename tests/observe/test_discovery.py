"""The look at all event loops of the process, amid what other threads are doing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bgwidgets.observe.discovery import running_loops

LIMIT = 10.0
"""Seconds."""


@pytest.fixture
def theirs() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that runs in a thread."""
    loop, turns = asyncio.new_event_loop(), threading.Event()
    loop.call_soon(turns.set)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    assert turns.wait(LIMIT)
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join(LIMIT)
    loop.close()


def found() -> list[asyncio.AbstractEventLoop]:
    return [found.loop for found in running_loops()]


def test_what_another_thread_is_in_the_midst_of_making_is_not_touched():
    """A tuple that somebody else holds cannot be made longer: Python says SystemError there."""
    begun, looks, is_made = threading.Event(), threading.Event(), threading.Event()
    made = list[tuple[int, ...]]()

    class Slow(asyncio.SelectorEventLoop):
        """The look takes its time with this one."""

        def is_running(self) -> bool:
            if begun.is_set():
                looks.set()
                is_made.wait(LIMIT)
            return super().is_running()

    loop = Slow()

    def items() -> Iterator[int]:
        yield 1
        begun.set()
        looks.wait(LIMIT)
        yield 2

    def make() -> None:
        made.append(tuple(items()))
        is_made.set()

    maker = threading.Thread(target=make)
    maker.start()
    assert begun.wait(LIMIT)
    finder = threading.Thread(target=running_loops)
    finder.start()
    maker.join(LIMIT)
    is_made.set()
    finder.join(LIMIT)
    loop.close()
    assert [(1, 2)] == made


def test_a_loop_that_is_half_made_is_passed_over(theirs: asyncio.AbstractEventLoop):
    """It cannot say yet whether it runs."""
    half: Any = object.__new__(asyncio.SelectorEventLoop)
    try:
        with pytest.raises(AttributeError):
            half.is_running()
        assert theirs in found()
        assert half not in found()
    finally:
        half._closed = True  # Or else asyncio complains that it was not.


def test_a_loop_of_a_class_that_was_made_of_another_is_found():
    """Wherever its class comes from."""

    class Theirs(asyncio.SelectorEventLoop):
        """Somebody's."""

    class Special(Theirs):
        """Another one's."""

    async def look() -> bool:
        return asyncio.get_running_loop() in found()

    loop = Special()
    assert loop.run_until_complete(look())
    loop.close()
