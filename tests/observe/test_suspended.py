"""Only what is suspended is asked what it awaits; to ask what runs may crash CPython."""

from __future__ import annotations

from collections.abc import Callable, Generator
from types import coroutine
from typing import Any

import pytest

from bgwidgets.observe.suspended import steps_of


class Awaitable:
    """Calls back when something is thrown in, which then runs, and is not suspended."""

    def __init__(self, thrown: Callable[[], object]) -> None:
        self._thrown = thrown

    def __await__(self) -> Any:
        return self

    __iter__ = __await__

    def __next__(self) -> None:
        """Wait."""

    def throw(self, *_: object) -> None:
        """Whoever awaits this is being run."""
        self._thrown()
        raise StopIteration


async def a_coroutine(awaitable: Awaitable) -> None:
    await awaitable


@coroutine
def a_generator(awaitable: Any) -> Generator[None, None, None]:
    yield from awaitable


@pytest.mark.parametrize("kind", [a_coroutine, a_generator])
def test_what_runs_is_not_asked_what_it_awaits(kind: Callable[[Awaitable], Any]):
    """In contrast to what waits."""
    while_it_ran: list[object] = []
    awaitable = Awaitable(lambda: while_it_ran.append(steps_of(outer)[1]))
    outer = kind(awaitable)
    outer.send(None)
    assert steps_of(outer)[1] is awaitable
    with pytest.raises(StopIteration):
        outer.throw(ValueError)
    assert [None] == while_it_ran


def test_nor_is_an_asynchronous_generator():
    """Nor what is within it."""
    while_it_ran: list[object] = []
    awaitable = Awaitable(lambda: while_it_ran.append(steps_of(outer)[1]))

    async def generate() -> Any:
        await awaitable
        yield 1

    async def work() -> None:
        async for _ in generate():
            pass

    outer = work()
    outer.send(None)
    assert steps_of(outer)[1] is awaitable
    with pytest.raises(StopIteration):
        outer.throw(ValueError)
    assert awaitable not in while_it_ran
