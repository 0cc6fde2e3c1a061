"""The last lines of a log: bounded, numbered, with whose they are. For one thread at a time."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from bgwidgets.output.blocks import COST, Block, Display, Place, Whose
from bgwidgets.output.reading import OutputEntry, OutputReading, Stream
from bgwidgets.output.screen import Row, Screen, begun_escape, goes_up
from bgwidgets.output.terminal import as_shown, is_plain, shortened, with_what_is_gone

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
MOST_SCREENS: Final = 10
"""At how many places lines may be written over that have ended."""
AT_ONCE: Final = 100
"""Lines that are written before it is looked whether they will be written over."""


class _OpenLine:
    """A line that has no end yet."""

    __slots__ = ("cut", "is_plain", "number", "text", "whose")

    def __init__(self, number: int, whose: Whose) -> None:
        self.number: Final = number
        self.whose: Final = whose
        self.text = ""
        self.is_plain = True
        """Whether it is shown as it stands."""
        self.cut = 0
        """How many characters at its beginning are gone."""

    @property
    def size(self) -> int:
        """Bytes, about."""
        return COST + sys.getsizeof(self.text)

    def goes_on(self, text: str, longest: int, added: str) -> None:
        """This is all of it now, of which so many characters at most are kept, and that is new: a
        long line, to which little is added again and again, is not looked through each time.
        """
        if not self.is_plain or not is_plain(added):
            text = shortened(text)
            self.is_plain = is_plain(text)
        self.text, cut = _end_of(text, longest)
        self.cut += cut

    def shown(self) -> str:
        """As it is to be seen."""
        return with_what_is_gone(self.cut, as_shown(self.text))


class KeptLines:
    """Blocks of whole lines, and the lines that have no end yet."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        """What is more is dropped, the oldest lines first."""
        self._blocks: Final[deque[Block]] = deque()
        self._displays: Final[dict[str, Display]] = {}
        self._open: Final[dict[Place, _OpenLine]] = {}
        self._begun: Final[dict[Place, str]] = {}
        """Escape codes that have not come to their end."""
        self._screens: Final[dict[Place, tuple[Screen, Whose]]] = {}
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
    def lines(self) -> int:
        """How many whole lines there have ever been."""
        return self._lines

    def dropped_since(self, lines: int) -> int:
        """How many that came when there were so many `lines` already are held no more."""
        return max(0, self._first() - max(lines, self._cleared_at))

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
            self._screens.clear()
            self._begun.clear()
            self._size = self.dropped = 0
            self._lines += 1  # A reader that had everything must see that it is gone.
            self._cleared_at = self._lines

    def show(
        self, data: Mapping[str, Any], text: str, whose: Whose, display_id: str | None, update: bool
    ) -> None:
        """Add something that was displayed. With `update` in the place of what has this id."""
        before = self._displays.pop(display_id, None) if display_id is not None else None
        if self._clears_at_next:
            self.clear(wait=False)
        if before is not None and update and before.first >= self._first():
            self._take_away(before)
        replaces = before.first if before is not None and update else None
        block = Display(self._lines, text, whose, data, replaces)
        if block.size >= self.max_bytes:
            block.data = None
        self._append(block)
        if display_id is not None:
            self._displays[display_id] = block
            if len(self._displays) > DISPLAYS_KEPT:
                del self._displays[next(iter(self._displays))]
        self._drop()

    def take(self, text: str, place: Place, whose: Whose) -> None:
        """Add a text to the unfinished line that is at this place."""
        if place in self._begun:
            text = self._begun.pop(place) + text
        if begun := begun_escape(text):
            self._begun[place] = begun
            text = text[: -len(begun)]
        if not text:
            return
        if self._clears_at_next:
            self.clear(wait=False)
        writes_over = goes_up(text)
        if self._screens and "\n" in text:
            self._put_away_what_is_left(place, also_here=not writes_over)
        if place in self._screens or writes_over:
            self._write_over(text, place, whose)
            self._drop()
            return
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
            self._keep_open(rest, place, line, whose, rest if end else text)
        self._drop()

    def _write_over(self, text: str, place: Place, whose: Whose) -> None:
        lines = text.split("\n")
        for start in range(0, len(lines), AT_ONCE):
            more = lines[start + AT_ONCE :]
            self._write_on_screen(
                "\n".join(lines[start : start + AT_ONCE]) + ("\n" if more else ""), place, whose
            )
            if self._screens[place][0].is_over:
                self._put_away(place)
                self.take("\n".join(more), place, whose)
                return

    def _write_on_screen(self, text: str, place: Place, whose: Whose) -> None:
        if place in self._screens:
            screen, whose = self._screens[place]
            self._size -= screen.size
        else:
            screen = Screen(self._next_open, self._longest)
            if (line := self._open.pop(place, None)) is not None:
                self._size -= line.size
                whose = line.whose
                screen.write(line.text)
        screen.write(text)
        self._add_rows(screen.ended(), place, whose)
        self._screens[place] = screen, whose
        self._size += screen.size
        if len(self._screens) > MOST_SCREENS:
            self._put_away(next(iter(self._screens)))

    def _put_away_what_is_left(self, place: Place, *, also_here: bool) -> None:
        """Whole lines come to this place: what bars have left behind was before them."""
        for other, (screen, _) in list(self._screens.items()):
            if screen.is_left and (also_here or other != place):
                self._put_away(other)

    def _put_away(self, place: Place) -> None:
        """Its lines are lines as others; the last has no end yet, if there is something in it."""
        screen, whose = self._screens.pop(place)
        self._size -= screen.size
        *rows, last = screen.written()
        self._add_rows(rows, place, whose)
        if last.shown():
            self._keep_open(last.text, place, None, whose, last.text)

    def _add_rows(self, rows: list[Row], place: Place, whose: Whose) -> None:
        for row in rows:
            if row.text or not row.was_there:
                self._add_lines(f"{row.shown()}\n", place[1], whose)

    def _next_open(self) -> int:
        self._opened += 1
        return -self._opened

    def _keep_open(
        self, text: str, place: Place, line: _OpenLine | None, whose: Whose, added: str
    ) -> None:
        if line is None:
            line = _OpenLine(self._next_open(), whose)
        line.goes_on(text, self._longest, added)
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
            self._add(with_what_is_gone(cut, text), stream, whose)
            return
        start = 0
        while start < len(text):
            end = text.rfind("\n", start, start + longest_block) + 1
            end = end or text.find("\n", start) + 1
            kept, more = _end_of(text[start : end - 1], longest)
            self._add(f"{with_what_is_gone(cut + more, kept)}\n", stream, whose)
            start, cut = end, 0

    def _add(self, text: str, stream: Stream, whose: Whose) -> None:
        self._append(Block(self._lines, text, stream, whose))

    def _append(self, block: Block) -> None:
        self._blocks.append(block)
        self._lines += block.lines
        self._size += block.size

    def _first(self) -> int:
        """The number of the first line that is held."""
        return self._blocks[0].first if self._blocks else self._lines

    def _take_away(self, block: Display) -> None:
        self._size -= block.size
        block.text, block.data = "", None
        self._size += block.size

    def _drop(self) -> None:
        self._drop_blocks()
        if self._size > self.max_bytes and self._screens:
            for place in list(self._screens):
                self._put_away(place)
            self._drop_blocks()
        while self._size > self.max_bytes and self._open:
            line = max(self._open.values(), key=attrgetter("size"))
            if len(line.text) <= SHORTEST_CUT:
                return
            self._size -= line.size
            line.goes_on(line.text, max(SHORTEST_CUT, len(line.text) // 2), "")
            self._size += line.size

    def _drop_blocks(self) -> None:
        at_least = 0 if self._open or self._screens else 1
        while self._size > self.max_bytes and len(self._blocks) > at_least:
            block = self._blocks.popleft()
            self._size -= block.size
            self.dropped += block.lines

    def read(self, after: int, limit: int | None, version: int) -> OutputReading:
        """As `OutputLog.read`."""
        entries, first = self._entries(after, limit)
        known = max(after, self._cleared_at)
        return OutputReading(
            entries=tuple(entries),
            open_lines=tuple(
                OutputEntry(
                    number=number,
                    text=text,
                    stream=place[1],
                    task_id=whose[0],
                    task_name=whose[1],
                )
                for place, number, text, whose in self._open_lines()
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
                    own = Block(first, cut, block.stream, block.whose)
                    entries.append(own.entry())
                break
            first = block.first
            if block.text or block.data:
                entries.append(block.entry())
            if room is not None:
                room -= len(block.text)
        return entries[::-1], first

    def _open_lines(self) -> Iterator[tuple[Place, int, str, Whose]]:
        """Those that have no end yet, as they are to be seen, and those that may be written over;
        not the empty ones below them.
        """
        for place, (screen, whose) in self._screens.items():
            rows = [(row.number, row.shown()) for row in screen.written()]
            if not rows[-1][1]:
                rows.pop()
            for number, text in rows:
                yield place, number, text, whose
        for place, line in self._open.items():
            yield place, line.number, line.shown(), line.whose

    def _open_text(self) -> str:
        screens = [screen.written() for screen, _ in self._screens.values()]
        texts = ["\n".join(row.shown() for row in rows) for rows in screens]
        text = ""
        for each in (*texts, *(line.shown() for line in self._open.values())):
            text += f"\n{each}" if text and not text.endswith("\n") else each
        return text

    def unfinished(self) -> Iterator[tuple[Place, str]]:
        """The lines that have no end yet, and where they belong."""
        for place, (screen, _) in self._screens.items():
            yield place, "\n".join(row.text for row in screen.rows)
        for place, line in self._open.items():
            yield place, line.text

    def whole_lines(self) -> str:
        """All that have an end."""
        return "".join(block.text for block in self._blocks)

    def text(self) -> str:
        """All, also what has no end."""
        return self.whole_lines() + self._open_text()

    def latest_first(self) -> Iterator[str]:
        """The text in pieces, each of whole lines, beginning with the last."""
        yield self._open_text()
        for block in reversed(self._blocks):
            yield block.text


def _end_of(text: str, longest: int) -> tuple[str, int]:
    """What is kept of some lines, and how many characters before it are not."""
    return text[-longest:], max(0, len(text) - longest)
