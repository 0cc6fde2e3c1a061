"""Coroutines that were made and never awaited: Python warns of each when it is destroyed.

Python hands a warning that has passed the filters to `warnings._showwarnmsg`, whose docstring says
"Hook to write a warning to a file; replace if you like". It is wrapped while at least one loop is
watched, and passes the very same object on, so what the user sees is what it would be without us.
Not `warnings.showwarning`, for all that it has the nicer name: where that was replaced, Python no
longer says where the coroutine was made, `logging.captureWarnings` and `catch_warnings` put back
what they found there, and so each could undo the other.

The filters are the user's: what they hide is not kept either, and by Python's own the same line is
shown once. What they make an error is none of this.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from bgwidgets.belonging import current_loop_id
from bgwidgets.observe.asyncio_internals import running_loop_here
from bgwidgets.observe.await_chain import file_label
from bgwidgets.observe.names import LONGEST_NAME, name_of
from bgwidgets.observe.replaced import Replaced
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.snapshots import WarningKind

_NEVER_AWAITED: Final = re.compile(r"coroutine (?:method )?'(.*?)'.* was never awaited")
_FRAMES: Final = 20
"""So far out the line is looked for at which the coroutine was dropped."""

_log: Final = logging.getLogger(__name__)


class UnawaitedCoroutines:
    """Listens to Python's warnings. Any thread may call everything; nothing blocks.

    A warning counts as that loop's to which the code belongs that dropped the coroutine.
    """

    def __init__(self) -> None:
        self._guard: Final = threading.RLock()
        self._watched: Final[dict[int, WarningsKept]] = {}
        self._replaced: Final = Replaced()

    def watch(self, loop_id: int, kept: WarningsKept) -> None:
        """Keep what Python warns of in this loop's code."""
        with self._guard:
            self._watched[loop_id] = kept
            if hasattr(warnings, "_showwarnmsg"):  # Seen in Python 3.11 to 3.13.
                self._replaced.replace(warnings, "_showwarnmsg", self._listens)

    def unwatch(self, loop_id: int) -> None:
        """And now no more."""
        with self._guard:
            self._watched.pop(loop_id, None)
            if not self._watched:
                self._replaced.undo()

    def _listens(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _showwarnmsg(message: warnings.WarningMessage) -> None:
            try:
                self._note(message)
            except Exception:  # noqa: BLE001 - what is the user's own must be told to the user all the same
                _log.exception("a coroutine that was never awaited could not be told of")
            original(message)

        return _showwarnmsg

    def _note(self, message: warnings.WarningMessage) -> None:
        if not issubclass(message.category, RuntimeWarning):
            return
        found = _NEVER_AWAITED.match(str(message.message))
        kept = self._watched.get(current_loop_id() or 0)
        if found is None or kept is None:
            return
        coroutine = found[1].rsplit("<locals>.", 1)[-1][:LONGEST_NAME]
        where = f"{file_label(message.filename)}:{message.lineno}"
        if function := _function_at(message.filename):
            where = f"{where} {function}"
        kept.add(
            WarningKind.COROUTINE_NEVER_AWAITED,
            f"{coroutine} {where}",
            lambda: Told(
                f"coroutine {coroutine!r} was made and dropped at {where}: nothing of it ran",
                _current_task(),
                where,
            ),
        )


def _function_at(file: str) -> str | None:
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - documented, for all its underscore
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
