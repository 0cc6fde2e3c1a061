"""Breaking a task out of Python code that does not return."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any, Final

from bgwidgets.exceptions import LoopInterrupted
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.names import peek
from bgwidgets.observe.thread_frames import stacks_of

_OUTPUT: Final = str(Path(__file__).parent.parent / "output")
"""Where the code is that makes lines of what is printed: broken off, it would lose some."""
DEEPEST: Final = 10
"""Frames of it, above which nothing is printed."""
TRIES: Final = 100
UNDISTURBED: Final = 0.001
"""Seconds to stand back, so that the GIL comes to us anew: for the 5 ms after that it is ours."""
_TOOL: Final = 4
"""One of the numbers that `sys.monitoring` leaves to whoever comes first."""
_NAME: Final = "bgwidgets"


def raise_in_task(
    loop: asyncio.AbstractEventLoop,
    thread_id: int,
    task: asyncio.Task[Any],
    came_up: Callable[[], None] = lambda: None,
) -> bool | None:
    """Raise `LoopInterrupted` in the loop's thread, if it runs this task's code at this moment.

    Any thread. Blocks for as long as it takes to get the GIL, some milliseconds. False when it
    does not run it any more: then nothing was done. None when it left the task in that moment: the
    exception was taken back if it had not come up yet, and nobody knows which. Otherwise it comes
    up as soon as the thread runs Python code; while it is in C code, when that returns. Then
    `came_up` is called there, which must not block or raise; but not when another one is raised
    before, in the place of which that comes up.

    A thread that waits for the GIL stands right where it will raise, so the check holds if nothing
    comes between it and the call. But from Python 3.13 on it first runs on a little, and so does
    one that comes back from C code, maybe out of the task and into the loop's own code: so where
    `sys.monitoring` can, from 3.12 on, a check is put on its way out.
    """
    import ctypes  # Not needed by those who never interrupt.

    raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
    number = ctypes.c_ulong(thread_id)
    interrupted = ctypes.py_object(_ComingUp)
    for _ in range(TRIES):
        time.sleep(UNDISTURBED)
        if not _is_in(loop, task):
            return False
        if not _prints(thread_id):
            break
    code = peek(coroutine_of(task), "cr_code")
    watched = code if isinstance(code, CodeType) and _ways_out.watch(code) else None
    _comes_up[thread_id] = came_up
    was_found = bool(raise_in_thread(number, interrupted))
    is_certain = _is_in(loop, task)
    if not is_certain:
        # It ended in between after all. Too late where the exception has come up already.
        _take_back(raise_in_thread, number)
        _comes_up.pop(thread_id, None)
    if watched is not None:
        _unwatch_when_it_turns(loop, watched)
    return was_found if is_certain or not was_found else None


class _TakenBack(BaseException):
    """Comes up where it is raised, and nowhere else."""


def _take_back(raise_in_thread: Callable[[Any, Any], int], number: Any) -> None:
    """The thread raises nothing any more.

    Up to Python 3.12 all threads are told that one of them has something to raise, until one has
    raised something. Each looks for it ever after, which makes it slower; and on 3.11 one that is
    traced, as by a debugger, looks for ever when it next calls a function. So this one raises.
    """
    import ctypes

    here, taken_back = ctypes.c_ulong(threading.get_ident()), ctypes.py_object(_TakenBack)
    raise_in_thread(number, None)
    if sys.version_info < (3, 13):
        try:
            # Between these two no function may be called.
            raise_in_thread(here, taken_back)
            for _ in range(100):
                pass
        except _TakenBack:
            pass


_comes_up: Final[dict[int, Callable[[], None]]] = {}
"""Whom to tell, by the thread in which it comes up."""


class _ComingUp(LoopInterrupted):
    """Python can only be given a class to raise, and makes an exception of it when it comes up."""

    def __new__(cls, *args: object) -> LoopInterrupted:  # type: ignore[misc] # that is the point
        """What is raised is a plain `LoopInterrupted`."""
        if (came_up := _comes_up.pop(threading.get_ident(), None)) is not None:
            came_up()
        return LoopInterrupted(*args)


def _unwatch_when_it_turns(loop: asyncio.AbstractEventLoop, code: CodeType) -> None:
    """However the task's step ends, the loop then turns again, or is closed."""
    try:
        loop.call_soon_threadsafe(_ways_out.unwatch, code)
    except Exception:  # noqa: BLE001 - it is closed, or work has broken it
        _ways_out.unwatch(code)


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


def _prints(thread_id: int) -> bool:
    """Whether the thread is in the midst of noting what was printed."""
    stack = stacks_of([thread_id], DEEPEST).get(thread_id)
    return stack is not None and any(
        code.co_filename.startswith(_OUTPUT) for code, _ in stack.places
    )


class _WaysOut:
    """Runs a Python function when a coroutine gives up control: what is to be raised comes up
    there, in the task, at the latest. Only from Python 3.12 on; any thread.

    The number is taken for as long as anything is watched, so that others can have it after that.
    """

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._watched: Final[Counter[CodeType]] = Counter()

    def watch(self, code: CodeType) -> bool:
        """Until `unwatch`, as often as it was watched. False where it cannot be."""
        is_watched = False
        if sys.version_info >= (3, 12):
            monitoring, ways_out = sys.monitoring, self._events()
            with self._guard:
                if not self._watched and monitoring.get_tool(_TOOL) is None:
                    monitoring.use_tool_id(_TOOL, _NAME)
                    for event in ways_out:
                        monitoring.register_callback(_TOOL, event, _nothing)
                if monitoring.get_tool(_TOOL) == _NAME:  # Or else somebody else came first.
                    self._watched[code] += 1
                    monitoring.set_local_events(_TOOL, code, sum(ways_out))
                    is_watched = True
        return is_watched

    def unwatch(self, code: CodeType) -> None:
        """Let it be. After the last one, all is as it was."""
        if sys.version_info >= (3, 12):
            monitoring = sys.monitoring
            with self._guard:
                self._watched[code] -= 1
                if not self._watched[code]:
                    del self._watched[code]
                    monitoring.set_local_events(_TOOL, code, monitoring.events.NO_EVENTS)
                if not self._watched:
                    for event in self._events():
                        monitoring.register_callback(_TOOL, event, None)
                    monitoring.free_tool_id(_TOOL)

    if sys.version_info >= (3, 12):

        @staticmethod
        def _events() -> tuple[int, int]:
            return sys.monitoring.events.PY_RETURN, sys.monitoring.events.PY_YIELD


def _nothing(*_: object) -> None:
    """What is called on the way out; that a Python function is called at all is what counts."""


_ways_out: Final = _WaysOut()
"""This process's."""
