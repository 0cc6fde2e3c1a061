"""What a sleeping task takes in memory: the difference that a hundred thousand of them make.

Each figure comes from a process of its own. Resident memory is what the system has lost, with what
the allocator wastes; what Python allocated is told by tracemalloc, which changes neither. A task is
`create_task(asyncio.sleep(...))`: with a coroutine of one's own around the sleep, it takes about
0.2 kB more on every loop.
"""

from __future__ import annotations

import gc
import sys
import tracemalloc
from functools import partial
from typing import Final

from benchmarks.in_a_child import answer, measured_by
from benchmarks.measure import Goal, Result, Spread, interleaved, rows_of
from benchmarks.peers import BARE, OURS, PEERS, installed
from benchmarks.sleepers import COUNT, start_sleepers

GOAL: Final = 1250.0
"""Bytes."""
FIRST: Final = 1_000
"""Tasks that are there before: what is made once is not counted."""
INTERVAL: Final = 0.5
KINDS: Final = {
    "resident": "resident memory",
    "allocated": "what Python allocated (tracemalloc)",
}


def run(rounds: int) -> list[Result]:
    """Both kinds, for each peer."""
    peers, missing = installed()
    results = []
    for kind, what in KINDS.items():

        def bytes_a_task(peer: str, kind: str = kind) -> float:
            return float(measured_by("benchmarks.memory", peer, kind)["bytes"])

        candidates = {peer.name: partial(bytes_a_task, peer.name) for peer in peers}
        values = interleaved(candidates, rounds, warm_up=0)
        bare, ours = Spread.of(values[BARE]), Spread.of(values[OURS])
        goal = Goal(f"a sleeping task with a panel open, {what}", ours, GOAL, "B")
        more = f"bare asyncio alone takes {bare.median:.0f} bytes; ours {ours.median:.0f}"
        results.append(
            Result(
                f"memory: one of {COUNT:,} sleeping tasks, {what}",
                rounds,
                rows_of(values, BARE),
                unit="B",
                goals=[goal],
                notes=[*missing, more],
            )
        )
    return results


def measure(peer: str, kind: str) -> None:
    """In a process of its own, which ends with it."""
    if kind == "allocated":
        tracemalloc.start()
    with PEERS[peer].opened(INTERVAL) as place:
        start_sleepers(place, FIRST)
        before = _used(kind)
        start_sleepers(place, COUNT, before=FIRST)
        answer({"bytes": (_used(kind) - before) / COUNT})


def _used(kind: str) -> float:
    gc.collect()
    if kind == "allocated":
        return tracemalloc.get_traced_memory()[0]
    import psutil

    return float(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    measure(*sys.argv[1:])
