"""The event by which a loop is asked, politely, to come to an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Literal, NoReturn

from bgwidgets.belonging import loop_id_of_thread
from bgwidgets.exceptions import WouldDeadlock
from bgwidgets.reentrant_event import ReentrantEvent
from bgwidgets.time_limits import check_timeout


class StopEvent:
    """An `asyncio.Event` in use, but safe from every thread: `set()` wakes its waiters at once.

    `asyncio.Event.set()` from another thread wakes nobody before the loop's next timer. Here each
    waiter is woken in its own loop, so tasks of several loops
    and plain threads may wait for the same event.
    """

    def __init__(self, told: Callable[[bool], None] | None = None) -> None:
        """`told` is called whenever the event is set or cleared, with whether it is set now; in the
        thread that does it. It must return at once.
        """
        self._told: Final = told
        self._flag: Final = ReentrantEvent()
        # No lock guards it, for a waiter may be destroyed as garbage at any moment, also in the
        # middle of `set()`, and takes itself out then. Each step on a set is one of C code.
        self._waiters: Final[set[asyncio.Future[Literal[True]]]] = set()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a loop in another process has a stop event of its own: use"
            " bgwidgets.current().stop_event there"
        )

    def __repr__(self) -> str:
        return f"<StopEvent {'set' if self.is_set() else 'unset'}>"

    def is_set(self) -> bool:
        """Whether the event is set. Any thread; does not block."""
        return self._flag.is_set()

    def set(self) -> None:
        """Set the event and wake every waiter. Any thread; does not block."""
        self.be(is_set=True)
        if self._told is not None:
            self._told(True)

    def clear(self) -> None:
        """Unset the event. Any thread; does not block."""
        self.be(is_set=False)
        if self._told is not None:
            self._told(False)

    def be(self, *, is_set: bool) -> None:
        """Set or unset it, and tell nobody: for one who mirrors another event."""
        if not is_set:
            self._flag.clear()
            return
        self._flag.set()
        while self._waiters:
            try:
                waiter = self._waiters.pop()
            except KeyError:
                return  # Another thread was faster, or the last waiter was cancelled.
            # Where that loop is closed, so is its waiter; work may also have broken it.
            with contextlib.suppress(Exception):
                waiter.get_loop().call_soon_threadsafe(_wake, waiter)

    async def wait(self) -> Literal[True]:
        """Wait until the event is set, in a task of any loop."""
        waiter: asyncio.Future[Literal[True]] = asyncio.get_running_loop().create_future()
        # First on the list, then a look: an event that is set in between finds it there.
        self._waiters.add(waiter)
        try:
            return self._flag.is_set() or await waiter
        finally:
            self._waiters.discard(waiter)

    def wait_sync(self, timeout: float | None = None) -> bool:
        """Wait until the event is set, in a plain function; False when `timeout` seconds are over.

        Blocks the calling thread. Raises `WouldDeadlock` in a loop's own thread, where it would
        keep the loop from turning: use `await stop_event.wait()` there.
        """
        limit = check_timeout(timeout)
        if not self.is_set() and loop_id_of_thread() is not None:
            raise WouldDeadlock(
                "wait_sync() would block the loop in whose thread it is called:"
                " use `await stop_event.wait()` here, and wait_sync() in plain functions only"
            )
        return self._flag.wait(limit)


def _wake(waiter: asyncio.Future[Literal[True]]) -> None:
    if not waiter.done():
        waiter.set_result(True)
