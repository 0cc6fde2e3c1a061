"""Who is told when it is seen from outside that a loop does not turn.

The watchdog looks at such a loop forty times a second; what is found out about tasks at its looks
costs the loop nothing.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Final, Protocol

from bgwidgets.observe.weak_by_identity import WeakByIdentity


class Sighted(Protocol):
    """Who listens for one loop. Must not block."""

    def does_not_turn(self, since: float) -> None:
        """It has not turned since then, by `time.time()`, or a little later; or nobody has looked.
        In the watchdog's thread.
        """

    def turns_again(self) -> None:
        """It does. In the loop's thread, or in the watchdog's."""


_listeners: Final[WeakByIdentity[asyncio.AbstractEventLoop, weakref.ref[Sighted]]] = (
    WeakByIdentity()
)
"""Weak on both sides, as those of `watched_task`."""


def listen(loop: asyncio.AbstractEventLoop, listener: Sighted) -> None:
    """From now on tell it of this loop, for as long as it lives. Any thread."""
    _listeners[loop] = weakref.ref(listener)


def listener_of(loop: asyncio.AbstractEventLoop) -> Sighted | None:
    """Who listens for this loop. Any thread."""
    found = _listeners.get(loop)
    return None if found is None else found()
