"""What `nested=True` costs: other loops, and the loop itself; beside nest_asyncio."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from functools import partial
from typing import Final

from benchmarks.measure import Result, interleaved, rows_of
from benchmarks.peers import LIMIT
from benchmarks.work import Took, Work, by_name, time_each
from bgwidgets import LoopManager

NEST_ASYNCIO: Final = "import nest_asyncio; nest_asyncio.apply(asyncio.new_event_loop());"
TURN: Final = 0.3
"""Seconds of work in a turn."""


def on_a_bare_loop(work: Work) -> float:
    """On a plain asyncio loop in a thread, as ours is in one."""
    took: list[Took] = []
    thread = threading.Thread(
        target=lambda: took.append(asyncio.run(time_each(work.batch, TURN))), daemon=True
    )
    thread.start()
    thread.join(LIMIT)
    return took[0].wall


def in_a_process_of_its_own(work: str, preamble: str = "") -> float:
    """On a bare loop; what nest_asyncio does to a process can never be undone in it."""
    code = (
        f"import asyncio; {preamble} from benchmarks.nested import *;"
        f"print(on_a_bare_loop(by_name({work!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=LIMIT, check=True
    )
    return float(done.stdout)


def run(rounds: int) -> list[Result]:
    """The storm and the mixed work of `tasks`, on loops that are nested and on others."""
    manager = LoopManager()

    def beside_a_nested_loop(work: Work) -> float:
        with manager.start(nested=True, replace=True, name="nested"):
            return on_a_bare_loop(work)

    def on_ours(work: Work, *, nested: bool) -> float:
        job = manager.start(time_each, work.batch, TURN, nested=nested)
        took: Took = job.result(LIMIT)
        job.remove()
        return took.wall

    results = []
    for work in (by_name("storm"), by_name("mixed")):
        seconds = interleaved(
            {
                "a bare loop": partial(on_a_bare_loop, work),
                "a bare loop beside a nested one": partial(beside_a_nested_loop, work),
            },
            rounds,
        )
        results.append(
            Result(f"nested: other loops, {work.name}", rounds, rows_of(seconds, "a bare loop"))
        )
        seconds = interleaved(
            {
                "ours": partial(on_ours, work, nested=False),
                "ours, nested=True": partial(on_ours, work, nested=True),
            },
            rounds,
        )
        results.append(
            Result(f"nested: the loop itself, {work.name}", rounds, rows_of(seconds, "ours"))
        )
        seconds = interleaved(
            {
                "a bare process": partial(in_a_process_of_its_own, work.name),
                "nest_asyncio applied": partial(in_a_process_of_its_own, work.name, NEST_ASYNCIO),
            },
            max(3, rounds // 3),
        )
        results.append(
            Result(
                f"nested: nest_asyncio, {work.name}",
                max(3, rounds // 3),
                rows_of(seconds, "a bare process"),
            )
        )
    return results
