"""Messages as frames: the length of each goes before it, so that a stream of bytes has pieces.

What is sent is put in a queue and written by a thread of its own, so nobody waits for a process at
the other end that does not read.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

_HEAD: Final = struct.Struct("!Q")
_SMALL: Final = 65_536


class FrameSender:
    """Writes frames, in the order in which they came, in a thread of its own."""

    def __init__(self, write_all: Callable[[bytes], object], thread_name: str) -> None:
        """`write_all` blocks until the bytes are written, or raises OSError: then it is over."""
        self._write_all: Final = write_all
        self._changed: Final = threading.Condition()
        self._frames: Final[deque[bytes]] = deque()
        self._waiting = 0
        self._is_writing = False
        self._is_closed = False
        self._thread: Final = threading.Thread(target=self._run, name=thread_name, daemon=True)

    def start(self) -> None:
        """Begin to write. What was put in before is written first."""
        self._thread.start()

    def put(self, frame: bytes, *, most_waiting: int | None = None) -> None:
        """Send a frame soon; nothing happens when it is closed. Any thread.

        Does not block, unless `most_waiting` bytes are waiting already: then until there are fewer.
        """
        with self._changed:
            if most_waiting is not None:
                self._changed.wait_for(lambda: self._waiting <= most_waiting or self._is_closed)
            if not self._is_closed:
                self._frames.append(frame)
                self._waiting += len(frame)
                self._changed.notify_all()

    def flush(self, limit: float) -> bool:
        """Wait until all is written, at most `limit` seconds. Whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not (self._frames or self._is_writing) or self._is_closed, limit
            )

    def close(self) -> None:
        """Write no more. Any thread; does not block."""
        with self._changed:
            self._is_closed = True
            self._frames.clear()
            self._changed.notify_all()

    def _run(self) -> None:
        while (frame := self._next()) is not None:
            head = _HEAD.pack(len(frame))
            try:
                if len(frame) <= _SMALL:
                    self._write_all(head + frame)
                else:
                    self._write_all(head)
                    self._write_all(frame)
            except OSError:  # The other end is gone: whoever watches it knows.
                self.close()
            with self._changed:
                self._is_writing = False
                self._changed.notify_all()

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._frames or self._is_closed)
            if not self._frames:
                return None
            frame = self._frames.popleft()
            self._waiting -= len(frame)
            self._is_writing = True
            return frame


class FrameReader:
    """Makes frames of the bytes that come. For one thread."""

    def __init__(self) -> None:
        self._bytes: Final = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The frames that are whole now that these bytes have come."""
        self._bytes.extend(data)
        while len(self._bytes) >= _HEAD.size:
            (length,) = _HEAD.unpack_from(self._bytes)
            end = _HEAD.size + length
            if len(self._bytes) < end:
                return
            frame = bytes(memoryview(self._bytes)[_HEAD.size : end])
            del self._bytes[:end]
            yield frame
