"""Which cell runs, as IPython tells it.

A cell is what runs in the kernel's main thread. IPython tells the same of code in subshells, which
holds up nobody else's clicks.
"""

from __future__ import annotations

import itertools
import sys
import threading
import time
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable
from typing import Any, Final

from IPython.core.getipython import get_ipython

from bgwidgets.widgets.busy_cell import Cell

_numbers: Final = itertools.count(1)


class CellWatch:
    """Tells when a cell begins, by a number that no other cell has had, and when it ends: None.

    `tell` is called in the thread of the cells, and at once when the watch is made in a cell that
    runs; when that one began, nobody has noted. Without IPython it never is.
    """

    def __init__(self, tell: Callable[[Cell | None], None]) -> None:
        self._tell: Final = tell
        self._request: str | None = None
        self._depth = 0
        """A cell may run others: they are a part of it."""
        self._asked: AbstractEventLoop | None = None
        """The loop of that thread, as long as it has not come to what it was asked."""
        self._shell: Any = get_ipython()
        self._loop: Final = _loop_of_the_cells()
        if self._shell is None:
            return
        if _is_in_a_cell(self._shell):
            self._enter(began_at=None)
        self._shell.events.register("pre_run_cell", self._began)
        self._shell.events.register("post_run_cell", self._ended)

    def waits(self) -> bool:
        """Whether the thread of the cells has not come to what it was asked the last time; it is
        asked again. So for who asks now and then: something else than a cell keeps it busy, like
        another widget's callback. False where it cannot be asked. Any thread; does not block.
        """
        if self._asked is not None or self._loop is None:
            return self._asked is not None and not self._asked.is_closed()
        self._asked = self._loop
        try:
            self._loop.call_soon_threadsafe(self._answer)
        except RuntimeError:  # It is closed: at the kernel's end.
            self._asked = None
        return False

    def _answer(self) -> None:
        self._asked = None

    def close(self) -> None:
        """Tell no more. Any thread; a second call does nothing."""
        shell, self._shell = self._shell, None
        if shell is not None:
            shell.events.unregister("pre_run_cell", self._began)
            shell.events.unregister("post_run_cell", self._ended)

    def _began(self, _info: object) -> None:
        if _is_main_thread():
            self._enter(began_at=time.time())

    def _enter(self, began_at: float | None) -> None:
        request = _request_of(self._shell)
        if self._depth and request == self._request:
            self._depth += 1
            return
        # Also when an earlier cell's end was not told, as nobody promises.
        self._request, self._depth = request, 1
        self._tell(Cell(next(_numbers), began_at))

    def _ended(self, _result: object) -> None:
        if not self._depth or not _is_main_thread():
            return
        self._depth -= 1
        if not self._depth:
            self._tell(None)


def _loop_of_the_cells() -> AbstractEventLoop | None:
    """It runs while a cell does: as seen from a cell that makes a panel, and from nowhere else."""
    if not _is_main_thread():
        return None
    try:
        return get_running_loop()
    except RuntimeError:
        return None


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _request_of(shell: Any) -> str | None:
    """The id of the request to run the cell. Without a kernel there is none."""
    header = _parent(shell).get("header", {})
    return str(header["msg_id"]) if "msg_id" in header else None


def _is_in_a_cell(shell: Any) -> bool:
    """Whether this is called by a cell's own code.

    The request alone does not say it: a task that a cell has left behind carries that cell's. And
    of code that is run silently, as debuggers do, no end will be told.
    """
    if not _is_main_thread() or _parent(shell).get("content", {}).get("silent"):
        return False
    runs_code = type(shell).run_code.__code__
    frame = sys._getframe()  # noqa: SLF001 - as inspect does, without its source lookups
    while frame := frame.f_back:  # type: ignore[assignment]
        if frame.f_code is runs_code:
            return True
    return False


def _parent(shell: Any) -> dict[str, Any]:
    kernel = getattr(shell, "kernel", None)
    return kernel.get_parent("shell") if kernel is not None else {}
