"""Coroutines that a loop somewhere else was given after its start, and their futures here."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from functools import partial
from typing import Any, Final

from bgwidgets.exceptions import CannotCross, InvalidWork, LoopEnded
from bgwidgets.fork_locks import call_in_forks
from bgwidgets.hosts.crossing import PackedError, pack, unpack, unpack_error
from bgwidgets.hosts.failed_futures import ended_without_it, fail_all
from bgwidgets.hosts.inherited import in_a_fork
from bgwidgets.hosts.messages import CancelMore, RunMore
from bgwidgets.hosts.questions import Questions
from bgwidgets.hosts.results_thread import ResultsThread
from bgwidgets.hosts.submissions import LoopFuture
from bgwidgets.observe.error_text import one_line
from bgwidgets.own_thread import OwnThread
from bgwidgets.work import Work

RESULTS_LIMIT: Final = 0.3
"""Seconds that the end of the loop waits for results that have come to be unpacked."""
LATE_RESULTS_LIMIT: Final = 30.0
"""Seconds after the end in which these are still told. Whoever waits for one that takes longer, or
that waits behind a callback that does, is told so."""


class MoreWork:
    """That of one run. Any thread may call everything; nothing blocks but for the pickling."""

    def __init__(
        self,
        loop_id: int,
        loop_name: str,
        questions: Questions,
        send: Callable[[CancelMore], None],
        lost: Callable[[BaseException, str | None, str], None],
    ) -> None:
        """`lost` is told of each error that nobody has asked for, with the names of the task and of
        its coroutine, when nobody can ask any more. In any thread.
        """
        self._loop_id: Final = loop_id
        self._loop_name: Final = loop_name
        self._questions: Final = questions
        self._send: Final = send
        self._lost: Final = lost
        self._results: Final = ResultsThread(loop_id, loop_name)
        self._process: Final = os.getpid()
        self._futures: Final[set[LoopFuture]] = set()
        """Those that are not done yet."""
        self._have_come: Final[set[LoopFuture]] = set()
        """Those of them of which the result is there, and is to be unpacked."""
        call_in_forks(self._set_free)

    def _set_free(self) -> None:
        for future in list(self._futures):
            future.set_free()

    @property
    def is_inherited(self) -> bool:
        """Whether it is the process that this one is a fork of that has the loop. Any thread."""
        return os.getpid() != self._process

    def submit(self, call: Work, name: str | None) -> Future[Any]:
        """Have it run. Raises `InvalidWork` for what cannot be brought there, and `LoopEnded` in a
        fork.
        """
        if self.is_inherited:
            raise in_a_fork(self._loop_name)
        try:
            parcel = pack(
                (call.target, call.args, dict(call.kwargs)),
                names=(call.qualified_name, "the arguments", "the keyword arguments"),
            )
        except CannotCross as error:
            raise InvalidWork(str(error)) from error
        future = LoopFuture(self._loop_id)
        self._futures.add(future)
        future.add_done_callback(self._forget)
        answer: Future[Any] = Future()
        number = self._questions.new_number()
        coroutine = call.qualified_name

        def lost(error: BaseException) -> None:
            self._lost(error, name, coroutine)

        def came(answer: Future[Any]) -> None:
            if not answer.cancelled() and answer.exception() is not None:  # There will be none.
                _set(future, error=self._ended())
                return
            self._have_come.add(future)
            self._results.put(partial(self._resolve, future, lost, answer))

        answer.add_done_callback(came)
        future.add_done_callback(lambda future: self._pass_on_cancellation(future, number))
        # At last: what is known elsewhere already must not be left half done by a Ctrl-C.
        self._questions.put(RunMore(parcel, name), answer, number=number)
        return future

    def look(self) -> None:
        """Results that wait behind one that is slow to unpack are unpacked beside it. Does not
        block; to be called again and again.
        """
        self._results.look()

    def fail_the_rest(self) -> None:
        """Resolve that of which nothing has come yet with `LoopEnded`."""
        nothing_came = self._futures - self._have_come
        fail_all(nothing_came, self._ended, self._loop_id, self._loop_name)

    def finish(self) -> None:
        """Nothing more will come. Blocks until what has come is unpacked, but not for long."""
        self.fail_the_rest()
        if not self._results.finish(RESULTS_LIMIT):
            OwnThread(self._finish_late, f"bgw-{self._loop_name}-late-results").start()

    def _finish_late(self) -> None:
        """Nobody is to wait for ever, whatever unpickling and callbacks do."""
        deadline = time.monotonic() + LATE_RESULTS_LIMIT
        while time.monotonic() < deadline:
            if self._results.finish_beside(RESULTS_LIMIT):
                return
        fail_all(self._futures.copy(), self._not_unpacked, self._loop_id, self._loop_name)

    def _not_unpacked(self) -> CannotCross:
        return CannotCross(
            f"the result of a coroutine of {self._loop_name!r} has come, and was not unpickled"
            f" within {LATE_RESULTS_LIMIT:g} s: that, or a callback of another future, takes longer"
        )

    def _forget(self, future: Future[Any]) -> None:
        self._futures.discard(future)
        self._have_come.discard(future)

    def _ended(self) -> LoopEnded:
        return ended_without_it(self._loop_name)

    def _resolve(
        self, future: LoopFuture, lost: Callable[[BaseException], None], answer: Future[Any]
    ) -> None:
        """In the thread for it."""
        if answer.cancelled():
            future.cancel()
            return
        error, value = None, answer.result()
        if isinstance(value, PackedError):
            error = unpack_error(value)
        else:
            try:
                value = unpack(value)
            except BaseException as why:  # noqa: BLE001 - unpickling runs the user's code, which may exit
                error = CannotCross(f"the result cannot be unpickled: {one_line(why)}")
        if error is not None:
            future.lost = partial(lost, error)
        _set(future, value, error)

    def _pass_on_cancellation(self, future: Future[Any], number: int) -> None:
        if future.cancelled():
            self._send(CancelMore(number))


def _set(future: LoopFuture, value: Any = None, error: BaseException | None = None) -> None:
    try:
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)
    except InvalidStateError:  # It was cancelled, or failed by a stop, in this moment.
        lost, future.lost = future.lost, None
        if lost is not None:
            lost()
