"""What a suspended task waits for, in words: "sleep, 12 s left", "queue get", "task fetch-3"."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import math
import time
from types import GeneratorType
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import (
    callbacks_of,
    coroutine_of,
    future_behind,
    future_waited_for,
    gathered_by,
    is_pipe,
    is_task,
)
from bgwidgets.observe.names import name_of as name_of_task
from bgwidgets.observe.names import peek
from bgwidgets.observe.suspended import (
    LONGEST_CHAIN,
    Step,
    Wait,
    first_held,
    held_by,
    is_cut_off,
    name_of,
)
from bgwidgets.observe.wait_edges import futures_held, task_submitted

TOO_DEEP: Final = f"more than {LONGEST_CHAIN} calls deep"
UNKNOWN: Final = "unknown"
"""It waits, and for what cannot be seen: for an awaitable of somebody's own."""
EXECUTOR: Final = "executor"
OF_A_THREAD: Final = "future of another thread"
"""One of `concurrent.futures`: of an executor that has not begun with it, or of anybody's."""
LOOP_HAS_ENDED: Final = "its loop has ended"
"""Said of what is left on a loop that is closed, and will never be woken."""
WORKER_THREAD: Final = "worker thread"
_END_OF_A_LOOP: Final = "end of a loop"
LONGEST_NAME: Final = 100
MOST_COUNTED: Final = 200
"""Of more futures than this it is not counted how many are done: that would cost every row."""
_DEEPEST: Final = 3
"""Shields and tasks of `wait_for` inside of each other."""

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
    "StreamWriter.wait_closed": "socket close",
    "Server.serve_forever": "socket accept",
    "Server.wait_closed": "socket close",
    "open_connection": "socket connect",
    "open_unix_connection": "socket connect",
    "create_subprocess_exec": "subprocess",
    "create_subprocess_shell": "subprocess",
    "Process.wait": "subprocess",
    "Process.communicate": "subprocess",
    "to_thread": WORKER_THREAD,
    "run_in_worker_thread": WORKER_THREAD,
    "TaskGroup.__aexit__": "task group",
    "BackgroundLoop._end_of_async": _END_OF_A_LOOP,
    "wait": "tasks",
    "as_completed.<locals>._wait_for_one": "tasks",  # until Python 3.12
    "_AsCompletedIterator._wait_for_one": "tasks",
}
"""What asyncio's own coroutines, and ours, wait for. The user's code is never looked up here."""
_WORDS_OF_LOOPS: Final = {
    "sock_recv": "socket read",
    "sock_recv_into": "socket read",
    "sock_recvfrom": "socket read",
    "sock_recvfrom_into": "socket read",
    "sock_sendall": "socket write",
    "sock_sendto": "socket write",
    "sock_sendfile": "socket write",
    "sendfile": "socket write",
    "sock_accept": "socket accept",
    "sock_connect": "socket connect",
    "create_connection": "socket connect",
    "create_unix_connection": "socket connect",
    "start_tls": "socket connect",
    "getaddrinfo": "name lookup",
    "getnameinfo": "name lookup",
    "subprocess_exec": "subprocess",
    "subprocess_shell": "subprocess",
}
"""The same for the methods of event loops, whatever their class is called."""
_GETS_ITS_LOCK_BACK: Final = ("Condition.wait", "Lock.acquire")
"""A task that was notified: what it waits for now is the lock."""
_FOR_EVER: Final = frozenset({"future", EXECUTOR})
"""Words for what has no name, which stay the same as long as the task waits for it."""
_FOR_EVER_FROM: Final = 99 * 365 * 86_400.0
"""Seconds. uvloop makes a hundred years of every sleep that is longer, and of an endless one."""
_OF_TASKS: Final = frozenset({"task group", "tasks"})
_OF_STREAMS: Final[dict[str, type[Any]]] = {
    "socket read": asyncio.StreamReader,
    "socket write": asyncio.StreamWriter,
}


def words_until(wait: Wait, task: asyncio.Task[Any]) -> tuple[str | None, float | None]:
    """What a task waits for that is suspended there, None when it does not wait; and until which
    time of the loop these words are true, if it waits for the same future by then, None where that
    is not known. Any thread; does not block.
    """
    step, words = _asyncios_own(wait)
    if words != WORKER_THREAD and task.get_loop().is_closed():  # That thread goes on.
        return LOOP_HAS_ENDED, math.inf
    if step is None:
        without_a_name = _without_a_name(wait, task)
        return without_a_name, math.inf if without_a_name in _FOR_EVER else None
    if words == "sleep":
        left = _left_of_timer(step, task.get_loop())
        if left is None:  # Until the next turn.
            return words, math.inf
        if left == math.inf:
            return f"{words}, for ever", math.inf
        until = time_of(task.get_loop()) + left - next_duration(left)
        return f"{words}, {duration(left)} left", until
    if words in _OF_TASKS:
        return f"{words}{_left(futures_held(wait, MOST_COUNTED))}", None
    if words in _OF_STREAMS and (stream := first_held(step, _OF_STREAMS[words])) is not None:
        words = words.replace("socket", "pipe") if is_pipe(stream) else words
    if words == _END_OF_A_LOOP:
        words = _end_of_loop(step)
    return words, math.inf


def kind_of(wait: Wait, task: asyncio.Task[Any]) -> str | None:
    """The same in fewer words, which do not change from one moment to the next."""
    step, words = _asyncios_own(wait)
    return words if step is not None else _without_a_name(wait, task, is_counted=False)


