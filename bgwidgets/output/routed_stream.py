"""A stream whose `write` is another one for each thread: it leads to where the thread belongs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from threading import get_ident
from typing import Any, Final
from weakref import WeakKeyDictionary, ref

from bgwidgets.belonging import (
    loop_id_by_context,
    loop_id_by_thread,
    loop_id_of_thread,
)
from bgwidgets.output.blocks import NOBODY, Whose
from bgwidgets.output.log import OutputLog
from bgwidgets.output.pen import no_task
from bgwidgets.output.reading import Stream
from bgwidgets.output.stream_hooks import ORIGINAL, Mine, Write, hook, without_ours
from bgwidgets.output.whose import task_here, tasks_worked_for

ENOUGH: Final = 1_500
"""So many pieces are put down before they are made into lines; fewer when the newest one is long,
for its characters count as well.
"""


class RoutedStream:
    """A stream of which loops get a `write` of their own."""

    def __init__(
        self, name: Stream, stream: Any, log_of: Callable[[int], OutputLog | None], *, tees: bool
    ) -> None:
        """From now on what loops write there goes to their logs; and there, too, if it `tees`.

        `log_of` gives a loop's log, or None when that is gone.
        """
        self._name: Final = name
        self._log_of: Final = log_of
        self.tees: Final = tees
        self._is_on = True
        self._put_there: Final = WeakKeyDictionary[threading.Thread, Write]()
        """What code in a loop's thread has put in the place of `write`."""
        self.mine = Mine(self._find_out)
        own = getattr(type(stream), "write", None)
        self._plain: Final[Write] = stream.write if own is None else own.__get__(stream)
        """Its own, whatever others have put in the place of it."""
        self._original: Write = without_ours(stream.write)
        self._to_keep = self._looking(self._original)
        self._to_nobody: Final = self._ours(partial(self._nowhere))
        # From here on threads come in, before this is done.
        self._hook: Final = hook(name, stream, self)

    @property
    def stream(self) -> Any:
        """As it is to be found in `sys`."""
        return self._hook.stream

    @property
    def is_in_place(self) -> bool:
        """Whether it can still be written to, and nobody has taken the hook out."""
        return not getattr(self._hook.stream, "closed", False) and self._hook.is_in_place

    def put_back(self) -> None:
        """As it was. What somebody has put over it since stays, and leads to the original."""
        self._is_on = False
        self._hook.put_back()

    def replaced(self, write: Write) -> None:
        """Others have put this in the place of the stream's own: every thread finds out anew."""
        self._original, self._to_keep = write, self._looking(write)
        self.mine = Mine(self._find_out)

    def replaced_on_a_loop(self, write: Write | None) -> bool:
        """Code on a loop has put this in the place of `write`, or None: it puts it back. It is for
        its own thread alone, as `redirect_stdout` is for its loop, and True is returned; elsewhere
        nothing is done.
        """
        if not self._is_on or loop_id_by_thread() is None:
            return False
        mine, thread = self.mine, threading.current_thread()
        if write is None or write is mine.own:
            self._put_there.pop(thread, None)
            write = mine.own
        else:
            self._put_there[thread] = write
        mine.write = mine.to_keep = write
        return True

    def forget_thread(self) -> None:
        """The calling thread may belong to another loop from now on."""
        self._put_there.pop(threading.current_thread(), None)
        self.mine.forget()

    def is_flushed_here(self) -> bool:
        """Whether what the calling code writes is kept from the stream itself. Then its log is
        flushed.
        """
        if not self._is_on or (loop_id := loop_id_here()) is None:
            return False
        if (log := self._log_of(loop_id)) is not None:
            log.flush()
        return not self.tees

    def _find_out(self, what: str) -> Write:
        """How the calling code writes."""
        mine = self.mine
        if not mine.is_outside:
            loop_id = loop_id_by_thread() if self._is_on else None
            if loop_id is not None:
                log = self._log_of(loop_id)
                own = self._to_nobody if log is None else self._with_a_pen(loop_id, log)
                mine.own = own
                mine.write = mine.to_keep = self._put_there.get(threading.current_thread(), own)
                return own if what == "own" else mine.write
            if _is_main_thread():
                mine.write, mine.own, mine.is_cells = self._original, self._plain, True
            mine.to_keep, mine.is_outside = self._to_keep, True
        if what == "to_keep":
            return self._to_keep
        loop_id = loop_id_here() if self._is_on else None
        if loop_id is not None:
            return self._by_context(loop_id)
        return self._plain if what == "own" else self._original

    def _looking(self, original: Write) -> Write:
        """For those who find `write` outside of loops, and may have kept it for one."""

        def write(text: str, /) -> Any:
            mine = self.mine
            if mine.is_cells or not self._is_on or loop_id_here() is None:
                return original(text)
            return mine.write(text)

        setattr(write, ORIGINAL, original)
        return write

    def _ours(self, write: Write) -> Write:
        """Marked, so that whoever puts it back outside of its loop has the stream's own back."""
        setattr(write, ORIGINAL, self._plain)
        return write

    def _nowhere(self, text: str) -> Any:
        """What is left of a loop that was removed writes to nobody, and least of all to a cell."""
        return self._tee(text) if self.tees else len(text)

    def _tee(self, text: str) -> Any:
        """Also to where it would be without us. If somebody has closed that, it is not the fault of
        the loop that prints.
        """
        try:
            return self._original(text)
        except ValueError:
            if not getattr(self.stream, "closed", False):
                raise
            return len(text)

    def _by_context(self, loop_id: int) -> Write:
        """For a thread that nobody knows, in whose context a loop is named."""
        log = self._log_of(loop_id)
        if log is None:
            return self._to_nobody

        def write(text: str) -> Any:
            place = (threading.current_thread(), self._name)
            log.add(text, place, whose_it_is(log, task_here()))
            return self._nowhere(text)

        return self._ours(write)

    def _with_a_pen(self, loop_id: int, log: OutputLog) -> Write:
        """How one of the loop's threads writes: this is called a million times."""
        pen = log.pen(self._name)
        if pen.of() is self and (kept := pen.write()) is not None:
            return kept  # Who has kept it, and who finds it now, are not to differ.
        parts, put_down, tees, tee = pen.parts, pen.parts.append, self.tees, self._tee
        is_own_thread = loop_id_of_thread() == loop_id
        tasks, loop = log.tasks_now if is_own_thread else tasks_worked_for, log.loop
        moves, thread, filing = log.moves, get_ident(), log.filing

        def write(text: str) -> Any:
            if text != "\n":
                try:
                    task = tasks[loop]
                except KeyError:
                    task = None
                if task is pen.goes_on_for and type(text) is str:
                    pen.is_after_text = True
                    put_down(text)
                elif not asks_first(text, task):
                    return self.mine.own(text)
            elif pen.is_after_text:
                # What `print` writes by itself. After another one it is counted: an empty print
                # writes nothing else.
                pen.is_after_text = False
                put_down(text)
                return tee(text) if tees else 1
            elif not asks_first(text, None):
                return self.mine.own(text)
            length = len(text)
            if length + len(parts) > ENOUGH:
                log.gather()
            return tee(text) if tees else length

        def asks_first(text: str, task: Any) -> bool:
            if not isinstance(text, str):
                raise TypeError(f"write() argument must be str, not {type(text).__name__}")
            if not is_mine():
                return False
            is_text = text != "\n"  # A newline is whose the line is.
            if is_text:
                turn(task)
            put_down(text)
            if not filing.is_on:
                if is_text:
                    log.go_on(pen, task, moves)
            elif "\n" in text or "\r" in text:
                log.put_in_file(pen)
            return True

        def turn(task: Any) -> None:
            # Asked of the pen: another `write` that has it may have turned it meanwhile.
            if pen.task() is task and (task is not None or pen.whose is NOBODY):
                return
            # Weakly, for a log keeps no task alive.
            log.give_pen(pen, whose_it_is(log, task), no_task if task is None else _weakly(task))

        def is_mine() -> bool:
            nonlocal moves, tasks, loop
            if get_ident() != thread:  # Somebody elsewhere has kept this.
                return False
            if log.moves != moves:
                moves = log.moves
                if not self._is_on or loop_id_by_thread() != loop_id:
                    self.forget_thread()
                    return False
                tasks, loop = log.tasks_now if is_own_thread else tasks_worked_for, log.loop
            if log.last is not pen:
                log.turn_to(pen)
            return True

        pen.of, pen.write = ref(self), ref(self._ours(write))
        return write


def loop_id_here() -> int | None:
    """The loop to whose output belongs what the calling code writes.

    In the main thread the context says nothing: what a loop has handed to the notebook's own loop
    runs there, and writes to a cell.
    """
    loop_id = loop_id_by_thread()
    if loop_id is not None or _is_main_thread():
        return loop_id
    return loop_id_by_context()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def whose_it_is(log: OutputLog | None, task: asyncio.Task[Any] | None) -> Whose:
    """What the log knows of this task."""
    return NOBODY if task is None or log is None else log.whose(task)


def _weakly(task: Any) -> Callable[[], Any]:
    try:
        return ref(task)
    except TypeError:  # A task of a factory's own.
        return lambda: task
