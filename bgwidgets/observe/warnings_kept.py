"""What a loop is to be warned of: the last that differ, each with how often, and what to do.

The detectors are where the knowledge is: `block_warnings`, `swallowed`, `lost_exceptions`,
`unawaited`, `left_behind`. Here is what they have in common, which is little enough to keep a
hundred thousand failures from becoming a hundred thousand lines.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.snapshots import LoopWarning, WarningKind

WARNINGS_KEPT: Final = 20
"""Of each kind, so that one that floods takes no other's place."""
LONGEST_LINE: Final = 400

ADVICE: Final = {
    WarningKind.BLOCKED: "run it in a thread: `await asyncio.to_thread(function, ...)`",
    WarningKind.NEVER_YIELDS: "`await asyncio.sleep(0)` now and then, or run it in a thread:"
    " `await asyncio.to_thread(function, ...)`",
    WarningKind.SWALLOWED_CANCELLED_ERROR: "re-raise CancelledError after the clean-up: a bare"
    " `raise`, or `finally:` in the place of `except`",
    WarningKind.EXCEPTION_NEVER_RETRIEVED: "await the task, use asyncio.TaskGroup, or ask for"
    " `result()` or `exception()`",
    WarningKind.PENDING_AT_STOP: "await or cancel it before the work ends, and let it end when it"
    " is cancelled",
    WarningKind.COROUTINE_NEVER_AWAITED: "`await` it, or have it run by `asyncio.create_task(...)`",
    WarningKind.THREADS_LEFT_BEHIND: "let the function look at"
    " `bgwidgets.current().stop_event.is_set()`, or await its end before the work ends",
    WarningKind.OUTPUT_NOT_WRITTEN: "the loop goes on. When there is room again, call"
    " `job.output.to_file(path)` once more: it begins with what is still held",
    WarningKind.FIGURE_NOT_DRAWN: "correct what the figure holds; `figure.savefig(...)` in a cell"
    " shows the whole error",
}


class Told(NamedTuple):
    """What there is to say of something that happened."""

    text: str
    task: str | None = None
    where: str | None = None


class _Entry:
    """A warning that is kept, and counted on."""

    __slots__ = ("at", "count", "told")

    def __init__(self, told: Told, at: float) -> None:
        self.told: Final = told
        self.at = at
        self.count = 1


class WarningsKept:
    """One run's warnings. Any thread may call everything; nothing blocks, nor raises."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called after each change, on any thread. It must return at once."""
        self._changed: Final = changed
        # Reentrant: a task may be destroyed, and have its failure told, in the midst of this.
        self._guard: Final = free_in_forks(threading.RLock())
        self._kept: Final[dict[tuple[WarningKind, str], _Entry]] = {}
        self.changes = 0
        """Grows with each change. Any thread may read it."""

    def add(self, kind: WarningKind, what: str, tell: Callable[[], Told]) -> None:
        """It happened, in the code called `what`: the same in the same code is only counted.

        `tell` is called only for what is new.
        """
        now = time.time()
        with self._guard:
            if self._count(kind, what, now):
                return
        told = tell()
        entry = _Entry(told._replace(text=_in_one_line(told.text)), now)
        with self._guard:
            # Another thread, or a finalizer in this one, may have been faster.
            if self._count(kind, what, now):
                return
            self._kept[kind, what] = entry
            self.changes += 1
            same_kind = [key for key in self._kept if key[0] is kind]
            if len(same_kind) > WARNINGS_KEPT:
                del self._kept[same_kind[0]]
        self._changed()

    def _count(self, kind: WarningKind, what: str, now: float) -> bool:
        known = self._kept.pop((kind, what), None)
        if known is None:
            return False
        known.count += 1
        known.at = now
        self.changes += 1
        self._kept[kind, what] = known  # At the end.
        self._changed()
        return True

    def take_back(self, kind: WarningKind, what: str) -> None:
        """The last time that this happened is now known to have been something else."""
        with self._guard:
            known = self._kept.get((kind, what))
            if known is None:
                return
            known.count -= 1
            self.changes += 1
            if not known.count:
                del self._kept[kind, what]
        self._changed()

    def forget(self, kind: WarningKind, what: str) -> None:
        """It is so no more."""
        with self._guard:
            if self._kept.pop((kind, what), None) is None:
                return
            self.changes += 1
        self._changed()

    def forget_all(self, kind: WarningKind) -> None:
        """Of this kind there is nothing more to say."""
        with self._guard:
            what = [each for other, each in self._kept if other is kind]
        for each in what:
            self.forget(kind, each)

    def all(self) -> tuple[LoopWarning, ...]:
        """All, the one that happened last at the end."""
        with self._guard:
            kept = [
                (kind, each.told, each.at, each.count) for (kind, _), each in self._kept.items()
            ]
        return tuple(
            LoopWarning(
                kind=kind,
                text=told.text,
                advice=ADVICE[kind],
                at=at,
                task=told.task,
                where=told.where,
                count=count,
            )
            for kind, told, at, count in kept
        )


def _in_one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
