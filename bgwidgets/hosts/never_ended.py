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
from dataclasses import dataclass
from typing import Any, Final

from bgwidgets.fork_locks import call_in_forks, free_in_forks
from bgwidgets.hosts.brake import braked
from bgwidgets.hosts.loop_that_never_turns import TurnsNoMore, never_turns
from bgwidgets.observe.asyncio_internals import (
    as_running_loop,
    close_what_did_not_begin,
    coroutine_of,
    is_asyncios_refusal,
)
from bgwidgets.own_thread import OwnThread
from bgwidgets.unraisable import tell

MOST_CLOSES: Final = 10
"""So often a coroutine is closed that awaits something else each time, as a TaskGroup does. What
goes on even then is kept for ever."""


@dataclass(frozen=True, slots=True)
class _Left:
    """What one run has left."""

    coroutines: list[Any]
    loop: weakref.ref[asyncio.AbstractEventLoop]
    """When it is gone, nothing knows it that the coroutines may await. It may lead to the owner."""


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
        self._held: Final[dict[int, _Left]] = {}
        """What those have left that have not gone."""
        self._numbers: Final = itertools.count()
        self._ownerless: Final[queue.SimpleQueue[_Left]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        call_in_forks(self._forget_thread)

    def hold(
        self,
        tasks: Iterable[asyncio.Task[Any]],
        loop: asyncio.AbstractEventLoop,
        owner: object,
    ) -> None:
        """Hold what these tasks of a loop run until `owner` is gone, and close it then. Any thread;
        does not block. The loop must not turn any more.

        What leads to its owner, as a variable of the work's with `current()` in it, keeps it.
        """
        coroutines = [coroutine for task in tasks if (coroutine := coroutine_of(task)) is not None]
        if not coroutines:
            return
        number = next(self._numbers)
        self._held[number] = _Left(coroutines, weakref.ref(loop))
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
        for left in list(self._held.values()):
            for coroutine in left.coroutines:
                _keep_for_ever(coroutine)

    def _let_go(self, number: int) -> None:
        self._ownerless.put(self._held.pop(number))

    def _forget_thread(self) -> None:
        """In a child process after a fork: the next one to be held starts another, which has to
        close all but what the one here was in the midst of.
        """
        self._thread = None
        self._owners = len(self._held) + self._ownerless.qsize()

    def _run(self) -> None:
        is_over = False
        while not is_over:
            self._close_all(self._ownerless.get())
            with self._guard:
                self._owners -= 1
                is_over = not self._owners
                if is_over:
                    self._thread = None

    def _close_all(self, left: _Left) -> None:
        with never_turns(left.loop()) as loop:
            while left.coroutines:
                self._close(left.coroutines.pop(), loop)

    def _close(self, coroutine: Any, loop: Any) -> None:
        for _ in range(MOST_CLOSES):
            try:
                with as_running_loop(loop), braked():
                    coroutine.close()
            except BaseException as error:  # noqa: BLE001 - as the collector would tell of it
                close_what_did_not_begin(error)
                if not (_goes_on(coroutine) or _is_refused(error)):
                    what = "Exception ignored in a task that had not ended when its loop did"
                    tell(error, what, coroutine)
            if not _goes_on(coroutine):
                return
        _keep_for_ever(coroutine)


def _is_refused(error: BaseException) -> bool:
    return isinstance(error, TurnsNoMore) or is_asyncios_refusal(error)


def _goes_on(coroutine: Any) -> bool:
    """Whether it has awaited something else when it was to be closed: that is an error, too."""
    return getattr(coroutine, "cr_frame", None) is not None


def _keep_for_ever(coroutine: Any) -> None:
    """Also when the interpreter ends and takes apart all that it knows: that would close it in the
    main thread, where it might go round for ever.
    """
    import ctypes  # Not needed by those whose tasks end.

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))


never_ended: Final = NeverEnded()
"""This process's."""
atexit.register(never_ended.keep_the_rest)
