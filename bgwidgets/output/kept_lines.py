"""The last lines of a log: bounded, numbered, with whose they are. For one thread at a time."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from bgwidgets.output.reading import OutputEntry, OutputReading, Stream
from bgwidgets.output.terminal import as_shown, is_plain, shortened

MOST_BYTES: Final = 1_000_000
"""How much a log keeps in memory, counted as Python does."""
LONGEST_LINE: Final = 100_000
"""Characters, in a log that has room for it. Of a longer one the end is kept."""
SHORTEST_CUT: Final = 100
"""Characters of an unfinished line that are kept however little room there is."""
LONGEST_BLOCK: Final = 16_000
"""Characters that are dropped at once when there are too many."""
DISPLAYS_KEPT: Final = 100
"""How many of the things that were displayed may still be updated."""
MOST_OPEN: Final = 100
"""How many unfinished lines there may be."""
_COST: Final = 100
"""Bytes that a block takes beside its text."""

Place = tuple[object, Stream]
"""Where an unfinished line belongs: each thread has one for each stream, so that threads which
write at the same time do not get into each other's lines.
"""
Whose = tuple[int | None, str | None]
"""A task's id and name."""
NOBODY: Final[Whose] = (None, None)


class _Block:
    """Some whole lines of one task."""

    __slots__ = ("first", "lines", "stream", "text", "whose")

    data: Mapping[str, Any] | None = None
    replaces: int | None = None

    def __init__(self, first: int, text: str, stream: Stream, whose: Whose) -> None:
        self.first: Final = first
        self.text = text
        self.lines: Final = max(1, text.count("\n"))
        self.stream: Final[Stream] = stream
        self.whose: Final = whose

    @property
    def size(self) -> int:
        """Bytes, about."""
        return _COST + sys.getsizeof(self.text)

    def entry(self) -> OutputEntry:
        return OutputEntry(
            number=self.first,
            text=self.text,
            stream=self.stream,
            task_id=self.whose[0],
            task_name=self.whose[1],
            data=self.data,
            replaces=self.replaces,
        )


class _Display(_Block):
    """One thing that was displayed."""

    __slots__ = ("data", "replaces")

    def __init__(
        self, first: int, text: str, whose: Whose, data: Mapping[str, Any], replaces: int | None
    ) -> None:
        super().__init__(first, text, "stdout", whose)
        self.data = dict(data)
        self.replaces = replaces

    @property
    def size(self) -> int:
        return super().size + sum(len(str(value)) for value in (self.data or {}).values())


class _OpenLine:
    """A line that has no end yet."""

    __slots__ = ("cut", "number", "text", "whose")

    def __init__(self, number: int, whose: Whose) -> None:
        self.number: Final = number
        self.whose: Final = whose
        self.text = ""
        self.cut = 0
        """How many characters at its beginning are gone."""

    @property
    def size(self) -> int:
        """Bytes, about."""
        return _COST + sys.getsizeof(self.text)

    def goes_on(self, text: str, longest: int) -> None:
        """This is all of it now, of which so many characters at most are kept."""
        self.text, cut = _end_of(shortened(text), longest)
        self.cut += cut

    def shown(self) -> str:
        """As it is to be seen."""
        return _with_what_is_gone(self.cut, as_shown(self.text))


