"""The one thread that starts child processes.

Linux ends a child of ours when the thread that started it ends (PR_SET_PDEATHSIG), which is meant
for the end of the whole process. So it is a thread that ends with the process only.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, TypeVar

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.own_thread import OwnThread

T = TypeVar("T")

LIMIT: Final = 60.0
"""Seconds in which a process must have been started; a few milliseconds are usual."""


class Spawner:
    """Calls what it is given in a thread that never ends. Any thread may call everything."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.Lock())
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(self, function: Callable[[], T]) -> T:
        """What the function returns, or raises. Blocks until then."""
        future: Future[T] = Future()
        with self._guard:
            # In a forked process there is none, whatever was known before.
            if self._thread is None or not self._thread.is_alive():
                self._calls = queue.SimpleQueue()
                self._thread = OwnThread(partial(self._run, self._calls), "bgwidgets-spawner")
                self._thread.start()
            self._calls.put((future, function))
        return future.result(LIMIT)

    def _run(self, calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]]) -> None:
        while True:
            future, function = calls.get()
            try:
                future.set_result(function())
            except BaseException as error:  # noqa: BLE001 - it belongs to the one who called
                future.set_exception(error)
            del future, function


spawner: Final = Spawner()
"""This process's."""
