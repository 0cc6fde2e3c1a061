"""What a loop's main task runs, for each kind of work."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, cast

from bgwidgets.exceptions import InvalidWork
from bgwidgets.work import Work, WorkKind


def main_coroutine(work: Work, workers: Callable[[], Executor]) -> Coroutine[Any, Any, Any]:
    """The coroutine to run as the main task. Raises what calling the user's function raises."""
    if work.kind is WorkKind.COROUTINE:
        return cast("Coroutine[Any, Any, Any]", work.target)
    if work.kind is WorkKind.COROUTINE_FUNCTION:
        return cast("Coroutine[Any, Any, Any]", work.call())
    return _run_plain_function(work, workers)


async def _run_plain_function(work: Work, workers: Callable[[], Executor]) -> Any:
    """Run the work in a worker thread; await what it returns if that is a coroutine."""
    returned = await run_in_worker_thread(work.call, workers())
    if inspect.isasyncgen(returned):
        raise InvalidWork(
            f"{work.qualified_name} returned an asynchronous generator, of which nothing has run:"
            " return a coroutine that does `async for item in ...`"
        )
    return await returned if inspect.isawaitable(returned) else returned


async def run_in_worker_thread(function: Callable[[], Any], workers: Executor) -> Any:
    """Run a function that cannot be cancelled: it ends when it returns, and only then so do we.

    Until then the task is cancelling, which is the truth. A cancelled function's result is dropped;
    what it raised is not.
    """
    context = contextvars.copy_context()
    running = asyncio.get_running_loop().run_in_executor(
        workers, context.run, _without_stop_iteration, function
    )
    was_cancelled = False
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            was_cancelled = True
    if was_cancelled and running.exception() is None:
        raise asyncio.CancelledError
    return running.result()


def _without_stop_iteration(function: Callable[[], Any]) -> Any:
    """A StopIteration cannot pass through a future: on Python 3.11 it would never be resolved."""
    try:
        return function()
    except StopIteration as error:
        raise RuntimeError("the function raised StopIteration") from error
