"""A loop's output as lines that can be counted, searched and looked at through a window.

Pure functions over one reading of its log. A line keeps its number for ever, so a page can be told
only of those that it does not have; what was dropped meanwhile changes the others not at all.
"""

from __future__ import annotations

import bisect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from bgwidgets.output.reading import OutputEntry, OutputReading
from bgwidgets.output.terminal import without_colours
from bgwidgets.widgets.cleaning import clean

WINDOW: Final = 240
"""Lines that a page holds at once: some screens full."""
LEAD: Final = 100
"""How many of them stand before the one that is looked at."""
ROOM_FOR_LINES: Final = 32_000
ROOM_FOR_OPEN_LINES: Final = 4_000
"""Bytes of JSON in one message."""
LONGEST_LINE: Final = 4_000
"""Characters that are shown of one line. All of it is in what is downloaded."""
MOST_OPEN: Final = 10
MOST_TASKS: Final = 50
"""Tasks that one can choose from: those that wrote last."""
PICTURES: Final = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml")
"""What a page shows as a picture, which runs no script. All else is shown as text."""

_COLOUR: Final = re.compile(r"\x1b\[[0-9;:]*m")
_RESET: Final = re.compile(r"\x1b\[0*m")
_LONGEST_COLOURS: Final = 200
_LOOKED_BACK: Final = 20
"""Pieces in which it is looked for the colours that are on."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, as the page shows it."""

    number: int
    """An unfinished one has a negative number: it will get another."""
    text: str
    entry: OutputEntry

    @property
    def picture(self) -> str | None:
        """The MIME type of the picture that it stands for."""
        return picture_of(self.entry)

    def told(self) -> list[Any]:
        """As it travels: what most lines are not is left out."""
        entry = self.entry
        fields = [
            self.number,
            self.text,
            entry.task_id,
            clean(entry.task_name) if entry.task_name else None,
            1 if entry.stream == "stderr" else None,
            self.picture,
        ]
        while fields[-1] is None:
            fields.pop()
        return fields


def picture_of(entry: OutputEntry) -> str | None:
    """The first kind of picture that it is, if it is one."""
    if entry.data is None:
        return None
    return next((kind for kind in PICTURES if entry.data.get(kind)), None)


