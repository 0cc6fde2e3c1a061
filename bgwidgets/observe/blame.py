"""Who keeps a thread: from its stack to words.

Looked at from another thread, while the code goes on to run. No code of a user's is run for it,
and frames are let go of at once: whoever holds one keeps its variables alive.
"""

from __future__ import annotations

import linecache
import re
from functools import lru_cache
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE
from itertools import islice
from opcode import opname
from types import CodeType, FrameType
from typing import Final, NamedTuple

from bgwidgets.observe.asyncio_internals import runs_a_callback
from bgwidgets.observe.await_chain import file_label
from bgwidgets.observe.error_text import traceback_of
from bgwidgets.observe.functions_in_c import function_in_c
from bgwidgets.observe.line_numbers import line_at, line_in
from bgwidgets.observe.whose_code import Whose, is_ours, whose

DEEPEST: Final = 5_000
"""Frames; what is further out than this is not looked for."""
LONGEST_LABEL: Final = 200

_ASYNC: Final = CO_COROUTINE | CO_ASYNC_GENERATOR | CO_ITERABLE_COROUTINE
_CALL: Final = re.compile(r"[^\W\d][\w.]*(?=\()")


class Seen(NamedTuple):
    """What a thread was seen at."""

    where: str | None
    """The user's innermost line and what it calls: "model.py:88 fit · time.sleep"; or the latter
    alone, where the loop itself calls it."""
    in_debugger: bool = False
    in_own_async_code: bool = False
    """Whether that line is in a coroutine, and calls nothing but coroutines."""
    place: tuple[int, int] | None = None
    """Where the innermost coroutine is: the same for as long as a call of its has not returned."""


def seen_at(innermost: FrameType | None, runner: CodeType | None) -> Seen:
    """What the callback or step does that a loop's thread is in. Any thread; does not block.

    `runner` is what runs the loop, where no frame of the loop's own shows: see `Heartbeat`. The
    line is the user's innermost one; where there is none, that of an installed package, and else
    the innermost of all. Never raises.
    """
    try:
        return _seen_at(innermost, runner)
    except Exception:  # noqa: BLE001 - the frames change while they are looked at
        return Seen(None)


def _seen_at(innermost: FrameType | None, runner: CodeType | None) -> Seen:
    in_debugger = False
    chosen: FrameType | None = None
    shown = innermost
    calls_ours: FrameType | None = None  # As a print does, which is caught.
    is_async = True
    frame = innermost
    for _ in range(DEEPEST):
        if frame is None or frame.f_code is runner or runs_a_callback(frame.f_code):
            break
        is_async = is_async and bool(frame.f_code.co_flags & _ASYNC)
        kind = whose(frame.f_code.co_filename)
        in_debugger = in_debugger or kind is Whose.DEBUGGER
        if kind is Whose.USERS:
            chosen, shown = frame, calls_ours or innermost
            break
        if is_ours(frame.f_code.co_filename):
            calls_ours = frame.f_back
        if kind is Whose.INSTALLED and chosen is None:
            chosen = frame
        frame = frame.f_back
    if innermost is None or (chosen is None and frame is innermost):
        return Seen(None if innermost is None else function_in_c(innermost))
    chosen = chosen or innermost
    words = _label(chosen)
    if shown is None or shown is chosen:
        called = _called(chosen.f_code, chosen.f_lasti)
    else:
        called = _label(shown)
    return Seen(
        f"{words} · {called}" if called else words,
        in_debugger,
        is_async and not _is_at_a_call(innermost.f_code, innermost.f_lasti),
        _place_in_coroutine(innermost, runner),
    )


def _place_in_coroutine(innermost: FrameType, runner: CodeType | None) -> tuple[int, int] | None:
    frame: FrameType | None = innermost
    for _ in range(DEEPEST):
        if frame is None or frame.f_code is runner or runs_a_callback(frame.f_code):
            break
        if frame.f_code.co_flags & _ASYNC:
            return id(frame.f_code), frame.f_lasti
        frame = frame.f_back
    return None


def users_line_in(innermost: FrameType | None) -> str | None:
    """The user's innermost line in a thread, or an installed package's; None where there is none.
    Any thread; does not block.
    """
    frame = innermost
    for _ in range(DEEPEST):
        if frame is None or whose(frame.f_code.co_filename) in _NOT_PYTHONS:
            break
        frame = frame.f_back
    return None if frame is None else _label(frame)


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


def outermost_code(innermost: FrameType | None, runner: CodeType | None) -> CodeType | None:
    """The code of the callback that a loop's thread is in. Any thread; does not block."""
    code = None
    frame = innermost
    while frame is not None and not (frame.f_code is runner or runs_a_callback(frame.f_code)):
        code = frame.f_code
        frame = frame.f_back
    return code


_NOT_PYTHONS: Final = (Whose.USERS, Whose.INSTALLED)


def _label(frame: FrameType) -> str:
    return _line_label(frame.f_code, line_in(frame))


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
