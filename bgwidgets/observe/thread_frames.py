"""The frames of all threads, taken so that no garbage is collected meanwhile.

Up to Python 3.11 `sys._current_frames()` holds a lock of the interpreter that a new thread needs as
well, and its allocations may set off a collection, which runs finalizers: Python code, that may
lose its turn. A thread that is made in this moment waits for that lock while it holds the GIL, and
the whole process stands still, for ever. Seen: 3.11.7. From 3.12 on the collector never comes
between two steps of C code.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from types import FrameType
from typing import Final

COLLECTS_AMID_C_CODE: Final = sys.version_info < (3, 12)

_guard: Final = threading.RLock()
"""Held from where the collector is switched off to where it is on again: two threads at a time
could leave it off. Reentrant, for a signal handler may come here too."""
if COLLECTS_AMID_C_CODE and hasattr(os, "register_at_fork"):
    # A child would have it held for ever by a thread that did not come along, and no collector.
    os.register_at_fork(
        before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_guard.release
    )


def frames_of_other_threads() -> dict[int, FrameType]:
    """The innermost frame of each other thread, by the thread's id. Any thread; does not block.

    Not the caller's own: with it the frames would be a circle, and what they hold would live until
    the garbage collector comes round.
    """
    frames = _frames()
    frames.pop(threading.get_ident(), None)
    return frames


def _frames() -> dict[int, FrameType]:
    if not COLLECTS_AMID_C_CODE:
        return sys._current_frames()  # noqa: SLF001 - documented, for all its underscore
    with _guard:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()  # noqa: SLF001 - as above
        finally:
            if was_enabled:
                gc.enable()
