"""A Python of its own in which things go wrong: `python -m tests.faults KIND FAULT:PLACE:WAY ...`

All at the same time, each on a loop of its own, while another loop ticks and prints and must not
notice. What failed is told on standard output; standard error has what a user would see there.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from bgwidgets import LoopManager, current
from bgwidgets.output.router import router
from tests.faults.faults import let_go
from tests.faults.kinds import Kind
from tests.faults.scenario import Scenario

AT_ONCE = 8
TICK = 0.01
LONGEST_GAP = 1.0
"""Seconds between two ticks of a loop that does not notice; it shares an interpreter lock."""


async def tick(gaps: list[float]) -> int:
    """Turns and prints, until it is asked to stop."""
    ticks = 0
    job = current()
    assert job is not None
    before = time.monotonic()
    while not job.stop_event.is_set():
        await asyncio.sleep(TICK)
        now = time.monotonic()
        gaps.append(now - before)
        before = now
        ticks += 1
        print("tick")
    return ticks


def main(kind: Kind, scenarios: list[Scenario]) -> int:
    """How many have failed."""
    tell = os.dup(1)  # One of the faults closes sys.stdout.
    router.install(tee=False)  # As in a notebook: what loops write is theirs.
    failed = 0
    with tempfile.TemporaryDirectory() as folder, client_for(kind) as client:
        manager = LoopManager()
        gaps: list[float] = []
        ticker = manager.start(tick, gaps, name="ticker")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            runs = {
                each: pool.submit(partial(each.run, manager, Path(folder), client))
                for each in scenarios
            }
        for scenario, run in runs.items():
            if (error := run.exception()) is not None:
                failed += 1
                text = "".join(traceback.format_exception(error))
                os.write(tell, f"{kind} {scenario} failed:\n{text}\n".encode())
        ticker.request_stop()
        ticks = ticker.result(5)
        longest = max(gaps)
        if longest > LONGEST_GAP + max(each.held for each in scenarios):
            failed += 1
            os.write(tell, f"the other loop stood still for {longest:.2f} s\n".encode())
        os.write(tell, f"{len(scenarios)} played, {ticks} ticks\n".encode())
    let_go()
    return failed


@contextlib.contextmanager
def client_for(kind: Kind) -> Iterator[Any]:
    """Of a cluster on this machine, where one is needed."""
    if kind is not Kind.DASK:
        yield None
        return
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


if __name__ == "__main__":
    on = Kind(sys.argv[1])
    sys.exit(min(1, main(on, [Scenario.read(on, text) for text in sys.argv[2:]])))
