"""A loop that can be run from inside of itself: `start(..., nested=True)`.

Nothing of asyncio's tasks is replaced and no class is touched, so other loops pay nothing: the
outer turn stands still where it is, and the loop is turned on by hand until what was asked for is
done.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, NoReturn

from bgwidgets.exceptions import InvalidWork
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.asyncio_internals import (
    can_be_turned,
    is_stopping,
    let_go_of,
    pad_turn,
    running_loop_here,
    swap_current_task,
    turn,
    turns_left_of,
)
from bgwidgets.observe.timings import standing_still

MOST_NESTED: Final = 50
"""Runs in each other; each needs some ten of the thousand frames that Python's stack has."""


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
    outer: list[asyncio.Future[Any] | None] = []

    def run_also_inside(future: Any) -> Any:
        if running_loop_here() is loop:
            return _turn_until_complete(loop, future, outer)
        return run_until_complete(future)

    loop.run_until_complete = run_also_inside  # type: ignore[method-assign]


def _turn_until_complete(
    loop: asyncio.AbstractEventLoop, awaitable: Any, outer: list[asyncio.Future[Any] | None]
) -> Any:
    """Turn the loop until `awaitable` is done; `outer` are the tasks that stand still meanwhile."""
    current = asyncio.current_task(loop)
    _refuse(awaitable, current, outer)
    future = asyncio.ensure_future(awaitable, loop=loop)
    turns_left = turns_left_of(loop)
    outer.append(current)
    swap_current_task(loop, None)
    try:
        with standing_still(current):
            while not future.done():
                turn(loop, future.done)
                if is_stopping(loop) and not future.done():
                    _stopped_before_its_end()
    except BaseException:
        # As asyncio does: of a task that only this call knows, nobody else is to hear.
        if future is not awaitable and isinstance(future, asyncio.Task):
            _let_nobody_hear(future)
        raise
    finally:
        outer.pop()
        swap_current_task(loop, current)
        # The outer turn counted its callbacks before, and would find none where we ran them.
        pad_turn(loop, turns_left)
    return future.result()


def _refuse(
    awaitable: Any,
    current: asyncio.Future[Any] | None,
    outer: list[asyncio.Future[Any] | None],
) -> None:
    problem = None
    if len(outer) >= MOST_NESTED:
        problem = (
            f"{MOST_NESTED} runs are nested in each other, and each waits for the one inside of it:"
            " await the coroutine where many of them are at work at the same time"
        )
    elif asyncio.isfuture(awaitable) and (awaitable is current or awaitable in outer):
        problem = "a task cannot wait for itself: this one stands still until this call returns"
    if problem is not None:
        if asyncio.iscoroutine(awaitable):
            awaitable.close()
        raise RuntimeError(problem)


def _stopped_before_its_end() -> NoReturn:
    raise RuntimeError("Event loop stopped before Future completed.")


def _let_nobody_hear(task: asyncio.Task[Any]) -> None:
    if not task.done():
        let_go_of(task)
    elif not task.cancelled():
        task.exception()


class NestedRuns:
    """Lets `asyncio.run` be called on loops that are reentrant, while there are any.

    `asyncio.run` refuses by itself, so it has to be stood in for; on every other loop, and in every
    other thread, the stand-in passes the call on. It is put in place for the first such loop and
    taken away after the last.
    """

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.Lock())
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

        @functools.wraps(original)
        def run(main: Any, **options: Any) -> Any:
            loop = running_loop_here()
            if loop is None or id(loop) not in self._loops or options.get("loop_factory"):
                return original(main, **options)
            return _run_on(loop, main)

        places = (asyncio, asyncio.runners)
        for place in places:
            place.run = run  # type: ignore[attr-defined]
        self._undo = lambda: _put_back(places, run, original)


def _put_back(places: Iterable[Any], ours: Any, original: Any) -> None:
    for place in places:
        # Where somebody has wrapped ours, it stays, and passes every call on.
        if place.run is ours:
            place.run = original


def _run_on(loop: asyncio.AbstractEventLoop, main: Any) -> Any:
    """`asyncio.run` on a loop that goes on afterwards: only `main` itself is cleaned up.

    `debug=` is not looked at, for it is a matter of the whole loop.
    """
    if not asyncio.iscoroutine(main):
        raise ValueError(f"a coroutine was expected, got {main!r}")
    task = loop.create_task(main)
    try:
        return loop.run_until_complete(task)
    finally:
        if not task.done():
            task.cancel()
        elif not task.cancelled():
            task.exception()  # It is raised here, or gave way to an exit: no need to log it.


nested_runs: Final = NestedRuns()
"""This process's."""
