"""Frames come as they were sent, whatever comes in between."""

from __future__ import annotations

import gc
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from types import FrameType
from typing import Any

import pytest

from bgwidgets.hosts.frames import BrokenStream, FrameReader, FrameSender
from bgwidgets.hosts.submissions import LoopFuture
from tests.hosts.conftest import LIMIT


class Pair:
    """A sender, and the socket at the other end."""

    def __init__(self) -> None:
        ours, self.theirs = socket.socketpair()
        self.ours, self.reader = ours, FrameReader()
        self.theirs.settimeout(LIMIT)
        self.sender = FrameSender(ours, "frames")

    def come(self, count: int) -> list[bytes]:
        """The next frames, as many."""
        frames: list[bytes] = []
        while len(frames) < count:
            frames += self.reader.feed(self.theirs.recv(1 << 20))
        return frames

    def close(self) -> None:
        """Both ends."""
        self.sender.close()
        self.ours.close()
        self.theirs.close()


@pytest.fixture
def pair() -> Iterator[Pair]:
    pair = Pair()
    yield pair
    pair.close()
    if pair.sender._thread.ident is not None:
        pair.sender._thread.join(LIMIT)


def interrupt_after(names: set[str]) -> None:
    """Ctrl-C comes when the next of these functions has returned, before anything else."""

    def look(_: FrameType, event: str, function: Any) -> None:
        if event == "c_return" and function.__name__ in names:
            sys.setprofile(None)
            raise KeyboardInterrupt

    sys.setprofile(look)


@pytest.mark.parametrize(
    ("size", "name"),
    [(10, "sends"), (10, "append"), (10, "popleft"), (5_000_000, "sends"), (5_000_000, "append")],
)
def test_an_interrupt_leaves_no_frame_half_written(pair: Pair, size: int, name: str):
    """What was taken up before it comes, whole; and all that follows."""
    first, second = b"a" * size, b"b" * size
    interrupt_after({"send", "extend"} if name == "sends" else {name})
    with pytest.raises(KeyboardInterrupt):
        pair.sender.put(first)
    pair.sender.start()
    pair.sender.put(second)
    assert [first, second] == pair.come(2)
    assert pair.sender.flush(LIMIT)


def test_what_is_no_frame_is_told(pair: Pair):
    with pytest.raises(BrokenStream, match="does not begin where the last one has ended"):
        list(pair.reader.feed(b"this is no message at all"))


def test_what_does_not_fit_waits(pair: Pair):
    """In order, and before there is a thread to write it."""
    frames = [bytes([number]) * 300_000 for number in range(20)]
    for frame in frames:
        pair.sender.put(frame)
    assert not pair.sender.flush(0)
    pair.sender.start()
    assert frames == pair.come(20)
    assert pair.sender.flush(LIMIT)


def test_whoever_wants_all_to_be_written_waits_for_as_long_as_it_takes(pair: Pair):
    """Who reads it may stand still; when he is gone, nobody waits any more."""
    pair.sender.start()
    pair.sender.put(b"a" * 5_000_000)
    flushed = Future[bool]()
    waiting = threading.Thread(target=lambda: flushed.set_result(pair.sender.flush()))
    waiting.start()
    assert not flushed.done()
    assert 1 == len(pair.come(1))
    assert flushed.result(LIMIT)
    waiting.join(LIMIT)
    pair.sender.put(b"a" * 5_000_000)
    pair.theirs.close()
    assert pair.sender.flush()


def test_a_future_whose_making_was_interrupted_goes_quietly(capfd: pytest.CaptureFixture[str]):
    future = LoopFuture.__new__(LoopFuture)
    del future
    gc.collect()
    assert ("", "") == capfd.readouterr()
