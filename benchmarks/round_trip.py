"""Submit a coroutine from a thread, and wait for its result there."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Final

from benchmarks.measure import Goal, Result, interleaved, ratio, rows_of
from benchmarks.peers import BARE, OURS, PEERS, UNSHOWN, not_measured

LIMIT: Final = 30.0
TURN: Final = 1.0
"""Seconds of trips in a turn."""
INTERVAL: Final = 0.5
"""Seconds between two looks of a panel."""
TRIPS: Final = 50
"""Between two looks at the clock."""
FIRST: Final = 20
"""Trips that are not counted: threads come up, lists grow."""
GOAL: Final = 0.7
ASYNCIOS: Final = "run_coroutine_threadsafe"
OUR_WAY: Final = f"submit, {OURS}"

Trip = Callable[[], int]


async def answer() -> int:
    """The shortest coroutine with a result."""
    return 1


@contextmanager
def _asyncios_on(peer: str) -> Iterator[Trip]:
    with PEERS[peer].opened(INTERVAL) as place:
        loop = place.run(_running_loop())
        yield lambda: asyncio.run_coroutine_threadsafe(answer(), loop).result(LIMIT)


@contextmanager
def _ours(peer: str) -> Iterator[Trip]:
    with PEERS[peer].opened(INTERVAL) as place:
        looks = place.shown.looks if place.shown is not None else 0
        yield lambda: place.run(answer())  # Is `job.submit(answer()).result(LIMIT)`.
        if place.shown is not None and place.shown.looks == looks:
            raise RuntimeError("the panel has not looked at the loop")


@contextmanager
def _anyios() -> Iterator[Trip]:
    from anyio.from_thread import start_blocking_portal

    with start_blocking_portal() as portal:
        yield lambda: portal.call(answer)


@contextmanager
def _distributeds() -> Iterator[Trip]:
    from distributed.utils import LoopRunner, sync

    runner = LoopRunner()
    runner.start()
    yield lambda: int(sync(runner.loop, answer))
    runner.stop()


async def _running_loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


WAYS: Final[dict[str, Callable[[], AbstractContextManager[Trip]]]] = {
    ASYNCIOS: partial(_asyncios_on, BARE),
    f"{ASYNCIOS}, {OURS}": partial(_asyncios_on, OURS),
    OUR_WAY: partial(_ours, OURS),
    f"submit, {UNSHOWN}": partial(_ours, UNSHOWN),
    "anyio's portal": _anyios,
    "distributed's sync": _distributeds,
}
NEEDS: Final = {"anyio's portal": "anyio", "distributed's sync": "distributed"}


def run(rounds: int) -> list[Result]:
    """Ours against asyncio's own way, anyio's and distributed's."""
    ways = {
        name: way
        for name, way in WAYS.items()
        if name not in NEEDS or importlib.util.find_spec(NEEDS[name]) is not None
    }
    gc.collect()
    gc.freeze()
    values = interleaved({name: partial(_turn, way) for name, way in ways.items()}, rounds, 1)
    gc.unfreeze()
    what = "submit and wait with a panel open, time over run_coroutine_threadsafe's"
    return [
        Result(
            "round trip: submit a coroutine from another thread, and wait for its result",
            rounds,
            rows_of(values, ASYNCIOS),
            goals=[Goal(what, ratio(values, OUR_WAY, ASYNCIOS), GOAL, "x")],
            notes=[not_measured(name, [NEEDS[name]]) for name in WAYS if name not in ways],
        )
    ]


def _turn(way: Callable[[], AbstractContextManager[Trip]]) -> float:
    """The seconds of one trip."""
    gc.collect()
    with way() as trip:
        for _ in range(FIRST):
            trip()
        trips = came_back = 0
        began = time.perf_counter()
        while (took := time.perf_counter() - began) < TURN:
            for _ in range(TRIPS):
                came_back += trip()
            trips += TRIPS
    if came_back != trips:
        raise RuntimeError(f"{came_back} results came back from {trips} trips")
    return took / trips
