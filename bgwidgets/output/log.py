"""What a background loop has written: bounded in memory, whole in a file.

To write must cost next to nothing, and to read may cost something. So what is written is only put
down, by each thread in a list of its own (`Pen`), and made into lines when a few hundred pieces
have come together, when another thread or task writes, or when somebody reads. No lock is taken
for the putting down: a thread adds at the end of its list, and whoever gathers takes from the
beginning; both are single steps, which other threads see as a whole.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, Protocol

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.output.blocks import Place, Whose
from bgwidgets.output.filing import Filing
from bgwidgets.output.kept_lines import MOST_BYTES, KeptLines
from bgwidgets.output.log_file import LogFile
from bgwidgets.output.pen import Pen, no_task
from bgwidgets.output.reading import OutputReading, Stream
from bgwidgets.output.terminal import without_colours
from bgwidgets.output.undisturbed import to_its_end, undisturbed
from bgwidgets.output.whose import TasksNow

LONGEST_LAST: Final = 400
"""Characters of the last line, as a snapshot has it."""
FLUSHED_APART: Final = 0.002
"""Seconds between two flushes of very many, and"""
FLUSHES_IN_A_ROW: Final = 50
"""so many before that. What is written in between is told within the next look: a log that is
flushed for each of its lines, as `logging` does, does not become slow by that.
"""


def only_its_name(task: Any) -> Whose:
    """A task that no book has."""
    return None, task.get_name()


def _own_name(task: Any) -> str | None:
    """Quickly; None of what is no task of asyncio's."""
    try:
        return None if task is None else asyncio.Task.get_name(task)
    except TypeError:
        return None


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
        # Reentrant: a finalizer that prints may come in between.
        self._guard: Final = free_in_forks(threading.RLock())
        self._kept: Final = KeptLines(_checked(max_bytes))
        self._pens: Final[dict[Place, Pen]] = {}
        self._gathered = 0
        self._flushed_at = 0.0
        self._flushes = 0.0
        """How many may come in a row now."""
        self.last: Pen | None = None
        """The pen that wrote last."""
        self.moves = 0
        """Grows when threads have come to the loop, or gone."""
        self.filing: Final = Filing(self._guard, self._lines_gathered, self._file_is_given_up)
        """What is put in a file as well."""
        self.stirred: Callable[[], None] = _tell_no_news
        """Called when something was added, but not by a pen, and when there is another pen. Set by
        the run; must return at once."""
        self.cannot_write: Callable[[str, str], None] = _tell_nobody
        """Told once when its file cannot be written any more. Set by who warns."""
        self.can_write: Callable[[], None] = _tell_no_news
        """Told when it has another one, or is to have none."""
        self.tasks_now: TasksNow = {}
        """The task that runs on a loop now, for that loop's own thread, and"""
        self.loop: object = None
        """the loop. Set by the run."""
        self.whose: Callable[[Any], Whose] = only_its_name
        """The id and the name of a task. Set by the one who has the book of the tasks."""

        self.reporter: Reporter | None = None
        """Told of all that comes in. Set by one who passes it on to another process."""

    def __repr__(self) -> str:
        told, dropped = f"<OutputLog: {_count(self._kept.count)}", self._kept.dropped
        return f"{told}, the first {dropped:,} dropped>" if dropped else f"{told}>"

    @property
    def max_bytes(self) -> int:
        """How much of memory it may take, about; what is more is dropped, the oldest lines first.

        A loop's has 1,000,000, and may be given more at any time.
        """
        return self._kept.max_bytes

    @max_bytes.setter
    def max_bytes(self, value: int) -> None:
        self._kept.max_bytes = _checked(value)

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
            self.filing.put(text, place)
            self._take(text, place, whose)
            self._gathered += 1
        self.filing.write_out()
        self.stirred()

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

        With `update` it takes the place of what has this `display_id`, and comes to the end. Where
        nothing has, as when a cell has displayed it, it is something new.
        """
        text = f"{data.get('text/plain') or '<' + ', '.join(data) + '>'}\n"
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
            self._kept.show(data, text, (task_id, task_name), display_id, update)
            self.filing.put(text, ("display", "stdout"))
            self._gathered += 1
        self.filing.write_out()
        self.stirred()

    def clear(self, *, wait: bool = False) -> None:
        """Forget what is held; a file keeps it. With `wait` when the next text comes, so that what
        is replaced does not flicker.
        """
        with self._guard:
            self._gather()
            self._gathered += 1
            if self.reporter is not None:
                self.reporter.cleared(wait=wait)
            self._kept.clear(wait=wait)
        self.stirred()

    def pen(self, stream: Stream) -> Pen:
        """A pen for the calling thread, which is the only one that may add to its `parts`."""
        thread = threading.current_thread()
        with self._guard:
            pen = self._pens.get((thread, stream))
            if pen is None:
                self._gather()
                for place, other in list(self._pens.items()):
                    if not other.thread.is_alive():
                        del self._pens[place]
                self._pens[thread, stream] = pen = Pen(thread, stream)
        self.stirred()
        return pen

    def give_pen(self, pen: Pen, whose: Whose, task: Callable[[], Any] = no_task) -> None:
        """With this pen it is this task that writes from now on. In the pen's own thread."""
        with self._guard:
            self._gather()
            pen.whose, pen.task, pen.called = whose, task, _own_name(task())

    def turn_to(self, pen: Pen) -> None:
        """From now on it is this pen that writes. In the pen's own thread."""
        with self._guard:
            if pen is not self.last:
                self.all_ask_first()
                self._gather()
                self.last = pen

    def go_on(self, pen: Pen, task: object, moves: int) -> None:
        """After a text of this task it may go on for that without a word, if nobody has moved since
        there were so many moves. In the pen's own thread, which has turned to it.
        """
        with self._guard:
            if self.last is pen and not self.filing.is_on:
                pen.goes_on_for, pen.is_after_text = task, True
                if self.moves != moves:
                    pen.ask_first()

    def all_ask_first(self) -> None:
        """Who writes next asks anew; no task is held by a pen any more. Any thread."""
        for pen in list(self._pens.values()):
            pen.ask_first()

    def begin(self, tasks: TasksNow, loop: object, whose: Callable[[Any], Whose]) -> None:
        """A run of this loop writes from now on: how to find its tasks. In the loop's thread."""
        self.tasks_now, self.loop, self.whose = tasks, loop, whose
        self.moved()

    def end(self) -> None:
        """The run is over: its file is closed, until its threads, or the next run, write more."""
        self.rest()
        self.tasks_now, self.loop, self.whose = {}, None, only_its_name
        self.moved()

    def moved(self) -> None:
        """Who writes next asks once more whether he belongs to the loop."""
        self.moves += 1
        self.all_ask_first()

    def put_in_file(self, pen: Pen) -> None:
        """Write what this pen has put down to the file, if there is one. In the pen's own thread.

        Lines are made of it later, with others.
        """
        with self._guard:
            parts = pen.parts
            self.filing.put("".join(parts[pen.filed :] if pen.filed else parts), pen.place)
            pen.filed = len(parts)
        self.filing.write_out()

    def gather(self) -> None:
        """Make lines of what the pens have put down. In a thread of the loop's: it waits for the
        disk, if there is a file.
        """
        with self._guard:
            self._gather()
        self.filing.write_out()

    def flush(self) -> None:
        """Have another process told what was written, if there is one to be told: should this one
        crash, these are its last words. Not of each of many calls in a row. In a thread of the
        loop's; does not wait for long.
        """
        if self.reporter is None:
            return
        now = time.monotonic()
        self._flushes = min(
            FLUSHES_IN_A_ROW, self._flushes + (now - self._flushed_at) / FLUSHED_APART
        )
        self._flushed_at = now
        if self._flushes >= 1:
            self._flushes -= 1
            self.gather()

    def _gather_to_read(self) -> None:
        """The same for who looks: not even a stop of his cell leaves it half done, and the file is
        the affair of those who print.
        """
        if any(pen.parts for pen in list(self._pens.values())):
            undisturbed(self._gather_alone)

    def _gather_alone(self) -> None:
        with self._guard:
            self._gather()

    def _gather(self) -> None:
        for pen in list(self._pens.values()):  # A finalizer that prints may come in between.
            if pen.parts:
                parts = pen.parts[:]
                del pen.parts[: len(parts)]
                self._gathered += len(parts)
                if self.filing.is_on and pen.filed < len(parts):
                    self.filing.put("".join(parts[pen.filed :]), pen.place)
                pen.filed = 0
                self._take("".join(parts), pen.place, self._whose_now(pen))

    def _whose_now(self, pen: Pen) -> Whose:
        """A task may get its name after its first step, where it is an eager one, or another."""
        task = pen.task()
        if task is not None and (called := _own_name(task)) != pen.called:
            pen.called, pen.whose = called, (pen.whose[0], self.whose(task)[1])
        return pen.whose

    def _take(self, text: str, place: Place, whose: Whose) -> None:
        if text and self.reporter is not None:
            self.reporter.wrote(text, place, whose)
        self._kept.take(text, place, whose)

    # A file

    def to_file(
        self, path: str | os.PathLike[str] | None, *, max_bytes: int | None = None, backups: int = 3
    ) -> None:
        """Write everything to a file as well: first what is held, then each line as it comes, so
        that `tail -f` follows. None: not any more.

        As written, with colours and carriage returns. A file that is there is added to. With
        `max_bytes` it is renamed to `path.1` before it would grow beyond that, and `path.1` to
        `path.2`, `backups` of them. The same path again changes only these. Raises OSError, and
        changes nothing, when it cannot be opened, or is a folder, a pipe or a device. When it
        cannot be written later, the loop is warned and goes on; call this again then.

        Lines are written by who prints them: on a slow disk, a print takes as long as the disk.
        """
        if path is not None and self.filing.is_rotated(path, max_bytes, backups):
            return
        new = None if path is None else LogFile(path, max_bytes, backups)
        to_its_end(partial(self.filing.change, new, self._to_begin_with))
        self.can_write()

    def _lines_gathered(self) -> int:
        """How many there have ever been. Under the guard."""
        self._gather()
        return self._kept.lines

    def _to_begin_with(self) -> Iterator[tuple[str, object]]:
        """What is held as a file begins. What one before it has was not lost. Under the guard."""
        self.all_ask_first()
        if dropped := self._kept.dropped_since(self.filing.lines):
            yield _told_as_dropped(dropped), None
        yield self._kept.whole_lines(), None
        for place, unfinished in self._kept.unfinished():
            yield unfinished, place

    def rest(self) -> None:
        """Write what is unfinished, and close the file until something more is written. Waits for
        the disk.
        """
        undisturbed(self._gather_alone)
        self.filing.rest()

    def _file_is_given_up(self, path: str, why: OSError) -> None:
        self.cannot_write(path, why.strerror or str(why))

    # Reading

    @property
    def has_pens(self) -> bool:
        """Whether something may be added without a word, and only the version tells."""
        return bool(self._pens)

    @property
    def version(self) -> int:
        """Another one as soon as something was written or cleared; cheap."""
        if not self._pens:
            return self._gathered
        return self._gathered + sum(len(pen.parts) for pen in list(self._pens.values()))

    @property
    def dropped(self) -> int:
        """How many lines it held once and holds no more, since it was cleared last."""
        return self._kept.dropped

    @property
    def last_line(self) -> str | None:
        """The last line that is not blank, also one that has no end yet; its end is cut off where
        it is longer than 400 characters, and it has no colours.
        """
        self._gather_to_read()
        with self._guard:
            for text in self._kept.latest_first():
                rest = text
                while rest:
                    rest, _, line = rest.rpartition("\n")
                    if shown := without_colours(line).strip():
                        return shown[:LONGEST_LAST]
        return None

    def text(self, *, colours: bool = True) -> str:
        """All that it holds. Its first line says how many were dropped before it."""
        self._gather_to_read()
        with self._guard:
            text = self._kept.text()
            if dropped := self._kept.dropped:
                text = _told_as_dropped(dropped) + text
        return text if colours else without_colours(text)

    def tail(self, n: int = 10, *, colours: bool = True) -> str:
        """The last `n` lines."""
        if n <= 0:
            return ""
        self._gather_to_read()
        with self._guard:
            texts: list[str] = []
            found = 0
            for text in self._kept.latest_first():
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
        self._gather_to_read()
        with self._guard:
            return self._kept.read(after, limit, self.version)


def _tell_no_news() -> None:
    """Nobody wants to know."""


def _tell_nobody(path: str, why: str) -> None:
    """Nobody wants to be warned."""


def _count(lines: int) -> str:
    return f"{lines:,} line{'' if lines == 1 else 's'}"


def _told_as_dropped(lines: int) -> str:
    return f"… {_count(lines)} dropped\n"


def _checked(max_bytes: object) -> int:
    """Or every print would raise an error."""
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes <= 0:
        raise ValueError(f"max_bytes is a number of bytes, as 10_000_000, not {max_bytes!r}")
    return max_bytes
