"""A hundred thousand tasks that sleep."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.peers import Place

COUNT: Final = 100_000
A_TURN: Final = 1_000
HOUR: Final = 3600.0
SETTLES_IN: Final = 1.5
"""Seconds in which a peer enters new tasks in its books; ours takes two ticks of a tenth."""


async def fall_asleep(count: int) -> None:
    """Start so many; the loop turns in between."""
    for _ in range(count // A_TURN):
        for _ in range(A_TURN):
            # The loop holds a task that sleeps, by its timer.
            asyncio.create_task(asyncio.sleep(HOUR))  # noqa: RUF006
        await asyncio.sleep(0)


async def how_many() -> int:
    """Those that live, as asyncio counts them; without the one that asks."""
    return len(asyncio.all_tasks()) - 1


def start_sleepers(place: Place, count: int, before: int = 0) -> None:
    """Return when they sleep and the peer has seen them; checks that they do."""
    place.run(fall_asleep(count))
    time.sleep(SETTLES_IN)
    wanted = before + count
    living, seen = place.run(how_many()), place.look()
    if living < wanted or (seen is not None and seen < wanted):
        raise RuntimeError(f"{living} tasks sleep and {seen} are seen, instead of {wanted}")
