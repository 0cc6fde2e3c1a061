"""What was asked of a loop that is somewhere else: each question has a number and a time limit."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final

from bgwidgets.hosts.crossing import PackedError, unpack_error
from bgwidgets.hosts.messages import Answer, Ask, Question


class Unanswered(Exception):
    """Raised when there is no answer, or not in time."""


class Questions:
    """Those that are open. Any thread may call everything."""

    def __init__(self, send: Callable[[Ask], None]) -> None:
        self._send: Final = send
        self._numbers: Final = itertools.count(1)
        self._open: Final[dict[int, Future[Any]]] = {}
        self._is_closed = False

    def put(self, question: Question, future: Future[Any] | None = None) -> int:
        """Ask, and do not wait. Returns the question's number.

        The `future` gets the answer, packed as it comes, its error, or its cancellation; when there
        will be no answer it is failed with `Unanswered`.
        """
        number = next(self._numbers)
        if future is not None:
            self._open[number] = future
        self._send(Ask(number, question))
        if self._is_closed:  # In this moment, or before.
            self._fail(self._open.pop(number, None))
        return number

    def ask(self, question: Question, limit: float, keep: Callable[[Any], None]) -> Any:
        """The answer. Blocks for at most `limit` seconds; `keep` gets it also when it comes later.

        Raises `Unanswered`, or what the question raised there.
        """
        future: Future[Any] = Future()

        def keep_answer(answer: Future[Any]) -> None:
            if not answer.cancelled() and answer.exception() is None:
                keep(answer.result())

        future.add_done_callback(keep_answer)
        self.put(question, future)
        if not concurrent.futures.wait([future], limit).done:
            raise Unanswered
        return future.result(0)

    def answered(self, answer: Answer) -> None:
        """An answer has come."""
        future = self._open.pop(answer.number, None)
        if future is None:
            return
        if answer.is_cancelled:
            future.cancel()
            return
        try:
            if isinstance(answer.error, PackedError):
                future.set_exception(unpack_error(answer.error))
            else:
                future.set_result(answer.value)
        except InvalidStateError:
            return  # It was cancelled, or given up.

    def close(self) -> None:
        """There will be no more answers."""
        self._is_closed = True
        while self._open:
            self._fail(self._open.popitem()[1])

    def _fail(self, future: Future[Any] | None) -> None:
        if future is None:
            return
        try:
            future.set_exception(Unanswered())
        except InvalidStateError:
            return