class KeptLines:
    """Blocks of whole lines, and the lines that have no end yet."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        """What is more is dropped, the oldest lines first."""
        self._blocks: Final[deque[_Block]] = deque()
        self._displays: Final[dict[str, _Display]] = {}
        self._open: Final[dict[Place, _OpenLine]] = {}
        self._size = 0
        self._lines = 0
        """How many whole lines there have been. Numbers are counted so, from 0 on."""
        self._opened = 0
        self._cleared_at = 0
        self._clears_at_next = False
        self.dropped = 0
        """How many lines are held no more, since all was cleared."""

    @property
    def count(self) -> int:
        """How many whole lines there have been, since all was cleared."""
        return self._lines - self._cleared_at

    @property
    def _longest(self) -> int:
        """Characters of a line: one that takes four bytes for each fills half of the room."""
        return max(SHORTEST_CUT, min(LONGEST_LINE, self.max_bytes // 8))

    def clear(self, *, wait: bool) -> None:
        """Forget all; with `wait` as soon as something more comes."""
        self._clears_at_next = wait
        if not wait:
            self._blocks.clear()
            self._displays.clear()
            self._open.clear()
            self._size = self.dropped = 0
            self._lines += 1  # A reader that had everything must see that it is gone.
            self._cleared_at = self._lines

    def show(
        self, data: Mapping[str, Any], text: str, whose: Whose, display_id: str | None, update: bool
    ) -> bool:
        """Add something that was displayed. False if there is nothing to update."""
        before = self._displays.pop(display_id, None) if display_id is not None else None
        if update and before is None:
            return False  # As in a cell.
        if self._clears_at_next:
            self.clear(wait=False)
        if before is not None and update and before.first >= self._first():
            self._take_away(before)
        replaces = before.first if before is not None and update else None
        block = _Display(self._lines, text, whose, data, replaces)
        if block.size >= self.max_bytes:
            block.data = None
        self._append(block)
        if display_id is not None:
            self._displays[display_id] = block
            if len(self._displays) > DISPLAYS_KEPT:
                del self._displays[next(iter(self._displays))]
        self._drop()
        return True

    def take(self, text: str, place: Place, whose: Whose) -> None:
        """Add a text to the unfinished line that is at this place."""
        if not text:
            return
        if self._clears_at_next:
            self.clear(wait=False)
        line = self._open.pop(place, None)
        self._size -= 0 if line is None else line.size
        if line is not None and line.whose != whose and "\n" in text:
            # What one task began and another ended is the line of the one that began it.
            end = text.find("\n") + 1
            self._add_lines(line.text + text[:end], place[1], line.whose, line.cut)
            line, text = None, text[end:]
        whole = text if line is None else line.text + text
        whose = whose if line is None else line.whose
        end = whole.rfind("\n") + 1
        if end:
            self._add_lines(whole[:end], place[1], whose, 0 if line is None else line.cut)
            line = None
        if rest := whole[end:]:
            self._keep_open(rest, place, line, whose)
        self._drop()

    def _keep_open(self, text: str, place: Place, line: _OpenLine | None, whose: Whose) -> None:
        if line is None:
            self._opened += 1
            line = _OpenLine(-self._opened, whose)
        line.goes_on(text, self._longest)
        self._open[place] = line
        self._size += line.size
        if len(self._open) > MOST_OPEN:
            oldest = next(iter(self._open))
            line = self._open.pop(oldest)
            self._size -= line.size
            self._add_lines(f"{line.text}\n", oldest[1], line.whose, line.cut)

    def _add_lines(self, text: str, stream: Stream, whose: Whose, cut: int = 0) -> None:
        if not is_plain(text):
            text = "\n".join(map(as_shown, text.split("\n")))
        longest = self._longest
        longest_block = min(LONGEST_BLOCK, longest)
        if len(text) <= longest_block:
            self._add(_with_what_is_gone(cut, text), stream, whose)
            return
        start = 0
        while start < len(text):
            end = text.rfind("\n", start, start + longest_block) + 1
            end = end or text.find("\n", start) + 1
            kept, more = _end_of(text[start : end - 1], longest)
            self._add(f"{_with_what_is_gone(cut + more, kept)}\n", stream, whose)
            start, cut = end, 0

    def _add(self, text: str, stream: Stream, whose: Whose) -> None:
        self._append(_Block(self._lines, text, stream, whose))

    def _append(self, block: _Block) -> None:
        self._blocks.append(block)
        self._lines += block.lines
        self._size += block.size

    def _first(self) -> int:
        """The number of the first line that is held."""
        return self._blocks[0].first if self._blocks else self._lines

    def _take_away(self, block: _Display) -> None:
        self._size -= block.size
        block.text, block.data = "", None
        self._size += block.size

    def _drop(self) -> None:
        at_least = 0 if self._open else 1
        while self._size > self.max_bytes and len(self._blocks) > at_least:
            block = self._blocks.popleft()
            self._size -= block.size
            self.dropped += block.lines
        while self._size > self.max_bytes and self._open:
            line = max(self._open.values(), key=attrgetter("size"))
            if len(line.text) <= SHORTEST_CUT:
                return
            self._size -= line.size
            line.goes_on(line.text, max(SHORTEST_CUT, len(line.text) // 2))
            self._size += line.size

    def read(self, after: int, limit: int | None, version: int) -> OutputReading:
        """As `OutputLog.read`."""
        entries, first = self._entries(after, limit)
        known = max(after, self._cleared_at)
        return OutputReading(
            entries=tuple(entries),
            open_lines=tuple(
                OutputEntry(
                    number=line.number,
                    text=line.shown(),
                    stream=place[1],
                    task_id=line.whose[0],
                    task_name=line.whose[1],
                )
                for place, line in self._open.items()
            ),
            after=self._lines,
            dropped=max(0, first - known),
            is_cleared=self._cleared_at > after,
            version=version,
        )

    def _entries(self, after: int, limit: int | None) -> tuple[list[OutputEntry], int]:
        entries: list[OutputEntry] = []
        first, room = self._lines, limit
        for block in reversed(self._blocks):
            if block.first < after:
                break
            if room is not None and len(block.text) > room:
                cut = block.text[len(block.text) - room :] if room else ""
                cut = cut[cut.find("\n") + 1 :] if block.data is None else ""
                if cut:
                    first -= cut.count("\n")
                    own = _Block(first, cut, block.stream, block.whose)
                    entries.append(own.entry())
                break
            first = block.first
            if block.text or block.data:
                entries.append(block.entry())
            if room is not None:
                room -= len(block.text)
        return entries[::-1], first

    def unfinished(self) -> Iterator[tuple[Place, str]]:
        """The lines that have no end yet, and where they belong."""
        for place, line in self._open.items():
            yield place, line.text

    def whole_lines(self) -> str:
        """All that have an end."""
        return "".join(block.text for block in self._blocks)

    def text(self) -> str:
        """All, also what has no end."""
        return self.whole_lines() + "\n".join(line.shown() for line in self._open.values())

    def latest_first(self) -> Iterator[str]:
        """The text in pieces, each of whole lines, beginning with the last."""
        yield "\n".join(line.shown() for line in self._open.values())
        for block in reversed(self._blocks):
            yield block.text


def _end_of(text: str, longest: int) -> tuple[str, int]:
    """What is kept of some lines, and how many characters before it are not."""
    return text[-longest:], max(0, len(text) - longest)


def _with_what_is_gone(cut: int, text: str) -> str:
    return f"… {cut:,} characters dropped … {text}" if cut else text
