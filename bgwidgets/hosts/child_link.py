"""The thread that listens to one child process: its messages, what it writes, and its end."""

from __future__ import annotations

import codecs
import logging
import os
import selectors
import socket
import threading
import time
from typing import Final, Protocol

from bgwidgets.hosts.child_process import ChildProcess
from bgwidgets.hosts.claim import Claim
from bgwidgets.hosts.frames import BrokenStream, FrameReader, FrameSender
from bgwidgets.observe.error_text import one_line
from bgwidgets.output.reading import Stream
from bgwidgets.own_thread import OwnThread

TICK: Final = 0.25
"""Seconds after which it is noticed that the child says nothing."""
EXIT_LIMIT: Final = 1.0
"""Seconds in which a child must end whose loop is closed, or whose socket is."""
DRAIN_LIMIT: Final = 0.3
"""Seconds for what an ended child has left in its pipes, which others may hold open."""
_CHUNK: Final = 1 << 18
_log: Final = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told of what comes, always in the same thread."""

    def listens(self) -> None:
        """This is the thread. Called once, at first."""

    def received(self, frame: bytes) -> None:
        """A message."""

    def wrote(self, text: str, stream: Stream) -> None:
        """What was written to the file descriptors 1 and 2."""

    def silent(self, seconds: float) -> None:
        """For so long no message has come. A time in which this process could not listen is not
        counted.
        """

    def gone(self, how: str) -> None:
        """The child has ended, and how: "exit code 1". Called once, at last."""


class ChildLink:
    """One child, and the two threads that write to it and listen to it."""

    def __init__(self, listener: Listener, name: str) -> None:
        """Starts nothing. The threads are named after `name`."""
        self._listener: Final = listener
        self._child: Final = ChildProcess()
        self._sender: Final = FrameSender(self._child.socket, f"{name}-to-child")
        self._frames: Final = FrameReader()
        self._decoders: Final[dict[Stream, codecs.IncrementalDecoder]] = {
            "stdout": codecs.getincrementaldecoder("utf-8")("replace"),
            "stderr": codecs.getincrementaldecoder("utf-8")("replace"),
        }
        self._selector: Final = selectors.DefaultSelector()
        self._claim: Final = Claim()
        """Who has it sees to the child's end."""
        self._silence = 0.0
        self._must_end_at: float | None = None
        self._is_overdue = False
        self._has_ended = False
        self._what_broke: str | None = None
        self._thread: Final = OwnThread(self._run, f"{name}-from-child")

    @property
    def pid(self) -> int | None:
        """The child's process id, as soon as it is started."""
        return self._child.pid

    def start(self) -> None:
        """Start the child, and begin to listen and to write. Blocks for some milliseconds.

        Raises what keeps it from being started. Then, and when it was interrupted, it is to be
        abandoned.
        """
        self._child.start()
        self._thread.start()
        self._sender.start()

    def abandon(self) -> None:
        """The start was broken off: end the child, if there is one. Blocks for milliseconds."""
        self._sender.close()
        if self._claim.take():  # Nobody listens, nor ever will.
            self._selector.close()
            self._child.give_up()
        else:
            self._child.kill()

    def send(self, frame: bytes) -> None:
        """Send a message. Any thread; does not block."""
        self._sender.put(frame)

    def is_listening_here(self) -> bool:
        """Whether it is the calling thread that listens: it must not wait for an answer."""
        return threading.current_thread() is self._thread

    def kill(self) -> None:
        """End the child. Any thread; does not block: `gone` tells of the end."""
        self._child.kill()

    def withdraw(self) -> None:
        """Nothing: the child is there already, and obeys."""

    def expect_end(self) -> None:
        """The child will end by itself now, or is ended soon. In the listening thread."""
        if self._must_end_at is None:
            self._must_end_at = time.monotonic() + EXIT_LIMIT

    def _run(self) -> None:
        if not self._claim.take():
            return
        child = self._child
        try:
            try:
                self._listen_to_the_end()
            except BaseException as error:  # noqa: BLE001 - whatever it is, no child is left behind
                _log.exception("process %s could not be listened to", child.pid)
                self._what_broke = one_line(error)
            how = child.reap()
            if self._what_broke is not None:
                how = f"it was ended, for it could not be understood: {self._what_broke}"
            elif self._is_overdue:
                how = f"it was killed, for it had not ended {EXIT_LIMIT:g} s after its loop"
            self._drain()
        finally:
            self._sender.close()
            self._selector.close()
            child.close()
        self._listener.gone(how)

    def _listen_to_the_end(self) -> None:
        child = self._child
        self._listener.listens()
        for fd in (child.socket, child.pidfd, child.stdout, child.stderr):
            self._selector.register(fd, selectors.EVENT_READ)
        while not self._has_ended:
            self._listen(TICK)

    def _drain(self) -> None:
        until = time.monotonic() + DRAIN_LIMIT
        while self._selector.get_map() and time.monotonic() < until:
            self._listen(max(0.0, until - time.monotonic()))

    def _listen(self, limit: float) -> None:
        began = time.monotonic()
        has_heard = False
        for key, _ in self._selector.select(limit):
            if key.fileobj is self._child.socket:
                has_heard = self._read_frames(self._child.socket) or has_heard
            elif key.fileobj == self._child.pidfd:
                self._selector.unregister(key.fileobj)
                self._has_ended = True
            else:
                self._read_pipe(key.fd)
        now = time.monotonic()
        if self._must_end_at is not None and now > self._must_end_at:
            self._is_overdue = True
            self._child.kill()
        if has_heard:
            self._silence = 0.0
            return
        # Not more than was waited for: this process itself may have stood still.
        self._silence += min(now - began, limit)
        if not self._has_ended:
            self._listener.silent(self._silence)

    def _read_frames(self, sock: socket.socket) -> bool:
        try:
            data = sock.recv(_CHUNK)
        except OSError:
            data = b""
        if not data:
            self._selector.unregister(sock)
            self.expect_end()
            return False
        try:
            for frame in self._frames.feed(data):
                self._listener.received(frame)
        except BrokenStream as error:
            self._what_broke = str(error)
            self._selector.unregister(sock)
            self._child.kill()
        return True

    def _read_pipe(self, fd: int) -> None:
        stream: Stream = "stdout" if fd == self._child.stdout else "stderr"
        try:
            data = os.read(fd, _CHUNK)
        except OSError:
            data = b""
        if text := self._decoders[stream].decode(data, not data):
            self._listener.wrote(text, stream)
        if not data:
            self._selector.unregister(fd)
