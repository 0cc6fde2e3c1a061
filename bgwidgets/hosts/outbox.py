"""Messages on their way to another process: those that come before there is a way wait for it."""

from __future__ import annotations

import os
import threading
from typing import Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.link import Link
from bgwidgets.hosts.messages import Begin, ToChild, encode


class Outbox:
    """That of one run. Any thread may call everything; nothing blocks.

    A fork of this process has the link too, and nothing is sent from there.
    """

    def __init__(self) -> None:
        self.link: Link | None = None
        """The way; None while there is none."""
        self._owner: Final = os.getpid()
        self._guard: Final = free_in_forks(threading.RLock())
        self._early: list[bytes] | None = []
        """What is to be sent as soon as there is a link; None from then on."""

    def send(self, message: ToChild) -> None:
        """Send it, now or later."""
        frame = encode(message)
        with self._guard:
            if self._early is not None:
                self._early.append(frame)
            elif self.link is not None and os.getpid() == self._owner:
                self.link.send(frame)

    def open(self, link: Link, begin: Begin) -> None:
        """This is the way; the first message goes before those that have waited."""
        with self._guard:
            self.link = link
            early, self._early = self._early or [], None
            for frame in (encode(begin), *early):
                link.send(frame)
