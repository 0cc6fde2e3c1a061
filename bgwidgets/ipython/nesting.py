"""nest_asyncio for the notebook's own loop. The only module that imports it."""

from __future__ import annotations

import asyncio
import importlib
import sys
from types import ModuleType
from typing import Final

from bgwidgets.exceptions import InvalidWork

_ORIGINAL: Final = "nest_asyncio"
_SUCCESSOR: Final = "nest_asyncio2"


def enable_nesting(loop: asyncio.AbstractEventLoop | None = None) -> None:
    """Let a loop that runs already run again: `run_until_complete` and `asyncio.run` in a cell.

    For the loop that runs in the calling thread, the notebook's own in a cell, or for the one that
    is given. Does not block. A second call does nothing.

    It has a price that all loops of the process pay, also those that are not nested: nest_asyncio
    replaces asyncio's tasks by those in pure Python, and tasks, gather and queues become 1.5 to 1.8
    times slower (measured on Python 3.11 to 3.13); it refuses uvloop. Background loops do not need
    it: a cell may call `job.result()`, since each loop has a thread of its own.

    Raises `InvalidWork` when no loop is given and none runs, or for a loop that cannot be nested.
    """
    if loop is None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise InvalidWork(
                "no event loop runs in this thread: pass the loop, enable_nesting(loop)"
            ) from None
    try:
        _nest_asyncio().apply(loop)
    except ValueError as error:
        raise InvalidWork(f"this loop cannot be nested: {error}") from error


def _nest_asyncio() -> ModuleType:
    """The one that is at work already; else what this Python needs."""
    for name in (_SUCCESSOR, _ORIGINAL):
        if name in sys.modules:
            return sys.modules[name]
    # nest_asyncio breaks on Python 3.14, and has an heir.
    return importlib.import_module(_SUCCESSOR if sys.version_info >= (3, 14) else _ORIGINAL)
