"""Which rows a range is, by the rows at its ends: their places may have changed since the click.

Pure functions. A page holds only the rows in sight. So of a long range it says the places, as it
showed them, and which rows stood at its ends, as far as it knows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from bgwidgets.widgets.requests import MOST_TASKS, PickRange
from bgwidgets.widgets.rows import Contents, Window

FURTHEST: Final = 200
"""Rows by which the ends may have moved."""


class RangeMoved(Exception):
    """Raised when a row at an end of the range is not found: nobody knows which rows are meant."""


def rows_of_range(
    asked: PickRange, contents: Callable[[Window], Contents]
) -> tuple[tuple[int, ...], bool]:
    """The ids of the rows of a range as they stand now, and whether there are more than may be
    picked. Raises `RangeMoved`.

    An end whose row the page does not know is as far from the other one as it was.
    """
    window = asked.window
    around = Window(max(0, window.start - FURTHEST), window.stop + FURTHEST)
    shown = contents(around)
    ids = [row["id"] for row in shown.rows]
    first, last = window.start - around.start, window.stop - 1 - around.start
    length = last - first
    if asked.first is not None:
        first = _place(ids, asked.first)
        last = first + length
    if asked.last is not None:
        last = _place(ids, asked.last)
        if asked.first is None and window.start > 0:
            first = max(0, last - length)
    if first > last:
        raise RangeMoved  # It was turned round: sorted the other way, say.
    is_cut = last - first >= MOST_TASKS or (asked.is_cut and shown.total > around.start + last + 1)
    return tuple(ids[first : min(last + 1, first + MOST_TASKS)]), is_cut


def _place(ids: list[int], row_id: int) -> int:
    try:
        return ids.index(row_id)
    except ValueError:
        raise RangeMoved from None
