"""How to look at a hundred loops twice a second for next to nothing: only at what has changed.

A snapshot takes some 20 microseconds; whether a loop is as it was is known in one. The manager
notices when a loop comes, goes or changes its state: then all are asked. Otherwise only those are
that somebody looks at closely, and of the others some at each look, so that each has its turn
within two seconds.
"""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Final

from bgwidgets.background_loop import BackgroundLoop, host_of
from bgwidgets.hosts.protocol import Standstill
from bgwidgets.snapshots import LoopSnapshot

RENEWED_AFTER: Final = 60.0
"""Seconds after which a snapshot is taken anew in any case."""
ALL_ASKED_WITHIN: Final = 2.0
"""Seconds in which each loop is asked that is not looked at closely."""
_AT_ONCE: Final = float("-inf")


class _Seen:
    """One run of a loop, as it was seen last. Changed in place, for there may be hundreds.

    A loop that is removed is not kept by who has looked at it, nor is a run that is over.
    """

    __slots__ = ("_find_host", "_standstill", "_until", "_was_close", "find", "snapshot")

    def __init__(self, loop: BackgroundLoop) -> None:
        self.find: Final = weakref.ref(loop)
        self.snapshot: LoopSnapshot | None = None
        self._find_host: Final = weakref.ref(host_of(loop))
        self._standstill: Standstill | None = None
        self._was_close = False
        self._until = _AT_ONCE

    def is_of(self, loop: BackgroundLoop) -> bool:
        """Whether this is the loop's present run: it may have been restarted."""
        return self._find_host() is host_of(loop)

    def is_as_it_was(self, now: float, *, is_close: bool) -> bool:
        """Whether the snapshot is true still, as far as can be told without another one."""
        standstill = self._standstill
        return (
            standstill is not None
            and (self._was_close or not is_close)
            and now < self._until
            and standstill.holds(now)
        )

    def look(self, loop: BackgroundLoop, now: float, *, is_close: bool) -> None:
        """Take another snapshot."""
        host = host_of(loop)
        # Before the snapshot: it may only be too old.
        self._standstill = host.standstill(closely=is_close)
        self.snapshot = host.snapshot()
        self._was_close, self._until = is_close, now + RENEWED_AFTER


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
        self._turns: deque[int] = deque()
        """The loops, the one first whose turn is next."""
        self._due = 0.0
        """How many of them are to be asked, and a part of one."""
        self._looked_at = 0.0
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
        close = self._seen.keys() if closely is None else closely
        for loop_id in self._to_be_asked(close, now) if is_as_before else list(self._seen):
            seen = self._seen.get(loop_id)
            is_close = loop_id in close
            if seen is None or seen.is_as_it_was(now, is_close=is_close):
                continue
            is_as_before = False
            if (loop := seen.find()) is None:
                del self._seen[loop_id]
            else:
                seen.look(loop, now, is_close=is_close)
        if not is_as_before:
            snapshots = (each.snapshot for each in self._seen.values())
            self._snapshots = [each for each in snapshots if each is not None]
        return self._snapshots

    def _list_anew(self) -> None:
        """Somebody came, went, or changed its state: all are asked."""
        before, self._seen = self._seen, {}
        for loop in sorted(self._loops(), key=lambda loop: loop.id):
            seen = before.get(loop.id)
            self._seen[loop.id] = seen if seen is not None and seen.is_of(loop) else _Seen(loop)
        self._turns = deque(self._seen)

    def _to_be_asked(self, close: Collection[int], now: float) -> list[int]:
        """Those looked at closely, and of the others those whose turn it is."""
        asked = list(close)
        turns = self._turns
        self._due += len(turns) * (now - self._looked_at) / ALL_ASKED_WITHIN
        self._looked_at = now
        count = min(int(self._due), len(turns))
        self._due = min(self._due - count, 1.0)
        asked += [loop_id for loop_id in islice(turns, count) if loop_id not in close]
        turns.rotate(-count)
        return asked
