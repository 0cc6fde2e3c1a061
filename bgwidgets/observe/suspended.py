"""How a suspended task is made up: its coroutines from the outermost to the innermost.

A suspended coroutine names what it awaits (`cr_await`), so the chain can be walked from the task's
own coroutine inwards, from any thread and without disturbing anything. What a coroutine holds in
its variables is asked of the garbage collector (`gc.get_referents`), which only looks.
`frame.f_locals` does more: until Python 3.12 it fills a dict that lives as long as the frame, and
with it all that the user's variables have held.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from types import AsyncGeneratorType, CellType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any, Final, NamedTuple, TypeVar

from bgwidgets.observe.asyncio_internals import AWAITS_A_FUTURE
from bgwidgets.observe.names import peek
from bgwidgets.observe.whose_code import Whose, whose

LONGEST_CHAIN: Final = 200
"""A recursion that is deeper than this tells no more."""

_UVLOOPS: Final = "uvloop/"
"""How the files begin that uvloop's compiled coroutines say they come from."""

# Of what another thread is in the midst of, CPython takes what it awaits from a stack that is not
# there then, and the process crashes (seen: 3.11.7). So only what is suspended is asked, and in one
# expression without a call: between its two halves no other thread has its turn.


def _coroutine_awaits(it: Any, _root: object) -> object:
    return it.cr_await if it.cr_suspended else None


def _generator_awaits(it: Any, _root: object) -> object:
    return it.gi_yieldfrom if it.gi_suspended else None


def _async_generator_awaits(it: Any, root: Any) -> object:
    if _ASYNC_GENERATORS_TELL:
        return it.ag_await if it.ag_suspended else None
    if type(root) is CoroutineType:  # Suspended, and all within it.
        return it.ag_await if root.cr_suspended else None
    return it.ag_await


_ASYNC_GENERATORS_TELL: Final = hasattr(AsyncGeneratorType, "ag_suspended")
"""From Python 3.12 on."""
_WAYS_IN: Final[dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]]] = {
    CoroutineType: (attrgetter("cr_frame"), _coroutine_awaits),
    GeneratorType: (attrgetter("gi_frame"), _generator_awaits),
    AsyncGeneratorType: (attrgetter("ag_frame"), _async_generator_awaits),
}
"""A suspended thing's frame, and what it awaits."""
_COMPILED: Final = (("cr_code", "cr_await"), ("gi_code", "gi_yieldfrom"))
"""The same of what Cython has made: its frames know no lines."""
_WRAPPERS: Final = frozenset(
    {
        "coroutine_wrapper",  # `coroutine.__await__()`, Python's own and Cython's
        "async_generator_asend",  # `async for`
        "async_generator_athrow",  # `aclose()`
        "anext_awaitable",  # `anext(iterator, default)`
    }
)
"""Types, by name, of what stands for a coroutine or generator and does not say for which."""

T = TypeVar("T")


class Step(NamedTuple):
    """One suspended coroutine or generator of a chain."""

    awaitable: Any
    code: CodeType
    frame: FrameType | None
    """None where it is compiled."""


class Wait(NamedTuple):
    """Where a task is suspended."""

    users: Step | None
    """Where the user's innermost line is, as `users_innermost` has it; None where there is none."""
    caller: Step | None
    """The innermost that is not asyncio's nor ours, whoever's it is; None where all are."""
    inner: tuple[Step, ...]
    """What is further in: asyncio's, the loop's and ours."""
    end: object
    """What the innermost awaits, mostly the iterator of a future; None where it awaits nothing."""


def wait_of(coroutine: object) -> Wait:
    """Where a task that runs `coroutine` is suspended. Any thread; does not block."""
    steps, end = steps_of(coroutine)
    place = len(steps)
    while place and is_asyncios(steps[place - 1]):
        place -= 1
    caller = steps[place - 1] if place else None
    return Wait(users_innermost(steps[:place]), caller, tuple(steps[place:]), end)


def is_cut_off(wait: Wait) -> bool:
    """Whether it is suspended further in than anybody looks."""
    return type(wait.end) in _WAYS_IN


def users_innermost(steps: Sequence[Step]) -> Step | None:
    """The innermost of these that is the user's own; else an installed package's; else of all."""
    chosen: Step | None = None
    for step in steps[::-1]:
        kind = _whose(step)
        if kind is Whose.USERS:
            return step
        if chosen is None or (kind is Whose.INSTALLED and _whose(chosen) is not kind):
            chosen = step
    return chosen


def _whose(step: Step) -> Whose:
    """Compiled code has no lines to show, so it counts as an installed package's."""
    if step.frame is not None:
        return whose(step.code.co_filename)
    return Whose.ASYNCIOS if step.code.co_filename.startswith(_UVLOOPS) else Whose.INSTALLED


def steps_of(awaitable: Any, most: int = LONGEST_CHAIN) -> tuple[list[Step], object]:
    """The outermost `most` steps, and what the last of them awaits. Any thread; does not block."""
    steps: list[Step] = []
    root = awaitable
    while len(steps) < most:
        ways = _WAYS_IN.get(type(awaitable))
        if ways is not None:
            frame = ways[0](awaitable)
            if frame is None or frame.f_code is AWAITS_A_FUTURE:  # It has ended; or is no step.
                return steps, None
            steps.append(Step(awaitable, frame.f_code, frame))
            awaitable = ways[1](awaitable, root)
        elif (inside := _unwrapped(awaitable)) is not None:
            awaitable = inside
        elif (compiled := _compiled(awaitable)) is not None:
            step, awaitable = compiled
            steps.append(step)
        else:
            break
    return steps, awaitable


def _unwrapped(awaitable: object) -> object:
    if type(awaitable).__name__ not in _WRAPPERS:
        return None
    for held in gc.get_referents(awaitable):
        if type(held) in _WAYS_IN or type(held).__name__ in _WRAPPERS or _compiled(held):
            return held
    return None


def _compiled(awaitable: Any) -> tuple[Step, object] | None:
    for code_name, await_name in _COMPILED:
        code = peek(awaitable, code_name)
        if type(code) is CodeType:
            return Step(awaitable, code, None), peek(awaitable, await_name)
    return None


def is_asyncios(step: Step) -> bool:
    """Whether it is asyncio's, uvloop's or ours."""
    return _whose(step) is Whose.ASYNCIOS


def name_of(step: Step) -> str:
    """The qualified name of its function."""
    if step.frame is not None:
        return step.code.co_qualname
    name = peek(step.awaitable, "__qualname__")
    return name if type(name) is str else step.code.co_name


def line_of(step: Step) -> int:
    """The line at which it is suspended; its function's first where that is not known."""
    line = step.frame.f_lineno if step.frame is not None else None
    return line or step.code.co_firstlineno


def held_by(step: Step) -> Iterator[Any]:
    """What the step's variables hold, also those that it shares with functions inside of it."""
    for held in gc.get_referents(step.awaitable):
        if type(held) is CellType:
            try:
                yield held.cell_contents
            except ValueError:  # It is empty.
                continue
        else:
            yield held


def first_held(step: Step, kind: type[T]) -> T | None:
    """The first thing of that kind that the step's variables hold."""
    # `isinstance` would ask the thing for its `__class__`, and that may be a user's property.
    return next((held for held in held_by(step) if issubclass(type(held), kind)), None)
