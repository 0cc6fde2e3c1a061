"""What it costs to have tasks cancelled on a loop that knows who asked: the same on each peer's."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from benchmarks.measure import Goal, Result, interleaved, ratio, rows_of
from benchmarks.peers import BARE, OURS, Ours, Peer, Place, installed

FANNED_OUT: Final = 5_000
IN_A_CHAIN: Final = 500
BATCHES: Final = 5
"""In a turn."""
PAUSE: Final = 0.2
"""Seconds between two of them: born in a storm, tasks of ours would not tell who cancels them."""
INTERVAL: Final = 0.5
"""Seconds between two looks of the panel."""
GOALS: Final = {"gather": 3.0}
"""How many times as long as on a bare loop `cancel()` may take, with a panel open."""


@dataclass(frozen=True)
class Took:
    """The seconds for one task."""

    called: float
    """Until `cancel()` came back."""
    ended: float
    """Until all had ended."""


Tree = Callable[[], Coroutine[Any, Any, tuple[asyncio.Future[Any], int]]]
"""Makes tasks that wait; what is to be cancelled, and how many that ends."""


async def for_ever() -> None:
    """What is cancelled."""
    await asyncio.get_running_loop().create_future()


async def gathered() -> tuple[asyncio.Future[Any], int]:
    """Many under one `gather`."""
    outer = asyncio.gather(*(for_ever() for _ in range(FANNED_OUT)))
    await asyncio.sleep(0)
    return outer, FANNED_OUT


async def chained() -> tuple[asyncio.Future[Any], int]:
    """Each waits for the next: the outermost is cancelled."""

    async def wait_for(inner: asyncio.Task[None]) -> None:
        await inner

    task = asyncio.create_task(for_ever())
    for _ in range(IN_A_CHAIN - 1):
        task = asyncio.create_task(wait_for(task))
    await asyncio.sleep(0)
    return task, IN_A_CHAIN


TREES: Final = (
    ("gather", gathered, f"{FANNED_OUT:,} under one gather"),
    ("chain", chained, f"{IN_A_CHAIN} that wait for each other"),
)


async def time_cancel(tree: Tree) -> Took:
    """Some batches; what counts is the one during which least else happened."""
    took = []
    for _ in range(BATCHES):
        await asyncio.sleep(PAUSE)
        outermost, count = await tree()
        began = time.perf_counter()
        outermost.cancel()
        called = time.perf_counter() - began
        with contextlib.suppress(asyncio.CancelledError):
            await outermost
        took.append(Took(called / count, (time.perf_counter() - began) / count))
    return Took(min(each.called for each in took), min(each.ended for each in took))


def run(rounds: int) -> list[Result]:
    """Many under one gather, and a chain."""
    peers, missing = installed()
    gc.collect()
    gc.freeze()
    results = [
        result
        for name, tree, what in TREES
        for result in _compared(name, tree, what, peers, missing, rounds)
    ]
    gc.unfreeze()
    return results


def _compared(
    name: str, tree: Tree, what: str, peers: Sequence[Peer], missing: Sequence[str], rounds: int
) -> list[Result]:
    def turn(peer: Peer) -> Took:
        gc.collect()
        with peer.opened(INTERVAL) as place:
            took: Took = place.run(time_cancel(tree))
            _check(place)
            return took

    took = interleaved({peer.name: partial(turn, peer) for peer in peers}, rounds, warm_up=1)
    called = {peer: [each.called for each in own] for peer, own in took.items()}
    ended = {peer: [each.ended for each in own] for peer, own in took.items()}
    goals = []
    if name in GOALS:
        words = f"cancel: {name} with a panel open, time of cancel() over bare asyncio's"
        goals.append(Goal(words, ratio(called, OURS, BARE), GOALS[name], "x"))
    title = f"cancel: {what}, time for one task until"
    return [
        Result(f"{title} cancel() came back", rounds, rows_of(called, BARE), "s", goals, missing),
        Result(f"{title} all had ended", rounds, rows_of(ended, BARE)),
    ]


def _check(place: Place) -> None:
    """That what is measured did happen: it is known who asked."""
    if isinstance(place, Ours):
        told = place.job.history().cancellations
        if not told or not all(each.where for each in told):
            raise RuntimeError(f"it is not known who asked: {told[:1]}")
