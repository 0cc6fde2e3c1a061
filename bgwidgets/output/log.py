"""What a background loop has written: bounded in memory, whole in a file.

To write must cost next to nothing, and to read may cost something. So what is written is only put
down, by each thread in a list of its own (`Pen`), and made into lines when a few hundred pieces
have come together, when another thread or task writes, or when somebody reads. No lock is taken
for the putting down: a thread adds at the end of its list, and whoever gathers takes from the
beginning; both are single steps, which other threads see as a whole.
"""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from bgwidgets.output.log_file import LogFile
from bgwidgets.output.reading import OutputEntry, OutputReading, Stream
from bgwidgets.output.terminal import as_shown, is_plain, shortened, without_colours

MOST_BYTES: Final = 1_000_000
"""How much a log keeps in memory, counted as Python does."""
LONGEST_LINE: Final = 100_000
"""Characters. Of a longer one the end is kept."""
LONGEST_BLOCK: Final = 16_000
"""Characters that are dropped at once when there are too many."""
LONGEST_LAST: Final = 400
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

    def goes_on(self, text: str) -> None:
        """This is all of it now."""
        self.text, cut = _end_of(shortened(text))
        self.cut += cut

    def shown(self) -> str:
        """As it is to be seen."""
        return _with_what_is_gone(self.cut, as_shown(self.text))


class Pen:
    """With which one thread writes to one log's stream; its pieces are gathered by the log."""

    __slots__ = ("filed", "parts", "place", "thread", "whose")

    def __init__(self, thread: threading.Thread, stream: Stream) -> None:
        self.thread: Final = thread
        self.place: Final[Place] = (thread, stream)
        self.parts: Final[list[str]] = []
        self.filed = 0
        """How many of them are in the file already."""
        self.whose: Whose = NOBODY
        """Whose the pieces are. Changed by its own thread, when there are none."""


def _no_task() -> None:
    return None


def only_its_name(task: Any) -> Whose:
    """A task that no book has."""
    return None, task.get_name()


class Reporter(Protocol):
    """Told, in order, of all that comes into a log. Under the log's lock: it must not read it."""

    def wrote(self, text: str, place: Place, whose: Whose) -> None:
        """A piece of text."""

    def showed(self, data: Mapping[str, Any], **options: Any) -> None:
        """Something that was displayed: the arguments of `OutputLog.show`."""

    def cleared(self, *, wait: bool) -> None:
        """The log was cleared."""


