"""A stream whose `write` asks whom the calling thread belongs to."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from weakref import ref

from bgwidgets.belonging import (
    current_loop_id,
    loop_id_by_context,
    loop_id_by_thread,
    loop_id_of_thread,
)
from bgwidgets.output.log import NOBODY, OutputLog, Whose
from bgwidgets.output.reading import Stream
from bgwidgets.output.whose import task_here

MOST_PIECES: Final = 1_000
"""As many pieces are put down before they are made into lines."""
LONG: Final = 2_000
"""Characters of a piece after which nothing is left lying."""

Write = Callable[[str], Any]


class _Mine(threading.local):
    """How the calling thread writes: at first by finding that out."""

    def __init__(self, find_out: Write) -> None:
        self.write = find_out


class RoutedStream:
    """A stream with a `write` and a `flush` of ours in the place of its own."""

    def __init__(
        self, name: Stream, stream: Any, log_of: Callable[[int], OutputLog | None], *, tees: bool
    ) -> None:
        """From now on what loops write there goes to their logs; and there, too, if it `tees`.

        `log_of` gives a loop's log, or None when that is gone.
        """
        self._name: Final = name
        self._original: Final = stream
        self._log_of: Final = log_of
        self.tees: Final = tees
        self._write: Final[Write] = stream.write
        self._flush: Final[Callable[[], Any]] = stream.flush
        self._is_on = True
        mine = _Mine(self._find_out)
        self._mine: Final = mine

        def write(text: str, /) -> Any:
            return mine.write(text)

        self._hooks: Final[dict[str, Callable[..., Any]]] = {"write": write, "flush": self._flushes}
        self._before: Final[dict[str, Any]] = {}
        self.stream: Any = stream
        """As it is to be found in `sys`."""
        try:
            own = vars(stream)
            self._before.update({hook: own.get(hook) for hook in self._hooks})
            for hook, function in self._hooks.items():
                setattr(stream, hook, function)
        except (AttributeError, TypeError):  # It takes no attributes.
            self.stream = _Stand(stream, self._hooks)
            setattr(sys, name, self.stream)

    @property
    def is_there(self) -> bool:
        """Whether it can still be written to."""
        return not getattr(self._original, "closed", False)

    def put_back(self) -> None:
        """As it was. What somebody has put over it since stays, and leads to the original."""
        self._is_on = False
        if self.stream is not self._original:
            if getattr(sys, self._name, None) is self.stream:
                setattr(sys, self._name, self._original)
            return
        for hook, function in self._hooks.items():
            if vars(self._original).get(hook) != function:
                continue
            if self._before[hook] is None:
                delattr(self._original, hook)
            else:
                setattr(self._original, hook, self._before[hook])

    def forget_thread(self) -> None:
        """The calling thread may belong to another loop from now on."""
        self._mine.write = self._find_out

    def _flushes(self) -> None:
        # ipykernel's waits for its other thread, which would hold up the loop for nothing.
        if self.tees or not self._is_on or current_loop_id() is None:
            self._flush()

    def _find_out(self, text: str) -> Any:
        loop_id = loop_id_by_thread() if self._is_on else None
        if loop_id is None:
            self._mine.write = self._outside()
        elif (log := self._log_of(loop_id)) is None:
            self._mine.write = self._nowhere
        else:
            self._mine.write = self._with_a_pen(loop_id, log)
        return self._mine.write(text)

    def _nowhere(self, text: str) -> int:
        """What is left of a loop that was removed writes to nobody, and least of all to a cell."""
        return self._write(text) if self.tees else len(text)

    def _outside(self) -> Write:
        original = self._write

        def write(text: str) -> Any:
            loop_id = loop_id_by_context()
            return original(text) if loop_id is None else self._by_context(loop_id, text)

        return write

    def _by_context(self, loop_id: int, text: str) -> Any:
        """A thread that nobody knows, in whose context a loop is named: a foreign executor's."""
        if not self._is_on:
            return self._write(text)
        log = self._log_of(loop_id)
        if log is not None:
            place = (threading.current_thread(), self._name)
            log.add(text, place, whose_it_is(log, task_here()))
        return self._write(text) if self.tees else len(text)

    def _with_a_pen(self, loop_id: int, log: OutputLog) -> Write:
        """How one of the loop's threads writes: this is called a million times."""
        mine, pen, original = self._mine, log.pen(self._name), self._write
        parts, put_down, tees = pen.parts, pen.parts.append, self.tees
        is_own_thread = loop_id_of_thread() == loop_id
        task_of_mine = log.task_now if is_own_thread else task_here
        told: Callable[[], Any] = _nobody
        """The task whose the parts are; weakly, for a log keeps no task alive."""
        moves = log.moves

        def write(text: str) -> Any:
            # The newline that `print` writes by itself is whose the line is.
            if text != "\n":
                if not isinstance(text, str):
                    raise TypeError(f"write() argument must be str, not {type(text).__name__}")
                task = task_of_mine()
                if told() is not task or task is None:
                    turn(task)
                if len(text) > LONG or len(parts) > MOST_PIECES:
                    log.gather()
            if log.active is pen:
                put_down(text)
            elif not is_mine():
                return mine.write(text)
            else:
                put_down(text)
                if log.in_haste and ("\n" in text or "\r" in text):
                    log.put_in_file(pen)
            return original(text) if tees else len(text)

        def turn(task: Any) -> None:
            nonlocal told
            if task is not None or told is not _nobody:
                told = _nobody if task is None else _weakly(task)
                log.turn_to(pen, whose_it_is(log, task))

        def is_mine() -> bool:
            nonlocal moves, task_of_mine
            if log.moves != moves:
                moves = log.moves
                if not self._is_on or loop_id_by_thread() != loop_id:
                    self.forget_thread()
                    return False
                task_of_mine = log.task_now if is_own_thread else task_here
            if log.last is not pen or not log.in_haste:
                log.turn_to(pen, pen.whose)
            return True

        return write


def whose_it_is(log: OutputLog | None, task: asyncio.Task[Any] | None) -> Whose:
    """What the log knows of this task."""
    return NOBODY if task is None or log is None else log.whose(task)


def _nobody() -> None:
    return None


def _weakly(task: Any) -> Callable[[], Any]:
    try:
        return ref(task)
    except TypeError:  # A task of a factory's own.
        return lambda: task


class _Stand:
    """Stands for a stream that takes no attributes."""

    def __init__(self, stream: Any, hooks: dict[str, Callable[..., Any]]) -> None:
        self._stream: Final = stream
        self.write: Final = hooks["write"]
        self.flush: Final = hooks["flush"]

    def writelines(self, lines: Iterable[str]) -> None:
        """As every stream's."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