def _asyncios_own(wait: Wait) -> tuple[Step | None, str]:
    """The outermost function that has words of its own; it calls others that have some."""
    for depth, step in enumerate(wait.inner):
        name = name_of(step)
        words = _WORDS.get(name) or _WORDS_OF_LOOPS.get(name.rpartition(".")[2])
        if words is None:
            continue
        if name == _GETS_ITS_LOCK_BACK[0] and depth + 1 < len(wait.inner):
            further = wait.inner[depth + 1]
            if name_of(further) == _GETS_ITS_LOCK_BACK[1]:
                return further, _WORDS[_GETS_ITS_LOCK_BACK[1]]
        return step, words
    return None, ""


def _end_of_loop(step: Step) -> str:
    # By name: what it waits for is the handle, which is made further up than this.
    handle = next((each for each in held_by(step) if type(each).__name__ == "BackgroundLoop"), None)
    return _END_OF_A_LOOP if handle is None else f"end of loop {handle.name[:LONGEST_NAME]}"


def _without_a_name(wait: Wait, task: asyncio.Task[Any], *, is_counted: bool = True) -> str | None:
    if is_cut_off(wait):
        return TOO_DEEP
    future = future_waited_for(task)
    if future is None:
        return UNKNOWN if _is_suspended(coroutine_of(task)) else None
    words = _future_in_words(future, is_counted=is_counted)
    if words is None and wait.inner:
        # Until Python 3.11, `wait_for` waits for a future of its own, that what it was given sets.
        held = futures_held(wait, MOST_COUNTED)
        tried = (_future_in_words(each, is_counted=is_counted) for each in held)
        words = next((each for each in tried if each is not None), None)
    if words is None:
        words = UNKNOWN if _is_somebodys_own(wait) else "future"
    return words


def _future_in_words(future: Any, *, is_counted: bool, depth: int = 0) -> str | None:
    if is_task(future):
        return f"task {name_of_task(future)[:LONGEST_NAME]}"
    if (gathered := gathered_by(future)) is not None:
        return f"gather of {len(gathered)}{_left(gathered)}" if is_counted else "gather"
    behind = future_behind(callbacks_of(future))
    if behind is None or depth == _DEEPEST:
        return None
    if not issubclass(type(behind), concurrent.futures.Future):
        words = _future_in_words(behind, is_counted=is_counted, depth=depth + 1)
        return f"{words or 'future'}, shielded"
    submitted = task_submitted(behind)
    if submitted is not None:
        return f"task {name_of_task(submitted)[:LONGEST_NAME]}"
    # Only an executor may say that one is running; whether it has one in its queue, none tells.
    is_running = type(behind) is concurrent.futures.Future and behind.running()
    return EXECUTOR if is_running else OF_A_THREAD


def _left(futures: list[asyncio.Future[Any]]) -> str:
    if not 0 < len(futures) <= MOST_COUNTED:
        return ""
    return f" ({sum(not future.done() for future in futures)} left)"


def _is_suspended(coroutine: Any) -> bool:
    """Whether it has begun, has not ended, and does not run now; also when that is unknown."""
    if coroutine is None:
        return False
    is_suspended = peek(coroutine, "cr_suspended")
    if is_suspended is None:
        is_suspended = peek(coroutine, "gi_suspended")
    return is_suspended is not False


def _is_somebodys_own(wait: Wait) -> bool:
    """Whether the innermost awaitable is an object with an `__await__` of its own."""
    caller = wait.caller
    if caller is not None and not wait.inner and caller.code.co_name == "__await__":
        return isinstance(caller.awaitable, GeneratorType)
    return wait.end is not None and type(wait.end).__module__ != "_asyncio"


def seconds_left(step: Step, loop: asyncio.AbstractEventLoop) -> float | None:
    """Until the timer runs out that a step's variable holds; None where none does, or never."""
    left = _left_of_timer(step, loop)
    return None if left == math.inf else left


def _left_of_timer(step: Step, loop: asyncio.AbstractEventLoop) -> float | None:
    for held in gc.get_referents(step.awaitable):
        if type(held).__name__ == "TimerHandle":  # asyncio's or uvloop's
            left = float(held.when() - time_of(loop))
            return max(0.0, left) if left < _FOR_EVER_FROM else math.inf
    return None


def time_of(loop: asyncio.AbstractEventLoop) -> float:
    """A loop's time, in any thread.

    uvloop's own `time()` writes to the loop, which must not happen from another thread: a timer
    that libuv is just looking at might never run out. Its clock is `time.monotonic`.
    """
    return loop.time() if isinstance(loop, asyncio.BaseEventLoop) else time.monotonic()


def next_duration(seconds: float) -> float:
    """How many of these seconds are left when `duration` will say something else."""
    for least, unit in _UNITS:
        if seconds >= least:
            # Tenths are rounded as `duration` writes them: 0.05 / 0.1 is a half, 0.05 is more.
            count = round(seconds / unit) if unit >= 1 else round(round(seconds, 1) / unit)
            return max(least, (count - 0.5) * unit)
    return 0.0


_UNITS: Final = ((172_800, 86_400.0), (7_200, 3_600.0), (120, 60.0), (9.95, 1.0), (0, 0.1))
"""From how many seconds on `duration` speaks in which unit."""


def duration(seconds: float) -> str:
    """A time to wait, in a few letters: "0.1 s", "12 s", "5 min", "2 h", "3 d"."""
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.1f} s"
    if seconds < 7_200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"
