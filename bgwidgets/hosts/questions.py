"""What was asked of a loop that is somewhere else: each question has a number and a time limit."""

from __future__ import annotations

import concurrent.futures
import itertools
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from typing import Any, Final

from bgwidgets.hosts.crossing import PackedError, unpack_error
from bgwidgets.hosts.messages import Answer, Ask, Question

Keep = Callable[[Any], None]
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
        self._is_closed = False
        self._doubt: Future[None] = Future()
        """Resolved when the other side is taken to hang; then there is another one."""

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
        self._send(Ask(number, question))
        if self._is_closed:  # In this moment, or before.
            self._fail(self._open.pop(number, _NOBODY)[0])
        return number

    def ask(self, question: Question, limit: float, keep: Keep) -> Any:
        """The answer. Blocks for at most `limit` seconds; `keep` gets it also when it comes later.

        Raises `Unanswered`, or what the question raised there.
        """
        future: Future[Any] = Future()
        doubt = self._doubt  # Before it is asked: that of this moment counts.
        self.put(question, future, keep)
        if not _is_answered(future, doubt, limit):
            raise Unanswered
        return future.result(0)

    def is_answered(self, future: Future[Any], limit: float) -> bool:
        """Whether the answer comes. Blocks for at most `limit` seconds, or until `doubt`."""
        return _is_answered(future, self._doubt, limit)

    def doubt(self) -> None:
        """The other side is taken to hang: nobody waits any longer. Answers that come all the same
        are kept as ever.
        """
        doubt, self._doubt = self._doubt, Future()
        doubt.set_result(None)

    def answered(self, answer: Answer) -> None:
        """An answer has come."""
        future, keep = self._open.pop(answer.number, _NOBODY)
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


def _is_answered(future: Future[Any], doubt: Future[None], limit: float) -> bool:
    first = concurrent.futures.FIRST_COMPLETED
    return future in concurrent.futures.wait([future, doubt], limit, first).done
