"""What it costs a loop that its tasks are seen: the same work on each peer's loop."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from benchmarks.measure import Goal, Result, interleaved, ratio, rows_of
from benchmarks.peers import BARE, OURS, OURS_ON_UVLOOP, UVLOOP, Peer, Place, installed
from benchmarks.work import ALL, Took, Work, time_each

TURN: Final = 1.0
"""Seconds of work in a turn."""
INTERVAL: Final = 0.5
"""Seconds between two looks of the panel, which is what it does when nobody asks for more."""
GOALS: Final = {"storm": 1.05, "mixed": 1.02}
"""How many times as long as on a bare loop work may take on ours, with a panel open."""


def run(rounds: int) -> list[Result]:
    """A storm of empty tasks, mixed work, gather, and queue ping-pong."""
    peers, missing = installed()
    # What has been imported stays for ever: the collector need not look at it in every turn.
    gc.collect()
    gc.freeze()
    results = [result for work in ALL for result in _compared(work, peers, missing, rounds)]
    gc.unfreeze()
    return results


def _compared(
    work: Work, peers: Sequence[Peer], missing: Sequence[str], rounds: int
) -> list[Result]:
    frames: list[int] = []

    def turn(peer: Peer) -> Took:
        gc.collect()
        with peer.opened(INTERVAL) as place:
            took = work_on(place, work)
            if place.shown is not None:
                frames.append(place.shown.changes)
        return took

    took = interleaved({peer.name: partial(turn, peer) for peer in peers}, rounds, warm_up=1)
    wall = {name: [each.wall for each in own] for name, own in took.items()}
    cpu = {name: [each.cpu for each in own] for name, own in took.items()}
    goals = []
    if work.name in GOALS:
        what = f"{work.name} with a panel open, time over bare asyncio's"
        goals.append(Goal(what, ratio(wall, OURS, BARE), GOALS[work.name], "x"))
    seen = f"cells of the panel changed in {min(frames)} to {max(frames)} frames a turn"
    notes = [*missing, *_beside_uvloop(wall), seen]
    return [
        Result(
            f"tasks: {work.name}, time for one {work.unit}",
            rounds,
            rows_of(wall, BARE),
            goals=goals,
            notes=notes,
        ),
        Result(
            f"tasks: {work.name}, the same in CPU time of all threads of the process",
            rounds,
            rows_of(cpu, BARE),
            notes=_beside_uvloop(cpu),
        ),
    ]


def work_on(place: Place, work: Work) -> Took:
    """Check that what is measured did happen: the panel looked, and what it showed has changed."""
    if place.shown is None:
        return place.run(time_each(work.batch, TURN))
    looks, changes = place.shown.looks, place.shown.changes
    took = place.run(time_each(work.batch, TURN))
    looks, changes = place.shown.looks - looks, place.shown.changes - changes
    if looks < int(TURN / INTERVAL) - 1 or not changes:
        raise RuntimeError(
            f"the panel looked {looks} times in {TURN} s, and its cells changed in {changes} frames"
        )
    return took


def _beside_uvloop(values: Mapping[str, Sequence[float]]) -> list[str]:
    if UVLOOP not in values:
        return []
    beside = ratio(values, OURS_ON_UVLOOP, UVLOOP)
    return [
        f"{OURS_ON_UVLOOP}: {beside.median:.3f} x uvloop ({beside.low:.3f} to {beside.high:.3f})"
    ]
