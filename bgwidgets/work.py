"""What a loop is given to run: checked before anything starts."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from types import FunctionType
from typing import Any, Final
from weakref import WeakSet

from bgwidgets.exceptions import CannotRestart, InvalidWork
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.plain_text import plain_text


class WorkKind(Enum):
    """How a loop runs its work."""

    NOTHING = auto()
    """There is none: the loop lives until it is stopped."""
    COROUTINE = auto()
    """A coroutine object, which can run once."""
    COROUTINE_FUNCTION = auto()
    """A function that makes a new coroutine at each call."""
    ELSEWHERE = auto()
    """It was started elsewhere: its loop is adopted."""
    PLAIN_FUNCTION = auto()
    """A function that may block, so it runs in a worker thread."""


@dataclass(frozen=True, slots=True)
class Work:
    """Work and its arguments, known to be runnable."""

    kind: WorkKind
    target: Any = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What a loop that runs this is called unless told otherwise."""
        if self.kind is WorkKind.NOTHING:
            return "loop"
        target = self.target
        while isinstance(target, functools.partial):
            target = target.func
        name = own_name(target, "__name__") or type(target).__name__
        return "lambda" if name == "<lambda>" else name

    @property
    def qualified_name(self) -> str:
        """The qualified name of the function or coroutine."""
        target = self.target
        while isinstance(target, functools.partial):
            target = target.func
        return own_name(target, "__qualname__") or type(target).__qualname__

    def call(self) -> Any:
        """Call the function: a new coroutine, or whatever a plain function returns."""
        return self.target(*self.args, **self.kwargs)

    def discard(self) -> None:
        """Close a coroutine object that will not run, so that Python need not warn about it."""
        if self.kind is WorkKind.COROUTINE:
            self.target.close()

    def again(self) -> Work:
        """The same work for another run; raises `CannotRestart` for a coroutine object."""
        if self.kind is WorkKind.ELSEWHERE:
            raise CannotRestart(
                "an adopted loop was started elsewhere: start it there again, and adopt it anew"
            )
        if self.kind is WorkKind.COROUTINE:
            raise CannotRestart(
                f"{self.qualified_name} was started as a coroutine object, which runs only once:"
                " start the function with its arguments instead, as in"
                f" bgw.start({self.name}, ...)"
            )
        return self


def check_work(
    target: object, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
) -> Work:
    """Find out how to run `target`; calls nothing. Any thread; does not block.

    Raises `InvalidWork` for what cannot be run, and closes a coroutine that is refused.
    """
    kwargs = dict(kwargs or {})
    if target is None:
        if args or kwargs:
            raise InvalidWork("arguments without work: pass the function first, start(f, 1, 2)")
        return Work(WorkKind.NOTHING)
    if inspect.iscoroutine(target):
        _ = check_coroutine(target)
        if args or kwargs:
            target.close()
            raise InvalidWork(
                "a coroutine object has its arguments already: pass either the coroutine alone,"
                " start(f(1, 2)), or the function with its arguments, start(f, 1, 2)"
            )
        return Work(WorkKind.COROUTINE, target)
    if inspect.iscoroutinefunction(_innermost(target)):
        kind = WorkKind.COROUTINE_FUNCTION
    else:
        kind = WorkKind.PLAIN_FUNCTION
        _refuse_what_cannot_run(target)
    function: Callable[..., Any] = target  # type: ignore[assignment] # callable: just checked
    if not _surely_fit(function, args, kwargs):
        _check_arguments(function, args, kwargs)
    return Work(kind, function, args, kwargs)


def check_call(function: object, args: tuple[Any, ...]) -> Work:
    """A coroutine function and its arguments; calls nothing. Raises `InvalidWork`."""
    if inspect.iscoroutine(function):
        function.close()
        raise InvalidWork(
            "a coroutine function is needed here, not a coroutine object: pass submit_call the"
            " function and its arguments, or the coroutine object to submit"
        )
    work = check_work(function, args)
    if work.kind is not WorkKind.COROUTINE_FUNCTION:
        raise InvalidWork(f"a coroutine function is needed here, not {_kind_of(function)}")
    return work


