"""How to look at a hundred loops twice a second for next to nothing: only at what has changed.

A snapshot takes some 20 microseconds, and to ask a loop whether it is as it was takes one, or ten
where nobody has asked for a while. The manager notices when a loop comes, goes or changes its
state: then all are asked. Otherwise only those are that somebody looks at closely, those that have
told of a change, and now and then those that do not tell.
"""

from __future__ import annotations

import math
import time
import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Final

from bgwidgets.background_loop import BackgroundLoop, host_of
from bgwidgets.hosts.protocol import Standstill
from bgwidgets.snapshots import LoopSnapshot, TaskWindow

ASKED_WITHIN: Final = 2.0
"""Seconds in which a loop is asked that does not tell of its changes."""
RENEWED_AFTER: Final = 60.0
"""Seconds after which all snapshots are taken anew in any case."""


class _Seen:
    """One run of a loop, as it was seen last. Changed in place, for there may be hundreds.

    A loop that is removed is not kept by who has looked at it, nor is a run that is over.
    """

    __slots__ = ("_find_host", "find", "snapshot", "standstill", "was_close")

    def __init__(self, loop: BackgroundLoop) -> None:
        self.find: Final = weakref.ref(loop)
        self.snapshot: LoopSnapshot | None = None
        self._find_host: Final = weakref.ref(host_of(loop))
        self.standstill: Standstill | None = None
        """What holds as long as the snapshot is true; None where nobody knows."""
        self.was_close = False

    def is_of(self, loop: BackgroundLoop) -> bool:
        """Whether this is the loop's present run: it may have been restarted."""
        return self._find_host() is host_of(loop)

    @property
    def tells(self) -> bool:
        """Whether it says by itself when the snapshot is not true any more."""
        return self.standstill is not None and self.standstill.is_told

    def look(self, loop: BackgroundLoop, *, is_close: bool) -> None:
        """Take another snapshot."""
        host = host_of(loop)
        # Before the snapshot: it may only be too old.
        self.standstill = host.standstill(closely=is_close)
        self.snapshot = host.snapshot()
        self.was_close = is_close


class _Turns:
    """Who is next, where each is to have a turn within some seconds."""

    def __init__(self, within: float) -> None:
        self.next_at = math.inf
        """When it is somebody's turn. Before, one need not ask."""
        self._within: Final = within
        self._taken_at = 0.0
        self._waiting: Final[deque[int]] = deque()

    def are_for(self, loop_ids: Collection[int], now: float) -> None:
        """These are all. Who waits for a turn keeps the place; others wait behind."""
        waiting = [loop_id for loop_id in self._waiting if loop_id in loop_ids]
        if not waiting:
            self._taken_at = now
        self._waiting.clear()
        self._waiting.extend(dict.fromkeys([*waiting, *loop_ids]))
        self._set_next()

    def take(self, now: float) -> list[int]:
        """Those whose turn it is by now."""
        count = len(self._waiting)
        due = min(count, int((now - self._taken_at) * count / self._within))
        taken = list(islice(self._waiting, due))
        self._waiting.rotate(-due)
        if due:
            self._taken_at += due * self._within / count
            if due == count:
                self._taken_at = now
            self._set_next()
        return taken

    def _set_next(self) -> None:
        count = len(self._waiting)
        self.next_at = self._taken_at + self._within / count if count else math.inf


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
        self._stirred: Final[set[int]] = set()
        """Those that have told of a change; added to in any thread."""
        self._renew_at = time.monotonic() + RENEWED_AFTER
        self._silent: Final = _Turns(ASKED_WITHIN)
        """Those that do not tell."""
        self._snapshots: list[LoopSnapshot] = []

    def look(self, closely: Collection[int] | None = None) -> list[LoopSnapshot]:
        """How every loop stands, in the order of their start; the very list of before where none
        has changed.

        A loop that has not changed has the very snapshot that it had before: its `as_of` is old,
        and so may be `lag` and `lag_history` unless its id is among the ones looked at `closely`.
        None: all of them are. Lags of under a millisecond are all the same. What else happens to a
        loop that is not is seen up to two seconds late, unless the state of one changes too.
        """
        now = time.monotonic()
        changes = self._count_changes()  # Before the loops: it may only be too old.
        is_as_before = changes == self._changes
        if not is_as_before:
            self._changes = changes
            self._list_anew()
        if now >= self._renew_at:
            self._renew_at = now + RENEWED_AFTER
            is_as_before = False
            for seen in self._seen.values():
                seen.standstill = None
        close = self._seen.keys() if closely is None else closely
        asked: Collection[int] = [*close]
        if not is_as_before:
            asked = list(self._seen)
        elif self._stirred or now >= self._silent.next_at:
            asked = self._to_be_asked(close, now)
        for loop_id in asked:
            known = self._seen.get(loop_id)
            is_close = loop_id in close
            if known is None:
                continue
            standstill = known.standstill
            if (
                standstill is not None
                and (known.was_close or not is_close)
                and standstill.holds(now)
            ):
                continue
            is_as_before = False
            if (loop := known.find()) is None:
                del self._seen[loop_id]
            else:
                known.look(loop, is_close=is_close)
        if not is_as_before:
            self._silent.are_for(
                {number for number, seen in self._seen.items() if not seen.tells}, now
            )
            snapshots = (each.snapshot for each in self._seen.values())
            self._snapshots = [each for each in snapshots if each is not None]
        return self._snapshots

    def window_standstill(self, loop_id: int, window: TaskWindow) -> Standstill | None:
        """What holds as long as this window of the loop's tasks is true, but for its time. None
        where nobody knows, or it is not: then it is to be asked for again.
        """
        seen = self._seen.get(loop_id)
        loop = None if seen is None else seen.find()
        return None if loop is None else host_of(loop).window_standstill(window)

    def stirred(self, loop_id: int) -> None:
        """This loop is not as it was. Any thread; does not block."""
        self._stirred.add(loop_id)

    def _list_anew(self) -> None:
        """Somebody came, went, or changed its state: all are asked."""
        before, self._seen = self._seen, {}
        for loop in sorted(self._loops(), key=lambda loop: loop.id):
            seen = before.get(loop.id)
            self._seen[loop.id] = seen if seen is not None and seen.is_of(loop) else _Seen(loop)

    def _to_be_asked(self, close: Collection[int], now: float) -> set[int]:
        """Those looked at closely, those that have told, and the others whose turn it is."""
        asked = {*close, *self._silent.take(now)}
        while self._stirred:  # One by one, for others may come in this moment.
            asked.add(self._stirred.pop())
        return asked
