"""How to look at a hundred loops twice a second for next to nothing: only at what has changed.

A snapshot takes some 20 microseconds; whether a loop is as it was, its host says in a few. The
manager notices when a loop comes, goes or changes its state: then all are asked. Otherwise only
those are that somebody looks at closely, and each of the others every two seconds or so, not all of
them at the same look.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Collection, Iterable
from typing import Final, NamedTuple

from bgwidgets.background_loop import BackgroundLoop, host_of
from bgwidgets.snapshots import LoopSnapshot

RENEWED_AFTER: Final = 60.0
"""Seconds after which a snapshot is taken anew in any case."""
ASKED_AGAIN_AFTER: Final = (1.5, 1.75, 2.0, 2.25)
"""Seconds after which a loop is asked that is not looked at closely: one of these for each loop."""


class _Seen(NamedTuple):
    snapshot: LoopSnapshot
    stamp: object | None
    is_close: bool
    until: float
    ask_at: float


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
        # A loop that is removed is not kept by who has looked at it.
        self._listed: dict[int, weakref.ref[BackgroundLoop]] = {}
        self._seen: dict[int, _Seen] = {}

    def look(self, closely: Collection[int] | None = None) -> list[LoopSnapshot]:
        """How every loop stands, in the order of their start.

        A loop that has not changed has the very snapshot that it had before: its `as_of` is old,
        and so may be `lag` and `lag_history` unless its id is among the ones looked at `closely`.
        None: all of them are. Lags of under a millisecond are all the same. What else happens to a
        loop that is not is seen some two seconds late, unless the state of one changes too.
        """
        now = time.monotonic()
        changes = self._count_changes()  # Before the loops: it may only be too old.
        has_changed = changes != self._changes
        if has_changed:
            self._changes = changes
            loops = sorted(self._loops(), key=lambda loop: loop.id)
            self._listed = {loop.id: weakref.ref(loop) for loop in loops}
        before, seen = self._seen, {}
        for loop_id, find in self._listed.items():
            last = before.get(loop_id)
            is_close = closely is None or loop_id in closely
            is_to_be_asked = has_changed or is_close or last is None or last.is_close
            if last is not None and not is_to_be_asked and now < last.ask_at:
                seen[loop_id] = last
            elif (loop := find()) is not None:
                seen[loop_id] = _ask(loop, last, now, is_close=is_close)
        self._seen = seen
        return [each.snapshot for each in seen.values()]


def _ask(loop: BackgroundLoop, last: _Seen | None, now: float, *, is_close: bool) -> _Seen:
    host = host_of(loop)
    stamp = host.stamp(closely=is_close)  # Before the snapshot: it may only be too old.
    ask_at = now + ASKED_AGAIN_AFTER[loop.id % len(ASKED_AGAIN_AFTER)]
    if (
        last is None
        or stamp is None
        or last.stamp != stamp
        or last.is_close is not is_close
        or now >= last.until
    ):
        return _Seen(host.snapshot(), stamp, is_close, now + RENEWED_AFTER, ask_at)
    return last._replace(ask_at=ask_at)
