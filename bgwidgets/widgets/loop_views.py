"""The table of loops, made anew only where something in it has changed.

Used by the publisher's thread alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from bgwidgets.snapshots import LoopSnapshot
from bgwidgets.widgets.kept_rows import KeptRows
from bgwidgets.widgets.last_used import LastUsed
from bgwidgets.widgets.looks import Looks
from bgwidgets.widgets.rows import Contents, Sorting, Window, loop_row, loops_contents
from bgwidgets.widgets.views import MOST_VIEWS


class _Made(NamedTuple):
    contents: Contents
    loops: Sequence[LoopSnapshot]
    asked: object
    shown: Collection[int]
    """The loops in it."""


class LoopViews:
    """What each window of the table shows."""

    def __init__(self, looks: Looks) -> None:
        self._looks: Final = looks
        self._made: Final = LastUsed[Window, _Made](MOST_VIEWS)
        self._rows: Final = KeptRows(loop_row)

    def contents(self, sorting: Sorting, window: Window, **head: Any) -> Contents:
        """The table through a window; `head` is what else `loops_contents` asks for."""
        asked = (sorting, head)
        made = self._made.get(window)
        if made is None or made.asked != asked or made.loops is not self._looks.loops:
            made = self._make(sorting, window, head)
        loops = self._looks.loops
        self._looks.show_closely(self._looks.by_id if sorting.column == "lag" else made.shown)
        if self._looks.loops is not loops:
            made = self._make(sorting, window, head)
        if self._made.get(window) is not made:
            self._made[window] = made
        return made.contents

    def _make(self, sorting: Sorting, window: Window, head: dict[str, Any]) -> _Made:
        loops = self._looks.loops
        contents = loops_contents(loops, sorting, window, row_of=self._rows.row, **head)
        shown = frozenset(row["id"] for row in contents.rows)
        return _Made(contents, loops, (sorting, head), shown)
