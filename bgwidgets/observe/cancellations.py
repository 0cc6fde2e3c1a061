"""Which of a loop's tasks are to be cancelled, who wants it, and which go on all the same.

A task of ours tells by itself (see `watched_task`). One that somebody's factory has made, or that
was born in a storm of short tasks, does not: it is looked at now and then. What is cancelled by a
command is told whatever kind of task it is.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from types import FrameType
from typing import Any, Final

from bgwidgets.commands import END_OF_THE_LOOP, Asker
from bgwidgets.observe.asyncio_internals import (
    GATHER_PASSES_ON,
    GROUP_ASKS_AGAIN,
    future_waited_for,
    is_task,
)
from bgwidgets.observe.cancellation_history import CancellationHistory, Parent
from bgwidgets.observe.error_text import one_line
from bgwidgets.observe.group_leftovers import group_leftovers
from bgwidgets.observe.kept_askers import KeptAskers
from bgwidgets.observe.known_tasks import KnownTasks
from bgwidgets.observe.swallowed import PATIENCE, Cancelled, Swallowed, unseen
from bgwidgets.observe.warnings_kept import WarningsKept
from bgwidgets.observe.watched_task import listen, together, watched_task_class
from bgwidgets.snapshots import TaskCancellation

LOOKED_AT_AT_ONCE: Final = 5_000
"""Of those that do not tell; a millisecond's work."""

Task = asyncio.Task[Any]
Future = asyncio.Future[Any]