_claimed: Final[WeakSet[Coroutine[Any, Any, Any]]] = WeakSet()
"""Coroutine objects that a loop was given; until its first step nothing else tells."""
_claiming: Final = free_in_forks(threading.Lock())


def check_coroutine(target: object) -> Coroutine[Any, Any, Any]:
    """`target`, if it is a coroutine object that nobody has awaited; else raises `InvalidWork`."""
    if not inspect.iscoroutine(target):
        hint = " Call it: submit(f(1, 2))." if callable(target) else ""
        raise InvalidWork(f"a coroutine object is needed here, not {_kind_of(target)}.{hint}")
    state = inspect.getcoroutinestate(target)
    if state != inspect.CORO_CREATED:
        what = "has ended" if state == inspect.CORO_CLOSED else "was already awaited"
        raise InvalidWork(
            f"this coroutine {what} ({target.__qualname__}), and a coroutine runs only once:"
            " call the function again to make a new one"
        )
    with _claiming:
        if target in _claimed:
            raise InvalidWork(
                f"this coroutine was already given to a loop ({target.__qualname__}), and a"
                " coroutine runs only once: call the function again to make a new one"
            )
        _claimed.add(target)
    return target


def _refuse_what_cannot_run(target: object) -> None:
    function = _innermost(target)
    if inspect.isasyncgenfunction(function) or inspect.isasyncgen(target):
        raise InvalidWork(
            f"{_kind_of(target)} yields values and has no end of its own: wrap it in a coroutine"
            " function that does `async for item in ...`"
        )
    if inspect.isgeneratorfunction(function) or inspect.isgenerator(target):
        raise InvalidWork(
            f"{_kind_of(target)} would do nothing when called: wrap it in a function that loops"
            " over it"
        )
    if inspect.isawaitable(target):
        raise InvalidWork(
            f"{_kind_of(target)} belongs to the event loop where it was made: pass a coroutine"
            " function, or a coroutine object that nobody has awaited"
        )
    if not callable(target):
        raise InvalidWork(
            f"{_kind_of(target)} cannot be run: pass a coroutine function, a coroutine object or a"
            " plain function"
        )


def _surely_fit(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> bool:
    """Whether a glance tells that the arguments fit: a signature takes longer than a start."""
    if kwargs or not isinstance(function, FunctionType):
        return False
    code = function.__code__
    most = code.co_argcount
    least = most - len(function.__defaults__ or ())
    return not code.co_kwonlyargcount and least <= len(args) <= most


def _check_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    try:
        # A decorator's own: it may add or take away arguments of what it wraps.
        signature = inspect.signature(function, follow_wrapped=False)
    except (ValueError, TypeError):
        return  # Some built-in functions have none; a wrong call shows when it is made.
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidWork(
            f"{own_name(function, '__name__') or _kind_of(function)}() cannot be called with these"
            f" arguments: {error}"
        ) from None


def _innermost(target: object) -> Any:
    """The function that decides what a call returns: under partial, or an object's `__call__`."""
    while isinstance(target, functools.partial):
        target = target.func
    if inspect.isroutine(target) or inspect.isclass(target):
        return target
    return getattr(type(target), "__call__", target)  # noqa: B004 - a class may define an async one


def _kind_of(target: object) -> str:
    function = target
    while isinstance(function, functools.partial):
        function = function.func
    name = own_name(function, "__qualname__")
    kind = type(target).__name__.replace("_", " ")
    article = "an" if kind[0].lower() in "aeiou" else "a"
    return f"{article} {kind}" + (f" ({name})" if name else "")


def own_name(target: object, attribute: str) -> str:
    """What an object of the user's says that it is called; empty where it has no name, or breaks
    when it is asked.
    """
    try:
        return plain_text(str(getattr(target, attribute, None) or ""))
    except Exception:  # noqa: BLE001 - a property, or a text, of the user's may raise anything
        return ""
