"""The file that a loop's output goes to as well: appended to, and rotated by size."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bgwidgets.output.encoding import encoded

LOOKED_FOR_EVERY: Final = 1.0
"""Seconds between two looks at whether the file is still where it was opened."""
LONGEST_HELD: Final = 65_536
"""Characters of an unfinished line that are held back."""
_ENDS: Final = b"\n", b"\r"


class LogFile:
    """A text file, written line by line. For one thread at a time. What fails is an OSError.

    Unfinished lines are held back by their place, so that those of several threads are not mixed.
    A carriage return ends one, too, or a progress bar would be seen only at its end.
    """

    def __init__(self, path: str | os.PathLike[str], max_bytes: int | None, backups: int) -> None:
        """Opens it, to be added to. Does not wait. Raises OSError, also for what is no file."""
        self._path: Final = Path(path).expanduser().absolute()
        self._held: Final[dict[object, str]] = {}
        self._file: int | None = None
        self._size = 0
        self._looked_at = 0.0
        self._max_bytes: int | None = None
        self._backups = 0
        self.rotate_at(max_bytes, backups)
        self._opened()

    def __del__(self) -> None:
        self.abandon()

    @property
    def path(self) -> str:
        """Where it is."""
        return str(self._path)

    def is_at(self, path: str | os.PathLike[str]) -> bool:
        """Whether it is this file."""
        return self._path == Path(path).expanduser().absolute()

    def rotate_at(self, max_bytes: int | None, backups: int) -> None:
        """How large it may grow, and how many earlier ones are kept. Raises ValueError."""
        if max_bytes is not None and max_bytes <= 0:
            raise ValueError(f"max_bytes is the size at which a new file begins, not {max_bytes}")
        if backups < 0:
            raise ValueError(f"backups is how many earlier files are kept, not {backups}")
        self._max_bytes, self._backups = max_bytes, backups

    def write(self, text: str, place: object) -> None:
        """Write the whole lines, and hold back the rest of it."""
        if self._held:
            text = self._held.pop(place, "") + text
        end = len(text) if text.endswith("\n") else max(map(text.rfind, "\n\r")) + 1
        if len(text) - end > LONGEST_HELD:
            end = len(text)
        if end < len(text):
            self._held[place] = text[end:]
        if end:
            self._write(text[:end])

    def rest(self) -> None:
        """Write what is held back, each on a line of its own, and close until more comes."""
        for place in list(self._held):
            self._write(f"{self._held.pop(place)}\n")
        if self._file is not None and not self._is_there() and not self._path.parent.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self._path))
        self.abandon()

    def abandon(self) -> None:
        """Close it as it is; what cannot be written any more is lost."""
        file, self._file = getattr(self, "_file", None), None
        if file is not None:
            try:
                os.close(file)
            except OSError:
                return  # Its error was told when it was written to.

    def _write(self, text: str) -> None:
        data = encoded(text)
        if self._max_bytes is None:
            self._put(self._opened(), data)
            return
        for piece in self._pieces(data):
            file = self._opened()
            if self._is_too_small_for(piece):
                self._look()
                file = self._opened()
                if self._is_too_small_for(piece):
                    file = self._rotated()
            self._put(file, piece)

    def _put(self, file: int, data: bytes) -> None:
        self._size += len(data)
        while (written := os.write(file, data)) < len(data):
            data = data[written:]

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        """Whole lines, as many at once as one file takes."""
        limit, start = self._max_bytes, 0
        while limit is not None and len(data) - start > limit:
            end = max(data.rfind(mark, start, start + limit) for mark in _ENDS) + 1
            if not end:  # This line is longer.
                ends = (data.find(mark, start) + 1 for mark in _ENDS)
                end = min((end for end in ends if end), default=len(data))
            yield data[start:end]
            start = end
        if start < len(data):
            yield data[start:]

    def _is_too_small_for(self, data: bytes) -> bool:
        limit = self._max_bytes
        return limit is not None and self._size > 0 and self._size + len(data) > limit

    def _look(self) -> None:
        self._looked_at = time.monotonic()
        if not self._is_there():  # Somebody has moved it away, or deleted it.
            self.abandon()

    def _opened(self) -> int:
        if self._file is not None and time.monotonic() - self._looked_at > LOOKED_FOR_EVERY:
            self._look()
        if self._file is None:
            # No buffer: what is written is there, for `tail -f` and after a crash.
            self._file, self._size = _opened(self._path)
            self._looked_at = time.monotonic()
        return self._file

    def _is_there(self) -> bool:
        if self._file is None:
            return False
        try:
            there, ours = self._path.stat(), os.fstat(self._file)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, ours)

    def _rotated(self) -> int:
        self.abandon()
        if self._backups:
            for number in range(self._backups - 1, 0, -1):
                _rename(self._numbered(number), self._numbered(number + 1))
            _rename(self._path, self._numbered(1))
        else:
            self._path.unlink(missing_ok=True)
        return self._opened()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def _rename(path: Path, to: Path) -> None:
    """If it is there: another process may write to the same file, and have done it just now."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(to)


def _opened(path: Path) -> tuple[int, int]:
    """The regular file that is there, or a new one, and its size. Raises OSError."""
    with contextlib.suppress(FileNotFoundError):
        _refuse_what_is_no_file(path.stat(), path)  # Before it is opened: that may do something.
    # A pipe that comes there now is opened without waiting for its reader, and is refused then.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    file = os.open(path, flags, 0o666)
    try:
        found = os.fstat(file)
        _refuse_what_is_no_file(found, path)
    except OSError:
        os.close(file)
        raise
    return file, found.st_size


def _refuse_what_is_no_file(found: os.stat_result, path: Path) -> None:
    if stat.S_ISREG(found.st_mode):
        return
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    kind = kinds.get(stat.S_IFMT(found.st_mode), "a device")
    number = errno.EISDIR if kind == "a folder" else errno.EINVAL
    why = f"is {kind}; give the path of a file, which others can read with tail -f"
    raise OSError(number, why, str(path))
