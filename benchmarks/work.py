"""What the loops are given to do. Each batch counts what came out of its tasks, and returns it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

STORM: Final = 1_000
MIXED_TASKS: Final = 2_000
AWAITS: Final = 10
GATHERED: Final = 1_000
TRIPS: Final = 1_000

Batch = Callable[[], Coroutine[Any, Any, int]]


@dataclass(frozen=True)
class Work:
    """Something that can be done again and again."""

    name: str
    batch: Batch
    unit: str
    """What a batch returns the number of."""


async def one() -> int:
    """The shortest task."""
    return 1


async def storm() -> int:
    """Tasks that do nothing, one after another: bookkeeping is all there is."""
    ended = 0
    for _ in range(STORM):
        ended += await asyncio.create_task(one())
    return ended


async def some_awaits() -> int:
    """A task that does a little."""
    for _ in range(AWAITS):
        await asyncio.sleep(0)
    return 1


async def mixed() -> int:
    """Tasks of ten awaits each, all at once."""
    tasks = [asyncio.create_task(some_awaits()) for _ in range(MIXED_TASKS)]
    ended = 0
    for task in tasks:
        ended += await task
    return ended


async def one_await() -> int:
    """What is gathered."""
    await asyncio.sleep(0)
    return 1


async def gathering() -> int:
    """One `gather` of many coroutines."""
    return sum(await asyncio.gather(*(one_await() for _ in range(GATHERED))))


async def ping_pong() -> int:
    """Two tasks and two queues: one sends a number, the other one sends it back."""
    there: asyncio.Queue[int] = asyncio.Queue()
    back: asyncio.Queue[int] = asyncio.Queue()

    async def answer() -> None:
        for _ in range(TRIPS):
            back.put_nowait(await there.get())

    answering = asyncio.create_task(answer())
    came_back = 0
    for _ in range(TRIPS):
        there.put_nowait(1)
        came_back += await back.get()
    await answering
    return came_back


ALL: Final = (
    Work("storm", storm, "empty task, one after another"),
    Work("mixed", mixed, f"task of {AWAITS} awaits, {MIXED_TASKS:,} at once"),
    Work("gather", gathering, f"coroutine of one await, {GATHERED:,} in a gather"),
    Work("ping-pong", ping_pong, "number there and back through two queues"),
)


def by_name(name: str) -> Work:
    """One of them."""
    return next(work for work in ALL if work.name == name)


@dataclass(frozen=True)
class Took:
    """The seconds for one task, or whatever a batch counts."""

    wall: float
    cpu: float
    """Of all threads of the process: hears less of what else the machine does."""


async def time_each(batch: Batch, seconds: float) -> Took:
    """Batches for about so many seconds."""
    done = 0
    cpu_began = time.process_time()
    began = time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        done += await batch()
    return Took(took / done, (time.process_time() - cpu_began) / done)
