"""The last cancellations of a loop's tasks, put into words when somebody reads them or a task ends.

Of thousands that are cancelled at once only the last are kept, so no words are made of the others.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.commands import Asker
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.await_chain import where_of
from bgwidgets.observe.consistent_copy import listed
from bgwidgets.observe.names import name_of
from bgwidgets.observe.swallowed import Cancelled
from bgwidgets.snapshots import TaskCancellation

KEPT: Final = 50

Task = asyncio.Task[Any]


class Parent:
    """A task that was cancelled and passes it on. Where it waits is looked for before it goes on,
    if somebody is to be told.
    """

    __slots__ = ("asker", "task", "where")

    def __init__(self, task: Task) -> None:
        self.asker: Final = Asker(f"parent {name_of(task)}")
        self.where: str | None = None
        self.task: Task | None = task

    def stay(self) -> None:
        """It is about to go on."""
        if self.task is not None:
            self.where = where_of(self.task)
            self.task = None


class CancellationHistory:
    """One loop's. Any thread; nothing blocks."""

    def __init__(self, words: Callable[[Task], tuple[str, str]]) -> None:
        """`words` are a task's name and that of its coroutine."""
        self._words: Final = words
        self._guard: Final = free_in_forks(threading.RLock())
        self._recent: Final[deque[tuple[Task, Cancelled, Parent | None]]] = deque(maxlen=KEPT)
        """They hold their tasks until one ends, but no longer."""
        self._written: Final[deque[TaskCancellation]] = deque(maxlen=KEPT)
        self._new = 0
        """How many of the recent have a parent that has not gone on."""

    def add(self, task: Task, cancelled: Cancelled, parent: Parent | None = None) -> None:
        """This task was cancelled just now."""
        self._recent.append((task, cancelled, parent))
        if parent is not None:
            self._new += 1

    def settle(self) -> None:
        """Those that pass it on are about to go on."""
        left, self._new = self._new, 0
        for _, _, parent in reversed(listed(self._recent)):
            if not left:
                return
            if parent is not None:
                parent.stay()
                left -= 1

    def write_down(self) -> None:
        """Put into words what has come, and hold no task for it any more."""
        if not self._recent:
            return
        with self._guard:
            while self._recent:
                entry = self._recent.popleft()
                self._written.append(self._in_words(*entry))

    def told(self) -> tuple[TaskCancellation, ...]:
        """The last, latest first."""
        with self._guard:
            self.write_down()
            return tuple(listed(self._written)[::-1])

    def _in_words(
        self, task: Task, cancelled: Cancelled, parent: Parent | None
    ) -> TaskCancellation:
        name, coroutine = self._words(task)
        where = cancelled.by.where
        if parent is not None:
            parent.stay()
            where = parent.where
        return TaskCancellation(
            name=name,
            coroutine=coroutine,
            at=cancelled.asked_at,
            asked_by=cancelled.by.who,
            where=where,
        )
