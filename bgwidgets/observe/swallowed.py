"""Tasks that swallow their CancelledError: cancelled, they go on, or end as if nothing had been.

Who caught an exception cannot be seen from outside, but what came of it can. A task goes on when it
is unfinished a second after it was cancelled, and its `cancelling()` says that it was not taken
back by `uncancel()`, as `asyncio.timeout` and `TaskGroup` do. It ended as if nothing had been when
it returned. A task that waits for others is judged by what they do: a cancellation is passed on to
the task that is awaited, and the one that does not end is the one to be named.

What its own task group asks of a task is left out: when that waits for its tasks already, the
group forgets to take it back (seen in Python 3.11 and 3.12). Where nobody saw who asked,
`group_leftovers` tells.

A clean-up that takes over a second looks the same, and the warning's words allow for that.
"""

from __future__ import annotations

import asyncio
import sys
import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any, Final

from bgwidgets.commands import NOBODY_KNOWS, Asker
from bgwidgets.observe.askers import ITS_OWN_GROUP
from bgwidgets.observe.asyncio_internals import (
    coroutine_of,
    is_done,
    is_future,
    peek_exception,
    was_cancelled,
)
from bgwidgets.observe.await_chain import place_of
from bgwidgets.observe.blame import is_users_code
from bgwidgets.observe.names import peek
from bgwidgets.observe.wait_edges import tasks_waited_for
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.observe.weak_by_identity import WeakByIdentity
from bgwidgets.snapshots import WarningKind

PATIENCE: Final = 1.0
"""Seconds that a task gets to end after it was cancelled."""
MOST_WAITED_FOR: Final = 2_000
"""Cancelled tasks that are looked at again, if they have not ended; of more, the last."""
MOST_A_LOOK: Final = 200
"""Of those that have not ended."""
SAME_MOMENT: Final = 0.01
"""Seconds in which what the same asker cancels counts as cancelled at the same time."""
MOST_BELOW: Final = 20
"""Of cancellations of one task that nobody takes back; of more, the first."""
CANCELLING_IS_TRUE: Final = sys.version_info >= (3, 13)
"""Whether a task group takes back what it has asked for: see above."""

Task = asyncio.Task[Any]


@dataclass(slots=True)  # Whose fields are quicker to read than a tuple's.
class Cancelled:
    """That a task was cancelled, or many in the same moment. It holds no task alive."""

    at: float
    """When, by `time.monotonic()`; or when it was last looked at."""
    by: Asker
    asked_at: float
    """The same by `time.time()`; or when it was found out."""
    passed_on: weakref.ref[asyncio.Future[Any]] | None = None
    """What the task waited for, where that was left to decide how it ends."""
    was_seen: bool = True
    """Whether somebody saw it happen, and so knows the above."""
    level: int = 0
    """The task's `cancelling()` before it: cancellations of which nobody has taken back."""
    is_of_group: bool = False
    """Whether its own task group asked for it."""

    def holds(self, task: Task) -> bool:
        """Whether the task is still to end because of this. Any thread; does not block."""
        if task.cancelling() <= self.level:
            return False
        # Where its own group asked for it, that is over when the task has left what it waited for.
        return CANCELLING_IS_TRUE or not self.is_of_group or not self.has_arrived()

    def is_no_news(self, task: Task, at: float) -> bool:
        """Whether the task, which was just cancelled again, had not yet had its time to end."""
        return (
            at - self.at < PATIENCE
            and self.was_seen
            and not self.is_of_group
            and task.cancelling() - 1 > self.level
        )

    def has_arrived(self) -> bool:
        """Whether the task itself got the CancelledError, and not what it waited for."""
        if self.passed_on is None:
            return True
        future = self.passed_on()
        if future is None or not is_done(future):
            return False
        return was_cancelled(future) or isinstance(
            peek(future, "_exception"), asyncio.CancelledError
        )


