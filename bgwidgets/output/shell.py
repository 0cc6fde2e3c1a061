"""IPython's shell, where there is one. Not imported here: who has it loaded it long before."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, Final


def shell() -> Any:
    """The one that runs cells here, or None."""
    ipython = sys.modules.get("IPython")
    return getattr(ipython, "get_ipython", lambda: None)()


def is_in_a_kernel() -> bool:
    """Whether what is displayed and printed here is shown under a cell."""
    return getattr(shell(), "kernel", None) is not None


class CellEnds:
    """Tells when a cell has ended: it may have left other streams than it found."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell: Final = tell
        self._events: Any = None

    def install(self) -> None:
        """From now on; does nothing without a shell."""
        events = getattr(shell(), "events", None)
        if self._events is None and events is not None:
            self._events = events
            events.register("post_run_cell", self._ended)

    def uninstall(self) -> None:
        """Not any more."""
        events, self._events = self._events, None
        if events is not None:
            events.unregister("post_run_cell", self._ended)

    def _ended(self, *_: Any) -> None:
        self._tell()
