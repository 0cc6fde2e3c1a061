"""Submit a coroutine from a thread, and wait for its result there."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from benchmarks.measure import Result, interleaved, rows_of
from bgwidgets import LoopManager

LIMIT: Final = 30.0
TRIPS: Final = 200


async def answer() -> int:
    """The shortest coroutine with a result."""
    return 42


def run(rounds: int) -> list[Result]:
    """Ours against `asyncio.run_coroutine_threadsafe`, on one and the same loop."""
    manager = LoopManager()
    job = manager.start()

    async def running_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    loop = job.submit(running_loop()).result(LIMIT)

    def asyncios() -> float:
        began = time.perf_counter()
        for _ in range(TRIPS):
            asyncio.run_coroutine_threadsafe(answer(), loop).result(LIMIT)
        return (time.perf_counter() - began) / TRIPS

    def ours() -> float:
        began = time.perf_counter()
        for _ in range(TRIPS):
            job.submit(answer()).result(LIMIT)
        return (time.perf_counter() - began) / TRIPS

    seconds = interleaved({"run_coroutine_threadsafe": asyncios, "submit": ours}, rounds)
    job.stop(0)
    rows = rows_of(seconds, "run_coroutine_threadsafe")
    return [Result(f"round trip: one of {TRIPS}, submit and wait", rounds, rows)]
