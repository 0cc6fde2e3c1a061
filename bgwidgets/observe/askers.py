"""Who asks for a cancellation, and from where: seen on the stack of the one who calls `cancel`."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final, NamedTuple

from bgwidgets.commands import Asker
from bgwidgets.observe.asyncio_internals import task_around
from bgwidgets.observe.await_chain import file_label, line_that_holds, where_of
from bgwidgets.observe.line_numbers import line_in
from bgwidgets.observe.names import LONGEST_NAME, name_of
from bgwidgets.observe.whose_code import Whose, whose

_ASYNCIO: Final = f"{Path(asyncio.__file__).parent}{os.sep}"
_OURS: Final = f"{Path(__file__).parents[1]}{os.sep}"
_PASSES_ON: Final = str(Path(__file__).with_name("watched_task.py"))
_HERE: Final = (
    _PASSES_ON,
    str(Path(__file__).with_name("cancellations.py")),
    f"{_OURS}hosts{os.sep}worker_threads.py",
    f"{_OURS}own_thread.py",
)
"""Whose frames are on the stack of every cancellation, or of all that a worker thread does."""
_NOT_THE_USERS: Final = (Whose.ASYNCIOS, Whose.LIBRARY)
_WHERE_A_TURN_BEGINS: Final = frozenset({"Handle._run", "run_until_closing", "Runner.run"})
"""What is further out on the stack has nothing to do with it. uvloop has no frame of the first."""
_WRAPS_OF_TURNS: Final = str(Path(__file__).with_name("births.py"))
"""So it is here: around the methods that run a loop in a watched thread."""
_CALLED_BY_THE_LOOP: Final = frozenset({"Timeout._on_timeout", "TaskGroup._on_task_done"})
"""So is what is further out than these: uvloop, again."""
_HELD_BY_WHOM_IT_IS_FOR: Final = frozenset({*_CALLED_BY_THE_LOOP, "TaskGroup._abort"})
"""Methods of what somebody has entered by `async with`."""
_FRAMES: Final = 100
"""Deeper than this nobody looks."""

_WAIT_FOR: Final = "wait_for"
_PARENT: Final = "parent"
ITS_OWN_GROUP: Final = "its own task group"
"""Who cancels the task around a group, as soon as one in the group has failed."""
_WORDS: Final = {
    "TaskGroup._abort": "task group",
    "TaskGroup._on_task_done": ITS_OWN_GROUP,
    "Timeout._on_timeout": "timeout",
    "_GatheringFuture.cancel": "gather",
    _WAIT_FOR: "timeout",
    "_cancel_all_tasks": "end of the loop",
}
"""asyncio's own functions that cancel tasks, and in whose name."""


def caller() -> Asker:
    """The thread and the line that call into this package. Any thread; does not block."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented, for all its underscore
    while frame is not None and whose(frame.f_code.co_filename) in _NOT_THE_USERS:
        frame = frame.f_back
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    who = (
        f"thread {threading.current_thread().name[:LONGEST_NAME]}"
        if task is None
        else f"task {name_of(task)}"
    )
    return Asker(who, _line_of(frame) if frame is not None else None)


class Seen(NamedTuple):
    """What the stack has told."""

    asker: Asker | None
    """None when it is this package itself."""
    path: tuple[tuple[CodeType, int], ...] = ()
    """The code that was seen and its instructions, from the inside out; empty where these alone do
    not tell."""
    group: asyncio.TaskGroup | None = None
    """Whose method one of them is, if it is a task group's."""
    place_of_group: int = 0
    """Which of them that is."""


