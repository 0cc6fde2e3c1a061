"""Which run of which cell displayed what: when a cell is run again, its earlier output is gone.

The page may never tell, for it may have had no time to show that output. Frontends name the cell
in their requests (JupyterLab and Notebook 7 do, as `cellId`); where one does not, nothing is
concluded.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import Any, Final, Protocol

from IPython.core.getipython import get_ipython


class Displayed(Protocol):
    """What is displayed."""

    def replaced(self, cell: str) -> None:
        """What this cell displayed is gone, for it is run again."""


@dataclass(frozen=True, slots=True)
class CellRun:
    """One run of one cell, by the names that its frontend gave them."""

    cell: str
    request: str


def current_cell_run() -> CellRun | None:
    """The run of the cell whose code calls this; None where that is not known."""
    shell: Any = get_ipython()
    if shell is None or not hasattr(shell, "get_parent"):
        return None
    message = shell.get_parent()
    cell = message.get("metadata", {}).get("cellId")
    request = message.get("header", {}).get("msg_id")
    return CellRun(cell, request) if isinstance(cell, str) and isinstance(request, str) else None


class Displays:
    """What the last run of each cell has displayed. Used in the threads that display."""

    def __init__(self) -> None:
        self._last_runs: Final[dict[str, CellRun]] = {}
        self._displayed: Final[dict[str, weakref.WeakSet[Displayed]]] = {}

    def note(self, displayed: Displayed, run: CellRun) -> None:
        """This run displays it; what an earlier run of that cell displayed is told."""
        if self._last_runs.get(run.cell) != run:
            replaced = self._displayed.get(run.cell, weakref.WeakSet())
            self._last_runs[run.cell] = run
            self._displayed[run.cell] = weakref.WeakSet()
            for earlier in list(replaced):
                if earlier is not displayed:
                    earlier.replaced(run.cell)
        self._displayed[run.cell].add(displayed)
