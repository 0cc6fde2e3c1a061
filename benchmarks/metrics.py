"""What it costs the work to show itself: a hundred thousand metrics a second, and progress bars."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Goal, Result, interleaved, ratio, rows_of
from benchmarks.peers import LIMIT
from bgwidgets import LoopManager, metric, progress

SECONDS: Final = 1.0
"""Of work in a turn, when nothing is measured."""
A_SECOND: Final = 100_000
STEPS: Final = 1_000
UPDATES: Final = 300_000
GOAL: Final = 1.05


def run(rounds: int) -> list[Result]:
    """A loop at work that also tells of what it measures; and a loop over a progress bar."""
    manager = LoopManager()
    spins = _calibrated()

    def at_work(told: int) -> float:
        job = manager.start(work, spins, told // STEPS)
        took: float = job.result(LIMIT)
        if told and job.metrics["loss"].count != told:
            raise RuntimeError("metrics were lost")
        job.remove()
        return took

    def over_a_bar(*, is_ours: bool) -> float:
        with Path(os.devnull).open("w") as file:
            job = manager.start(iterate, {} if is_ours else {"file": file})
            took: float = job.result(LIMIT)
        job.remove()
        return took

    plain, telling = "nothing is told", f"{A_SECOND:,} metrics a second"
    loop = interleaved({plain: lambda: at_work(0), telling: lambda: at_work(A_SECOND)}, rounds)
    file, ours = "tqdm into a file", "progress in its row"
    bars = interleaved(
        {file: lambda: over_a_bar(is_ours=False), ours: lambda: over_a_bar(is_ours=True)}, rounds
    )
    slower = ratio(loop, telling, plain)
    return [
        Result(
            "metrics: the same work on a loop",
            rounds,
            rows_of(loop, plain),
            goals=[Goal(f"work with {telling}, time over without", slower, GOAL, "x")],
        ),
        Result("metrics: time for an update of a progress bar", rounds, rows_of(bars, file)),
    ]


def _calibrated() -> int:
    """How far a step counts, so that all steps take a second."""
    spins, took = 1_000, 0.0
    while took < SECONDS / STEPS:
        spins *= 2
        began = time.perf_counter()
        spin(spins)
        took = time.perf_counter() - began
    return int(spins * SECONDS / STEPS / took)


def spin(count: int) -> int:
    """Compute something."""
    total = 0
    for number in range(count):
        total += number
    return total


async def work(spins: int, told: int) -> float:
    """Steps that compute, and tell of so many metrics each; returns the seconds that it took."""
    began = time.perf_counter()
    for _ in range(STEPS):
        spin(spins)
        for _ in range(told):
            metric("loss", 0.5)
        await asyncio.sleep(0)
    return time.perf_counter() - began


async def iterate(options: dict[str, Any]) -> float:
    """The seconds for each update of a bar."""
    with progress(total=UPDATES, **options) as bar:
        began = time.perf_counter()
        for _ in range(UPDATES):
            bar.update()
        return (time.perf_counter() - began) / UPDATES
