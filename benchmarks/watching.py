"""What it costs that loops are watched: work with and without, and a hundred idle loops."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from unittest.mock import patch

from benchmarks.measure import Result, interleaved, rows_of
from benchmarks.peers import LIMIT
from benchmarks.work import Took, Work, by_name, time_each
from bgwidgets import LoopManager
from bgwidgets.hosts.liveness import Liveness

TURN: Final = 0.3
"""Seconds of work in a turn."""
LOOPS: Final = (1, 10, 100)
IDLE_FOR: Final = 3.0
"""Seconds."""
SETTLES_IN: Final = 1.0


@contextmanager
def unwatched() -> Iterator[None]:
    """Loops that are started here are not looked at."""
    with patch.object(Liveness, "begin", lambda _self, _loop: None):
        yield


def run(rounds: int) -> list[Result]:
    """A storm of empty tasks, mixed work, and loops that do nothing."""
    manager = LoopManager()

    def work_on(work: Work) -> float:
        job = manager.start(time_each, work.batch, TURN)
        took: Took = job.result(LIMIT)
        job.remove()
        return took.wall

    def without(work: Work) -> float:
        with unwatched():
            return work_on(work)

    results = []
    for work in (by_name("storm"), by_name("mixed")):
        seconds = interleaved(
            {"unwatched": partial(without, work), "watched": partial(work_on, work)}, rounds
        )
        title = f"watching: {work.name}, time for one {work.unit}"
        results.append(Result(title, rounds, rows_of(seconds, "unwatched")))
    idle = {f"{count} loops": [idle_cost(manager, count)] for count in LOOPS}
    results.append(Result("watching: CPU seconds a second of idle loops", 1, rows_of(idle)))
    return results


def idle_cost(manager: LoopManager, count: int) -> float:
    """The CPU seconds that so many idle loops take in a second."""
    for _ in range(count):
        manager.start()
    time.sleep(SETTLES_IN)
    began = time.process_time()
    time.sleep(IDLE_FOR)
    took = time.process_time() - began
    manager.stop_all(0)
    manager.remove_finished()
    return took / IDLE_FOR
