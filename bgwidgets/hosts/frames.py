"""Messages as frames: the length of each goes before it, so that a stream of bytes has pieces.

Nobody waits for a process at the other end that does not read.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.own_thread import OwnThread

_HEAD: Final = struct.Struct("!4sQ")
_MARK: Final = b"bgw:"
"""Begins each frame: where another thing stands, bytes are missing, or too many."""
_NO_SIGNAL: Final[int] = getattr(socket, "MSG_NOSIGNAL", 0)
"""Else SIGPIPE would end who writes to a process that is gone, where a user has set it so. (Missing
on systems that have no process hosts either.)
"""
_AT_ONCE: Final = _NO_SIGNAL | getattr(socket, "MSG_DONTWAIT", 0)


class BrokenStream(Exception):
    """Raised when what comes is no frame: nothing that follows can be understood."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """A frame on its way."""

    data: bytes
    sent: list[int] = field(default_factory=list)
    """How many bytes of it the socket took, each time."""

    def rest(self) -> memoryview:
        """What it has not taken yet."""
        return memoryview(self.data)[sum(self.sent) :]


class FrameSender:
    """Writes frames to a socket, in the order in which they came.

    What the socket takes at once is written by who sends it; the rest by a thread of its own. An
    exception that comes in the middle of it, as by Ctrl-C, leaves no frame half written.
    """

    def __init__(self, sock: socket.socket, thread_name: str) -> None:
        self._socket: Final = sock
        # Not that of the condition, which is taken and released in Python code: there, too, a
        # Ctrl-C may come.
        self._guard: Final = free_in_forks(threading.RLock())
        self._changed: Final = free_in_forks(threading.Condition(self._guard))
        self._waiting: Final[deque[_Outgoing]] = deque()
        self._bytes_waiting = 0
        self._is_writing = False
        self._is_closed = False
        self._thread: Final = OwnThread(self._run, thread_name)

    def start(self) -> None:
        """Begin to write what has to wait. Before that nothing is lost."""
        self._thread.start()

    def put(self, frame: bytes, *, most_waiting: int | None = None) -> None:
        """Send a frame; nothing happens when it is closed. Any thread.

        Does not block, unless `most_waiting` bytes are waiting already: then until there are fewer.
        """
        outgoing = _Outgoing(_HEAD.pack(_MARK, len(frame)) + frame)
        with self._guard:
            if most_waiting is not None:
                self._changed.wait_for(
                    lambda: self._bytes_waiting <= most_waiting or self._is_closed
                )
            if self._is_closed:
                return
            self._bytes_waiting += len(outgoing.data)
            self._waiting.append(outgoing)
            try:
                if not self._is_writing:
                    self._write_at_once()
            finally:
                if self._waiting:
                    self._changed.notify_all()

    def _write_at_once(self) -> None:
        """As much as the socket takes."""
        self._is_writing = True
        try:
            while self._waiting:
                first = self._waiting[0]
                # One step of C code: it is sent and written down, or neither of both.
                first.sent.extend(map(self._socket.send, (first.rest(),), (_AT_ONCE,)))
                if first.rest():
                    return
                self._bytes_waiting -= len(self._waiting.popleft().data)
        except BlockingIOError:
            return
        except OSError:  # The other end is gone: whoever watches it knows.
            self.close()
        finally:
            self._is_writing = False

    def flush(self, limit: float | None = None) -> bool:
        """Wait until all is written, or it is closed; at most `limit` seconds. Whether it is."""
        with self._guard:
            return self._changed.wait_for(
                lambda: not (self._waiting or self._is_writing) or self._is_closed, limit
            )

    def close(self) -> None:
        """Write no more. Any thread; does not block."""
        with self._guard:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        while (rest := self._next()) is not None:
            try:
                self._socket.sendall(rest, _NO_SIGNAL)
            except OSError:
                self.close()
            with self._guard:
                self._is_writing = False
                self._changed.notify_all()

    def _next(self) -> memoryview | None:
        with self._guard:
            self._changed.wait_for(lambda: self._waiting or self._is_closed)
            if not self._waiting:
                return None
            first = self._waiting.popleft()
            self._bytes_waiting -= len(first.data)
            self._is_writing = True
            return first.rest()


class FrameReader:
    """Makes frames of the bytes that come. For one thread."""

    def __init__(self) -> None:
        self._bytes: Final = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are whole now that these bytes have come. Raises `BrokenStream`."""
        self._bytes.extend(data)
        while len(self._bytes) >= _HEAD.size:
            mark, length = _HEAD.unpack_from(self._bytes)
            if mark != _MARK:
                raise BrokenStream("a message does not begin where the last one has ended")
            end = _HEAD.size + length
            if len(self._bytes) < end:
                return
            frame = bytes(memoryview(self._bytes)[_HEAD.size : end])
            del self._bytes[:end]
            yield frame
