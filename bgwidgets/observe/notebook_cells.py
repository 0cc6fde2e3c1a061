"""The cells of a notebook as Python knows them: files that are nowhere, whose names say nothing.

IPython keeps their lines and numbers. A child process, which has no IPython, is told both.
"""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_CELL: Final = re.compile(r"ipykernel_\d+[/\\]\d+\.py$|^<ipython-input-")
MOST_TOLD: Final = 1_000_000
"""Characters of cells that a child process is told: the last ones that were run."""

_told: Final[dict[str, str]] = {}
"""The labels that this process was told, by file name."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One of a notebook's cells, as it was run."""

    filename: str
    label: str
    """What the notebook calls it: "In[3]"."""
    lines: tuple[str, ...]


def is_cell(filename: str) -> bool:
    """Whether this is no file, but a cell."""
    return _CELL.search(filename) is not None


def cell_label(filename: str) -> str:
    """What the notebook calls it, "In[3]".

    Where the cell's number is not known (no IPython here, or an old cell), it is "cell".
    """
    if filename in _told:
        return _told[filename]
    # Not imported, only looked at: where there is no IPython there are no cells either.
    ipython = sys.modules.get("IPython")
    get_shell = getattr(ipython, "get_ipython", None)  # None also while it is being imported
    shell = get_shell() if get_shell is not None else None
    if shell is None:
        return "cell"
    kind_and_label = shell.compile.format_code_name(filename)
    return str(kind_and_label[1]) if kind_and_label else "cell"


def known_cells() -> tuple[Cell, ...]:
    """The cells that were run last, with their lines. Any thread; does not block."""
    cells: list[Cell] = []
    room = MOST_TOLD
    for filename, entry in reversed(list(linecache.cache.items())):
        if not is_cell(filename) or len(entry) != 4:
            continue
        room -= entry[0]
        if room < 0:
            break
        cells.append(Cell(filename, cell_label(filename), tuple(entry[2])))
    return tuple(cells)


def know_cells(cells: Iterable[Cell]) -> None:
    """These are another process's cells. Tracebacks have their lines from now on."""
    for cell in cells:
        lines = list(cell.lines)
        # Without a time: what has one is looked for on the disk.
        linecache.cache[cell.filename] = (sum(map(len, lines)), None, lines, cell.filename)
        _told[cell.filename] = cell.label
