"""What is left of tasks that never ended, held so that it comes to life nowhere else.

The garbage collector closes the coroutine of such a task in whatever thread it comes round: in that
of another loop, say, where its `finally` would hold up the work of others, or start tasks in their
name. So something outside of its run holds the coroutine from the moment at which the run has
ended. When nobody can look at the run any more, a thread of our own closes it, where no loop turns.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import queue
import threading
import weakref
from collections.abc import Iterable
from typing import Any, Final

from bgwidgets.fork_locks import call_in_forks, free_in_forks
from bgwidgets.hosts.loop_that_never_turns import LoopThatNeverTurns
from bgwidgets.observe.asyncio_internals import (
    as_running_loop,
    close_what_did_not_begin,
    coroutine_of,
)
from bgwidgets.own_thread import OwnThread
from bgwidgets.unraisable import tell

MOST_CLOSES: Final = 10
"""So often a coroutine is closed that awaits something else each time, as a TaskGroup does. What
goes on even then is kept for ever."""


class NeverEnded:
    """Closes coroutines in a thread that is there as long as there are any.

    One that does not return holds up this thread for ever, be it that it spins, and what comes
    after it is kept as it is.
    """

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.Lock())
        """For starting and ending the thread. No finalizer takes it."""
        self._owners = 0
        """As many have gone whose coroutines are not closed yet, or are still there."""
        self._held: Final[dict[int, list[Any]]] = {}
        """The coroutines of those that have not gone."""
        self._numbers: Final = itertools.count()
        self._ownerless: Final[queue.SimpleQueue[list[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        call_in_forks(self._forget_thread)

    def hold(self, tasks: Iterable[asyncio.Task[Any]], owner: object) -> None:
        """Hold what these tasks run until `owner` is gone, and close it then. Any thread; does not
        block. Their loop must not turn any more.

        What leads to its owner, as a variable of the work's with `current()` in it, keeps it.
        """
        coroutines = [coroutine for task in tasks if (coroutine := coroutine_of(task)) is not None]
        if not coroutines:
            return
        number = next(self._numbers)
        self._held[number] = coroutines
        finalizer = weakref.finalize(owner, self._let_go, number)
        finalizer.atexit = False  # The process ends anyhow, without one `finally` more.
        with self._guard:
            self._owners += 1
            # Now: when the owner goes, it may be in the midst of anything, where no thread can be
            # started.
            if self._thread is None:
                thread = OwnThread(self._run, "bgwidgets-closer")
                with contextlib.suppress(RuntimeError):  # None can be had: they are held meanwhile.
                    thread.start()
                    self._thread = thread

    def keep_the_rest(self) -> None:
        """The interpreter is about to end: close nothing any more."""
        for coroutines in list(self._held.values()):
            for coroutine in coroutines:
                _keep_for_ever(coroutine)

    def _let_go(self, number: int) -> None:
        self._ownerless.put(self._held.pop(number))

    def _forget_thread(self) -> None:
        """In a child process after a fork: the next one to be held starts another."""
        self._thread = None

    def _run(self) -> None:
        is_over = False
        while not is_over:
            coroutines = self._ownerless.get()
            while coroutines:
                self._close(coroutines.pop())
            with self._guard:
                self._owners -= 1
                is_over = not self._owners
                if is_over:
                    self._thread = None

    def _close(self, coroutine: Any) -> None:
        for _ in range(MOST_CLOSES):
            try:
                with as_running_loop(LoopThatNeverTurns()):
                    coroutine.close()
            except RuntimeError as error:
                # It awaits something else; or asyncio tells it that this is another loop.
                close_what_did_not_begin(error)
            except BaseException as error:  # noqa: BLE001 - as the collector would tell of it
                what = "Exception ignored in a task that had not ended when its loop did"
                tell(error, what, coroutine)
            if getattr(coroutine, "cr_frame", None) is None:
                return
        _keep_for_ever(coroutine)


def _keep_for_ever(coroutine: Any) -> None:
    """Also when the interpreter ends and takes apart all that it knows: that would close it in the
    main thread, where it might go round for ever.
    """
    import ctypes  # Not needed by those whose tasks end.

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))


never_ended: Final = NeverEnded()
"""This process's."""
atexit.register(never_ended.keep_the_rest)
