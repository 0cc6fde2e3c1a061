"""What no loop can run is refused before anything starts, and the message says what to do."""

from __future__ import annotations

import asyncio
import functools
import inspect
import re
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from bgwidgets import InvalidWork
from bgwidgets.work import check_coroutine, check_work


async def race(*args: Any) -> Any:
    return args


def numbers(*_: Any) -> Iterator[int]:
    yield 1


async def async_numbers(*_: Any) -> AsyncIterator[int]:
    yield 1


class Numbers:
    """Whose instances are called like generator functions."""

    def __call__(self) -> Iterator[int]:
        """Count."""
        yield 1

    async def later(self) -> AsyncIterator[int]:
        """Count, later."""
        yield 1


LOOP_OVER_IT = "wrap it in a function that loops over it"
ASYNC_FOR = "wrap it in a coroutine function that does `async for item in ...`"
REFUSED = [
    pytest.param(42, "an int cannot be run", id="number"),
    pytest.param("race", "a str cannot be run", id="text"),
    pytest.param([race], "a list cannot be run", id="list"),
    pytest.param(Future(), "a Future cannot be run", id="concurrent future"),
    pytest.param(numbers, f"a function (numbers) would do nothing when called: {LOOP_OVER_IT}"),
    pytest.param(numbers(), f"a generator (numbers) would do nothing when called: {LOOP_OVER_IT}"),
    pytest.param(functools.partial(numbers, 1), LOOP_OVER_IT, id="partial of a generator"),
    pytest.param(Numbers(), LOOP_OVER_IT, id="object with a generator as call"),
    pytest.param(async_numbers, ASYNC_FOR, id="async generator function"),
    pytest.param(async_numbers(), "an async generator (async_numbers) yields values"),
    pytest.param(functools.partial(async_numbers, 1), ASYNC_FOR, id="partial of an async one"),
    pytest.param(Numbers().later, ASYNC_FOR, id="method that is an async generator"),
]


@pytest.mark.parametrize(("target", "says"), REFUSED)
def test_what_cannot_be_run(target: Any, says: str):
    with pytest.raises(InvalidWork, match=re.escape(says)):
        check_work(target)


def test_what_belongs_to_another_loop():
    """A task and a future run where they were made, or nowhere."""

    async def main() -> None:
        task = asyncio.create_task(race())
        future = asyncio.get_running_loop().create_future()
        for target in (task, future):
            with pytest.raises(InvalidWork, match="belongs to the event loop where it was made"):
                check_work(target)
        assert () == await task

    asyncio.run(main())


def test_a_coroutine_that_has_ended():
    coroutine = race()
    asyncio.run(coroutine)
    with pytest.raises(InvalidWork, match=r"this coroutine has ended \(race\).*runs only once"):
        check_work(coroutine)


def test_a_coroutine_that_somebody_awaits():
    """It is somebody else's, so it is left alone."""

    async def main() -> str:
        async def sleeper() -> str:
            await asyncio.sleep(0)
            return "undisturbed"

        coroutine = sleeper()
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        with pytest.raises(InvalidWork, match=r"this coroutine was already awaited \(.*sleeper\)"):
            check_work(coroutine)
        return await task

    assert "undisturbed" == asyncio.run(main())


@pytest.mark.parametrize(("args", "kwargs"), [((1,), {}), ((), {"x": 1})])
def test_a_coroutine_object_has_its_arguments_already(args: Any, kwargs: Any):
    """It is closed, so that Python does not warn of one that was never awaited."""
    coroutine = race(1)
    with pytest.raises(InvalidWork, match="a coroutine object has its arguments already"):
        check_work(coroutine, args, kwargs)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(coroutine)


@pytest.mark.parametrize(("args", "kwargs"), [((1,), {}), ((), {"x": 1})])
def test_arguments_need_work(args: Any, kwargs: Any):
    with pytest.raises(InvalidWork, match="arguments without work"):
        check_work(None, args, kwargs)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (race, r"not a function \(race\)\. Call it: submit\(f\(1, 2\)\)"),
        (None, "not a NoneType"),
        (numbers(), r"not a generator \(numbers\)"),
    ],
)
def test_only_a_coroutine_object_can_be_submitted(target: Any, says: str):
    with pytest.raises(InvalidWork, match=f"a coroutine object is needed here, {says}"):
        _ = check_coroutine(target)


def test_the_refusal_is_a_type_error_too():
    """Which is what the call would have raised."""
    with pytest.raises(TypeError):
        check_work(42)
