"""asyncio's private names that this package touches: here and nowhere else.

Seen on CPython 3.11 to 3.13 and on uvloop 0.22-0.23 (whose tasks are asyncio's own). Each is
looked for, and where it is missing the nearest public way is taken.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any


def peek_exception(task: asyncio.Future[Any]) -> BaseException | None:
    """What a finished, not cancelled task raised, without counting as having looked.

    `Task.exception()` would mute asyncio's own "exception was never retrieved".
    """
    if hasattr(task, "_exception"):
        error: BaseException | None = task._exception  # noqa: SLF001 - this module's purpose
        return error
    return task.exception()


def let_go_of(task: asyncio.Task[Any]) -> None:
    """Do not log "Task was destroyed but it is pending" for a task that was given up on purpose.

    Whoever gives it up says so in a report of its own.
    """
    if hasattr(task, "_log_destroy_pending"):
        task._log_destroy_pending = False  # noqa: SLF001 - this module's purpose
    coroutine = task.get_coro()
    if not inspect.iscoroutine(coroutine):
        return
    if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
        coroutine.close()  # Nor "was never awaited".


def hide(task: asyncio.Task[Any]) -> None:
    """Keep a task of our own out of `asyncio.all_tasks()`, so that nobody cancels it there.

    `_unregister_task` is described under "Extending asyncio", for all its underscore.
    """
    asyncio._unregister_task(task)  # noqa: SLF001 - this module's purpose


def future_waited_for(task: asyncio.Task[Any]) -> asyncio.Future[Any] | None:
    """The future on which a suspended task waits; None when it waits for none or it is unknown."""
    future: asyncio.Future[Any] | None = getattr(task, "_fut_waiter", None)
    return future


def thread_id_of(loop: asyncio.AbstractEventLoop) -> int | None:
    """The number of the thread in which a loop runs; None when it does not run or does not tell."""
    number: int | None = getattr(loop, "_thread_id", None)
    return number


def is_what_its_runner_waits_for(task: asyncio.Task[Any]) -> bool:
    """Whether `run_until_complete` returns when this task has ended. False where it is unknown."""
    callbacks = getattr(task, "_callbacks", None) or ()
    # asyncio's own `_run_until_complete_cb`, uvloop's `run_until_complete.<locals>.done_cb`.
    names = [getattr(callback, "__qualname__", "") for callback, _ in callbacks]
    return any("run_until_complete" in name for name in names)


def event_loop_policy() -> object:
    """The policy by which asyncio makes event loops. Python 3.14 deprecates the public name."""
    get_policy = getattr(asyncio.events, "_get_event_loop_policy", asyncio.get_event_loop_policy)
    policy: object = get_policy()
    return policy
