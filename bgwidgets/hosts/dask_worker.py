"""What keeps a loop's child process on a Dask worker: an actor that passes messages on, both ways.

Nothing of the user's runs in the worker itself: neither its event loop nor its threads are held up,
and what crashes there crashes alone. The child ends with the worker; and when the actor is given
up, which the scheduler does when the client that made it is gone.
"""

from __future__ import annotations

import asyncio
import platform
import sys
import threading
from collections import deque
from typing import Final, NamedTuple

from bgwidgets.hosts.child_link import ChildLink
from bgwidgets.hosts.child_process import refuse_elsewhere
from bgwidgets.output.reading import Stream

POLL_LIMIT: Final = 0.4
"""Seconds after which a poll is answered, also when there is nothing to tell."""
MOST_AT_ONCE: Final = 4_000_000
"""Bytes in one answer, about."""


class Event(NamedTuple):
    """Something that the child has said or done."""

    kind: str
    """"frame", "stdout", "stderr", "gone"."""
    data: bytes | str


class Inbox:
    """What has come from the child and was not taken yet. The listener of its link."""

    def __init__(self) -> None:
        self._guard: Final = threading.Lock()
        self._events: Final[deque[Event]] = deque()
        self._taken = 0
        """How many were taken before the first of them."""
        self._waiters: Final[set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]] = set()

    def take(self, after: int) -> list[Event]:
        """Those after the first `after` of all, which are forgotten. Does not block."""
        with self._guard:
            while self._taken < after and self._events:
                self._events.popleft()
                self._taken += 1
            taken: list[Event] = []
            room = MOST_AT_ONCE
            for event in self._events:
                taken.append(event)
                room -= len(event.data)
                if room < 0:
                    break
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

    def _add(self, kind: str, data: bytes | str) -> None:
        with self._guard:
            self._events.append(Event(kind, data))
            waiters = list(self._waiters)
        for loop, event in waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def listens(self) -> None:
        """Nothing is to be done."""

    def received(self, frame: bytes) -> None:
        """A message."""
        self._add("frame", frame)

    def wrote(self, text: str, stream: Stream) -> None:
        """What was written to the file descriptors 1 and 2."""
        self._add(stream, text)

    def silent(self, seconds: float) -> None:
        """Who polls knows it by himself."""

    def gone(self, how: str) -> None:
        """The child has ended."""
        self._add("gone", how)


class ChildKeeper:
    """The actor. Its methods are called on the worker's own loop, and return soon."""

    def __init__(self) -> None:
        # Nothing is started here: the scheduler may make an actor twice.
        self._inbox: Final = Inbox()
        self._link: ChildLink | None = None
        self._received = 0

    def __del__(self) -> None:
        if (link := getattr(self, "_link", None)) is not None:
            link.kill()

    async def versions(self) -> dict[str, str]:
        """Of what both sides must have the same."""
        return versions()

    async def begin(self, name: str) -> int:
        """Start the child. Returns its process id. Blocks the worker for some milliseconds.

        Raises `UnknownHost` on a system on which it could be left behind.
        """
        if self._link is None:
            refuse_elsewhere()
            link = ChildLink(self._inbox, name)
            link.start()
            self._link = link
        return self._link.pid

    async def send(self, number: int, frames: list[bytes]) -> None:
        """Pass messages on to the child, of which the first has this number; once, whoever asks
        twice.
        """
        if self._link is None:
            raise RuntimeError("there is no child yet")
        for frame in frames[max(0, self._received - number) :]:
            self._link.send(frame)
            self._received += 1

    async def expect_end(self) -> None:
        """The child ends by itself now, or is ended soon."""
        if self._link is not None:
            self._link.expect_end()

    async def kill(self) -> None:
        """End the child."""
        if self._link is not None:
            self._link.kill()

    async def poll(self, after: int) -> list[Event]:
        """What has come, but for the first `after` of all; waits a little when there is nothing."""
        taken = self._inbox.take(after)
        if not taken:
            await self._inbox.wait(POLL_LIMIT)
            taken = self._inbox.take(after)
        return taken


def versions() -> dict[str, str]:
    """Of what a kernel and its children must have the same."""
    package = __name__.partition(".")[0]
    return {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        package: str(sys.modules[package].__version__),
    }
