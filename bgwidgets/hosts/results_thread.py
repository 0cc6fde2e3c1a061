"""The thread that unpacks what comes home of a loop's coroutines, and tells those who wait for it.

Unpickling and the callbacks of futures are users' code, which may take any time: it must not hold
up the thread that listens to the loop's process, nor for long those whose results come later. So
there are more threads while one takes long, but no more at once than that needs.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from bgwidgets.belonging import enter_loop_thread, leave_loop_thread
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.own_thread import OwnThread

TAKES_LONG: Final = 1.0
"""Seconds after which what waits behind a call is called beside it."""
MOST_THREADS: Final = 16
"""So many calls may never come back before the rest has to wait for the loop's end."""
_log: Final = logging.getLogger(__name__)


class ResultsThread:
    """That of one run. Starts with the first result. Any thread may call everything."""

    def __init__(self, loop_id: int, loop_name: str) -> None:
        self._loop_id: Final = loop_id
        self._loop_name: Final = loop_name
        self._guard: Final = free_in_forks(threading.Lock())
        self._calls: Final[queue.SimpleQueue[Callable[[], None] | None]] = queue.SimpleQueue()
        self._threads: Final[list[threading.Thread]] = []
        """One, and another for each call that does not come back."""
        self._waiting = 0
        """Calls that no thread has taken yet."""
        self._free = 0
        """Threads that have no call."""
        self._moved_at = 0.0
        """When a call was taken last, or came while none waited."""
        self._is_finished = False

    def put(self, call: Callable[[], None]) -> None:
        """Have this called, after those before it. Does not block, unless the run is over, or no
        thread can be had: then it is called here.
        """
        with self._guard:
            is_called_here = self._is_finished or not self._has_a_thread()
            if not is_called_here:
                if not self._waiting:
                    self._moved_at = time.monotonic()
                self._waiting += 1
                self._calls.put(call)
        if is_called_here:
            call()

    def look(self) -> None:
        """Have what waits behind a call that takes long called beside it. Does not block; to be
        called again and again.
        """
        if self._waiting and time.monotonic() - self._moved_at >= TAKES_LONG:
            with self._guard:
                self._moved_at = time.monotonic()
                if len(self._threads) < MOST_THREADS:
                    self._has_one_more()

    def _has_a_thread(self) -> bool:
        return bool(self._threads) or self._has_one_more()

    def _has_one_more(self) -> bool:
        thread = OwnThread(self._run, f"bgw-{self._loop_name}-results")
        try:
            thread.start()
        except RuntimeError:  # None can be had, now; the next result tries again.
            return False
        self._threads.append(thread)
        return True

    def finish(self, limit: float) -> bool:
        """The run is over: what was put is called yet, and the threads end. Blocks until then, or
        for at most `limit` seconds: then it goes on without anybody waiting. Whether all is done.
        """
        with self._guard:
            self._is_finished = True
            if self._threads:
                self._calls.put(None)
        return self._have_ended(limit)

    def finish_beside(self, limit: float) -> bool:
        """The same once more: what waits behind a call that does not return is called beside it, in
        a thread of its own.
        """
        with self._guard:
            if self._waiting:
                self._has_one_more()
        return self._have_ended(limit)

    def _have_ended(self, limit: float) -> bool:
        deadline = time.monotonic() + limit
        with self._guard:
            threads = self._threads.copy()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _run(self) -> None:
        # As the thread that listens: what is called here must not wait for what comes next.
        enter_loop_thread(self._loop_id)
        while (call := self._next()) is not None:
            try:
                call()
            except BaseException:  # noqa: BLE001 - one callback is not to end all that follow
                _log.exception("a callback of a future of %r raised", self._loop_name)
            del call
        leave_loop_thread(self._loop_id)

    def _next(self) -> Callable[[], None] | None:
        """What to call. None when there will be nothing, or another thread waits for it already."""
        with self._guard:
            if self._free and not self._waiting:
                self._threads.remove(threading.current_thread())
                return None
            self._free += 1
        call = self._calls.get()
        with self._guard:
            self._free -= 1
            if call is None:
                self._calls.put(None)  # For the other threads.
            else:
                self._waiting -= 1
                self._moved_at = time.monotonic()
        return call
