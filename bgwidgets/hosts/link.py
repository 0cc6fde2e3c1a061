"""What every way to another process promises, be it a socket or a Dask client."""

from __future__ import annotations

from typing import Final, Protocol

UNSEEN: Final = "it was killed, and nobody has seen its process end"
"""What is said of a process that was killed when nothing could be heard of it any more,"""
UNREACHABLE: Final = "its process cannot be reached"
"""and of one that was not."""


class Link(Protocol):
    """The way to the other process, with the process at its end. As `child_link.ChildLink`."""

    @property
    def pid(self) -> int | None:
        """The other process's id, if it is known."""

    def start(self) -> None:
        """Start the other process, where that can be done at once; begin to listen and to write.

        Raises what keeps it from being started. Then, and when it was interrupted, it is to be
        abandoned.
        """

    def abandon(self) -> None:
        """The start was broken off: end what there is of it. Blocks for milliseconds at most."""

    def send(self, frame: bytes) -> None:
        """Send a message. Any thread; does not block."""

    def is_listening_here(self) -> bool:
        """Whether it is the calling thread that listens."""

    def kill(self) -> None:
        """End the other process. Any thread; does not block."""

    def withdraw(self) -> None:
        """The loop is stopped: nothing is begun any more. What has begun is not touched. Any
        thread; does not block.
        """

    def expect_end(self) -> None:
        """The other process will end by itself now, or is ended soon."""
