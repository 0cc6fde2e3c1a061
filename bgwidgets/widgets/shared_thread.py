"""One thread that many take turns in: there from the first that has something to do to the last."""

from __future__ import annotations

import math
import queue
import threading
import time
from typing import Final, Protocol

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.own_thread import OwnThread

NOT_BEFORE_CALLED: Final = math.inf


class Member(Protocol):
    """Who takes turns."""

    def take_turn(self) -> float | None:
        """Do what is due, and say in how many seconds the next turn is; None leaves the thread.

        Must not raise. While it runs, all others wait.
        """


class SharedThread:
    """Gives each of its members a turn when it is called, or when it is time.

    `call` and `call_member` may be called from any thread, and return at once.
    """

    def __init__(self, name: str) -> None:
        self._name: Final = name
        self._calls: Final[queue.SimpleQueue[tuple[Member, bool]]] = queue.SimpleQueue()
        """Who is called, and whether that makes it a member."""
        self._turns: Final[dict[Member, float]] = {}
        """When each member's next turn is. Used in the thread alone."""
        self._guard: Final = free_in_forks(threading.Lock())
        """For starting and ending the thread."""
        self._thread: threading.Thread | None = None

    def call(self, member: Member) -> None:
        """Give it a turn soon. Whoever is no member becomes one."""
        self._calls.put((member, True))
        with self._guard:
            if self._thread is None:
                # A daemon, for it must not keep the kernel from ending.
                thread = OwnThread(self._run, self._name)
                thread.start()  # Or else the next call tries again.
                self._thread = thread

    def call_member(self, member: Member) -> None:
        """Give it a turn soon, if it is a member still. Takes no lock, so finalizers may call."""
        self._calls.put((member, False))

    def _run(self) -> None:
        while self._go_on():
            self._take_calls()
            self._serve_who_is_due()

    def _go_on(self) -> bool:
        with self._guard:
            if self._turns or not self._calls.empty():
                return True
            # Whoever calls from now on finds no thread, and starts one.
            self._thread = None
            return False

    def _take_calls(self) -> None:
        """Wait until it is somebody's turn, or somebody calls."""
        now = time.monotonic()
        seconds = min(self._turns.values(), default=now) - now
        timeout = None if seconds == NOT_BEFORE_CALLED else max(0.0, seconds)
        try:
            self._take(*self._calls.get(timeout=timeout))
            while True:
                self._take(*self._calls.get_nowait())
        except queue.Empty:
            pass

    def _take(self, member: Member, joins: bool) -> None:
        if joins or member in self._turns:
            self._turns[member] = -math.inf

    def _serve_who_is_due(self) -> None:
        now = time.monotonic()
        for member in [member for member, at in self._turns.items() if at <= now]:
            seconds = member.take_turn()
            if seconds is None:
                # It may have been called meanwhile: then it joins again.
                del self._turns[member]
            else:
                self._turns[member] = time.monotonic() + seconds
