"""What a terminal would show of a line that goes back over itself, as progress bars do."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from bgwidgets.output.widths import laid_over, width

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_TOKEN: Final = re.compile(
    r"\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.?|.", re.DOTALL
)
WIDEST: Final = 1_000
"""Columns to which the cursor can be moved."""


def is_plain(text: str) -> bool:
    """Whether nothing in it moves the cursor: it is shown as it stands, colours and all."""
    if "\r" in text or "\b" in text:
        return False
    return "\x1b" not in text or "\x1b" not in _COLOUR.sub("", text)


def without_colours(text: str) -> str:
    """The text with no colours in it."""
    return _COLOUR.sub("", text) if "\x1b" in text else text


def as_shown(line: str) -> str:
    """The line as it looks in the end. Colours stay; what cannot be done in a line is left out."""
    if is_plain(line):
        return line
    return _Line(line).text() if _has_more_than_returns(line) else _overwritten(line)[0]


def shortened(line: str) -> str:
    """A line to which more will be added, without what was overwritten already."""
    if is_plain(line):
        return line
    if not _has_more_than_returns(line):
        shown, column = _overwritten(line)
        return shown if column == len(shown) else f"{shown}\r{shown[:column]}"
    cells = _Line(line)
    if cells.is_at_the_end:
        return cells.text()
    return f"{cells.text()}\r\x1b[{cells.column}C" if cells.column else f"{cells.text()}\r"


def column_after(line: str) -> int:
    """The column of the cursor when that was written."""
    return _Line(line).column


def _has_more_than_returns(line: str) -> bool:
    return "\x1b" in line or "\b" in line


def _overwritten(line: str) -> tuple[str, int]:
    """What is shown of a line that only returns to its beginning, and the cursor's column."""
    shown = part = ""
    for part in line.split("\r"):
        shown = laid_over(part, shown)
    return shown, len(part)


Colours = tuple[tuple[str, str], ...]
"""What is on, as pairs of what it is and the code that has switched it on, in that order."""


@lru_cache(maxsize=4096)
def _colours_after(before: Colours, said: str) -> Colours:
    """What is on after this escape code (ECMA-48, "select graphic rendition")."""
    on = dict(before)
    numbers = said[2:-1].replace(":", ";").split(";")
    while numbers:
        number = numbers.pop(0).lstrip("0") or "0"
        if number in _EXTENDED:  # A colour by its number, or by its red, green and blue.
            count = {"5": 1, "2": 3}.get(numbers[0] if numbers else "", 0)
            number = ";".join((number, *numbers[: count + 1]))
            del numbers[: count + 1]
        code = int(number.partition(";")[0])
        if code == 0:
            on.clear()
        elif code in _OFF:
            for kind in _OFF[code]:
                on.pop(kind, None)
        elif (kind_on := _ON.get(code)) is not None:
            on.pop(kind_on, None)
            on[kind_on] = number
    return tuple(on.items())


_EXTENDED: Final = frozenset({"38", "48", "58"})
_ON: Final[dict[int, str]] = {
    **dict.fromkeys((*range(30, 39), *range(90, 98)), "foreground"),
    **dict.fromkeys((*range(40, 49), *range(100, 108)), "background"),
    1: "bold",
    2: "faint",
    3: "italic",
    4: "underlined",
    21: "underlined",
    5: "blinking",
    6: "blinking",
    7: "inverse",
    8: "hidden",
    9: "crossed out",
    53: "overlined",
    58: "line",
}
_OFF: Final[dict[int, tuple[str, ...]]] = {
    22: ("bold", "faint"),
    23: ("italic",),
    24: ("underlined",),
    25: ("blinking",),
    27: ("inverse",),
    28: ("hidden",),
    29: ("crossed out",),
    39: ("foreground",),
    49: ("background",),
    55: ("overlined",),
    59: ("line",),
}


@lru_cache(maxsize=4096)
def _switched_on(colours: Colours) -> str:
    """The shortest code that switches these on."""
    return f"\x1b[{';'.join(code for _, code in colours)}m" if colours else ""


class _Line:
    """One line of a terminal: a character and its colours in each place."""

    def __init__(self, line: str) -> None:
        self._cells: list[tuple[str, str]] = []
        self.column = 0
        self._colours: Colours = ()
        self._code = ""
        """What switches these on."""
        for token in _TOKEN.finditer(line):
            self._take(token)

    @property
    def is_at_the_end(self) -> bool:
        """Whether what is added comes after what is there."""
        return self.column == len(self._cells)

    def text(self) -> str:
        """What is to be seen."""
        return _joined(self._cells, self._code)

    def _take(self, token: re.Match[str]) -> None:
        said = token.group()
        if said == "\r":
            self.column = 0
        elif said == "\b":
            self.column = max(0, self.column - 1)
        elif _COLOUR.fullmatch(said):
            self._colours = _colours_after(self._colours, said)
            self._code = _switched_on(self._colours)
        elif said[0] != "\x1b":
            self._put(said)
        elif token.group(2) == "K":
            self._erase(token.group(1))
        elif token.group(2) in {"C", "D", "G"}:
            self._move(token.group(2), int(token.group(1)) if token.group(1).isdigit() else 1)

    def _put(self, character: str) -> None:
        cells, at, wide = self._cells, self.column, width(character)
        cells += [("", " ")] * (at - len(cells))
        if not wide and at:  # Put on the one before it, be that a wide one.
            before = at - 1 if cells[at - 1][1] or at == 1 else at - 2
            cells[before] = (cells[before][0], cells[before][1] + character)
            return
        end = at + max(1, wide)
        self._halve(at, at - 1)
        self._halve(end, end)
        cells[at:end] = [(self._code, character), *[(self._code, "")] * (end - at - 1)]
        self.column = end

    def _erase(self, what: str) -> None:
        if what == "2":
            self._cells.clear()
        elif what == "1":
            end = min(self.column + 1, len(self._cells))
            self._halve(end, end)
            self._cells[:end] = [("", " ")] * end
        else:
            self._halve(self.column, self.column - 1)
            del self._cells[self.column :]

    def _halve(self, column: int, left: int) -> None:
        """If a wide character goes over this column's beginning, a space is left of it, there."""
        if column < len(self._cells) and not self._cells[column][1]:
            self._cells[left] = (self._cells[left][0], " ")

    def _move(self, how: str, by: int) -> None:
        wanted = {"C": self.column + by, "D": self.column - by, "G": by - 1}[how]
        self.column = max(0, min(wanted, max(WIDEST, len(self._cells))))


def _joined(cells: list[tuple[str, str]], at_the_end: str) -> str:
    parts: list[str] = []
    before = ""
    for colours, character in cells:
        if colours != before:
            parts.append(("\x1b[0m" if before else "") + colours)
            before = colours
        parts.append(character)
    if before != at_the_end:
        parts.append(("\x1b[0m" if before else "") + at_the_end)
    return "".join(parts)


def with_what_is_gone(cut: int, text: str) -> str:
    """The text, and that so many characters before it are gone."""
    return f"… {cut:,} characters dropped … {text}" if cut else text
