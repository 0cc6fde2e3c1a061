"""What was asked of a loop that is somewhere else: each question has a number and a time limit."""

from __future__ import annotations

import itertools
import queue
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


class Waiting:
    """Who waits for an answer. Like a future; but the lock of one would stay taken for ever when a
    Ctrl-C comes just after it was, and who brings the answers would wait for it.
    """

    def __init__(self) -> None:
        self._answer: Final[queue.SimpleQueue[tuple[Any, BaseException | None]]] = (
            queue.SimpleQueue()
        )
        self._came: tuple[Any, BaseException | None] | None = None

    def set_result(self, value: Any) -> None:
        """It is answered."""
        self._answer.put((value, None))

    def set_exception(self, error: BaseException) -> None:
        """It is answered with an error, or never will be."""
        self._answer.put((None, error))

    def cancel(self) -> None:
        """It will not be answered."""
        self.set_exception(Unanswered())

    def comes(self, limit: float) -> bool:
        """Whether an answer comes, or the certainty that none will. Blocks for at most `limit`
        seconds.
        """
        if self._came is None:
            try:
                self._came = self._answer.get(timeout=max(0.0, limit))
            except queue.Empty:
                return False
        return True

    @property
    def is_in_vain(self) -> bool:
        """Whether what came is that there will be no answer."""
        return self._came is not None and isinstance(self._came[1], Unanswered)

    def result(self) -> Any:
        """What came. Raises `Unanswered`, or what the question raised there."""
        value, error = self._came or (None, Unanswered())
        if error is not None:
            raise error
        return value


class Questions:
    """Those that are open. Any thread may call everything."""

    def __init__(self, send: Callable[[Ask], None]) -> None:
        self._send: Final = send
        self._numbers: Final = itertools.count(1)
        self._open: Final[dict[int, tuple[Future[Any] | Waiting, Keep]]] = {}
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

    def new_number(self) -> int:
        """For a question that will be put."""
        return next(self._numbers)

    def put(
        self,
        question: Question,
        future: Future[Any] | Waiting | None = None,
        keep: Keep = lambda _: None,
        *,
        number: int | None = None,
    ) -> None:
        """Ask, and do not wait.

        The `future` gets the answer, packed as it comes, its error, or its cancellation; when there
        will be no answer it is failed with `Unanswered`. Before that, `keep` gets the answer, in
        the thread that listens.
        """
        if number is None:
            number = self.new_number()
        if future is not None:
            self._open[number] = future, keep
            if not isinstance(question, RunMore):
                self._asked_at[number] = self._listened
        try:
            self._send(Ask(number, question))
        except BaseException:  # A Ctrl-C, say: nobody is to be blamed for giving no answer.
            self._open.pop(number, None)
            self._asked_at.pop(number, None)
            raise
        if self._is_closed:  # In this moment, or before.
            self._fail(self._open.pop(number, _NOBODY)[0])

    def ask(self, question: Question, limit: float, keep: Keep) -> Any:
        """The answer. Blocks for at most `limit` seconds; `keep` gets it also when it comes later.

        Raises `Unanswered`, or what the question raised there.
        """
        waiting = Waiting()
        self.put(question, waiting, keep)
        if not waiting.comes(limit):
            raise Unanswered
        return waiting.result()

    def doubt(self) -> None:
        """The other side is taken to hang: nobody waits any longer. Answers that come all the same
        are kept as ever.
        """
        for future, _ in list(self._open.values()):
            if isinstance(future, Waiting):
                future.cancel()

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

    def _fail(self, future: Future[Any] | Waiting | None) -> None:
        if future is None:
            return
        try:
            future.set_exception(Unanswered())
        except InvalidStateError:
            return
