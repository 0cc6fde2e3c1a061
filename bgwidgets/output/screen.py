"""Lines that are written over once more, as nested progress bars do: they move the cursor up and
down among the last lines.

What a terminal would show is known only when the cursor comes there no more. So these lines are
held back as unfinished ones, some more than the cursor was seen to reach.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Final

from bgwidgets.output.terminal import as_shown, column_after, shortened, with_what_is_gone

MOST_ROWS: Final = 50
"""How far the cursor can go up."""
LEAST_HELD: Final = 5
"""So many lines are held in any case. When so many more than the cursor was seen to reach were
written below, it is taken to go up no more."""
_MOVES: Final = re.compile(r"\n|\x1b\[(\d*)([ABEF])")
_UP: Final = re.compile(r"\x1b\[\d*[AF]")
_BEGUN: Final = re.compile(r"\x1b(?:\[[0-?]{0,30})?\Z")
LONGEST_BEGUN: Final = 32


def goes_up(text: str) -> bool:
    """Whether it writes over lines that have ended."""
    return "\x1b" in text and _UP.search(text) is not None


def begun_escape(text: str) -> str:
    """The escape code at its end of which the rest is to come."""
    end = text[-LONGEST_BEGUN:]
    begun = _BEGUN.search(end) if "\x1b" in end else None
    return "" if begun is None else begun.group()


class Row:
    """One of the lines."""

    __slots__ = ("cut", "number", "text", "was_there")

    def __init__(self, number: int, *, was_there: bool = False) -> None:
        self.number: Final = number
        self.text = ""
        self.cut = 0
        """How many characters at its beginning are gone."""
        self.was_there: Final = was_there
        """Whether it stands for one that was there before, and is gone from here."""

    def shown(self) -> str:
        """As it is to be seen: what was wiped out with blanks is gone."""
        return with_what_is_gone(self.cut, as_shown(self.text).rstrip(" "))


class Screen:
    """The last lines, and where the cursor is among them."""

    def __init__(self, new_number: Callable[[], int], longest: int) -> None:
        """`new_number` is asked for each row; of one that is longer than `longest`, the end is
        kept.
        """
        self._new_number: Final = new_number
        self._longest: Final = longest
        self.rows: Final = [Row(new_number())]
        self._at = 0
        self._reach = 0
        self._since = 0
        """How many lines were begun since the cursor went up last."""

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum(100 + sys.getsizeof(row.text) for row in self.rows)

    @property
    def is_left(self) -> bool:
        """Whether the cursor waits below all that is to be seen: the bars have ended, it seems."""
        return not any(row.shown() for row in self.rows[self._at :])

    @property
    def is_over(self) -> bool:
        """Whether the cursor has not gone up for long."""
        return self._since > self._reach + LEAST_HELD and self._at == len(self.rows) - 1

    def written(self) -> list[Row]:
        """The rows down to the cursor's, or to the last in which something is to be seen."""
        last = len(self.rows)
        while last > self._at + 1 and not self.rows[last - 1].shown():
            last -= 1
        return self.rows[:last]

    def write(self, text: str) -> None:
        """As a terminal does."""
        start = 0
        for move in _MOVES.finditer(text):
            self._put(text[start : move.start()])
            start = move.end()
            self._move(move)
        self._put(text[start:])

    def _put(self, text: str) -> None:
        row = self.rows[self._at]
        whole = shortened(row.text + text)
        row.text = whole[-self._longest :]
        row.cut += len(whole) - len(row.text)

    def _move(self, move: re.Match[str]) -> None:
        if move.group() == "\n":
            self._since += 1
            self._go_to(self._at + 1, 0)
            return
        rows = min(MOST_ROWS, int(move.group(1) or 1))
        column = column_after(self.rows[self._at].text) if move.group(2) in "AB" else 0
        if move.group(2) in "AF":
            self._since = 0
            for _ in range(rows - self._at):
                self.rows.insert(0, Row(self._new_number(), was_there=True))
                self._at += 1
            self._go_to(self._at - rows, column)
            self._reach = max(self._reach, len(self.rows) - 1 - self._at)
        else:
            self._go_to(min(len(self.rows) - 1, self._at + rows), column)

    def _go_to(self, row: int, column: int) -> None:
        if row == len(self.rows):
            self.rows.append(Row(self._new_number()))
        self._at = row
        self._put(f"\r\x1b[{column}C" if column else "\r")

    def ended(self) -> list[Row]:
        """Takes away, and returns, the rows that the cursor will not come to any more."""
        held = 1 if self.is_over else max(LEAST_HELD, min(self._reach, MOST_ROWS) + 1)
        count = max(0, min(self._at, len(self.rows) - held))
        ended = self.rows[:count]
        del self.rows[:count]
        self._at -= count
        return ended
