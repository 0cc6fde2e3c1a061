"""What was asked of a loop that is somewhere else: each question has a number and a time limit."""

from __future__ import annotations

import concurrent.futures
import itertools
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final

from bgwidgets.hosts.crossing import PackedError, unpack_error
from bgwidgets.hosts.messages import Answer, Ask, Question, RunMore

Keep = Callable[[Any], None]
LONGEST_TICK: Final = 0.5
"""Seconds from one look of who listens to the next, unless this process itself stood still."""
_NOBODY: Final[tuple[None, Keep]] = None, lambda _: None
"""Who waits for an answer that nobody waits for."""


class Unanswered(Exception):
    """Raised when there is no answer, or not in time."""


class Questions:
    """Those that are open. Any thread may call everything."""

    def __init__(self, send: Callable[[Ask], None]) -> None:
        self._send: Final = send
        self._numbers: Final = itertools.count(1)
        self._open: Final[dict[int, tuple[Future[Any], Keep]]] = {}
        self._asked_at: Final[dict[int, float]] = {}
        """When those were asked that are answered at once, by the time in which one listened."""
        self._listened = 0.0
        self._looked_at = time.monotonic()
        self._is_closed = False

    def overdue(self) -> float:
        """Seconds for which the oldest one waits that is answered at once; 0: there is none.

        In the thread that listens, again and again: the time in which it did not look, as this
        process stood still, is not counted.
        """
        now = time.monotonic()
        self._listened += min(now - self._looked_at, LONGEST_TICK)
        self._looked_at = now
        return max((self._listened - at for at in list(self._asked_at.values())), default=0.0)

    def put(
        self, question: Question, future: Future[Any] | None = None, keep: Keep = lambda _: None
    ) -> int:
        """Ask, and do not wait. Returns the question's number.

        The `future` gets the answer, packed as it comes, its error, or its cancellation; when there
        will be no answer it is failed with `Unanswered`. Before that, `keep` gets the answer, in
        the thread that listens.
        """
        number = next(self._numbers)
        if future is not None:
            self._open[number] = future, keep
            if not isinstance(question, RunMore):
                self._asked_at[number] = self._listened
        self._send(Ask(number, question))
        if self._is_closed:  # In this moment, or before.
            self._fail(self._open.pop(number, _NOBODY)[0])
        return number

    def ask(self, question: Question, limit: float, keep: Keep) -> Any:
        """The answer. Blocks for at most `limit` seconds; `keep` gets it also when it comes later.

        Raises `Unanswered`, or what the question raised there.
        """
        future: Future[Any] = Future()
        self.put(question, future, keep)
        if not concurrent.futures.wait([future], limit).done:
            raise Unanswered
        return future.result(0)

    def answered(self, answer: Answer) -> None:
        """An answer has come."""
        future, keep = self._open.pop(answer.number, _NOBODY)
        self._asked_at.pop(answer.number, None)
        if future is None:
            return
        if answer.is_cancelled:
            future.cancel()
            return
        try:
            if isinstance(answer.error, PackedError):
                future.set_exception(unpack_error(answer.error))
            else:
                keep(answer.value)  # First: who waits for it will look at what is kept.
                future.set_result(answer.value)
        except InvalidStateError:
            return  # It was cancelled, or given up.

    def close(self) -> None:
        """There will be no more answers."""
        self._is_closed = True
        while self._open:
            self._fail(self._open.popitem()[1][0])

    def _fail(self, future: Future[Any] | None) -> None:
        if future is None:
            return
        try:
            future.set_exception(Unanswered())
        except InvalidStateError:
            return
