"""Coroutines that were made and never awaited: each is told of when it is destroyed.

Python then calls `warnings._warn_unawaited_coroutine`, whose comment says "Private utility
function". It is wrapped while at least one loop is watched. Python's own warning comes once a line
and process by default; that count is not ours, so a second run in the same kernel is told of too.
What the user sees is what it would be without us: the function is called as it would be, with no
frame of ours in between, for it names the line that called it.

The methods of asynchronous generators (`asend()` and its like, from Python 3.12 on) are warned of
by C code that calls nothing on the way but `warnings._showwarnmsg`, and only for what has passed
the filters: these are told of once a line. Not `warnings.showwarning`, for all that it has the
nicer name: where that was replaced, `logging.captureWarnings` and `catch_warnings` put back what
they found there, and so each could undo the other.

The filters are the user's: what they hide is not kept either, and what they make an error is none
of this.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from bgwidgets.belonging import current_loop_id
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.asyncio_internals import running_loop_here
from bgwidgets.observe.await_chain import file_label
from bgwidgets.observe.line_numbers import line_in
from bgwidgets.observe.names import LONGEST_NAME, name_of
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.replaced import Replaced
from bgwidgets.snapshots import WarningKind

_NEVER_AWAITED: Final = re.compile(r"coroutine method '(.*?)'.* was never awaited")
_NOT_SHOWN: Final = frozenset({"ignore", "error"})
_NOT_TOLD: Final = "a coroutine that was never awaited could not be told of"
_FRAMES: Final = 20
"""So far out the function is looked for that has dropped a coroutine."""

_log: Final = logging.getLogger(__name__)


class UnawaitedCoroutines:
    """Listens to Python's warnings, at the same cost for each. Any thread may call everything;
    nothing blocks.

    A warning counts as that loop's to which the code belongs that dropped the coroutine.
    """

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._watched: Final[dict[int, WarningsKept]] = {}
        self._replaced: Final = Replaced()
        self._seeing: tuple[Callable[..., Any], Any] | None = None

    def watch(self, loop_id: int, kept: WarningsKept) -> None:
        """Keep what Python warns of in this loop's code."""
        with self._guard:
            self._watched[loop_id] = kept
            for name, wrap in (
                ("_showwarnmsg", self._listens),
                ("_warn_unawaited_coroutine", self._sees_each),
            ):
                if hasattr(warnings, name):  # Seen in Python 3.11 to 3.13.
                    self._replaced.replace(warnings, name, wrap)

    def unwatch(self, loop_id: int) -> None:
        """And now no more."""
        with self._guard:
            self._watched.pop(loop_id, None)
            if not self._watched:
                self._replaced.undo()

    def _sees_each(self, original: Callable[..., Any]) -> Callable[..., Any]:
        # Made once, and not with each loop that is alone: Python never quite forgets a class.
        if self._seeing is None or self._seeing[0] is not original:
            self._seeing = original, self._class_that_sees(original)
        return functools.partial(self._seeing[1])  # A class could not be given its name.

    def _class_that_sees(self, original: Callable[..., Any]) -> Any:
        see = self._see

        class Destroyed:
            """Calls two functions, one after the other, and neither is the other's caller."""

            def __new__(cls, coroutine: Any) -> Any:
                see(coroutine, _caller(2))
                return super().__new__(cls)

            __init__ = staticmethod(original)  # Called with the coroutine.

        return Destroyed

    def _see(self, coroutine: Any, dropped_in: FrameType | None) -> None:
        try:
            kept = self._kept_here()
            if kept is None or dropped_in is None:
                return
            name = coroutine.__qualname__
            line = line_in(dropped_in)
            module = str(dropped_in.f_globals.get("__name__", "<unknown>"))
            if _action(f"coroutine {name!r} was never awaited", module, line) not in _NOT_SHOWN:
                code = dropped_in.f_code
                _keep(kept, name, f"{file_label(code.co_filename)}:{line} {code.co_name}")
        except Exception:  # noqa: BLE001 - what is the user's own must be told to the user all the same
            _log.exception(_NOT_TOLD)

    def _listens(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _showwarnmsg(message: warnings.WarningMessage) -> None:
            try:
                self._note(message)
            except Exception:  # noqa: BLE001 - what is the user's own must be told to the user all the same
                _log.exception(_NOT_TOLD)
            original(message)

        return _showwarnmsg

    def _note(self, message: warnings.WarningMessage) -> None:
        if not issubclass(message.category, RuntimeWarning):
            return
        found = _NEVER_AWAITED.match(str(message.message))
        kept = self._kept_here()
        if found is None or kept is None:
            return
        where = f"{file_label(message.filename)}:{message.lineno}"
        if function := _function_at(message.filename):
            where = f"{where} {function}"
        _keep(kept, found[1], where)

    def _kept_here(self) -> WarningsKept | None:
        return self._watched.get(current_loop_id() or 0)


def _keep(kept: WarningsKept, name: str, where: str) -> None:
    coroutine = name.rsplit("<locals>.", 1)[-1][:LONGEST_NAME]
    kept.add(
        WarningKind.COROUTINE_NEVER_AWAITED,
        f"{coroutine} {where}",
        lambda: Told(
            f"coroutine {coroutine!r} was made and dropped at {where}: nothing of it ran",
            _current_task(),
            where,
        ),
    )


def _action(text: str, module: str, line: int) -> str:
    """What the user's filters say of a RuntimeWarning, as `warnings.warn_explicit` reads them."""
    for action, message, category, module_pattern, of_line in warnings.filters:
        if (
            issubclass(RuntimeWarning, category)
            and of_line in {0, line}
            and _matches(message, text)
            and _matches(module_pattern, module)
        ):
            return action
    return str(getattr(warnings, "defaultaction", "default"))


def _matches(pattern: Any, text: str) -> bool:
    # Python's own filters have plain texts in the place of patterns.
    return pattern is None or (pattern == text if isinstance(pattern, str) else pattern.match(text))


def _caller(outwards: int) -> FrameType | None:
    try:
        return sys._getframe(outwards)  # noqa: SLF001 - documented, for all its underscore
    except ValueError:  # There is none: the thread is at its end.
        return None


def _function_at(file: str) -> str | None:
    frame = _caller(1)
    for _ in range(_FRAMES):
        if frame is None or frame.f_code.co_filename == file:
            break
        frame = frame.f_back
    return frame.f_code.co_name if frame is not None and frame.f_code.co_filename == file else None


def _current_task() -> str | None:
    task = asyncio.current_task() if running_loop_here() is not None else None
    return None if task is None else name_of(task)


unawaited_coroutines: Final = UnawaitedCoroutines()
"""This process's."""
