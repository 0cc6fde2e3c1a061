"""The one thread that draws pictures: there while a running loop has a figure."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from typing import Final, Protocol

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.own_thread import OwnThread

STOP_LIMIT: Final = 5.0
"""Seconds."""
THREAD_NAME: Final = "bgw-figures"
_log: Final = logging.getLogger(__name__)


class Picture(Protocol):
    """What is to be drawn now and then. Called in the drawing thread."""

    @property
    def is_done(self) -> bool:
        """Whether it will not be drawn again."""

    def due_at(self, now: float) -> float | None:
        """When it is to be drawn (`time.monotonic()`); None: not before `wake()`."""

    def draw(self) -> None:
        """Draw it."""


class DrawingThread:
    """Draws what is due. Any thread may call everything; nothing blocks."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.Lock())
        self._pictures: Final[dict[Picture, None]] = {}
        self._something_happened: Final = free_in_forks(threading.Event())
        self._thread: threading.Thread | None = None
        self._watches_exit = False
        self._is_stopped = False

    def add(self, picture: Picture) -> None:
        """One more, until it is done."""
        with self._guard:
            if self._is_stopped:
                return
            self._pictures[picture] = None
            if not self._watches_exit:
                atexit.register(self.stop)
                self._watches_exit = True
            # In a forked process there is none, whatever was known before.
            if self._thread is None or not self._thread.is_alive():
                self._thread = OwnThread(self._run, THREAD_NAME)
                self._thread.start()

    def has(self, picture: Picture) -> bool:
        """Whether it is still to be drawn, or is being drawn."""
        return picture in self._pictures

    def wake(self) -> None:
        """Some picture is due at another time than it said, or done."""
        self._something_happened.set()

    def stop(self) -> None:
        """Draw no more. Blocks until the picture is ready that is being drawn, 5 s at most.

        At the end of the interpreter, which would kill a daemon thread in the midst of C++ code,
        and with it the process.
        """
        with self._guard:
            self._is_stopped = True
            thread = self._thread
        self._something_happened.set()
        if thread is not None:
            thread.join(STOP_LIMIT)

    def _run(self) -> None:
        while not self._is_stopped:
            self._something_happened.clear()
            wait = self._draw_what_is_due()
            with self._guard:
                for picture in [each for each in self._pictures if each.is_done]:
                    del self._pictures[picture]
                if not self._pictures:
                    self._thread = None
                    return
            self._something_happened.wait(wait)

    def _draw_what_is_due(self) -> float | None:
        """Returns the seconds until the next is due; None when none is."""
        with self._guard:
            pictures = list(self._pictures)
        waits = []
        for picture in pictures:
            if self._is_stopped:
                break
            try:
                due_at = picture.due_at(time.monotonic())
                if due_at is not None and due_at <= time.monotonic():
                    picture.draw()
                    due_at = picture.due_at(time.monotonic())
            except BaseException:  # noqa: BLE001 - one picture is not to end the thread of all
                _log.exception("a figure could not be drawn")
                with self._guard:
                    self._pictures.pop(picture, None)
                continue
            if due_at is not None:
                waits.append(max(0.0, due_at - time.monotonic()))
        return min(waits, default=None)


drawing_thread: Final = DrawingThread()
"""This process's."""