class Swallowed:
    """One loop's tasks that do not end when they are told to."""

    def __init__(
        self,
        kept: WarningsKept,
        words: Callable[[Task], tuple[str, str]],
        is_function: Callable[[Task], bool],
        latest: Callable[[Task], Cancelled | None],
    ) -> None:
        """`words` are a task's name and that of its coroutine. One that stands for a plain function
        in a worker thread cannot be cancelled, and is not to blame. `latest` is the last of what
        `asked` and `found` have returned for a task.
        """
        self._kept: Final = kept
        self._words: Final = words
        self._is_function: Final = is_function
        self._latest: Final = latest
        self._waited_for: Final[deque[tuple[weakref.ref[Task], Cancelled]]] = deque(
            maxlen=MOST_WAITED_FOR
        )
        """With some that have ended."""
        self._made_room_at = 0.0
        """When it was full of such as have not ended."""
        self._last: Cancelled | None = None
        """What many have in common is kept once."""
        self._going_on: Final[WeakByIdentity[Task, Cancelled]] = WeakByIdentity()
        self._below: Final[WeakByIdentity[Task, tuple[Cancelled, ...]]] = WeakByIdentity()
        """What else has cancelled a task before its last, and was not taken back by then."""
        self._group_asked: Final[WeakByIdentity[Task, float]] = WeakByIdentity()
        """When a group of its own last asked a task, where that may never be taken back."""

    def asked(
        self, task: Task, future: asyncio.Future[Any] | None, by: Asker, at: float, times: int
    ) -> Cancelled:
        """A task was cancelled in this moment `at` of `time.monotonic()`, so many times, while it
        waited for this future. In the thread that did it; does not block.
        """
        if (level := task.cancelling() - times) < 0:
            level = 0
        cancelled = self._last
        # Of others' futures nobody knows what they do when they are asked.
        if future is not None and is_future(future) and not is_done(future):
            cancelled = _new(by, at, level, weakref.ref(future))
        elif (
            cancelled is None
            or cancelled.by is not by
            or cancelled.level != level
            or at - cancelled.at > SAME_MOMENT
        ):
            self._last = cancelled = _new(by, at, level, None)
        if (before := self._latest(task)) is not None:
            self._keep_below(task, before, level)
        if not cancelled.is_of_group:
            self._wait_for(task, cancelled)
        elif not CANCELLING_IS_TRUE:
            self._group_asked[task] = cancelled.asked_at
        return cancelled

    def found(self, task: Task, level: int) -> Cancelled:
        """A task was cancelled some time ago, and not only as often as `level` says. In the loop's
        thread.
        """
        cancelled = unseen(level)
        self._wait_for(task, cancelled)
        return cancelled

    def ended(self, task: Task, cancelled: Cancelled) -> None:
        """A task that was cancelled has ended. In the loop's thread."""
        if task in self._going_on:
            self._going_on.pop(task)  # It was told of while it ran.
            return
        if (
            task.cancelled()
            or peek_exception(task) is not None
            or not self._goes_on(task, cancelled)
        ):
            return
        code = peek(coroutine_of(task), "cr_code")
        # What a library does with its own tasks is its own affair, as long as they end.
        if type(code) is not CodeType or not is_users_code(code):
            return
        if cancelled.is_of_group:
            return
        if cancelled.was_seen and cancelled.has_arrived():
            self._tell(task, cancelled, "finished as if it had not been", None)

    def look(self, *, patience: float = PATIENCE) -> None:
        """Name those that go on. In the loop's thread, or when the loop runs no more."""
        latest = time.monotonic() - patience
        left = MOST_A_LOOK
        for _ in range(len(self._waited_for)):
            if not left or (first := self._first()) is None:
                return
            known, cancelled = first
            if cancelled.at > latest:
                self._waited_for.appendleft((known, cancelled))
                return
            task = known()
            if task is None or task.done():
                continue
            left -= 1
            if self._is_function(task):
                continue
            if not self._goes_on(task, cancelled):
                continue
            told = self._going_on.get(task)
            if told is not None and self._goes_on(task, told):
                continue
            if not cancelled.has_arrived() or _waits_for_another(task):
                self._waited_for.append((known, replace(cancelled, at=time.monotonic())))
                continue
            self._going_on[task] = cancelled
            self._tell(
                task,
                cancelled,
                f"has not ended{_since(cancelled)}: it goes on, or its clean-up takes long",
                place_of(task)[1],
            )

    def count(self) -> int:
        """How many tasks go on at this moment. Any thread; does not block."""
        tasks = self._going_on.keys()
        known = [(task, self._going_on.get(task)) for task in tasks if not task.done()]
        return sum(asked is not None and self._goes_on(task, asked) for task, asked in known)

    def _keep_below(self, task: Task, before: Cancelled, level: int) -> None:
        """It is cancelled again, when there are so many cancellations of it: each that came when
        there were no fewer was taken back.
        """
        below = self._below.get(task)
        left = tuple(each for each in (*(below or ()), before) if each.level < level)
        if left or below:
            self._below[task] = left[:MOST_BELOW]

    def _wait_for(self, task: Task, cancelled: Cancelled) -> None:
        """It is to be looked at. Those that have ended make room for it, else the oldest."""
        # Of thousands that are cancelled in one moment none has ended yet.
        if (
            len(self._waited_for) == MOST_WAITED_FOR
            and cancelled.at - self._made_room_at > SAME_MOMENT
        ):
            for _ in range(MOST_WAITED_FOR):
                if (first := self._first()) is None:
                    break
                known = first[0]()
                if known is not None and not known.done():
                    self._waited_for.append(first)
            if len(self._waited_for) > MOST_WAITED_FOR // 2:
                self._made_room_at = cancelled.at
        self._waited_for.append((weakref.ref(task), cancelled))

    def _first(self) -> tuple[weakref.ref[Task], Cancelled] | None:
        """Which waits no more. Another thread may be faster."""
        try:
            return self._waited_for.popleft()
        except IndexError:
            return None

    def _goes_on(self, task: Task, cancelled: Cancelled) -> bool:
        """Whether the cancellation was not taken back."""
        if task.cancelling() <= cancelled.level:
            return False
        # What there is may be the group's, which came later and stays, while this was taken back.
        if not CANCELLING_IS_TRUE and (self._group_asked.get(task) or 0.0) > cancelled.asked_at:
            return False
        # One that came later, when there were no more than before this one: this one was taken back
        # then, and what there is now is of the other.
        latest = self._latest(task)
        return not any(
            each.asked_at > cancelled.asked_at and each.level <= cancelled.level
            for each in (*(self._below.get(task) or ()), *((latest,) if latest else ()))
        )

    def _tell(self, task: Task, cancelled: Cancelled, and_then: str, where: str | None) -> None:
        by = f" by {cancelled.by.who}" if cancelled.by.who != NOBODY_KNOWS.who else ""
        name, coroutine = self._words(task)
        self._kept.add(
            WarningKind.SWALLOWED_CANCELLED_ERROR,
            coroutine,
            lambda: Told(f"task {name!r} was cancelled{by} and {and_then}", name, where),
        )


def unseen(level: int = 0) -> Cancelled:
    """That somebody was not seen to cancel a task; found out now."""
    return Cancelled(time.monotonic(), NOBODY_KNOWS, time.time(), was_seen=False, level=level)


def _new(
    by: Asker, at: float, level: int, passed_on: weakref.ref[asyncio.Future[Any]] | None
) -> Cancelled:
    is_of_group = by.who.startswith(ITS_OWN_GROUP)
    return Cancelled(at, by, time.time(), passed_on, True, level, is_of_group)


def _since(cancelled: Cancelled) -> str:
    seconds = time.time() - cancelled.asked_at
    return f" {seconds:.1f} s later" if cancelled.was_seen else ""


def _waits_for_another(task: Task) -> bool:
    return any(each.cancelling() for each in tasks_waited_for(task))
