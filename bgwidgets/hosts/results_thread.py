"""The thread that unpacks what comes home of a loop's coroutines, and tells those who wait for it.

Unpickling and the callbacks of futures are users' code, which may take any time: it must not hold
up the thread that listens to the loop's process.
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

_log: Final = logging.getLogger(__name__)


class ResultsThread:
    """That of one run. Starts with the first result. Any thread may call everything."""

    def __init__(self, loop_id: int, loop_name: str) -> None:
        self._loop_id: Final = loop_id
        self._loop_name: Final = loop_name
        self._guard: Final = free_in_forks(threading.Lock())
        self._calls: Final[queue.SimpleQueue[Callable[[], None] | None]] = queue.SimpleQueue()
        self._threads: Final[list[threading.Thread]] = []
        """One; when the run is over, another for each that does not come back."""
        self._is_finished = False

    def put(self, call: Callable[[], None]) -> None:
        """Have this called, after those before it. Does not block, unless the run is over, or no
        thread can be had: then it is called here.
        """
        with self._guard:
            is_called_here = self._is_finished or not self._has_a_thread()
            if not is_called_here:
                self._calls.put(call)
        if is_called_here:
            call()

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
        """The run is over: what was put is called yet, and the thread ends. Blocks until then, or
        for at most `limit` seconds: then it goes on without anybody waiting. Whether it has ended.
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
        if self._threads and not self._calls.empty() and self._has_one_more():
            self._calls.put(None)
        return self._have_ended(limit)

    def _have_ended(self, limit: float) -> bool:
        deadline = time.monotonic() + limit
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        # As the thread that listens: what is called here must not wait for what comes next.
        enter_loop_thread(self._loop_id)
        while (call := self._calls.get()) is not None:
            try:
                call()
            except BaseException:  # noqa: BLE001 - one callback is not to end all that follow
                _log.exception("a callback of a future of %r raised", self._loop_name)
            del call
        leave_loop_thread(self._loop_id)
