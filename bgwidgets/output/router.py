"""Whose output it is: what is written to the standard streams goes to the loop of who writes.

The streams stay the objects that they are, so that a logging handler which holds one is heard, too;
they get a `write` of their own, which asks whom the calling thread belongs to. In a kernel that is
all: the output of loops goes to no cell. Elsewhere it is seen where it was ever seen, and the
loop's log has it as well.

Only what Python code writes comes here: not what C code or another process writes to the file
descriptors, nor what goes to `sys.stdout.buffer`.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final
from weakref import WeakValueDictionary, ref

from bgwidgets.belonging import changes, loop_id_by_context, loop_id_by_thread, loop_id_of_thread
from bgwidgets.output.display_hook import DisplayHook
from bgwidgets.output.log import NOBODY, OutputLog, Whose
from bgwidgets.output.reading import Stream
from bgwidgets.output.whose import task_here

MOST_PIECES: Final = 256
"""As many pieces are put down before they are made into lines."""
LONG: Final = 2_000
"""Characters of a piece that is not left lying."""
_STREAMS: Final[tuple[Stream, Stream]] = ("stdout", "stderr")

Write = Callable[[str], object]


class _Desk:
    """Where one thread writes, for as long as `changes.number` is the same."""

    __slots__ = ("changes", "log", "pens")

    def __init__(self, number: int, log: OutputLog | None, pens: tuple[Write | None, ...]) -> None:
        self.changes: Final = number
        self.log: Final = log
        self.pens: Final = pens


class _Here(threading.local):
    desk: _Desk | None = None


_here: Final = _Here()


class Router:
    """The one who stands between the streams and the logs of this process."""

    def __init__(self) -> None:
        self._guard: Final = threading.RLock()
        # Weak: a loop that was removed, and that nobody holds any more, has no log. What its
        # abandoned threads still write goes nowhere, and least of all to a cell.
        self._logs: Final[WeakValueDictionary[int, OutputLog]] = WeakValueDictionary()
        self._streams: Final[list[_Stream]] = []
        self._displays: Final = DisplayHook(self._log_here)
        self._is_wanted = True
        self._tee: bool | None = None

    def register(self, loop_id: int, log: OutputLog) -> None:
        """The output of that loop goes to this log. Any thread; does not block."""
        self._logs[loop_id] = log

    def install(self, *, tee: bool | None = None) -> None:
        """Route what loops write, also to streams that have come since. Any thread.

        `tee`: whether it is also to be seen where it would be without us; by default it is, but in
        a Jupyter kernel.
        """
        with self._guard:
            if tee != self._tee:
                self._put_back()
            self._is_wanted, self._tee = True, tee
            self.look()

    def uninstall(self) -> None:
        """Put everything back as it was; nothing is routed until `install()`. Any thread."""
        with self._guard:
            self._is_wanted = False
            self._put_back()

    def look(self) -> None:
        """See to the streams that are there now. At each start of a loop: somebody may have
        replaced them.
        """
        with self._guard:
            if not self._is_wanted:
                return
            self._streams[:] = [each for each in self._streams if each.is_there]
            for number, name in enumerate(_STREAMS):
                stream = getattr(sys, name, None)
                if stream is not None and all(each.stream is not stream for each in self._streams):
                    self._streams.append(_Stream(name, stream, self._hooks(number, stream)))
            self._displays.install(self._tee)

    def _put_back(self) -> None:
        for stream in self._streams:
            stream.put_back()
        self._streams.clear()
        self._displays.uninstall()
        changes.number += 1  # Every thread looks anew for where it writes.

    def _is_teed(self, stream: object) -> bool:
        # The stream of a Jupyter kernel, which sends it to a page: there it would come to a cell.
        return not hasattr(stream, "pub_thread") if self._tee is None else self._tee

    def _hooks(self, number: int, stream: Any) -> dict[str, Callable[..., Any]]:
        write, flush, tees = stream.write, stream.flush, self._is_teed(stream)
        seat, elsewhere, here = self._seat, self._elsewhere, _here

        def routed_write(text: str, /) -> Any:
            desk = here.desk
            if desk is None or desk.changes != changes.number:
                desk = seat()
            pen = desk.pens[number]
            if pen is not None:
                pen(text)
            elif (loop_id := loop_id_by_context()) is None or not elsewhere(loop_id, number, text):
                return write(text)
            return write(text) if tees else len(text)

        def routed_flush() -> None:
            # ipykernel's waits for its other thread, which would hold up the loop for nothing.
            if tees or self._log_here() is None:
                flush()

        return {"write": routed_write, "flush": routed_flush}

    def _seat(self) -> _Desk:
        """Where the calling thread writes from now on."""
        number = changes.number
        loop_id = loop_id_by_thread() if self._is_wanted else None
        log = None if loop_id is None else self._logs.get(loop_id)
        pens: tuple[Write | None, ...] = (None, None)
        if log is not None:
            before = _here.desk
            if before is not None and before.log is log:
                pens = before.pens
            elif loop_id_of_thread() is None:
                pens = tuple(_pen(log, name, task_here) for name in _STREAMS)
            else:
                pens = tuple(_pen(log, name, _current_task) for name in _STREAMS)
        elif loop_id is not None:
            pens = (len, len)
        _here.desk = desk = _Desk(number, log, pens)
        return desk

    def _elsewhere(self, loop_id: int, number: int, text: str) -> bool:
        """Write for a thread that nobody knows, in whose context a loop was named."""
        if not self._is_wanted:
            return False
        log = self._logs.get(loop_id)
        if log is not None:
            log.add(text, (threading.current_thread(), _STREAMS[number]), _whose(log, task_here()))
        return True

    def _log_here(self) -> tuple[OutputLog | None, Whose] | None:
        """The log of the calling code, None if it is gone; and its task. None outside of loops."""
        loop_id = loop_id_by_thread()
        if loop_id is None:
            loop_id = loop_id_by_context()
        if loop_id is None or not self._is_wanted:
            return None
        log = self._logs.get(loop_id)
        return log, NOBODY if log is None else _whose(log, task_here())


def _pen(log: OutputLog, stream: Stream, task_here: Callable[[], Any]) -> Write:
    """What the calling thread writes to a stream with from now on."""
    pen = log.pen(stream)
    parts = pen.parts
    put_down = parts.append
    told: Callable[[], Any] = _nobody
    """The task whose the parts are; weakly, for a log keeps no task alive."""

    def write(text: str) -> None:
        nonlocal told
        # The newline that `print` writes by itself is whose the line is.
        if text != "\n" or log.active is not pen:
            task = task_here()
            if told() is not task:
                log.turn_to(pen, _whose(log, task))
                told = _nobody if task is None else _weakly(task)
            elif log.active is not pen:
                log.turn_to(pen, pen.whose)
            if not isinstance(text, str):
                raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        put_down(text)
        if log.in_haste:
            if "\n" in text or "\r" in text:
                log.gather()
        elif len(parts) > MOST_PIECES or len(text) > LONG:
            log.gather()

    return write


def _nobody() -> None:
    return None


def _weakly(task: Any) -> Callable[[], Any]:
    try:
        return ref(task)
    except TypeError:  # A task of a factory's own.
        return _nobody


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:  # Before the loop turns, or after.
        return None


def _whose(log: OutputLog, task: asyncio.Task[Any] | None) -> Whose:
    return NOBODY if task is None else log.whose(task)


class _Stream:
    """A stream with hooks in the place of some of its methods, or something in its place."""

    def __init__(self, name: str, stream: Any, hooks: dict[str, Callable[..., Any]]) -> None:
        self._name: Final = name
        self._original: Final = stream
        self._hooks: Final = hooks
        self._before: Final[dict[str, Any]] = {}
        self.stream = stream
        """As it is to be found in `sys`."""
        try:
            own = vars(stream)
            for hook, function in hooks.items():
                self._before[hook] = own.get(hook)
                setattr(stream, hook, function)
        except (AttributeError, TypeError):  # It takes no attributes.
            self.stream = _Stand(stream, hooks)
            setattr(sys, name, self.stream)

    @property
    def is_there(self) -> bool:
        """Whether it can still be written to; one that nobody can write to is let go."""
        return not getattr(self._original, "closed", False)

    def put_back(self) -> None:
        """As it was. What somebody has put over it since stays, and leads to the original."""
        if self.stream is not self._original:
            if getattr(sys, self._name, None) is self.stream:
                setattr(sys, self._name, self._original)
            return
        for hook, function in self._hooks.items():
            if vars(self._original).get(hook) is not function:
                continue
            if self._before[hook] is None:
                delattr(self._original, hook)
            else:
                setattr(self._original, hook, self._before[hook])


class _Stand:
    """Stands for a stream that takes no attributes."""

    def __init__(self, stream: Any, hooks: dict[str, Callable[..., Any]]) -> None:
        self._stream: Final = stream
        self.write: Final = hooks["write"]
        self.flush: Final = hooks["flush"]

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


router: Final = Router()
"""This process's."""
