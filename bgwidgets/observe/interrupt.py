"""Breaking a task out of Python code that does not return."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from types import CodeType
from typing import Any, Final

from bgwidgets.exceptions import LoopInterrupted
from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.names import peek

UNDISTURBED: Final = 0.001
"""Seconds to stand back, so that the GIL comes to us anew: for the 5 ms after that it is ours."""
_TOOL: Final = 4
"""One of the numbers that `sys.monitoring` leaves to whoever comes first."""
_NAME: Final = "bgwidgets"


def raise_in_task(loop: asyncio.AbstractEventLoop, thread_id: int, task: asyncio.Task[Any]) -> bool:
    """Raise `LoopInterrupted` in the loop's thread, if it runs this task's code at this moment.

    Any thread. Blocks for as long as it takes to get the GIL, some milliseconds. False when it
    does not run it any more: then nothing was done. The exception comes up as soon as the thread
    runs Python code; while it is in C code, when that returns.

    A thread that waits for the GIL stands right where it will raise, so the check holds if nothing
    comes between it and the call. From Python 3.13 on it first runs on a little, maybe out of the
    task and into the loop's own code: so a check is put on its way out.
    """
    import ctypes  # Not needed by those who never interrupt.

    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    number = ctypes.c_ulong(thread_id)
    interrupted = ctypes.py_object(LoopInterrupted)
    time.sleep(UNDISTURBED)
    if not _is_in(loop, task):
        return False
    _check_on_the_way_out(coroutine_of(task), thread_id)
    was_found = bool(raise_in_thread(number, interrupted))
    if not _is_in(loop, task):
        # It ended in between after all. Too late where the exception has come up already.
        raise_in_thread(number, None)
    return was_found


def _is_in(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> bool:
    if asyncio.current_task(loop) is not task:
        return False
    # It still is when its coroutine has come back, and asyncio tells those who wait for it: there
    # an exception would be the end of their waiting.
    coroutine = coroutine_of(task)
    is_running = peek(coroutine, "cr_running")
    if is_running is None:
        is_running = peek(coroutine, "gi_running")
    return is_running is not False


def _check_on_the_way_out(coroutine: object, thread_id: int) -> None:
    """Run a Python function when the coroutine gives up control: what is to be raised comes up
    there, in the task, at the latest.
    """
    if sys.version_info >= (3, 13):
        code = peek(coroutine, "cr_code")
        monitoring = sys.monitoring
        if monitoring.get_tool(_TOOL) is None:
            monitoring.use_tool_id(_TOOL, _NAME)
        if not isinstance(code, CodeType) or monitoring.get_tool(_TOOL) != _NAME:
            return  # It is no coroutine of Python's, or somebody else came first.

        def leaves(code: CodeType, *_: object) -> None:
            if threading.get_ident() == thread_id:
                monitoring.set_local_events(_TOOL, code, monitoring.events.NO_EVENTS)

        ways_out = (monitoring.events.PY_RETURN, monitoring.events.PY_YIELD)
        for event in ways_out:
            monitoring.register_callback(_TOOL, event, leaves)
        monitoring.set_local_events(_TOOL, code, sum(ways_out))