class OutputText:
    """One reading, all of it or what one task wrote."""

    def __init__(self, reading: OutputReading, task_id: int | None = None) -> None:
        self.reading: Final = reading
        self.task_id: Final = task_id
        self._entries: Final[Sequence[OutputEntry]] = [
            entry for entry in reading.entries if task_id in {None, entry.task_id}
        ]
        self._firsts: Final = [entry.number for entry in self._entries]
        self._places: Final = [0]
        """How many lines there are before each entry, and in all."""
        for entry in self._entries:
            self._places.append(self._places[-1] + _line_count(entry))
        self._hits: tuple[str, Sequence[int]] = ("", ())

    @property
    def total(self) -> int:
        """How many whole lines there are."""
        return self._places[-1]

    @property
    def end(self) -> int:
        """The number after that of its last line."""
        if not self._entries:
            return 0
        return self._firsts[-1] + _line_count(self._entries[-1])

    @cached_property
    def first(self) -> int:
        """The number of its first line."""
        return self._firsts[0] if self._firsts else 0

    @cached_property
    def tasks(self) -> Sequence[tuple[int, str]]:
        """The tasks that wrote something, those that wrote last first."""
        found: dict[int, str] = {}
        for entry in reversed(self.reading.entries):
            if entry.task_id is not None and entry.task_id not in found:
                found[entry.task_id] = clean(entry.task_name or f"task {entry.task_id}")
                if len(found) == MOST_TASKS:
                    break
        return tuple(found.items())

    def place(self, number: int) -> int:
        """How many lines are before that one, or before the place where it was."""
        at = bisect.bisect_right(self._firsts, number) - 1
        if at < 0:
            return 0
        inside = min(number - self._firsts[at], _line_count(self._entries[at]))
        return self._places[at] + inside

    def window(self, around: int | None) -> tuple[int, list[Line]]:
        """The place of the first line in it, and its lines: the last ones, or those around one.

        They are so many, and so long, that one message can hold them.
        """
        if around is None:
            at = self.total
            start, stop = max(0, at - WINDOW), at
        else:
            at = self.place(around)
            start = max(0, at - LEAD)
            stop = min(self.total, start + WINDOW)
        lines = list(self._lines(start, stop))
        first, last = _that_fit(lines, at - start, ROOM_FOR_LINES)
        return start + first, lines[first:last]

    def open_lines(self) -> list[Line]:
        """Those that have no end yet; the ones that were begun last."""
        own = [line for line in self.reading.open_lines if self.task_id in {None, line.task_id}]
        lines = [Line(line.number, _shown(line.text), line) for line in own[-MOST_OPEN:]]
        first, last = _that_fit(lines, len(lines), ROOM_FOR_OPEN_LINES)
        return lines[first:last]

    def entry(self, number: int) -> OutputEntry | None:
        """The entry that has this line, if it is still held."""
        at = bisect.bisect_right(self._firsts, number) - 1
        if at < 0 or number >= self._firsts[at] + _line_count(self._entries[at]):
            return None
        return self._entries[at]

    def hits(self, text: str) -> Sequence[int]:
        """The numbers of the lines in which a text is, be its letters large or small."""
        if self._hits[0] != text:
            self._hits = (text, tuple(self._find(text.lower())) if text else ())
        return self._hits[1]

    def next_hit(self, text: str, number: int, *, back: bool) -> int | None:
        """The place among the hits of the next one after that line, or before it; at the end it
        begins anew. None when there is none.
        """
        hits = self.hits(text)
        if not hits:
            return None
        if back:
            return (bisect.bisect_left(hits, number) - 1) % len(hits)
        return bisect.bisect_right(hits, number) % len(hits)

    def _find(self, text: str) -> Iterator[int]:
        for entry in self._entries:
            whole = without_colours(entry.text).lower()
            if text not in whole:
                continue
            if _line_count(entry) == 1:
                yield entry.number
                continue
            for place, line in enumerate(whole.split("\n")):
                if text in line:
                    yield entry.number + place

    def _lines(self, start: int, stop: int) -> Iterator[Line]:
        """The lines of these places."""
        at = bisect.bisect_right(self._places, start) - 1
        while at < len(self._entries) and self._places[at] < stop:
            entry, place = self._entries[at], self._places[at]
            if picture_of(entry) is not None:
                yield Line(entry.number, _shown(entry.text.rstrip("\n")), entry)
            else:
                first, last = max(0, start - place), stop - place
                yield from self._lines_of(at, first, last)
            at += 1

    def _lines_of(self, at: int, first: int, last: int) -> Iterator[Line]:
        entry = self._entries[at]
        texts = entry.text.split("\n")
        texts = texts[:-1] if texts[-1] == "" else texts
        colours = self._colours_before(at)
        if not colours and "\x1b" not in entry.text:
            for place, text in enumerate(texts[first:last], first):
                yield Line(entry.number + place, _shown(text), entry)
            return
        for place, text in enumerate(texts[:last]):
            if place >= first:
                yield Line(entry.number + place, _shown(colours + text), entry)
            colours = _colours_after(colours, text)

    def _colours_before(self, at: int) -> str:
        """What is on where an entry begins, for it is on until it is switched off.

        It is looked for in what the same task wrote just before.
        """
        entry, before = self._entries[at], []
        for other in reversed(self._entries[max(0, at - _LOOKED_BACK) : at]):
            if (other.stream, other.task_id) != (entry.stream, entry.task_id) or other.data:
                break
            before.append(other.text)
            if _RESET.search(other.text):
                break
        colours = ""
        for text in reversed(before):
            colours = _colours_after(colours, text)
        return colours


def _colours_after(colours: str, text: str) -> str:
    if "\x1b" not in text:
        return colours
    for found in _COLOUR.finditer(text):
        colours = "" if _RESET.fullmatch(found.group()) else colours + found.group()
    return colours if len(colours) <= _LONGEST_COLOURS else ""


def _line_count(entry: OutputEntry) -> int:
    """A picture counts as one line, whatever stands for it in a text."""
    return 1 if picture_of(entry) is not None else max(1, entry.text.count("\n"))


def _shown(text: str) -> str:
    if len(text) > LONGEST_LINE:
        left_out = len(text) - LONGEST_LINE
        text = f"{text[:LONGEST_LINE]}… {left_out:,} characters more"
    # What no JSON can carry.
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _that_fit(lines: Sequence[Line], at: int, room: int) -> tuple[int, int]:
    """Of these lines those around a place, as many as there is room for, on both sides."""
    first = last = min(at, len(lines))
    while first > 0 or last < len(lines):
        # Where one looks there must be something: what comes after it is more than what was before.
        takes_before = first > 0 and (last == len(lines) or last - at > 2 * (at - first))
        room -= _size(lines[first - 1 if takes_before else last])
        if room < 0 and last > first:
            break
        if takes_before:
            first -= 1
        else:
            last += 1
    return first, last


def _size(line: Line) -> int:
    return len(json.dumps(line.told(), ensure_ascii=False).encode())


def head_of(text: OutputText, find: str) -> Mapping[str, Any]:
    """What is said of the whole, beside the lines of a window."""
    return {
        "total": text.total,
        "first": text.first,
        "end": text.end,
        "dropped": text.reading.dropped,
        "tasks": [list(task) for task in text.tasks],
        "hits": len(text.hits(find)) if find else None,
    }
