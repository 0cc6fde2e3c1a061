"""What a child on a Dask worker has said and done, until the kernel fetches it.

A kernel may be suspended, or its network down, for hours, while the child goes on. So there is a
bound. Of how the loop stands only the latest is kept; of the output the oldest is dropped, and that
is told where it was. All else (results, answers, the end) waits for as long as it takes.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, NamedTuple

from bgwidgets.hosts.messages import FrameKind, kind_of
from bgwidgets.output.reading import Stream

MOST_AT_ONCE: Final = 4_000_000
"""Bytes in one answer, about."""
MOST_OUTPUT: Final = 16_000_000
"""Bytes of output that wait to be fetched, beside those that have been sent and may be lost."""


class Event(NamedTuple):
    """Something that the child has said or done."""

    number: int
    """They grow, and some are missing."""
    kind: str
    """"frame", "stdout", "stderr", "dropped", "gone"."""
    data: bytes | str
    """A message; what was written; how many bytes of output, about; how it ended."""


class Inbox:
    """What was not fetched yet. The listener of a child's link; any thread may call everything.

    What was handed out is kept until it is known to have come: an answer may be lost on its way.
    """

    def __init__(self, most_output: int = MOST_OUTPUT) -> None:
        self._most_output: Final = most_output
        self._guard: Final = threading.Lock()
        self._events: Final[OrderedDict[int, Event]] = OrderedDict()
        self._last = 0
        """The number of the last one that came,"""
        self._handed_out = 0
        """and of the last one that may be at the kernel: up to here nothing is changed."""
        self._output: Final[deque[int]] = deque()
        """The numbers of the output that may be dropped,"""
        self._output_size = 0
        """and how much that is."""
        self._dropped: tuple[int, int] | None = None
        """The number of what tells that output was dropped, and how much, while that may change."""
        self._stands: Final[dict[FrameKind, int]] = {}
        """The numbers of the last messages that say how the loop stands."""
        self._when_gone: Final[list[Callable[[], None]]] = []
        self._waiters: Final[set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = set()

    def take(self, after: int) -> list[Event]:
        """Those after the one with this number; up to that one, all are forgotten."""
        with self._guard:
            while self._events and next(iter(self._events)) <= after:
                self._events.popitem(last=False)
            taken: list[Event] = []
            room = MOST_AT_ONCE
            for event in self._events.values():
                taken.append(event)
                room -= len(event.data)
                if room < 0:
                    break
            if taken:
                self._hand_out(taken[-1].number)
            return taken

    async def wait(self, seconds: float) -> None:
        """Until something comes. On the worker's own loop."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self._guard:
            if self._events:
                return
            self._waiters.add(waiter)
        try:
            async with asyncio.timeout(seconds):
                await waiter[1].wait()
        except TimeoutError:
            return
        finally:
            with self._guard:
                self._waiters.discard(waiter)

    def call_when_gone(self, callback: Callable[[], None]) -> None:
        """To be called when the child has ended, of which nothing is known yet."""
        self._when_gone.append(callback)

    # In the thread that listens to the child

    def listens(self) -> None:
        """Nothing is to be done."""

    def received(self, frame: bytes) -> None:
        """A message."""
        kind = kind_of(frame)
        with self._guard:
            number = self._add("frame", frame)
            if kind is FrameKind.OUTPUT:
                self._bound_output(number)
            elif kind in {FrameKind.STANDS, FrameKind.STANDS_STILL}:
                self._keep_latest(kind, number)
        self._wake()

    def wrote(self, text: str, stream: Stream) -> None:
        """What was written to the file descriptors 1 and 2."""
        with self._guard:
            self._bound_output(self._add(stream, text))
        self._wake()

    def silent(self, seconds: float) -> None:
        """Who polls knows it by himself."""

    def gone(self, how: str) -> None:
        """The child has ended."""
        with self._guard:
            self._add("gone", how)
        self._wake()
        for callback in self._when_gone:
            callback()

    def _wake(self) -> None:
        with self._guard:
            waiters = list(self._waiters)
        for loop, event in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    # Under the lock

    def _add(self, kind: str, data: bytes | str) -> int:
        self._last += 1
        self._events[self._last] = Event(self._last, kind, data)
        return self._last

    def _hand_out(self, up_to: int) -> None:
        self._handed_out = max(self._handed_out, up_to)
        while self._output and self._output[0] <= up_to:
            self._output_size -= len(self._events[self._output.popleft()].data)
        if self._dropped is not None and self._dropped[0] <= up_to:
            self._dropped = None

    def _keep_latest(self, kind: FrameKind, number: int) -> None:
        """How it stands now takes the place of how it stood, but what was said before that nothing
        has changed since.
        """
        for old_kind, old in list(self._stands.items()):
            if kind in {FrameKind.STANDS, old_kind}:
                del self._stands[old_kind]
                if old > self._handed_out:
                    del self._events[old]
        self._stands[kind] = number

    def _bound_output(self, number: int) -> None:
        """This came: drop the oldest for it, if there is too much."""
        self._output.append(number)
        self._output_size += len(self._events[number].data)
        while self._output_size > self._most_output:
            self._drop(self._output.popleft())

    def _drop(self, number: int) -> None:
        """The oldest output; what says so takes its place, and stays before all that is newer."""
        size = len(self._events[number].data)
        self._output_size -= size
        if self._dropped is None:
            self._dropped = number, size
        else:
            del self._events[number]
            self._dropped = self._dropped[0], self._dropped[1] + size
        where, size = self._dropped
        self._events[where] = Event(where, "dropped", str(size))
