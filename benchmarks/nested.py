"""What `nested=True` costs: other loops, and the loop itself; beside nest_asyncio."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Final

from benchmarks.measure import Result, interleaved, rows_of
from benchmarks.tasks import LIMIT, Work, mixed, on_a_bare_loop, storm
from bgwidgets import LoopManager

NEST_ASYNCIO: Final = "import nest_asyncio; nest_asyncio.apply(asyncio.new_event_loop());"


def in_a_process_of_its_own(work: str, preamble: str = "") -> float:
    """On a bare loop; what nest_asyncio does to a process can never be undone in it."""
    code = (
        f"import asyncio; {preamble} from benchmarks.tasks import *; print(on_a_bare_loop({work}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=LIMIT, check=True
    )
    return float(done.stdout)


def run(rounds: int) -> list[Result]:
    """The storm and the mixed work of `tasks`, on loops that are nested and on others."""
    manager = LoopManager()

    def beside_a_nested_loop(work: Work) -> float:
        with manager.start(nested=True, replace=True, name="nested"):
            return on_a_bare_loop(work)

    def on_ours(work: Work, *, nested: bool) -> float:
        job = manager.start(work, nested=nested)
        seconds: float = job.result(LIMIT)
        job.remove()
        return seconds

    results = []
    for work in (storm, mixed):
        seconds = interleaved(
            {
                "a bare loop": partial(on_a_bare_loop, work),
                "a bare loop beside a nested one": partial(beside_a_nested_loop, work),
            },
            rounds,
        )
        results.append(
            Result(f"nested: other loops, {work.__name__}", rounds, rows_of(seconds, "a bare loop"))
        )
        seconds = interleaved(
            {
                "ours": partial(on_ours, work, nested=False),
                "ours, nested=True": partial(on_ours, work, nested=True),
            },
            rounds,
        )
        results.append(
            Result(f"nested: the loop itself, {work.__name__}", rounds, rows_of(seconds, "ours"))
        )
        seconds = interleaved(
            {
                "a bare process": partial(in_a_process_of_its_own, work.__name__),
                "nest_asyncio applied": partial(
                    in_a_process_of_its_own, work.__name__, NEST_ASYNCIO
                ),
            },
            max(3, rounds // 3),
        )
        results.append(
            Result(
                f"nested: nest_asyncio, {work.__name__}",
                max(3, rounds // 3),
                rows_of(seconds, "a bare process"),
            )
        )
    return results