class Cancellations:
    """One loop's."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, known: KnownTasks, warnings: WarningsKept
    ) -> None:
        """Listen to the loop's tasks from now on. Those that swallow their CancelledError are told
        of in the `warnings`.
        """
        self._loop: Final = loop
        self._known: Final = known
        self._asked: Final[dict[Task, Cancelled]] = {}
        self._swallowed: Final = Swallowed(
            warnings, self._words, self._is_function, self._asked.get
        )
        self._askers: Final = KeptAskers(loop)
        self._history: Final = CancellationHistory(self._words)
        self._parents: Final[dict[Task, Parent]] = {}
        """Those that pass their cancellation on just now."""
        self._looked_at = 0
        """How many of those that do not tell were looked at in this round."""
        self.in_the_name_of = END_OF_THE_LOOP
        """Who wants what this package cancels by itself. In the loop's thread."""
        self._watched: Final = watched_task_class()
        listen(loop, self)

    # In the loop's thread

    def cancel(self, tasks: Iterable[Task], asker: Asker | None = None) -> None:
        """Cancel these in somebody's name; without one, of whom all is done at the moment.

        Each is cancelled once, be it that others wait for it and pass theirs on. All are noted as
        cancelled, and the last of them are kept to be told of. Nobody is looked for on the stack,
        so that a hundred thousand have ended little later than by asyncio alone (1.1 times as much
        time was seen; 1.5 in chains of a hundred that wait for each other). Of those whose
        `cancel()` raises the loop's exception handler is told.
        """
        refused: list[tuple[Task, Exception]] = []
        with together(self) as cancelled:
            try:
                for task in tasks:
                    try:
                        is_cancelled = task.cancel()
                    except Exception as error:  # noqa: BLE001 - told below; others are to end, too
                        refused.append((task, error))
                        continue
                    if is_cancelled and not self.tells_by_itself(task):
                        cancelled[task] = cancelled.get(task, 0) + 1
            finally:
                asker, now = asker or self.in_the_name_of, time.monotonic()
                for task, times in cancelled.items():
                    self._note(task, future_waited_for(task), asker, now, times)
        if refused:
            self._tell_of_refused(refused)

    def _tell_of_refused(self, refused: list[tuple[Task, Exception]]) -> None:
        """As of any other error in a callback of the loop, which this would be: for `cancel()` to
        raise is possible where tasks wait for each other in a circle, or have a class of their own.
        """
        task, error = refused[0]
        more = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        message = f"{one_line(error)}: {self._words(task)[0]!r} cannot be cancelled{more}"
        # Without the error itself: its traceback is of this package, and maybe a thousand lines.
        self._loop.call_exception_handler({"message": message, "task": task})

    @contextmanager
    def naming(self, asker: Asker) -> Iterator[None]:
        """What is cancelled meanwhile is cancelled in this one's name."""
        before, self.in_the_name_of = self.in_the_name_of, asker
        try:
            yield
        finally:
            self.in_the_name_of = before

    def judge(self, unwatched: dict[Task, None], *, at_the_end: bool = False) -> None:
        """Tell of the tasks that were cancelled a second ago and go on; of those that the end of
        the loop has left, at once. Some of the `unwatched` are looked at, the next ones next time.
        Also when the loop runs no more.
        """
        start, stop = self._looked_at, self._looked_at + LOOKED_AT_AT_ONCE
        some = list(unwatched) if at_the_end else list(islice(unwatched, start, stop))
        self._looked_at = stop if len(some) == LOOKED_AT_AT_ONCE else 0
        for task in some:
            if task not in self._asked and self.is_to_end(task) and not task.done():
                self._asked[task] = found = self._swallowed.found(task, group_leftovers.of(task))
                self._history.add(task, found)
        self._history.write_down()
        self._swallowed.look(patience=0.0 if at_the_end else PATIENCE)

    def ended(self, task: Task) -> None:
        """It has ended."""
        asked = self._asked.pop(task, None)
        if asked is not None:
            self._swallowed.ended(task, asked)
        elif task.cancelled() and task.cancelling():  # Nobody saw who asked.
            self._history.add(task, unseen())
        self._history.write_down()

    def forget(self, tasks: list[Task]) -> None:
        """These have, and there are too many to look at each: only at those that were seen being
        cancelled.
        """
        self._history.write_down()
        if self._asked:
            for task in tasks:
                if (asked := self._asked.pop(task, None)) is not None:
                    self._swallowed.ended(task, asked)

    # In the thread that cancels

    def is_cancelled(
        self, task: Task, future: Future | None, caller: FrameType, parent: Task | None
    ) -> None:
        """As `Listener.is_cancelled`."""
        is_gathered = caller.f_code is GATHER_PASSES_ON
        if parent is not None and (is_gathered or is_task(future_waited_for(parent))):
            parent = None  # Between them is a task that tells nobody, and where that waits neither.
        asker = self._askers.find(task, caller, parent) or self.in_the_name_of
        known, now = self._asked.get(task), time.monotonic()
        # As a library may ask again in each turn, until the task has ended.
        if known is not None and known.by == asker and known.is_no_news(task, now):
            return
        is_told = known is not None and caller.f_code in GROUP_ASKS_AGAIN
        self._note(task, future, asker, now, is_told=is_told)

    def is_passed_on(self, task: Task, future: Future | None, parent: Task) -> None:
        """As `Listener.is_passed_on`."""
        now = time.monotonic()
        known = self._asked.get(task)
        if known is not None and known.is_no_news(task, now):
            return
        passing_on = self._parents.get(parent)
        if passing_on is None:
            self._parents[parent] = passing_on = Parent(parent)
        self._note(task, future, passing_on.asker, now, parent=passing_on)

    def all_are_told(self) -> None:
        """As `Listener.all_are_told`."""
        self._history.settle()
        self._parents.clear()

    def _note(
        self,
        task: Task,
        future: Future | None,
        asker: Asker,
        now: float,
        times: int = 1,
        parent: Parent | None = None,
        *,
        is_told: bool = False,
    ) -> None:
        cancelled = self._swallowed.asked(task, future, asker, now, times)
        if not task.done():
            self._asked[task] = cancelled
        if not is_told:
            self._history.add(task, cancelled, parent)

    # From any thread

    def is_to_end(self, task: Task) -> bool:
        """Whether the task is to end because somebody has cancelled it."""
        if not (level := task.cancelling()):
            return False
        asked = self._asked.get(task)
        return asked.holds(task) if asked is not None else level > group_leftovers.of(task)

    def tells_by_itself(self, task: Task) -> bool:
        """Whether it is a task that tells when it is to be cancelled."""
        return issubclass(type(task), self._watched)

    def to_end(self) -> list[Task]:
        """The tasks that were seen being cancelled, and have not ended."""
        return list(self._asked)

    def any_to_end(self) -> bool:
        """Whether there are any."""
        return bool(self._asked)

    def history(self) -> tuple[TaskCancellation, ...]:
        """The last, latest first."""
        return self._history.told()

    def going_on(self) -> int:
        """How many tasks go on although they were cancelled."""
        return self._swallowed.count()

    def _words(self, task: Task) -> tuple[str, str]:
        return self._known.name(task), self._known.coroutine(task)

    def _is_function(self, task: Task) -> bool:
        return self._known.about(task).runs is not None
