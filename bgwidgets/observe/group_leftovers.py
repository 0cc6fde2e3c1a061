"""Cancellations that a task group has asked of the task around it, and forgot to take back.

That happens up to Python 3.12, when the group fails while that task waits at the group's end: its
`cancelling()` stays above zero for good. Of a task that tells who cancels it one knows that it was
its own group; of any other, one has to see the group fail. So while some loop has others, a group's
`_abort` is wrapped, which is called only when it fails.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.asyncio_internals import waits_at_its_end
from bgwidgets.observe.weak_by_identity import WeakByIdentity
from bgwidgets.replaced import Replaced

GROUPS_FORGET: Final = sys.version_info < (3, 13)

Task = asyncio.Task[Any]


class GroupLeftovers:
    """This process's. Any thread may call everything; nothing blocks."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._watchers = 0
        self._replaced: Final = Replaced()
        self._left: Final[WeakByIdentity[Task, int]] = WeakByIdentity()

    def watch(self) -> None:
        """Somebody wants to know of them from now on."""
        with self._guard:
            self._watchers += 1
            if GROUPS_FORGET:
                self._replaced.replace(asyncio.TaskGroup, "_abort", self._listens)

    def unwatch(self) -> None:
        """And now no more."""
        with self._guard:
            self._watchers -= 1
            if not self._watchers:
                self._replaced.undo()

    def of(self, task: Task) -> int:
        """How many of the task's cancellations mean nothing any more."""
        return (self._left.get(task) or 0) if len(self._left) else 0

    def note_found(self, task: Task) -> None:
        """Nobody knows what became of this task's groups so far."""
        if GROUPS_FORGET and task.cancelling():
            self._left[task] = task.cancelling()

    def _listens(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def _abort(group: asyncio.TaskGroup) -> None:
            around = waits_at_its_end(group)
            if around is not None:
                self._left[around] = (self._left.get(around) or 0) + 1
            original(group)

        return _abort


group_leftovers: Final = GroupLeftovers()
"""This process's."""
