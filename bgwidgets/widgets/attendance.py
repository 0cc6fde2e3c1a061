"""Whether a panel is on a page still, or was on one and is forgotten.

A notebook is used for days, and IPython and ipywidgets both keep every panel that was ever shown in
it. So what was on a page and is gone from it for good is put away:

- A view that is gone says bye, and whether its output was cleared: its cell was run again, edited
  away or deleted. When the last view left so, the panel is forgotten after `FORGOTTEN_AFTER`
  seconds: long enough for a cell that is moved.
- So it is when every cell that displayed it was run again, also if no page had time to show it.
- A notebook that was closed says no such thing. It may be opened again next week, while its kernel
  goes on, and then its panel must be there. So the panel is kept.
- A view that only falls silent may be in a hidden tab, in a laptop that sleeps, or in a page that
  is being loaded again. It keeps the panel, too; unless others said that they were cleared, for
  then it is most likely what a reload has left behind, and has `SILENT_FOR` seconds to say a word.
- A panel that was just displayed is waited for without a limit: its page may come much later.
- A panel inside of another widget is that widget's to keep.

Times are seconds of the publisher's clock.
"""

from __future__ import annotations

from typing import Final

FORGOTTEN_AFTER: Final = 10.0
SILENT_FOR: Final = 30 * 60.0
MOST_VIEWS: Final = 64
"""That are kept in mind; of more, the one seen least lately is taken for gone."""


class Attendance:
    """The outputs that hold one panel, and its views that have not said bye."""

    def __init__(self) -> None:
        self._seen_at: Final[dict[str, float]] = {}
        self._cells: Final[set[str | None]] = set()
        """That displayed it, and were not run again since."""
        self._is_kept = False
        self._is_awaited = True
        self._gone_at: float | None = None
        """When the last view left for good, if none has come since."""

    def displayed(self, cell: str | None, *, inside_another: bool) -> None:
        """It is about to be on a page. `cell`: by the code of which, where that is known."""
        self._cells.add(cell)
        self._is_kept |= inside_another
        self._is_awaited = True
        self._gone_at = None

    def replaced(self, cell: str, now: float) -> None:
        """A cell that displayed it is run again."""
        self._cells.discard(cell)
        if not self._cells:
            self._is_awaited = False
            self._gone_at = now

    def seen(self, view: str, now: float) -> None:
        """A view is there."""
        if view not in self._seen_at:
            # One that was cleared has said bye, so this is another one.
            self._is_awaited = False
            self._gone_at = None
            if len(self._seen_at) >= MOST_VIEWS:
                del self._seen_at[min(self._seen_at, key=self._seen_at.__getitem__)]
        self._seen_at[view] = now

    def left(self, view: str, now: float, *, cleared: bool) -> None:
        """A view said bye."""
        if self._seen_at.pop(view, None) is not None:
            self._gone_at = now if cleared or not self._cells else None

    def put_away(self) -> None:
        """The panel is on no page. What comes next is that it is displayed again, if anything."""
        self._seen_at.clear()
        self._cells.clear()
        self._is_awaited = True

    def forgotten_at(self) -> float | None:
        """When nobody will remember the panel, if nothing happens until then."""
        if self._is_kept or self._is_awaited or self._gone_at is None:
            return None
        if not self._seen_at:
            return self._gone_at + FORGOTTEN_AFTER
        return max(self._gone_at, *self._seen_at.values()) + SILENT_FOR
