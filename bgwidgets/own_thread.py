"""Threads of this package's own."""

from __future__ import annotations

import threading
from collections.abc import Callable


class OwnThread(threading.Thread):
    """A daemon thread that is started where it is needed, be it in a thread of the user's.

    It has a `run` of its own because ipykernel 6 puts another in the place of `Thread.run`, which
    notes which thread started which, by numbers that the system gives out again. With a thread of
    ours in that book it may go round in circles: then whatever the user's own thread prints first
    never comes to its end.
    """

    def __init__(self, body: Callable[[], object], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._body: Callable[[], object] | None = body

    def run(self) -> None:
        """The body, once; what it holds is then let go of."""
        body, self._body = self._body, None
        if body is not None:
            body()
