"""How to look at a hundred loops twice a second for next to nothing: only at what has changed.

A snapshot takes some 20 microseconds. Whether a loop is as it was, its host says in a few. Most of
a hundred loops nobody sees, so those that are not looked at closely are asked every other second or
so, and not all at the same look; but for their state, which is told at once.
"""

from __future__ import annotations

import time
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
    """One observer's looks at all loops. For one thread at a time; needs no answer of a loop."""

    def __init__(self, loops: Callable[[], Iterable[BackgroundLoop]]) -> None:
        self._loops: Final = loops
        self._seen: dict[int, _Seen] = {}

    def look(self, closely: Collection[int] | None = None) -> list[LoopSnapshot]:
        """How every loop stands, in the order of their start.

        A loop that has not changed has the very snapshot that it had before: its `as_of` is old,
        and so may be `lag` and `lag_history` unless its id is among the ones looked at `closely`.
        None: all of them are. Lags of under a millisecond are all the same. What else happens to a
        loop that is not is seen some two seconds late, unless its state changes too.
        """
        now = time.monotonic()
        before, seen = self._seen, {}
        for loop in self._loops():
            is_close = closely is None or loop.id in closely
            host = host_of(loop)
            last = before.get(loop.id)
            if (
                last is not None
                and not (is_close or last.is_close)
                and now < last.ask_at
                and host.state is last.snapshot.state
                and loop.run_number == last.snapshot.run_number
            ):
                seen[loop.id] = last
                continue
            stamp = host.stamp(closely=is_close)  # Before the snapshot: it may only be too old.
            ask_at = now + ASKED_AGAIN_AFTER[loop.id % len(ASKED_AGAIN_AFTER)]
            if (
                last is None
                or stamp is None
                or last.stamp != stamp
                or last.is_close is not is_close
                or now >= last.until
            ):
                seen[loop.id] = _Seen(host.snapshot(), stamp, is_close, now + RENEWED_AFTER, ask_at)
            else:
                seen[loop.id] = last._replace(ask_at=ask_at)
        self._seen = seen
        return [seen[loop_id].snapshot for loop_id in sorted(seen)]
