"""Threads for plain functions that may block, and that may never return.

The standard library's `ThreadPoolExecutor` joins its threads when the interpreter ends, so one
that sleeps for an hour would hold up the exit (and a kernel's restart) for an hour. These are
daemons that nothing waits for. Public names only: the base class serves as the type that
`loop.set_default_executor()` insists on.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

from bgwidgets.belonging import enter_worker_thread, leave_worker_thread
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.output.whose import TaskRef, ref_here, work_for
from bgwidgets.own_thread import OwnThread

T = TypeVar("T")
_Job = tuple[Future[Any], Callable[[], Any], TaskRef | None]
"""What to do, and for which task."""

MOST_THREADS: Final = min(32, (os.cpu_count() or 1) + 4)
"""As many as `ThreadPoolExecutor` has."""


class WorkerThreads(ThreadPoolExecutor):
    """An executor whose threads never hold anything up."""

    def __init__(
        self,
        name: str,
        loop_id: int,
        most_threads: int = MOST_THREADS,
        *,
        stop_event: object = None,
    ) -> None:
        """The threads are named after `name`, and belong to one run of that loop."""
        super().__init__(most_threads)
        self._name: Final = name
        self._loop_id: Final = loop_id
        self._stop_event: Final = stop_event
        self._most_threads: Final = most_threads
        self._jobs: Final[queue.SimpleQueue[_Job | None]] = queue.SimpleQueue()
        self._guard: Final = free_in_forks(threading.RLock())
        self._workers: Final[list[threading.Thread]] = []
        self._busy: Final[set[str]] = set()
        self._idle = 0
        self._waiting = 0
        self._is_shut = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run `fn` in a worker thread. Any thread; does not block.

        Raises RuntimeError after a shutdown, as every executor does.
        """
        future: Future[T] = Future()
        with self._guard:
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            # In a context, as `asyncio.to_thread` does it: ipykernel 6 finds the cell of a print by
            # it, and without one it may look for ever.
            context = copy_context()
            self._jobs.put((future, lambda: context.run(fn, *args, **kwargs), ref_here()))
            self._waiting += 1
            if self._waiting > self._idle and len(self._workers) < self._most_threads:
                self._add_worker()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more jobs; drop those that have not begun when told. Blocks only with `wait`."""
        with self._guard:
            self._is_shut = True
            dropped = self._take_waiting() if cancel_futures else []
            workers = list(self._workers)
            for _ in workers:
                self._jobs.put(None)
        for future in dropped:
            future.cancel()
            future.set_running_or_notify_cancel()
        if wait:
            for worker in workers:
                worker.join()

    def busy_threads(self) -> tuple[str, ...]:
        """The names of the threads that run a job now. Any thread; does not block."""
        with self._guard:
            return tuple(sorted(self._busy))

    def _take_waiting(self) -> list[Future[Any]]:
        taken: list[Future[Any]] = []
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return taken
            if job is not None:
                self._waiting -= 1
                taken.append(job[0])

    def _add_worker(self) -> None:
        worker = OwnThread(self._work, f"{self._name}-worker-{len(self._workers) + 1}")
        try:
            worker.start()
        except RuntimeError:  # No more threads can be had.
            if not self._workers:
                self._take_waiting()
                raise
        else:
            self._workers.append(worker)

    def _work(self) -> None:
        enter_worker_thread(self._loop_id, self._stop_event)
        try:
            self._work_until_shut()
        finally:
            leave_worker_thread()

    def _work_until_shut(self) -> None:
        name = threading.current_thread().name
        while True:
            with self._guard:
                self._idle += 1
            job = self._jobs.get()
            with self._guard:
                self._idle -= 1
                if job is None:
                    return
                self._waiting -= 1
                self._busy.add(name)
            future, function, task = job
            work_for(task)
            _run(future, function, lambda: self._is_done(name))
            work_for(None)
            del job, future, function  # A worker that waits keeps nothing of the user's alive.

    def _is_done(self, name: str) -> None:
        """Before whoever waits for the job is told, who may then ask at once which are busy."""
        with self._guard:
            self._busy.discard(name)


def _run(future: Future[Any], job: Callable[[], Any], is_done: Callable[[], None]) -> None:
    if not future.set_running_or_notify_cancel():
        is_done()
        return
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - SystemExit too belongs to whoever waits for it
        is_done()
        future.set_exception(error)
        # The error knows this frame: without this, the frame would know the error through its
        # future, and all of the job would live until the garbage collector comes.
        del future, job
    else:
        is_done()
        future.set_result(result)
