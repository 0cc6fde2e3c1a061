"""A million printed lines: into a loop's log, with a file as well, and into plain files.

Each figure comes from a process of its own, with the streams as they are in a Jupyter kernel: what
loops write goes to their logs and nowhere else.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Final

from benchmarks.in_a_child import answer, measured_by
from benchmarks.measure import Goal, Result, Spread, interleaved, ratio, rows_of

LINES: Final = 1_000_000
AT_MOST: Final = 2.0
"""Times as long as the same prints into a file."""
MEMORY: Final = 5_000_000.0
"""Bytes that a million lines may add to the kernel: the log's megabyte, and what the allocator
wastes.
"""
BUFFERED, BY_LINE = "a file", "a file, line by line"
LOG, BOTH = "a loop's log", "a loop's log and its file"
KINDS: Final = (BUFFERED, BY_LINE, LOG, BOTH)


def run(rounds: int) -> list[Result]:
    """How long it takes, and what it leaves in memory."""
    memory: dict[str, list[float]] = {kind: [] for kind in KINDS}

    def seconds(kind: str) -> float:
        found = measured_by("benchmarks.prints", kind)
        memory[kind].append(float(found["bytes"]))
        return float(found["seconds"])

    values = interleaved({kind: partial(seconds, kind) for kind in KINDS}, rounds, warm_up=0)
    goals = [
        Goal(
            "prints into a log, by the same into a file", ratio(values, LOG, BUFFERED), AT_MOST, "x"
        ),
        Goal(
            "prints into a log and its file, by the same into a file that is written by line",
            ratio(values, BOTH, BY_LINE),
            AT_MOST,
            "x",
        ),
    ]
    flat = Goal("what a million lines leave in memory", Spread.of(memory[LOG]), MEMORY, "B")
    return [
        Result(f"prints: {LINES:,} lines", rounds, rows_of(values, BUFFERED), goals=goals),
        Result("prints: more memory after them", rounds, rows_of(memory), unit="B", goals=[flat]),
    ]


def measure(kind: str) -> None:
    """In a process of its own, which ends with it."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        path = Path(folder) / "lines.log"
        if kind in {BUFFERED, BY_LINE}:
            buffering = 1 if kind == BY_LINE else -1
            file = stack.enter_context(path.open("w", buffering=buffering))
            stack.enter_context(contextlib.redirect_stdout(file))
            before = _resident()
            seconds = _print_lines()
        else:
            seconds, before = _on_a_loop(path if kind == BOTH else None)
        after = _resident()
    answer({"seconds": seconds, "bytes": after - before})


def _on_a_loop(path: Path | None) -> tuple[float, float]:
    import bgwidgets as bgw

    # The answer goes to the real one.
    with contextlib.redirect_stdout(io.StringIO()):
        bgw.output.install(tee=False)
        job = bgw.start(name="prints")
        job.submit(_begin(1_000)).result()
        if path is not None:
            job.output.to_file(path)
        before = _resident()
        seconds = job.submit(_begin(LINES)).result()
        job.stop(0)
    return seconds, before


async def _begin(count: int) -> float:
    return _print_lines(count)


def _print_lines(count: int = LINES) -> float:
    began = time.perf_counter()
    for number in range(count):
        print(f"line {number}")
    sys.stdout.flush()
    return time.perf_counter() - began


def _resident() -> float:
    import psutil

    return float(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    measure(*sys.argv[1:])
