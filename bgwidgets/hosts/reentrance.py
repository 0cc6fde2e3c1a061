"""A loop that can be run from inside of itself: `start(..., nested=True)`.

Nothing of asyncio's tasks is replaced and no class is touched, so other loops pay nothing: the
outer turn stands still where it is, and the loop is turned on by hand until what was asked for is
done.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.exceptions import InvalidWork
from bgwidgets.observe.asyncio_internals import (
    can_be_turned,
    is_stopping,
    let_go_of,
    pad_turn,
    swap_current_task,
    turn,
    turns_left_of,
)


def make_reentrant(loop: asyncio.AbstractEventLoop) -> None:
    """From now on this loop's `run_until_complete` may be called in its own turns as well.

    Before the loop runs. Raises `InvalidWork` for a loop that is not asyncio's own.
    """
    if not can_be_turned(loop):
        raise InvalidWork(
            f"nested=True needs one of asyncio's own event loops, and this is a"
            f" {type(loop).__module__}.{type(loop).__qualname__}: leave loop_factory out, or nested"
        )
    run_until_complete = loop.run_until_complete

    def run_also_inside(future: Any) -> Any:
        if _running_here() is loop:
            return _turn_until_complete(loop, future)
        return run_until_complete(future)

    loop.run_until_complete = run_also_inside  # type: ignore[method-assign]


def _turn_until_complete(loop: asyncio.AbstractEventLoop, awaitable: Any) -> Any:
    future = asyncio.ensure_future(awaitable, loop=loop)
    turns_left = turns_left_of(loop)
    outer = swap_current_task(loop, None)
    try:
        while not future.done():
            turn(loop, future.done)
            if is_stopping(loop) and not future.done():
                _give_up(future, is_ours=future is not awaitable)
                raise RuntimeError("Event loop stopped before Future completed.")
    finally:
        swap_current_task(loop, outer)
        # The outer turn counted its callbacks before, and would find none where we ran them.
        pad_turn(loop, turns_left)
    return future.result()


def _give_up(future: asyncio.Future[Any], *, is_ours: bool) -> None:
    # As asyncio does: whoever stops the loop does not want to hear of what was cut short.
    if is_ours and isinstance(future, asyncio.Task):
        let_go_of(future)


def _running_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


class NestedRuns:
    """Lets `asyncio.run` be called on loops that are reentrant, while there are any.

    `asyncio.run` refuses by itself, so it has to be stood in for; on every other loop, and in every
    other thread, the stand-in passes the call on. It is put in place for the first such loop and
    taken away after the last.
    """

    def __init__(self) -> None:
        self._guard: Final = threading.Lock()
        self._loops: Final[set[int]] = set()
        self._undo: Callable[[], None] = lambda: None

    def add(self, loop: asyncio.AbstractEventLoop) -> None:
        """`asyncio.run` works on this loop, in its thread. Any thread; does not block."""
        with self._guard:
            if not self._loops:
                self._put_in_place()
            self._loops.add(id(loop))

    def remove(self, loop: asyncio.AbstractEventLoop) -> None:
        """And now no more. Any thread; does not block."""
        with self._guard:
            if id(loop) not in self._loops:
                return
            self._loops.remove(id(loop))
            if not self._loops:
                self._undo()

    def _put_in_place(self) -> None:
        original = asyncio.run

        def run(main: Any, **options: Any) -> Any:
            loop = _running_here()
            if loop is None or id(loop) not in self._loops or options.get("loop_factory"):
                return original(main, **options)
            return _run_on(loop, main)

        run.__doc__ = original.__doc__
        asyncio.run = run
        self._undo = lambda: _put_back(run, original)


def _put_back(ours: Any, original: Any) -> None:
    # Where somebody has wrapped ours, it stays, and passes every call on.
    if asyncio.run is ours:
        asyncio.run = original


def _run_on(loop: asyncio.AbstractEventLoop, main: Any) -> Any:
    """`asyncio.run` on a loop that goes on afterwards: only `main` itself is cleaned up."""
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    finally:
        if not task.done():
            task.cancel()


nested_runs: Final = NestedRuns()
"""This process's."""
