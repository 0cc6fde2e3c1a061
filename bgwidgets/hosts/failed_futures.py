"""The futures of a loop that has ended, or was given up: all fail, and whoever waits is woken.

What was to be called when they are done is the user's, and may block. Neither who stops the loop
nor the end of the loop itself waits for that: it is called in a thread of its own, whose output is
the loop's.
"""

from __future__ import annotations

import contextlib
import contextvars
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any, Final

from bgwidgets.belonging import enter_context
from bgwidgets.exceptions import LoopEnded
from bgwidgets.observe.asyncio_internals import take_done_callbacks
from bgwidgets.own_thread import OwnThread

Callback = Callable[[Future[Any]], object]

_NEVER_BLOCK: Final = ("bgwidgets.", "asyncio.")
"""Beginnings of the names of modules whose own callbacks only pass on what has happened."""

_log: Final = logging.getLogger(__name__)


def ended_without_it(loop_name: str) -> LoopEnded:
    """What a coroutine's future fails with that has none of its own result: its loop was stopped,
    killed or lost. Any thread; does not block.
    """
    return LoopEnded(f"{loop_name!r} ended before this coroutine had, so there is no result")


def fail_all(
    futures: Iterable[Future[Any]], error: Callable[[], Exception], loop_id: int, loop_name: str
) -> None:
    """Have those fail that are not done, each with an error of its own. Any thread; does not
    block.
    """
    theirs: list[tuple[Callback, Future[Any]]] = []
    for future in futures:
        callbacks = take_done_callbacks(future)
        with contextlib.suppress(InvalidStateError):  # It got its result in this moment.
            future.set_exception(error())
        for callback in callbacks:
            if str(getattr(callback, "__module__", "")).startswith(_NEVER_BLOCK):
                _call_all([(callback, future)], loop_name)
            else:
                theirs.append((callback, future))
    if theirs:
        _call_beside(theirs, loop_id, loop_name)


def _call_beside(calls: list[tuple[Callback, Future[Any]]], loop_id: int, loop_name: str) -> None:
    context = contextvars.copy_context()
    context.run(enter_context, loop_id)
    call_all = partial(context.run, _call_all, calls, loop_name)
    try:
        OwnThread(call_all, f"bgw-{loop_name}-callbacks").start()
    except RuntimeError:  # No thread can be had: somebody has to wait, then.
        _call_all(calls, loop_name)


def _call_all(calls: list[tuple[Callback, Future[Any]]], loop_name: str) -> None:
    for callback, future in calls:
        try:
            callback(future)
        except BaseException:  # noqa: BLE001 - it must not keep the others from theirs
            _log.exception("a callback of a future of %r raised", loop_name)
