"""Coroutines that are handed to a running loop from other threads, and their futures."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import Future, InvalidStateError
from contextvars import Context
from functools import partial
from typing import Any, Final

from bgwidgets.belonging import would_wait_for_itself
from bgwidgets.commands import NOBODY_KNOWS, Asker
from bgwidgets.exceptions import LoopEnded, WouldDeadlock
from bgwidgets.fork_locks import call_in_forks, free_in_forks, set_free
from bgwidgets.hosts.call_in_loop import call_in_loop
from bgwidgets.hosts.failed_futures import ended_without_it, fail_all
from bgwidgets.hosts.inherited import in_a_fork
from bgwidgets.observe.askers import caller
from bgwidgets.observe.asyncio_internals import coroutine_of, peek_exception, take_first_step
from bgwidgets.observe.names import name_of, name_of_coroutine
from bgwidgets.time_limits import check_timeout

Cancel = Callable[[Iterable[asyncio.Task[Any]], Asker], None]


class LoopFuture(Future[Any]):
    """The future of a coroutine on a background loop; refuses to be waited for by that loop.

    What `add_done_callback` was given is called where the future is resolved: in the loop's thread,
    which it holds up for as long as it takes; where the future was cancelled, in that thread; in
    that of a loop in another process, by whoever brings its answers. When the loop has ended first,
    or was given up, in a thread of its own.
    """

    lost: Callable[[], None] | None = None
    """Called when the coroutine has failed and nobody can ask any more why."""

    def __init__(self, loop_id: int) -> None:
        super().__init__()
        self._loop_id: Final = loop_id
        self.cancelled_by: Asker = NOBODY_KNOWS
        """Who has called `cancel()`."""
        self._telling: Final = threading.RLock()
        self._is_told = False

    def set_free(self) -> None:
        """Nobody holds its locks any more: this is a fork."""
        set_free(self)
        set_free(self._telling)

    def cancel(self) -> bool:
        """Cancel the coroutine. Any thread; does not block. True unless it has ended.

        Whoever waits is woken at once, without waiting for the coroutine to take notice.
        """
        if not self.done():
            self.cancelled_by = caller()  # Before: those that are told will ask.
        is_cancelled = super().cancel()
        with self._telling:
            tell = is_cancelled and not self._is_told
            self._is_told = self._is_told or is_cancelled
        if tell:
            self.set_running_or_notify_cancel()
        return is_cancelled

    def result(self, timeout: float | None = None) -> Any:
        """The coroutine's result. Blocks for at most `timeout` seconds (TimeoutError).

        Raises `WouldDeadlock` in the loop's own thread while there is no result.
        """
        self._refuse_own_thread()
        try:
            return super().result(check_timeout(timeout))
        finally:
            self._is_asked()

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the coroutine raised, or None. Blocks like `result()`, and refuses like it."""
        self._refuse_own_thread()
        try:
            return super().exception(check_timeout(timeout))
        finally:
            self._is_asked()

    def __del__(self) -> None:
        if self.lost is not None:
            self.lost()

    def _is_asked(self) -> None:
        if self.done():
            self.lost = None

    def _refuse_own_thread(self) -> None:
        if not self.done() and would_wait_for_itself(self._loop_id):
            raise WouldDeadlock(
                "result() in the loop's own thread would wait for itself: await the coroutine,"
                " or `await asyncio.wrap_future(future)`"
            )