class OutputLog:
    """What a background loop has written, by `print`, `logging`, `display()` and the like.

    `job.output`. It holds the last lines, a megabyte of them; `to_file()` keeps all. A restarted
    loop goes on with the same log. Any thread may call everything, and nothing waits for the loop.
    """

    def __init__(self, max_bytes: int = MOST_BYTES) -> None:
        self.max_bytes = max_bytes
        """How much of memory it may take, about; what is more is dropped, the oldest lines first.
        A loop's has 1,000,000, and may be given more at any time."""
        # Reentrant: a finalizer that prints may come in between.
        self._guard: Final = threading.RLock()
        self._blocks: Final[deque[_Block]] = deque()
        self._displays: Final[dict[str, _Display]] = {}
        self._open: Final[dict[Place, _OpenLine]] = {}
        self._size = 0
        self._lines = 0
        """How many whole lines there have been. Numbers are counted so, from 0 on."""
        self._opened = 0
        self._dropped = 0
        self._cleared_at = 0
        self._clears_at_next = False
        self._pens: list[Pen] = []
        self._gathered = 0
        self.last: Pen | None = None
        """The pen that wrote last."""
        self.active: Pen | None = None
        """The same, if it may go on without a word: there is no file, and nobody has moved."""
        self.moves = 0
        """Grows when threads have come to the loop, or gone."""
        self._file: LogFile | None = None
        self.cannot_write: Callable[[str, str], None] = _tell_nobody
        """Told once when its file cannot be written any more. Set by who warns."""
        self.task_now: Callable[[], Any] = _no_task
        """The task that runs on the loop now, for its own thread. Set by the run."""
        self.whose: Callable[[Any], Whose] = only_its_name
        """The id and the name of a task. Set by the one who has the book of the tasks."""

        self.reporter: Reporter | None = None
        """Told of all that comes in. Set by one who passes it on to another process."""

    def __repr__(self) -> str:
        lines, dropped = self._lines - self._cleared_at, self._dropped
        told = f"<OutputLog: {_count(lines)}"
        return f"{told}, the first {dropped:,} dropped>" if dropped else f"{told}>"

    # Writing

    def write(
        self,
        text: str,
        *,
        stream: Stream = "stdout",
        task_id: int | None = None,
        task_name: str | None = None,
    ) -> int:
        """Add a text, as if a task had written it. Returns its length, as a stream's `write` does.

        Does not block, but for the file if there is one.
        """
        self.add(text, ("write", stream), (task_id, task_name))
        return len(text)

    def add(self, text: str, place: Place, whose: Whose) -> None:
        """As `write`, to the unfinished line that is at this place. For those who have no pen."""
        with self._guard:
            self._gather()
            self._write_to_file(text, place)
            self._take(text, place, whose)
            self._gathered += 1

    def show(
        self,
        data: Mapping[str, Any],
        *,
        task_id: int | None = None,
        task_name: str | None = None,
        display_id: str | None = None,
        update: bool = False,
    ) -> None:
        """Add something that was displayed: what it is in each MIME type.

        With `update` it takes the place of what has this `display_id`, and comes to the end.
        """
        text = str(data.get("text/plain", f"<{', '.join(data) or 'nothing'}>"))
        with self._guard:
            self._gather()
            if self.reporter is not None:
                self.reporter.showed(
                    data,
                    task_id=task_id,
                    task_name=task_name,
                    display_id=display_id,
                    update=update,
                )
            before = self._displays.pop(display_id, None) if display_id is not None else None
            if update and before is None:
                return  # As in a cell: there is nothing to update, or not any more.
            if before is not None and update and before.first >= self._first():
                self._take_away(before)
            replaces = before.first if before is not None and update else None
            whose = (task_id, task_name)
            block = _Display(self._lines, f"{text}\n", whose, data, replaces)
            if block.size >= self.max_bytes:
                block.data = None
            self._append(block)
            if display_id is not None:
                self._displays[display_id] = block
                if len(self._displays) > DISPLAYS_KEPT:
                    del self._displays[next(iter(self._displays))]
            self._write_to_file(f"{text}\n", ("display", "stdout"))
            self._gathered += 1
            self._drop()

    def clear(self, *, wait: bool = False) -> None:
        """Forget what is held; a file keeps it. With `wait` when the next text comes, so that what
        is replaced does not flicker.
        """
        with self._guard:
            self._gather()
            self._gathered += 1
            if self.reporter is not None:
                self.reporter.cleared(wait=wait)
            if wait:
                self._clears_at_next = True
                return
            self._clear()

    def _clear(self) -> None:
        self._clears_at_next = False
        self._blocks.clear()
        self._displays.clear()
        self._open.clear()
        self._size = self._dropped = 0
        self._lines += 1  # A reader that had everything must see that it is gone.
        self._cleared_at = self._lines

    def pen(self, stream: Stream) -> Pen:
        """A pen for the calling thread, which is the only one that may add to its `parts`."""
        pen = Pen(threading.current_thread(), stream)
        with self._guard:
            self._gather()
            self._pens = [each for each in self._pens if each.thread.is_alive()]
            self._pens.append(pen)
        return pen

    def give_pen(self, pen: Pen, whose: Whose) -> None:
        """With this pen it is this task that writes from now on. In the pen's own thread."""
        with self._guard:
            self._gather()
            pen.whose = whose
            self.active = None

    def turn_to(self, pen: Pen) -> None:
        """From now on it is this pen that writes. In the pen's own thread."""
        with self._guard:
            if pen is not self.last:
                self._gather()
                self.last = pen
            if self._file is None:
                self.active = pen

    def begin(self, task_now: Callable[[], Any], whose: Callable[[Any], Whose]) -> None:
        """A run writes from now on: how to find its tasks. In its loop's thread."""
        self.task_now, self.whose = task_now, whose
        self.moved()

    def end(self) -> None:
        """The run is over: its file is closed, until its threads, or the next run, write more."""
        self.rest()
        self.task_now, self.whose = _no_task, only_its_name
        self.moved()

    def moved(self) -> None:
        """Who writes next asks once more whether he belongs to the loop."""
        self.moves += 1
        self.active = None

    @property
    def in_haste(self) -> bool:
        """Whether every piece is to be put in a file as well."""
        return self._file is not None

    def put_in_file(self, pen: Pen) -> None:
        """Write what this pen has put down to the file, if there is one. In the pen's own thread.

        Lines are made of it later, with others.
        """
        with self._guard:
            if self._file is not None:
                self._write_to_file("".join(pen.parts[pen.filed :]), pen.place)
                pen.filed = len(pen.parts)

    def _write_to_file(self, text: str, place: Place) -> None:
        if self._file is not None:
            try:
                self._file.write(text, place)
            except OSError as error:
                self._give_up_file(error)

    def gather(self) -> None:
        """Make lines of what the pens have put down."""
        with self._guard:
            self._gather()

    def _gather(self) -> None:
        # A finalizer that prints may come in between: it finds the lists in order.
        for pen in self._pens:
            if pen.parts:
                parts = pen.parts[:]
                del pen.parts[: len(parts)]
                self._gathered += len(parts)
                if self._file is not None and pen.filed < len(parts):
                    self._write_to_file("".join(parts[pen.filed :]), pen.place)
                pen.filed = 0
                self._take("".join(parts), pen.place, pen.whose)

    def _take(self, text: str, place: Place, whose: Whose) -> None:
        if not text:
            return
        if self.reporter is not None:
            self.reporter.wrote(text, place, whose)
        if self._clears_at_next:
            self._clear()
        line = self._open.pop(place, None)
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
        line.goes_on(text)
        self._open[place] = line
        if len(self._open) > MOST_OPEN:
            oldest = next(iter(self._open))
            line = self._open.pop(oldest)
            self._add_lines(f"{line.text}\n", oldest[1], line.whose, line.cut)

    def _add_lines(self, text: str, stream: Stream, whose: Whose, cut: int = 0) -> None:
        if not is_plain(text):
            text = "\n".join(map(as_shown, text.split("\n")))
        if len(text) <= LONGEST_BLOCK:
            self._add(_with_what_is_gone(cut, text), stream, whose)
            return
        start = 0
        while start < len(text):
            end = text.rfind("\n", start, start + LONGEST_BLOCK) + 1
            end = end or text.find("\n", start) + 1
            kept, more = _end_of(text[start : end - 1])
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
        while self._size > self.max_bytes and len(self._blocks) > 1:
            block = self._blocks.popleft()
            self._size -= block.size
            self._dropped += block.lines

    # A file

    def to_file(
        self, path: str | os.PathLike[str] | None, *, max_bytes: int | None = None, backups: int = 3
    ) -> None:
        """Write everything to a file as well: first what is held, then each line as it comes, so
        that `tail -f` follows. None: not any more.

        As written, with colours and carriage returns. A file that is there is added to. With
        `max_bytes` it is renamed to `path.1` before it would grow beyond that, and `path.1` to
        `path.2`, `backups` of them. The same path again changes only these. Raises OSError when it
        cannot be opened. When it cannot be written later, the loop is warned and goes on; call
        this again then.

        Lines are written by who prints them: on a slow disk, a print takes as long as the disk.
        """
        with self._guard:
            self._gather()
            if path is not None and self._file is not None and self._file.is_at(path):
                self._file.rotate_at(max_bytes, backups)
                return
            new = None
            if path is not None:
                new = LogFile(path, max_bytes, backups)
                new.write("".join(block.text for block in self._blocks), None)
                for place, line in self._open.items():
                    new.write(line.text, place)
            self.rest()
            self._file, self.active = new, None

    def rest(self) -> None:
        """Write what is unfinished, and close the file until something more is written."""
        with self._guard:
            self._gather()
            if self._file is not None:
                try:
                    self._file.rest()
                except OSError as error:
                    self._give_up_file(error)

    def _give_up_file(self, why: OSError) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.abandon()
            self.cannot_write(file.path, why.strerror or str(why))

    # Reading

    @property
    def version(self) -> int:
        """Another one as soon as something was written or cleared; cheap."""
        return self._gathered + sum(len(pen.parts) for pen in self._pens)

    @property
    def dropped(self) -> int:
        """How many lines it held once and holds no more, since it was cleared last."""
        return self._dropped

    @property
    def last_line(self) -> str | None:
        """The last line that is not blank, also one that has no end yet; its end is cut off where
        it is longer than 400 characters, and it has no colours.
        """
        with self._guard:
            self._gather()
            for text in self._latest_first():
                rest = text
                while rest:
                    rest, _, line = rest.rpartition("\n")
                    if shown := without_colours(line).strip():
                        return shown[:LONGEST_LAST]
        return None

    def text(self, *, colours: bool = True) -> str:
        """All that it holds. Its first line says how many were dropped before it."""
        with self._guard:
            self._gather()
            text = "".join(self._texts())
            dropped = self._dropped
        if dropped:
            text = f"… {_count(dropped)} dropped\n{text}"
        return text if colours else without_colours(text)

    def tail(self, n: int = 10, *, colours: bool = True) -> str:
        """The last `n` lines."""
        if n <= 0:
            return ""
        with self._guard:
            self._gather()
            texts: list[str] = []
            found = 0
            for text in self._latest_first():
                texts.append(text)
                found += text.count("\n")
                if found > n:
                    break
        lines = "".join(reversed(texts)).split("\n")
        ends_whole = lines[-1] == ""
        last = "\n".join(lines[-n - 1 :] if ends_whole else lines[-n:])
        return last if colours else without_colours(last)

    def read(self, after: int = 0, *, limit: int | None = None) -> OutputReading:
        """What is new since the reading that gave this `after`, at most `limit` characters of it.

        Of more than that, the end. For those who show a log and ask again and again.
        """
        with self._guard:
            self._gather()
            version = self.version
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

    def _texts(self) -> Iterator[str]:
        for block in self._blocks:
            yield block.text
        yield "\n".join(line.shown() for line in self._open.values())

    def _latest_first(self) -> Iterator[str]:
        yield "\n".join(line.shown() for line in self._open.values())
        for block in reversed(self._blocks):
            yield block.text


def _tell_nobody(path: str, why: str) -> None:
    """Nobody wants to be warned."""


def _end_of(text: str) -> tuple[str, int]:
    """What is kept of some lines, and how many characters before it are not."""
    return text[-LONGEST_LINE:], max(0, len(text) - LONGEST_LINE)


def _with_what_is_gone(cut: int, text: str) -> str:
    return f"… {cut:,} characters dropped … {text}" if cut else text


def _count(lines: int) -> str:
    return f"{lines:,} line{'' if lines == 1 else 's'}"
