"""What keeps a loop's child process on a Dask worker: an actor that passes messages on, both ways.

Nothing of the user's runs in the worker itself: neither its event loop nor its threads are held up,
and what crashes there crashes alone. The child ends with the worker, be it only closed while its
process lives on; and when the actor is given up, which the scheduler does when the client that made
it is gone.
"""

from __future__ import annotations

import asyncio
import platform
import sys
from typing import TYPE_CHECKING, Final

from bgwidgets.hosts.child_link import ChildLink
from bgwidgets.hosts.child_process import refuse_elsewhere
from bgwidgets.hosts.dask_inbox import Event, Inbox

if TYPE_CHECKING:
    from bgwidgets.hosts.dask_room import Room

POLL_LIMIT: Final = 0.4
"""Seconds after which a poll is answered, also when there is nothing to tell."""

# What needs distributed is imported only on a worker: who starts loops elsewhere may not have it.


class ChildKeeper:
    """The actor. Its methods are called on the worker's own loop, and return soon."""

    def __init__(self) -> None:
        # Nothing is started here: the scheduler may make an actor twice.
        self._inbox: Final = Inbox()
        self._link: ChildLink | None = None
        self._received = 0
        self._room: Room | None = None
        self._has_room: asyncio.Future[None] | None = None

    def __del__(self) -> None:
        if (link := getattr(self, "_link", None)) is not None:
            link.kill()
        if (room := getattr(self, "_room", None)) is not None and link is None:
            room.give_back()

    async def versions(self) -> dict[str, str]:
        """Of what both sides must have the same."""
        return versions()

    async def wants_room(self) -> tuple[str, str]:
        """What the task must be told that holds the child's resources: its worker, and a name."""
        if self._room is None:
            from bgwidgets.hosts.dask_plugin import end_with_worker
            from bgwidgets.hosts.dask_room import Room

            self._room = room = Room()
            self._has_room = asyncio.wrap_future(room.taken)
            self._inbox.call_when_gone(room.give_back)
            await end_with_worker(room)
        return self._room.worker, self._room.name

    async def has_room(self) -> bool:
        """Whether they are held; waits a little when they are not."""
        if self._has_room is None:
            return False
        await asyncio.wait([self._has_room], timeout=POLL_LIMIT)
        return self._has_room.done()

    async def begin(self, name: str) -> int | None:
        """Start the child. Returns its process id. Blocks the worker for some milliseconds.

        Raises `UnknownHost` on a system on which it could be left behind.
        """
        if self._link is None:
            refuse_elsewhere()
            from bgwidgets.hosts.dask_plugin import end_with_worker

            self._link = ChildLink(self._inbox, name)
            try:
                self._link.start()
                await end_with_worker(self._link)
            except BaseException:
                self._link.abandon()
                self._link = None
                raise
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
        """What has come since the one with this number; waits a little when there is nothing."""
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