class Submissions:
    """The gate through which coroutines come to a loop, and the futures of those inside."""

    def __init__(
        self,
        loop_id: int,
        loop_name: str,
        context: Context,
        lost: Callable[[BaseException, str | None, str], None],
    ) -> None:
        """`lost` is told of each error that nobody has asked for, with the names of the task and of
        its coroutine, when nobody can ask any more. In any thread.
        """
        self._loop_id: Final = loop_id
        self._loop_name: Final = loop_name
        self._context: Final = context
        self._lost: Final = lost
        self._guard: Final = free_in_forks(threading.RLock())  # a signal handler may submit, too
        self._futures: Final[set[LoopFuture]] = set()
        self._not_begun: Final[dict[Future[Any], Coroutine[Any, Any, Any]]] = {}
        self._inside: tuple[asyncio.AbstractEventLoop, Cancel] | None = None
        """The loop, and what cancels its tasks; None while the gate is closed."""
        self._has_opened = False
        self._process: Final = os.getpid()
        call_in_forks(self._set_free)

    def _set_free(self) -> None:
        for future in list(self._futures):
            future.set_free()

    @property
    def is_inherited(self) -> bool:
        """Whether the loop runs in the process that this one is a fork of. Any thread."""
        return os.getpid() != self._process

    def open(self, loop: asyncio.AbstractEventLoop, cancel: Cancel) -> None:
        """Let coroutines in to this loop; `cancel` cancels tasks in somebody's name. In its
        thread.
        """
        with self._guard:
            self._inside = loop, cancel
            self._has_opened = True

    def close(self) -> None:
        """Let nothing in from now on; what is inside goes on. Any thread; does not block."""
        with self._guard:
            self._inside = None

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Hand a coroutine to the loop. Any thread; does not block.

        Raises `LoopEnded` when the gate is closed; the coroutine is closed then, as TaskGroup does.
        """
        if self.is_inherited:  # Before the lock, which may be held for ever here.
            coroutine.close()
            raise in_a_fork(self._loop_name)
        future = LoopFuture(self._loop_id)
        with self._guard:
            if self._inside is not None and self._hand_over(coroutine, name, future):
                return future
        coroutine.close()
        if not self._has_opened:
            raise LoopEnded(f"{self._loop_name!r} takes no work yet: it has not come up")
        raise LoopEnded(
            f"{self._loop_name!r} takes no more work: it has ended or is stopping."
            " Start another loop, or restart this one"
        )

    def _hand_over(
        self, coroutine: Coroutine[Any, Any, Any], name: str | None, future: LoopFuture
    ) -> bool:
        """Whether the loop took it: one that is not ours may have been closed by its owner."""
        if self._inside is None:
            return False
        self._futures.add(future)
        self._not_begun[future] = coroutine
        try:
            # Its own context, and not that of the caller, who may belong to another loop.
            self._inside[0].call_soon_threadsafe(
                self._begin, *self._inside, name, future, context=self._context.copy()
            )
        except Exception as error:
            self._futures.discard(future)
            del self._not_begun[future]
            if isinstance(error, RuntimeError):
                return False
            coroutine.close()
            raise  # Work has broken its loop: whoever submits to it is told how.
        future.add_done_callback(self._forget)
        return True

    def fail_the_rest(self) -> None:
        """Resolve what has no result yet with `LoopEnded`. Any thread; does not block."""
        ended = partial(ended_without_it, self._loop_name)
        fail_all(list(self._futures), ended, self._loop_id, self._loop_name)

    def _forget(self, future: Future[Any]) -> None:
        """The future is done; if its coroutine has not begun, it never will."""
        self._futures.discard(future)
        if (coroutine := self._not_begun.pop(future, None)) is not None:
            coroutine.close()

    def _begin(
        self,
        loop: asyncio.AbstractEventLoop,
        cancel: Cancel,
        name: str | None,
        future: LoopFuture,
    ) -> None:
        coroutine = self._not_begun.pop(future, None)
        if coroutine is None:  # Cancelled, or failed by a stop, before it could begin.
            return
        try:
            task = loop.create_task(coroutine, name=name)
        except BaseException as error:  # noqa: BLE001 - a user's task factory may raise anything
            coroutine.close()
            future.lost = partial(self._lost, error, name, name_of_coroutine(coroutine))
            with contextlib.suppress(InvalidStateError):  # It was cancelled in this moment.
                future.set_exception(error)
            del future, coroutine
            return
        try:
            take_first_step(loop, task)
        finally:  # It raises what ends the whole loop, as SystemExit does.
            if task.done():
                _resolves(future, self._lost)(task)
            else:
                task.add_done_callback(_resolves(future, self._lost))
                future.add_done_callback(_passes_on(loop, task, cancel))
            # The error of a first step may hold this frame, as the one from which it was called
            # (Python 3.12 and later, and tasks in pure Python): it must not hold the future, which
            # holds the error.
            del future, task, coroutine


# Functions with names, and with these variables: by them `wait_edges` finds the task and the future
# that belong together.


def _resolves(
    future: LoopFuture, lost: Callable[[BaseException, str | None, str], None]
) -> Callable[[asyncio.Task[Any]], None]:
    def resolve(task: asyncio.Task[Any]) -> None:
        """Give the task's outcome to whoever waits for it in another thread."""
        if task.cancelled():
            future.cancel()
            return
        error = peek_exception(task)
        try:
            if error is not None:
                coroutine = name_of_coroutine(coroutine_of(task))
                future.lost = partial(lost, error, name_of(task), coroutine)
                future.set_exception(error)
                task.exception()  # Only now: it is the future's to tell of, and not asyncio's.
            else:
                future.set_result(task.result())
        except InvalidStateError:
            future.lost = None
            return  # It was cancelled, or failed by a stop: asyncio tells of the task's error.

    return resolve


def _passes_on(
    loop: asyncio.AbstractEventLoop, of_task: asyncio.Task[Any], cancel: Cancel
) -> Callable[[Any], None]:
    task: asyncio.Task[Any] | None = of_task

    def pass_on(future: Any) -> None:
        """The future, a `LoopFuture`, is done."""
        nonlocal task
        # The future keeps this callback, and must not keep the task: asyncio tells of an error that
        # nobody can ask for when the task is gone.
        passed_on, task = task, None
        if passed_on is None or passed_on.done() or loop.is_closed() or not future.cancelled():
            return
        call_in_loop(loop, partial(cancel, [passed_on], future.cancelled_by))

    return pass_on
