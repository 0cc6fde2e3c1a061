"""Who keeps a thread: from its stack to words.

Looked at from another thread, while the code goes on to run. No code of a user's is run for it.
"""

from __future__ import annotations

import linecache
import re
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE
from itertools import islice, takewhile
from opcode import opname
from types import CodeType
from typing import Final, NamedTuple

from bgwidgets.observe.asyncio_internals import runs_a_callback, turns_a_loop
from bgwidgets.observe.await_chain import file_label
from bgwidgets.observe.error_text import traceback_of
from bgwidgets.observe.functions_in_c import function_in_c
from bgwidgets.observe.line_numbers import line_at
from bgwidgets.observe.thread_frames import DEEPEST, Place, Stack
from bgwidgets.observe.whose_code import Whose, is_ours, whose

LONGEST_LABEL: Final = 200

_ASYNC: Final = CO_COROUTINE | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE
_CALL: Final = re.compile(r"[^\W\d][\w.]*(?=\()")
_GIVEN_TO_ASYNCIO: Final = re.compile("call|coro|factory|func|handler|protocol")
"""What asyncio names things by that others wrote, and that may be in C: a protocol, a coroutine."""


class Seen(NamedTuple):
    """What a thread was seen at."""

    where: str | None
    """The user's innermost line and what it calls: "model.py:88 fit · time.sleep"; or the latter
    alone, where the loop itself calls it. None where the loop has only its own work to do, which
    never takes long: the thread waits for its turn among others."""
    in_debugger: bool = False
    in_own_async_code: bool = False
    """Whether that line is in a coroutine, and calls nothing but coroutines."""
    place: tuple[int, int] | None = None
    """Where the innermost coroutine is: the same for as long as a call of its has not returned."""


def seen_at(stack: Stack | None, runner: CodeType | None) -> Seen:
    """What the callback or step does that a loop's thread was in. Any thread; does not block.

    `runner` is what runs the loop, where no frame of the loop's own shows: see `Heartbeat`. The
    line is the user's innermost one; where there is none, that of an installed package, and else
    the innermost of all. Never raises.
    """
    try:
        return Seen(None) if stack is None else _seen_at(stack, runner)
    except Exception:  # noqa: BLE001 - what the loop calls may be of any kind
        return Seen(None)


def _seen_at(stack: Stack, runner: CodeType | None) -> Seen:
    places = stack.places
    inside = _inside(places, runner)
    if _is_between_callbacks(places, inside):
        return Seen(None)
    if not inside:
        return Seen(function_in_c(stack.thread))
    in_debugger = False
    chosen: Place | None = None
    innermost = shown = places[0]
    calls_ours: Place | None = None  # As a print does, which is caught.
    is_async = True
    for depth, place in enumerate(inside):
        code = place[0]
        is_async = is_async and bool(code.co_flags & _ASYNC)
        kind = whose(code.co_filename)
        in_debugger = in_debugger or kind is Whose.DEBUGGER
        if kind is Whose.USERS:
            chosen, shown = place, calls_ours or innermost
            break
        if is_ours(code.co_filename):
            calls_ours = places[depth + 1] if depth + 1 < len(places) else None
        if kind is Whose.INSTALLED and chosen is None:
            chosen = place
    if chosen is None and _waits_its_turn(inside):
        return Seen(None, in_debugger)
    chosen = chosen or innermost
    words = _label(chosen)
    called = _called(*chosen) if shown is chosen else _label(shown)
    in_coroutine = next((place for place in inside if place[0].co_flags & _ASYNC), None)
    return Seen(
        f"{words} · {called}" if called else words,
        in_debugger,
        is_async and not _is_at_a_call(*innermost),
        None if in_coroutine is None else (id(in_coroutine[0]), in_coroutine[1]),
    )


