"""What a loop may be given to run, and how it is run."""

from __future__ import annotations

import asyncio
import functools
import inspect
import operator
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from bgwidgets import CannotRestart, InvalidWork
from bgwidgets.work import WorkKind, check_coroutine, check_work


async def race(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def plain(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


class Methods:
    """An object whose methods are of each kind."""

    async def race(self) -> None:
        """A coroutine function, when it is bound."""

    def plain(self) -> None:
        """A plain function, when it is bound."""

    @classmethod
    async def of_class(cls) -> None:
        """A coroutine function."""

    @staticmethod
    async def static() -> None:
        """A coroutine function."""


class AsyncCall:
    """An object that is called like a coroutine function."""

    async def __call__(self, *args: Any) -> Any:
        """Return the arguments."""
        return args


class PlainCall:
    """An object that is called like a plain function."""

    def __call__(self, *args: Any) -> Any:
        """Return the arguments."""
        return args


COROUTINE_FUNCTIONS = [
    pytest.param(race, "race", id="function"),
    pytest.param(functools.partial(race, 1), "race", id="partial"),
    pytest.param(functools.partial(functools.partial(race, 1), x=2), "race", id="partial twice"),
    pytest.param(Methods().race, "race", id="bound method"),
    pytest.param(functools.partial(Methods().race), "race", id="partial of a bound method"),
    pytest.param(Methods.of_class, "of_class", id="class method"),
    pytest.param(Methods.static, "static", id="static method"),
    pytest.param(AsyncCall(), "AsyncCall", id="object"),
    pytest.param(functools.partial(AsyncCall(), 1), "AsyncCall", id="partial of an object"),
]
PLAIN_FUNCTIONS = [
    pytest.param(plain, "plain", id="function"),
    pytest.param(functools.partial(plain, 1), "plain", id="partial"),
    pytest.param(lambda: None, "lambda", id="lambda"),
    # It returns a coroutine, which nobody can know before it is called.
    pytest.param(lambda: race(), "lambda", id="lambda around a coroutine"),  # noqa: PLW0108
    pytest.param(Methods().plain, "plain", id="bound method"),
    pytest.param(PlainCall(), "PlainCall", id="object"),
    pytest.param(functools.partial(PlainCall(), 1), "PlainCall", id="partial of an object"),
    pytest.param(PlainCall, "PlainCall", id="class"),
    pytest.param(dict, "dict", id="builtin class"),
    pytest.param("abc".upper, "upper", id="builtin method"),
    pytest.param(operator.itemgetter(0), "itemgetter", id="builtin object"),
]


@pytest.mark.parametrize(("target", "name"), COROUTINE_FUNCTIONS)
def test_what_makes_a_new_coroutine_at_each_call(target: Any, name: str):
    work = check_work(target)
    assert WorkKind.COROUTINE_FUNCTION is work.kind
    assert name == work.name
    coroutine = work.call()
    assert inspect.iscoroutine(coroutine)
    coroutine.close()
    assert work is work.again()


@pytest.mark.parametrize(("target", "name"), PLAIN_FUNCTIONS)
def test_what_runs_in_a_worker_thread(target: Any, name: str):
    args = ("x",) if name == "itemgetter" else ()
    work = check_work(target, args)
    assert WorkKind.PLAIN_FUNCTION is work.kind
    assert name == work.name
    assert work is work.again()


def test_a_builtin_function_may_block():
    """`time.sleep` has no signature on some Pythons, so its arguments go unchecked."""
    work = check_work(time.sleep, (0,))
    assert (WorkKind.PLAIN_FUNCTION, "sleep") == (work.kind, work.name)
    assert work.call() is None


@pytest.mark.parametrize(
    ("function", "name"), [(race, "race"), (Methods().race, "race"), (AsyncCall(), "__call__")]
)
def test_a_coroutine_object_runs_once(function: Callable[[], Coroutine[Any, Any, Any]], name: str):
    """So it cannot be run again, which is said with what to do instead."""
    target = function()
    work = check_work(target)
    assert WorkKind.COROUTINE is work.kind
    assert name == work.name
    with pytest.raises(CannotRestart, match="start the function with its arguments instead"):
        work.again()
    work.discard()
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(target)


def test_no_work_is_an_empty_loop():
    work = check_work(None)
    assert (WorkKind.NOTHING, "loop") == (work.kind, work.name)
    assert work is work.again()
    work.discard()


def test_the_qualified_name_tells_whose_method_it_is():
    assert "Methods.race" == check_work(functools.partial(Methods().race)).qualified_name
    assert "AsyncCall" == check_work(AsyncCall()).qualified_name
    assert "plain" == check_work(plain).qualified_name


@pytest.mark.parametrize("target", [plain, functools.partial(plain)])
def test_the_work_is_called_with_its_arguments(target: Callable[..., Any]):
    """As often as it is asked for; what the caller does to his own later makes no difference."""
    kwargs = {"key": "value"}
    work = check_work(target, (1, 2), kwargs)
    kwargs.clear()
    assert ((1, 2), {"key": "value"}) == work.call() == work.call()


def takes_two(first: int, second: int = 2, *, third: int = 3) -> tuple[int, int, int]:
    return first, second, third


class Nameless:
    """A function of a kind that breaks when it is asked for its name."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"__name__", "__qualname__"}:
            raise ValueError("no name")
        return super().__getattribute__(name)

    async def __call__(self, one: int) -> int:
        """It can be run all the same."""
        return one


def test_work_that_breaks_when_it_is_asked_for_its_name_is_called_after_its_type():
    work = check_work(Nameless(), (1,))
    assert ("Nameless", "Nameless") == (work.name, work.qualified_name)


async def takes_only_keywords(*, first: int) -> int:
    return first


async def takes_only_positions(first: int, /, second: int = 2) -> tuple[int, int]:
    return first, second


FITTING: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (takes_two, (1,), {}),
    (takes_two, (1, 2), {}),
    (takes_two, (1, 2), {"third": 3}),
    (takes_two, (), {"first": 1}),
    (takes_only_keywords, (), {"first": 1}),
    (takes_only_positions, (1,), {"second": 2}),
    (functools.partial(takes_two, 1), (2,), {}),
    (functools.partial(takes_two, first=1), (), {}),
    (Methods().plain, (), {}),
]
UNFITTING: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = [
    (takes_two, (), {}),
    (takes_two, (1, 2, 3), {}),
    (takes_two, (1,), {"first": 1}),
    (takes_two, (1,), {"fourth": 4}),
    (takes_only_keywords, (), {}),
    (takes_only_keywords, (1,), {}),
    (takes_only_positions, (), {"first": 1}),
    (functools.partial(takes_two, 1), (2, 3), {}),
    (Methods().plain, (1,), {}),
    (lambda: None, (1,), {}),
]


@pytest.mark.parametrize(("target", "args", "kwargs"), FITTING)
def test_arguments_that_fit(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
    assert args == check_work(target, args, kwargs).args


@pytest.mark.parametrize(("target", "args", "kwargs"), UNFITTING)
def test_arguments_that_do_not_fit(target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]):
    """Are refused before anything starts, and the message has the signature."""
    with pytest.raises(InvalidWork, match=r"\(.*\).* cannot be called with these arguments: "):
        check_work(target, args, kwargs)


def test_a_decorator_may_add_arguments():
    """What is called is the wrapper, so the signature that it shows off is not asked."""

    def with_session(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            return await function("session", *args, **kwargs)

        return wrapper

    @with_session
    async def fetch(session: str, url: str, *, limit: int) -> tuple[str, str, int]:
        return session, url, limit

    work = check_work(fetch, ("url",), {"limit": 3})
    assert "fetch" == work.name
    assert ("session", "url", 3) == asyncio.run(work.call())
    assert WorkKind.COROUTINE_FUNCTION is work.kind


def test_check_coroutine_gives_a_fresh_one_back():
    coroutine = race()
    assert coroutine is check_coroutine(coroutine)
    coroutine.close()
