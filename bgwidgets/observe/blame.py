"""Who keeps a thread: from its stack to words.

Looked at from another thread, while the code goes on to run. No code of a user's is run for it,
and frames are let go of at once: whoever holds one keeps its variables alive.
"""

from __future__ import annotations

import asyncio
import linecache
import os
import re
from enum import Enum, auto
from functools import lru_cache
from itertools import islice
from opcode import opname
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from bgwidgets.observe.asyncio_internals import runs_a_callback
from bgwidgets.observe.await_chain import file_label

DEEPEST: Final = 5_000
"""Frames; what is further out than this is not looked for."""
LONGEST_NAME: Final = 200
LONGEST_LABEL: Final = 200

_LIBRARY: Final = f"{Path(os.__file__).parent}{os.sep}"
_OURS: Final = f"{Path(__file__).parents[1]}{os.sep}"
_INSTALLED: Final = re.compile(r"[/\\](site|dist)-packages[/\\]")
_DEBUGGERS: Final = re.compile(r"[/\\](bdb|pdb)\.py$|pydevd")
_CALL: Final = re.compile(r"[^\W\d][\w.]*(?=\()")


class Seen(NamedTuple):
    """What a thread was seen at."""

    where: str | None
    """The user's innermost line and what it calls: "model.py:88 fit · time.sleep"."""
    in_debugger: bool = False


class _Kind(Enum):
    USERS = auto()
    INSTALLED = auto()
    LIBRARY = auto()
    """The standard library, and this package."""
    DEBUGGER = auto()


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
    frame = innermost
    for _ in range(DEEPEST):
        if frame is None or frame.f_code is runner or runs_a_callback(frame.f_code):
            break
        kind = _kind(frame.f_code.co_filename)
        in_debugger = in_debugger or kind is _Kind.DEBUGGER
        if kind is _Kind.USERS:
            chosen = frame
            break
        if kind is _Kind.INSTALLED and chosen is None:
            chosen = frame
        frame = frame.f_back
    if innermost is None or (chosen is None and frame is innermost):
        return Seen(None)  # In a callback that is no Python code.
    chosen = chosen or innermost
    words = _label(chosen)
    is_inside_c = chosen is innermost
    called = _called(chosen.f_code, chosen.f_lasti) if is_inside_c else _label(innermost)
    return Seen(f"{words} · {called}" if called else words, in_debugger)


def outermost_code(innermost: FrameType | None, runner: CodeType | None) -> CodeType | None:
    """The code of the callback that a loop's thread is in. Any thread; does not block."""
    code = None
    frame = innermost
    while frame is not None and not (frame.f_code is runner or runs_a_callback(frame.f_code)):
        code = frame.f_code
        frame = frame.f_back
    return code


def name_of(task: asyncio.Task[Any]) -> str:
    """A task's name, cut to a bounded length; runs no code of the user's. Never raises."""
    try:
        # Not the method of the task's own class, which may be the user's; nor the name's own.
        name = asyncio.Task.get_name(task)
        return str.__getitem__(name, slice(0, LONGEST_NAME))
    except Exception:  # noqa: BLE001 - a task in name only
        return "(a task without a name)"


@lru_cache(maxsize=4096)
def _kind(filename: str) -> _Kind:
    if _DEBUGGERS.search(filename):
        return _Kind.DEBUGGER
    if _INSTALLED.search(filename):
        return _Kind.INSTALLED
    if filename.startswith((_LIBRARY, _OURS, "<frozen ")):
        return _Kind.LIBRARY
    return _Kind.USERS


def _label(frame: FrameType) -> str:
    code = frame.f_code
    return f"{file_label(code.co_filename)}:{frame.f_lineno} {code.co_name}"[:LONGEST_LABEL]


@lru_cache(maxsize=1024)
def _called(code: CodeType, instruction: int) -> str | None:
    """What a frame calls that has no frame of its own: a function in C.

    Python knows which piece of the source an instruction stands for. Were the file changed since,
    the piece would be another one: so all its names must be the code's own.
    """
    if "CALL" not in opname[code.co_code[instruction]]:  # PRECALL, CALL, CALL_FUNCTION_EX, ...
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
