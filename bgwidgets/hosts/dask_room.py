"""What a loop has reserved of its Dask worker's resources, for as long as its child lives.

Dask gives an actor's resources back when the actor is made. So a task holds them, which waits in a
thread of its own and takes none of those that the worker has for tasks. Loaded only on a worker.
"""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import Future
from typing import Any, Final
from weakref import WeakValueDictionary

import distributed

_secede: Final[Any] = distributed.secede
_rooms: Final[WeakValueDictionary[str, Room]] = WeakValueDictionary()


class Room:
    """The resources of one loop. Any thread may call everything."""

    def __init__(self) -> None:
        """Nothing is reserved yet: that is for the task that calls `hold`. On the worker's own
        loop.
        """
        self.name: Final = uuid.uuid4().hex
        self.worker: Final[str] = distributed.get_worker().address
        self.taken: Final[Future[None]] = Future()
        """Done when they are reserved."""
        self._is_given_back: Final = threading.Event()
        _rooms[self.name] = self

    def give_back(self) -> None:
        """They are not needed any more, or never were."""
        self._is_given_back.set()

    def kill(self) -> None:
        """The worker closes: they are nobody's."""
        self.give_back()

    def hold(self) -> None:
        """Keep the calling task until they are given back."""
        if self._is_given_back.is_set():
            return
        _secede()
        if not self.taken.done():
            self.taken.set_result(None)
        self._is_given_back.wait()


def hold(name: str) -> None:
    """The task that holds them: it has asked for them. Ends at once when nobody needs them."""
    if (room := _rooms.get(name)) is not None:
        room.hold()
