"""A task that tells who asked it to be cancelled.

A class of its own, since a task in C lets nobody listen to its `cancel`. Waiting for such a task
takes asyncio's longer way, so where thousands are born in a moment plain ones are made instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakMethod

Asked = Callable[[asyncio.Task[Any]], None]
"""Called in whatever thread asks, when a task has taken note that it is to be cancelled."""

_listeners: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, WeakMethod[Asked]]] = (
    WeakKeyDictionary()
)
"""Weak on both sides: who listens holds the loop, which would otherwise live for ever."""


def listen(loop: asyncio.AbstractEventLoop, asked: Asked) -> None:
    """From now on call the method `asked` for each watched task of this loop that is to be
    cancelled, for as long as its object lives.
    """
    _listeners[loop] = WeakMethod(asked)


def listener_of(loop: asyncio.AbstractEventLoop) -> Asked | None:
    """Who listens to the tasks of this loop. Any thread; does not block."""
    listener = _listeners.get(loop)
    return None if listener is None else listener()


def watched_task_class() -> type[asyncio.Task[Any]]:
    """The class for tasks to be watched; another one where nest_asyncio has replaced asyncio's."""
    return _watched(asyncio.Task)


@cache
def _watched(base: type[asyncio.Task[Any]]) -> type[asyncio.Task[Any]]:
    cancel = base.cancel

    class Task(base):  # type: ignore[misc, valid-type] # a class that is not known before
        """As asyncio's, whose name it also has in its repr."""

        __slots__ = ()

        def cancel(self, msg: Any | None = None) -> bool:
            """As asyncio's."""
            is_accepted = cancel(self, msg)
            if is_accepted:
                asked = listener_of(self.get_loop())
                if asked is not None:
                    asked(self)
            return is_accepted

    return Task