def _waits_its_turn(inside: list[Place]) -> bool:
    """Whether all of this is asyncio's own, and does not call what was given to it."""
    for code, _ in inside:
        if whose(code.co_filename) is not Whose.ASYNCIOS or is_ours(code.co_filename):
            return False
    called = _called(*inside[0])
    if called is None:
        return not _is_at_a_call(*inside[0])
    return _GIVEN_TO_ASYNCIO.search(called) is None


def _inside(places: list[Place], runner: CodeType | None) -> list[Place]:
    """Those in the callback that a loop's thread is in, or in what its turn does beside that."""

    def is_inside(place: Place) -> bool:
        code = place[0]
        return not (code is runner or runs_a_callback(code) or turns_a_loop(code))

    return list(takewhile(is_inside, places))


def _is_between_callbacks(places: list[Place], inside: list[Place]) -> bool:
    """Whether the loop does what it does at each turn, with nothing of anybody else's in it."""
    is_in_a_turn = len(inside) < len(places) and turns_a_loop(places[len(inside)][0])
    return is_in_a_turn and not any(whose(code.co_filename) in _NOT_PYTHONS for code, _ in inside)


def users_line_in(stack: Stack | None) -> str | None:
    """The user's innermost line in a thread, or an installed package's; None where there is none.
    Any thread; does not block.
    """
    for place in () if stack is None else stack.places:
        if whose(place[0].co_filename) in _NOT_PYTHONS:
            return _label(place)
    return None


def is_users_code(code: CodeType) -> bool:
    """Whether it is neither Python's, nor an installed package's, nor ours."""
    return whose(code.co_filename) is Whose.USERS


def raised_at(error: BaseException) -> str | None:
    """The user's innermost line through which an error has come; else the innermost of all. Any
    thread; does not block.
    """
    line = innermost = None
    traceback = traceback_of(error)
    for _ in range(DEEPEST):
        if traceback is None:
            break
        code = traceback.tb_frame.f_code
        innermost = (code, line_at(code, traceback.tb_lasti, traceback.tb_lineno))
        if is_users_code(code):
            line = innermost
        traceback = traceback.tb_next
    found = line or innermost
    return None if found is None else _line_label(*found)


def outermost_code(stack: Stack, runner: CodeType | None) -> CodeType | None:
    """The code of the callback that a loop's thread was in. Any thread; does not block."""
    inside = _inside(stack.places, runner)
    return inside[-1][0] if inside else None


_NOT_PYTHONS: Final = (Whose.USERS, Whose.INSTALLED)


def _label(place: Place) -> str:
    code, instruction = place
    return _line_label(code, line_at(code, instruction, None))


def _line_label(code: CodeType, line: int) -> str:
    return f"{file_label(code.co_filename)}:{line} {code.co_name}"[:LONGEST_LABEL]


def _is_at_a_call(code: CodeType, instruction: int) -> bool:
    """Whether a frame that is the innermost one is, perhaps, in a function in C."""
    return "CALL" in opname[code.co_code[instruction]]  # PRECALL, CALL, CALL_FUNCTION_EX, ...


@lru_cache(maxsize=1024)
def _called(code: CodeType, instruction: int) -> str | None:
    """What a frame calls that has no frame of its own, a function in C; or a function of ours.

    Python knows which piece of the source an instruction stands for. Were the file changed since,
    the piece would be another one: so all its names must be the code's own.
    """
    instructions = code.co_code
    # Up to Python 3.12 a frame that calls a function in Python stands behind the instruction.
    while instruction > 0 and opname[instructions[instruction]] == "CACHE":
        instruction -= 2
    if not _is_at_a_call(code, instruction):
        return None
    position = next(islice(code.co_positions(), instruction // 2, None), None)
    if position is None:
        return None
    line, _, column, _ = position
    if line is None or column is None:
        return None
    text = linecache.getline(code.co_filename, line).encode()[column:].decode(errors="replace")
    if (call := _CALL.match(text)) is None:
        return None
    known = {*code.co_names, *code.co_varnames, *code.co_freevars, *code.co_cellvars}
    return call[0][:LONGEST_LABEL] if known.issuperset(call[0].split(".")) else None
