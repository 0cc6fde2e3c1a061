"""How to look at a hundred loops twice a second for next to nothing: only at what has changed.

A snapshot takes some 20 microseconds; whether a loop is as it was, its host says in two. The
manager notices when a loop comes, goes or changes its state: then all are asked. Otherwise only
those are that somebody looks at closely, and each of the others every two seconds or so, not all of
them at the same look.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Collection, Iterable
from typing import Final

from bgwidgets.background_loop import BackgroundLoop, host_of
from bgwidgets.snapshots import LoopSnapshot

RENEWED_AFTER: Final = 60.0
"""Seconds after which a snapshot is taken anew in any case."""
ASKED_AGAIN_AFTER: Final = (1.5, 1.75, 2.0, 2.25)
"""Seconds after which a loop is asked that is not looked at closely: one of these for each loop."""
_AT_ONCE: Final = float("-inf")


class _Seen:
    """One loop, as it was seen last. Changed in place, for there may be hundreds."""

    __slots__ = ("ask_at", "find", "loop_id", "snapshot", "stamp", "until", "was_close")

    def __init__(self, loop: BackgroundLoop) -> None:
        self.loop_id: Final = loop.id
        # A loop that is removed is not kept by who has looked at it.
        self.find: Final = weakref.ref(loop)
        self.snapshot: LoopSnapshot | None = None
        self.stamp: object | None = None
        self.was_close = False
        self.until = _AT_ONCE
        self.ask_at = _AT_ONCE

    def ask(self, loop: BackgroundLoop, now: float, *, is_close: bool) -> bool:
        """Ask the loop whether it is as it was; False if not, and then it was looked at anew."""
        host = host_of(loop)
        stamp = host.stamp(closely=is_close)  # Before the snapshot: it may only be too old.
        self.ask_at = now + ASKED_AGAIN_AFTER[self.loop_id % len(ASKED_AGAIN_AFTER)]
        if (
            stamp is not None
            and stamp == self.stamp
            and is_close is self.was_close
            and now < self.until
        ):
            return True
        self.snapshot = host.snapshot()
        self.stamp, self.was_close, self.until = stamp, is_close, now + RENEWED_AFTER
        return False


class LoopWatch:
    """One observer's looks at all loops. For one thread at a time; needs no answer of a loop.

    `loops` are those that are listed, and `changes` is another number whenever one of them has
    come, gone or changed its state.
    """

    def __init__(
        self, loops: Callable[[], Iterable[BackgroundLoop]], changes: Callable[[], int]
    ) -> None:
        self._loops: Final = loops
        self._count_changes: Final = changes
        self._changes = -1
        self._seen: dict[int, _Seen] = {}
        self._snapshots: list[LoopSnapshot] = []

    def look(self, closely: Collection[int] | None = None) -> list[LoopSnapshot]:
        """How every loop stands, in the order of their start; the very list of before where none
        has changed.

        A loop that has not changed has the very snapshot that it had before: its `as_of` is old,
        and so may be `lag` and `lag_history` unless its id is among the ones looked at `closely`.
        None: all of them are. Lags of under a millisecond are all the same. What else happens to a
        loop that is not is seen some two seconds late, unless the state of one changes too.
        """
        now = time.monotonic()
        changes = self._count_changes()  # Before the loops: it may only be too old.
        is_as_before = changes == self._changes
        if not is_as_before:
            self._changes = changes
            self._list_anew()
        for each in self._to_be_asked(closely, now):
            loop = each.find()
            if loop is None:
                del self._seen[each.loop_id]
                is_as_before = False
            elif not each.ask(loop, now, is_close=closely is None or each.loop_id in closely):
                is_as_before = False
        if not is_as_before:
            snapshots = (each.snapshot for each in self._seen.values())
            self._snapshots = [each for each in snapshots if each is not None]
        return self._snapshots

    def _list_anew(self) -> None:
        """Somebody came, went, or changed its state: all are asked."""
        before = self._seen
        loops = sorted(self._loops(), key=lambda loop: loop.id)
        self._seen = {loop.id: before.get(loop.id) or _Seen(loop) for loop in loops}
        for each in self._seen.values():
            each.ask_at = _AT_ONCE

    def _to_be_asked(self, closely: Collection[int] | None, now: float) -> list[_Seen]:
        """Those looked at closely, now or the last time, and those whose time has come."""
        all_seen = self._seen.values()
        if closely is None:
            return list(all_seen)
        return [
            each
            for each in all_seen
            if each.ask_at <= now or each.was_close or each.loop_id in closely
        ]