def find_asker(
    task: asyncio.Task[Any], caller: FrameType | None, parent: asyncio.Task[Any] | None = None
) -> Seen:
    """Who is asking for this task's cancellation right now: the one who has called its `cancel` in
    this frame, or had it called. In the thread that asks; `parent` is the task that passes its own
    cancellation on in it.

    The line is the user's innermost one that called `cancel()`, or had an installed package do it;
    the package's where there is none. Where asyncio did, there is no such line, and it is
    the one that asyncio did it for: where the parent awaits, or the code of the `asyncio.timeout`,
    `wait_for` or `TaskGroup` is just then. It is None where that is not the user's code either, or
    cannot be seen: `cancel` itself was handed to the loop, or to a thread, as what is to be called.
    """
    frame = caller
    words: str | None = None
    held: object = None
    place, is_ours, is_told_by_code = 0, False, True
    path: list[tuple[CodeType, int]] = []
    asker: Asker | None = None  # An installed package's, until there is the user's.
    while frame is not None and len(path) < _FRAMES:
        file, name = frame.f_code.co_filename, frame.f_code.co_qualname
        path.append((frame.f_code, frame.f_lasti))
        if file == _WRAPS_OF_TURNS or (
            name in _WHERE_A_TURN_BEGINS and file.startswith((_ASYNCIO, _OURS))
        ):
            break
        if file.startswith(_OURS):
            if asker is not None:
                break
            # A cancellation is passed on to the task that is waited for.
            if file == _PASSES_ON and parent is not None and parent is not task:
                asker = passing_on(parent)
                break
            if file == _PASSES_ON:
                words = None  # Who asked comes further out.
            is_ours = is_ours or not file.startswith(_HERE)
        elif file.startswith(_ASYNCIO):
            if name == _WAIT_FOR:
                words = _PARENT if _passes_it_on(frame) else _WORDS[name]
                is_told_by_code = False
            words = words or _WORDS.get(name)
            if name in _HELD_BY_WHOM_IT_IS_FOR and asker is None:
                held, place = frame.f_locals.get("self"), len(path) - 1
            if name in _CALLED_BY_THE_LOOP:
                break
        elif is_ours:
            break
        elif (owner := whose(file)) is Whose.INSTALLED:
            asker = asker or Asker(_in_words(task, words), _line_of(frame))
        elif owner is not Whose.LIBRARY:
            who = asker.who if asker is not None else _in_words(task, words)
            asker = Asker(who, _line_of(frame))
            break
        frame = frame.f_back
    else:
        is_told_by_code = is_told_by_code and frame is not None
    if asker is None and not is_ours:
        asker = Asker(_in_words(task, words), _line_it_is_for(task, held))
    group = held if isinstance(held, asyncio.TaskGroup) else None
    if held is not group:  # A timeout, of which the task itself tells the line.
        is_told_by_code = False
    return Seen(asker, tuple(path) if is_told_by_code else (), group, place)


def passing_on(parent: asyncio.Task[Any]) -> Asker:
    """A task that was cancelled, and passes it on to what it waits for."""
    return Asker(f"parent {name_of(parent)}", where_of(parent))


def _passes_it_on(frame: FrameType) -> bool:
    """Whether `wait_for` cancels because it was cancelled itself, and no time has run out.

    Until Python 3.11, where what it waits for is a task of its own: then it handles an error that
    has come as far as to it. From 3.12 on the task that waits passes it on, as any other does.
    """
    error = sys.exception()
    come_to = error.__traceback__ if error is not None else None
    return come_to is not None and come_to.tb_frame is frame


def _line_it_is_for(task: asyncio.Task[Any], scope: object) -> str | None:
    holder = task_around(scope) if isinstance(scope, asyncio.TaskGroup) else task
    return line_that_holds(holder, scope) if holder is not None and scope is not None else None


def _line_of(frame: FrameType) -> str:
    return f"{file_label(frame.f_code.co_filename)}:{line_in(frame)} {frame.f_code.co_name}"


def _in_words(task: asyncio.Task[Any], words: str | None) -> str:
    try:
        loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
    except RuntimeError:
        loop = None
    current = asyncio.current_task(loop) if loop is not None else None
    if words == _PARENT and current is not None:
        return f"{words} {name_of(current)}"
    if words is not None:
        return f"{words} of {name_of(current)}" if current is not None else words
    if loop is not task.get_loop():
        return f"thread {threading.current_thread().name[:LONGEST_NAME]}"
    if current is None:
        return "a callback of the loop"
    return f"task {name_of(current)}" if current is not task else "itself"
