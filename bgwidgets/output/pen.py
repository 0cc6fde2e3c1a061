"""With what a thread writes to a loop's log: a list of its own, to which it adds without a lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.output.blocks import NOBODY, Place, Whose
from bgwidgets.output.reading import Stream

ASKS_FIRST: Final = object()
"""In the place of a task: no task is this."""


def no_task() -> None:
    """Tells that there is none."""


class Pen:
    """With which one thread writes to one log's stream; its pieces are gathered by the log."""

    __slots__ = (
        "called",
        "filed",
        "goes_on_for",
        "is_after_text",
        "of",
        "parts",
        "place",
        "task",
        "thread",
        "whose",
        "write",
    )

    def __init__(self, thread: threading.Thread, stream: Stream) -> None:
        self.thread: Final = thread
        self.place: Final[Place] = (thread, stream)
        self.parts: Final[list[str]] = []
        self.filed = 0
        """How many of them are in the file already."""
        self.goes_on_for: Any = ASKS_FIRST
        """The task for which it may add more without a word: there is no file, and nobody else has
        written or moved. Held, for a task that prints is asked for at each print; so it is to be
        let go of soon.
        """
        self.is_after_text = False
        """Whether what it has added last, without a word, was no newline."""
        self.write: Callable[[], Callable[[str], Any] | None] = no_task
        """With what its thread writes, as long as that is there,"""
        self.of: Callable[[], object] = no_task
        """and for which stream."""
        self.whose: Whose = NOBODY
        """Whose the pieces are. Changed by its own thread, when there are none."""
        self.task: Callable[[], Any] = no_task
        """That task, if it is still there."""
        self.called: str | None = None
        """What it was called when that was found out."""

    def ask_first(self) -> None:
        """Its thread asks before it adds more. Any thread."""
        self.goes_on_for, self.is_after_text = ASKS_FIRST, False
