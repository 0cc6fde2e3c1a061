"""The threads of executors that are not ours: whose they are for as long as they run a function.

`run_in_executor` with a pool of the user's own, and everything that an adopted loop hands to
threads, also by `asyncio.to_thread`. Such a thread serves many masters, so it belongs to the loop
only while it works for it: what it prints then is the loop's, and `current()` is its handle.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import Any

from bgwidgets.belonging import enter_worker_thread, leave_worker_thread, works_for
from bgwidgets.hosts.worker_threads import WorkerThreads
from bgwidgets.observe.asyncio_internals import default_executor, has_its_own
from bgwidgets.output.whose import TaskRef, ref_here, work_for


def know_pool_threads(
    loop: asyncio.AbstractEventLoop,
    loop_id: int,
    stop_event: object,
    busy: set[threading.Thread],
) -> None:
    """Know them from now on: each is in `busy` for as long as it works for the loop, also after
    the loop's end. In the loop's thread.

    Loops whose methods cannot be replaced (uvloop's) are left as they are.
    """
    if has_its_own(loop, "run_in_executor"):
        return  # They are known already, or somebody else has put something there.
    original = loop.run_in_executor

    def run_in_executor(
        executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        # Not a process pool: what goes there must be the user's own. Nor our threads, which know.
        pool = default_executor(loop) if executor is None else executor
        if isinstance(pool, WorkerThreads) or not isinstance(pool, ThreadPoolExecutor | None):
            return original(executor, func, *args)
        work = partial(_work, loop_id, stop_event, busy, ref_here(), func)
        return original(executor, work, *args)

    with contextlib.suppress(AttributeError):
        loop.run_in_executor = run_in_executor  # type: ignore[method-assign, assignment]


def forget_pool_threads(loop: asyncio.AbstractEventLoop) -> None:
    """Its `run_in_executor` is its own again. Any thread."""
    with contextlib.suppress(AttributeError):
        del loop.run_in_executor


def _work(
    loop_id: int,
    stop_event: object,
    busy: set[threading.Thread],
    task: TaskRef | None,
    function: Callable[..., Any],
    *args: Any,
) -> Any:
    def work() -> Any:
        enter_worker_thread(loop_id, stop_event)
        work_for(task)
        try:
            return function(*args)
        finally:
            work_for(None)
            leave_worker_thread()

    if works_for(loop_id):  # One of ours, which knows: uvloop does not tell its default executor.
        return function(*args)
    thread = threading.current_thread()
    busy.add(thread)
    try:
        # In a context of its own, for the thread is somebody else's afterwards.
        return copy_context().run(work)
    finally:
        busy.discard(thread)  # Before whoever waits for the function is told that it has returned.
