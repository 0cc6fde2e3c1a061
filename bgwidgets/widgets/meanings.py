"""What pages have said of clicks that are about to come: which loop each of them is for.

ipywidgets' message of a click does not say what the page showed, so that goes before it, as a
message of ours. Two pages may click at the same time, and their messages come one between the
other. So a click takes the oldest word on a click of the same button: were two of these taken for
each other, each loop still gets its own. Used by the publisher's thread alone.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.requests import Meant

MEANT_FOR: Final = 2.0
"""Seconds from what a page says of a click to the click itself: they come one after the other."""
MOST_KEPT: Final = 32


class Meanings:
    """Those of one panel. Times are seconds of the publisher's clock."""

    def __init__(self) -> None:
        self._meant: Final[deque[tuple[Meant, float]]] = deque(maxlen=MOST_KEPT)

    def note(self, meant: Meant, now: float) -> None:
        """A page is about to send a click."""
        self._meant.append((meant, now))

    def take(self, action: Action, now: float) -> Meant | None:
        """What the click that has come is for, which is of no other click then; None: no page has
        said it.
        """
        while self._meant and now - self._meant[0][1] >= MEANT_FOR:
            self._meant.popleft()
        for said in self._meant:
            if said[0].action is action:
                self._meant.remove(said)
                return said[0]
        return None
