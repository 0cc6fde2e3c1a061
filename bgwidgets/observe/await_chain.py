"""Where a task waits, and on what, in words.

A suspended coroutine names what it awaits (`cr_await`), so the chain can be walked from the task's
own coroutine down to the innermost one, from any thread and without disturbing anything.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import future_waited_for

LONGEST_CHAIN: Final = 200
"""A recursion that is deeper than this tells no more."""

_NOT_THE_USERS: Final = tuple(
    f"{folder}{os.sep}" for folder in (Path(asyncio.__file__).parent, Path(__file__).parents[1])
)
"""Folders whose code is not what a user looks for: asyncio's and ours."""

_WORDS: Final = {
    "sleep": "sleep",
    "Queue.get": "queue get",
    "Queue.put": "queue put",
    "Queue.join": "queue join",
    "Event.wait": "event",
    "StopEvent.wait": "stop event",
    "Lock.acquire": "lock",
    "Condition.wait": "condition",
    "Semaphore.acquire": "semaphore",
    "Barrier.wait": "barrier",
    "StreamReader.read": "socket read",
    "StreamReader.readline": "socket read",
    "StreamReader.readuntil": "socket read",
    "StreamReader.readexactly": "socket read",
    "StreamWriter.drain": "socket write",
    "Process.wait": "subprocess",
    "Process.communicate": "subprocess",
    "to_thread": "worker thread",
    "run_in_worker_thread": "worker thread",
    "TaskGroup.__aexit__": "task group",
    "wait": "tasks",
    "as_completed.<locals>._wait_for_one": "tasks",  # until Python 3.12
    "_AsCompletedIterator._wait_for_one": "tasks",
    "wait_for": "timeout",
}
"""What asyncio's own coroutines, and ours, wait for. The user's code is never looked up here."""

_NOTEBOOK_CELL: Final = re.compile(r"ipykernel_\d+[/\\]\d+\.py$|^<ipython-input-")


def place_of(task: asyncio.Task[Any]) -> tuple[str | None, str | None]:
    """What a task waits on, and the innermost line of the user's code: ("sleep", "a.py:3 main").

    Any thread; does not block. What is not known is None.
    """
    words = where = None
    for code, line in _chain(task.get_coro()):
        if code.co_filename.startswith(_NOT_THE_USERS):
            words = words or _WORDS.get(code.co_qualname)
        else:
            where = f"{file_label(code.co_filename)}:{line} {code.co_name}"
            words = None
    return words or _future_in_words(future_waited_for(task)), where


def _chain(awaitable: Any) -> Iterator[tuple[CodeType, int | None]]:
    """Each suspended frame from the outermost to the innermost, with its line."""
    for _ in range(LONGEST_CHAIN):
        frame: FrameType | None = None
        for kind in ("cr", "gi", "ag"):
            frame = frame or getattr(awaitable, f"{kind}_frame", None)
        if frame is None:
            return
        yield frame.f_code, frame.f_lineno
        awaitable = (
            getattr(awaitable, "cr_await", None)
            or getattr(awaitable, "gi_yieldfrom", None)
            or getattr(awaitable, "ag_await", None)
        )


def _future_in_words(future: asyncio.Future[Any] | None) -> str | None:
    if future is None:
        return None
    if isinstance(future, asyncio.Task):
        return f"task {future.get_name()[:100]}"
    return "gather" if "Gathering" in type(future).__name__ else "future"


def file_label(filename: str) -> str:
    """A file's short name; for a notebook's cell "In[3]", as the notebook itself calls it.

    Where the cell's number is not known (no IPython here, or an old cell), it is "cell".
    """
    if not _NOTEBOOK_CELL.search(filename):
        return filename.replace("\\", "/").rsplit("/", 1)[-1]
    return _cell_label(filename) or "cell"


def _cell_label(filename: str) -> str | None:
    # Not imported, only looked at: where there is no IPython there are no cells either.
    ipython = sys.modules.get("IPython")
    get_shell = getattr(ipython, "get_ipython", None)  # None also while it is being imported
    shell = get_shell() if get_shell is not None else None
    if shell is None:
        return None
    kind_and_label = shell.compile.format_code_name(filename)
    return str(kind_and_label[1]) if kind_and_label else None
