"""Rows that are made anew only of another snapshot. Used by the publisher's thread alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from bgwidgets.snapshots import LoopSnapshot, TaskSnapshot
from bgwidgets.widgets.rows import Row

MOST_KEPT: Final = 1_000
T = TypeVar("T", LoopSnapshot, TaskSnapshot)


class KeptRows(Generic[T]):
    """The last row of each loop, or of each task."""

    def __init__(self, make: Callable[[T], Row]) -> None:
        self._make: Final[Callable[[T], Row]] = make
        self._rows: Final[dict[int, tuple[T, Row]]] = {}

    def row(self, snapshot: T) -> Row:
        """The row that shows it: the very same as before if the snapshot is."""
        known = self._rows.get(snapshot.id)
        if known is None or known[0] is not snapshot:
            if len(self._rows) >= MOST_KEPT:
                self._rows.clear()
            known = self._rows[snapshot.id] = (snapshot, self._make(snapshot))
        return known[1]
