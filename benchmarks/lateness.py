"""How late a ticker of 1 ms is while a hundred thousand tasks sleep and snapshots are taken.

Each turn is a process of its own. The ticks have fixed times: one that a pause has swallowed counts
with all of its lateness, as those after it that the pause swallowed, too.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from benchmarks.in_a_child import answer, measured_by
from benchmarks.measure import Goal, Result, Spread, interleaved, rows_of
from benchmarks.peers import BARE, OURS, PEERS, Place, installed
from benchmarks.sleepers import COUNT, start_sleepers

PERIOD: Final = 0.001
TICKS: Final = 5_000
LOOK_EVERY: Final = 0.25
"""Seconds between two snapshots: of a panel, or taken by a thread where there is none."""
GOAL: Final = 0.001
"""Seconds by which the 99th percentile may be worse than a bare loop's."""
FEWEST: Final = 0.8
"""The part of all snapshots that must have been taken of a loop of ours."""
FIGURES: Final = {
    "p99": "99th percentile of the lateness",
    "p50": "half of the ticks are less late than this",
    "worst": "the latest tick",
}


def run(rounds: int) -> list[Result]:
    """Three figures of the lateness, for each peer."""
    peers, missing = installed()
    measured = interleaved(
        {peer.name: partial(measured_by, "benchmarks.lateness", peer.name) for peer in peers},
        rounds,
        warm_up=0,
    )
    looks = {name: [turn["looks"] for turn in turns] for name, turns in measured.items()}
    notes = [
        f"snapshots in {TICKS * PERIOD:g} s: "
        + ", ".join(f"{name} {min(own)}" for name, own in looks.items() if max(own)),
        *missing,
    ]
    results = []
    for figure, what in FIGURES.items():
        values = {name: [turn[figure] for turn in turns] for name, turns in measured.items()}
        goals = []
        if figure == "p99":
            pairs = zip(values[OURS], values[BARE], strict=True)
            worse = Spread.of([own - bare for own, bare in pairs])
            what_is_worse = "p99 of a ticker's lateness, by how much worse than on a bare loop"
            goals = [Goal(what_is_worse, worse, GOAL, "s")]
        title = f"lateness: of a {PERIOD * 1e3:g} ms ticker beside {COUNT:,} sleeping tasks, {what}"
        results.append(Result(title, rounds, rows_of(values, BARE), goals=goals, notes=notes))
        notes = []
    return results


def measure(peer: str) -> None:
    """In a process of its own, which ends with it."""
    with PEERS[peer].opened(LOOK_EVERY) as place:
        start_sleepers(place, COUNT)
        changes = place.shown.changes if place.shown is not None else 0
        with looked_at(place) as looks:
            late = place.run(ticker())
        if len(late) != TICKS:
            raise RuntimeError(f"the ticker ticked {len(late)} times instead of {TICKS}")
        if PEERS[peer].is_ours and looks[0] < FEWEST * TICKS * PERIOD / LOOK_EVERY:
            raise RuntimeError(f"there were only {looks[0]} looks at the loop")
        if place.shown is not None and place.shown.changes == changes:
            raise RuntimeError("nothing has changed in the panel")
        percentiles = statistics.quantiles(late, n=100)
        answer(
            {"p50": percentiles[49], "p99": percentiles[98], "worst": max(late), "looks": looks[0]}
        )


async def ticker() -> list[float]:
    """How late each tick was, in seconds.

    By the system's clock: uvloop's own stands still within a turn of the loop.
    """
    late = []
    due = time.monotonic()
    for _ in range(TICKS):
        due += PERIOD
        pause = due - time.monotonic()
        if pause > 0:
            await asyncio.sleep(pause)
        late.append(time.monotonic() - due)
    return late


@contextmanager
def looked_at(place: Place) -> Iterator[list[int]]:
    """Somebody looks at the loop: its panel, or a thread. How often, when the block has ended."""
    looks = [0]
    before = place.shown.looks if place.shown is not None else 0
    is_over = threading.Event()

    def look_again_and_again() -> None:
        while not is_over.wait(LOOK_EVERY) and place.look() is not None:
            looks[0] += 1

    thread = threading.Thread(target=look_again_and_again)
    thread.start()
    yield looks
    is_over.set()
    thread.join()
    if place.shown is not None:
        looks[0] = place.shown.looks - before


if __name__ == "__main__":
    measure(*sys.argv[1:])
