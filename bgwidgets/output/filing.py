"""What a log's file is given, in order: put down under the log's lock, and written without it.

So a disk that hangs holds up those who print, and nobody who looks.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.lock_owner import is_held_here
from bgwidgets.output.log_file import LogFile

Piece = tuple[str, object]
"""A text, and the place of the unfinished line that it goes on with."""


class Filing:
    """The file of one log, or none. Any thread may call everything.

    Who has the lock of the file may wait for that of the log, as a finalizer that prints does: so
    who has the log's never waits for that of the file.
    """

    def __init__(
        self, guard: Any, gather: Callable[[], int], cannot_write: Callable[[str, OSError], None]
    ) -> None:
        """`guard` is the log's lock, under which `gather` puts down what was written, and says how
        many lines there have been; `cannot_write` is told of a file that is given up: its path and
        why.
        """
        self._logs_guard: Final = guard
        self._gather: Final = gather
        self._cannot_write: Final = cannot_write
        self._guard: Final = free_in_forks(threading.RLock())
        """Held while something is written, for as long as the disk takes."""
        self._file: tuple[LogFile | None, deque[Piece]] = (None, deque())
        """And what is to be written to it."""
        self.is_on = False
        """Whether there is a file."""
        self.lines = 0
        """Of so many of the log's lines, the first ones, some file has all that was still held
        when it began. So it was when the last file was given up, or was changed.
        """
        self._is_writing = False

    def put(self, text: str, place: object) -> None:
        """To be written by the next `write_out`. Under the log's lock; does not wait."""
        file, waiting = self._file
        if file is not None:
            waiting.append((text, place))

    def write_out(self) -> None:
        """Write what was put down. Waits for the disk: for those who print; not for a finalizer
        that prints in the midst of something else, who does so in his place.
        """
        while self._file[1] and not is_held_here(self._logs_guard):
            with self._guard:
                if self._is_writing:
                    return  # A finalizer prints amid it: that is written next.
                self._write()

    def rest(self) -> None:
        """Write what is unfinished, too, and close until more comes. Waits for the disk."""
        with self._guard:
            if not self._is_writing:
                self._write(then_rest=True)

    def _write(self, *, then_rest: bool = False) -> None:
        file, waiting = self._file
        if file is None:
            return
        self._is_writing = True
        text = ""
        try:
            while waiting:
                text, place = waiting.popleft()
                file.write(text, place)
            if then_rest:
                text = ""
                file.rest()
        except OSError as error:
            with self._logs_guard:
                lines = self._gather()
                unwritten = (text, *(text for text, _ in waiting))
                self.lines = lines - sum(text.count("\n") for text in unwritten)
                self._set(None, deque())
            self._give_up(file, error)
        finally:
            self._is_writing = False

    def _set(self, file: LogFile | None, waiting: deque[Piece]) -> None:
        self._file, self.is_on = (file, waiting), file is not None

    def _give_up(self, file: LogFile, why: OSError) -> None:
        file.abandon()
        self._cannot_write(file.path, why)

    def is_rotated(self, path: str | os.PathLike[str], max_bytes: int | None, backups: int) -> bool:
        """Whether it is at this path already: it is rotated so from now on. Raises ValueError. Does
        not wait.
        """
        file, _ = self._file
        if file is None or not file.is_at(path):
            return False
        file.rotate_at(max_bytes, backups)
        return True

    def change(self, new: LogFile | None, held: Callable[[], Iterable[Piece]]) -> None:
        """Write to this file from now on. Under the log's lock, `held` tells with what it begins.
        Raises OSError when that cannot be written, and goes on with the one before. Waits for the
        disk.
        """
        with self._both_locks():
            lines = self._gather()
            before, left = self._file
            if before is not None:
                self.lines = lines
            self._set(new, deque())
            pieces = [] if new is None else list(held())
        self._is_writing = True
        try:
            if new is not None:
                self._begin(new, pieces, before, left)
            if before is not None:
                self._finish(before, left)
        finally:
            self._is_writing = False
            self._guard.release()
        self.write_out()

    def _begin(
        self, new: LogFile, pieces: list[Piece], before: LogFile | None, left: deque[Piece]
    ) -> None:
        try:
            for piece in pieces:
                new.write(*piece)
        except OSError:
            new.abandon()
            self._guard.release()
            with self._both_locks():
                if before is not None:
                    left.extend(self._file[1])
                self._set(before, left)
            raise

    def _finish(self, file: LogFile, left: deque[Piece]) -> None:
        try:
            for piece in left:
                file.write(*piece)
            file.rest()
        except OSError as error:
            self._give_up(file, error)

    @contextlib.contextmanager
    def _both_locks(self) -> Iterator[None]:
        """Of which that of the file is kept at the end."""
        while True:
            with self._logs_guard:
                if self._guard.acquire(blocking=False):
                    try:
                        yield
                    except BaseException:
                        self._guard.release()
                        raise
                    return
            with self._guard:  # Somebody writes: wait for him without the other lock.
                pass
