"""What the bookkeeping of tasks costs a loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from benchmarks.measure import Result, interleaved, rows_of
from bgwidgets import LoopManager

LIMIT: Final = 60.0
STORM: Final = 20_000
MIXED_TASKS: Final = 2_000
AWAITS: Final = 10

Work = Callable[[], Coroutine[Any, Any, float]]


async def nothing() -> None:
    """The shortest task."""


async def storm() -> float:
    """Tasks that do nothing, one after another: bookkeeping is all there is."""
    began = time.perf_counter()
    for _ in range(STORM):
        await asyncio.create_task(nothing())
    return time.perf_counter() - began


async def some_awaits() -> None:
    """A task that does a little."""
    for _ in range(AWAITS):
        await asyncio.sleep(0)


async def mixed() -> float:
    """Tasks of ten awaits each, all at once."""
    began = time.perf_counter()
    await asyncio.gather(*(some_awaits() for _ in range(MIXED_TASKS)))
    return time.perf_counter() - began


def on_a_bare_loop(work: Work) -> float:
    """Run on a plain asyncio loop in a thread, as ours is in one."""
    seconds: list[float] = []
    thread = threading.Thread(target=lambda: seconds.append(asyncio.run(work())), daemon=True)
    thread.start()
    thread.join(LIMIT)
    return seconds[0]


def run(rounds: int) -> list[Result]:
    """A storm of empty tasks, and mixed work."""
    manager = LoopManager()

    def on_ours(work: Work, *, timings: bool) -> float:
        job = manager.start(work, timings=timings)
        seconds: float = job.result(LIMIT)
        job.remove()
        return seconds

    results = []
    for work, what in (
        (storm, f"{STORM:,} empty tasks, one after another"),
        (mixed, f"{MIXED_TASKS:,} tasks of {AWAITS} awaits, all at once"),
    ):
        seconds = interleaved(
            {
                "bare asyncio": partial(on_a_bare_loop, work),
                "bgwidgets": partial(on_ours, work, timings=False),
                "bgwidgets, timings=True": partial(on_ours, work, timings=True),
            },
            rounds,
        )
        results.append(Result(f"tasks: {what}", rounds, rows_of(seconds, "bare asyncio")))
    return results
