"""One panel over ten loops in threads, in processes and on a Dask worker, with 10,000 tasks each:
what a refresh costs, and whether one process that does not answer holds up the others' rows.

Real widgets and a page that stands for a browser: see `page`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final
from unittest.mock import patch

from benchmarks.hosts import one_worker
from benchmarks.measure import Goal, Result, Spread, rows_of
from benchmarks.page import Page
from benchmarks.peers import not_measured
from bgwidgets import BackgroundLoop, LoopManager

TASKS: Final = 10_000
A_TURN: Final = 1_000
POLLERS: Final = 20
"""Tasks of each busy loop that are always at something else."""
INTERVAL: Final = 0.5
WATCHED_FOR: Final = 5.0
"""Seconds of a round."""
SETTLES_IN: Final = 3.0
LIMIT: Final = 60.0
MOST_BYTES: Final = 4_000.0
MOST_KERNEL_TIME: Final = 0.0002
LONGEST_GAP: Final = 1.5 * INTERVAL

THREAD: Final = "thread"
PROCESS: Final = "process"
DASK: Final = "dask"
LOOPS: Final = {THREAD: 4, PROCESS: 3, DASK: 3}
WELL: Final = "all answer"
ELSEWHERE: Final = "a process is stopped"
SELECTED: Final = "the selected process is stopped"

NEVER_SILENT: Final = (
    "In {} of the rounds each refresh had some loop's lag to tell, for this machine had other work:"
    " then these are refreshes that send something."
)


async def nap() -> None:
    """What nearly all tasks do."""
    await asyncio.sleep(90_000)


async def poll(number: int) -> None:
    """Be at another line a few times a second."""
    while True:
        await asyncio.sleep(0.3 + number / 100)
        await asyncio.sleep(0.2)


async def many(*, quiet: bool) -> None:
    """The work of each loop."""
    tasks = []
    for number in range(TASKS):
        work = nap() if quiet or number >= POLLERS else poll(number)
        tasks.append(asyncio.create_task(work))
        if not number % A_TURN:
            await asyncio.sleep(0)
    await asyncio.wait(tasks)


@dataclass
class _Meter:
    """Of each refresh: when it was, the seconds of its thread, and whether anything was sent."""

    at: list[float] = field(default_factory=list)
    seconds: list[tuple[float, bool]] = field(default_factory=list)

    @contextmanager
    def reading(self, page: Page) -> Iterator[None]:
        """Of the panels of this process, of which there is one."""
        from bgwidgets.widgets.feed import Feed
        from bgwidgets.widgets.showing import Showing

        look, advance = Showing.look, Feed.advance
        looks: list[float] = []

        def noted_look(showing: Showing) -> None:
            looks.append(time.monotonic())
            look(showing)

        def timed_advance(feed: Feed, face: Any, now: float) -> float | None:
            looks.clear()
            began, sent = time.thread_time(), page.messages
            wake_at = advance(feed, face, now)
            if looks:
                self.seconds.append((time.thread_time() - began, page.messages > sent))
                # When its rows were ready: what it waited for is over.
                self.at.append(time.monotonic())
            return wake_at

        with (
            patch.object(Showing, "look", noted_look),
            patch.object(Feed, "advance", timed_advance),
        ):
            yield

    def clear(self) -> None:
        """Begin anew, with the last refresh that there was."""
        del self.at[:-1]
        self.seconds.clear()

    def longest_gap(self, ended: float) -> float:
        """Seconds between two refreshes, since the last one before it began anew."""
        return max(later - earlier for earlier, later in pairwise([*self.at, ended]))


class _Scene:
    """The loops, and the panel that shows them."""

    def __init__(self, client: Any, page: Page, meter: _Meter, *, quiet: bool) -> None:
        from bgwidgets.widgets.control_panel import ControlPanel

        hosts = {THREAD: THREAD, PROCESS: PROCESS} | ({} if client is None else {DASK: client})
        self.manager: Final = LoopManager()
        self.jobs: Final = {
            kind: [
                self.manager.start(many, name=f"{kind}-{number}", host=host, quiet=quiet)
                for number in range(LOOPS[kind])
            ]
            for kind, host in hosts.items()
        }
        deadline = time.monotonic() + LIMIT
        while missing := [job for job in self.manager if job.snapshot().total_tasks <= TASKS]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"these did not come up: {[job.snapshot() for job in missing]}")
            time.sleep(0.1)
        self._page, self._meter = page, meter
        self._dice = random.Random(len(self.jobs))  # noqa: S311 - the same times each time
        self.panel: Final = ControlPanel(self.manager, interval=INTERVAL)
        self.panel.open()
        page.open(self.panel)

    def select(self, job: BackgroundLoop) -> None:
        """Show its tasks, wait until what that costs at first is over, and some time more: what
        comes next does not always come at the same time after a refresh.
        """
        self.panel.selected = job.id
        time.sleep(SETTLES_IN + self._dice.random() * INTERVAL)

    def watch(self) -> tuple[float, list[tuple[float, bool]], float]:
        """Bytes of a refresh, the refreshes' costs, and the longest time between two."""
        self._meter.clear()
        before, began = self._page.bytes, time.monotonic()
        time.sleep(WATCHED_FOR)
        ended = time.monotonic()
        gap = self._meter.longest_gap(ended)
        sent = self._page.bytes - before
        return sent * INTERVAL / (ended - began), list(self._meter.seconds), gap

    def close(self) -> None:
        """End all of it."""
        self.panel.close()
        for job in self.manager:
            if job.host == THREAD:
                job.stop(0)
            else:
                job.kill()


def run(rounds: int) -> list[Result]:
    """Four tables."""
    sent: dict[str, list[float]] = {}
    told: dict[str, list[float]] = {}
    silent: dict[str, list[float]] = {}
    gaps: dict[str, list[float]] = {}
    never_silent = 0
    meter = _Meter()
    with ExitStack() as stack:
        client = stack.enter_context(one_worker())
        page = stack.enter_context(Page())
        stack.enter_context(meter.reading(page))
        scene = _Scene(client, page, meter, quiet=False)
        for _ in range(rounds):
            for kind, jobs in scene.jobs.items():
                scene.select(jobs[0])
                size, costs, gap = scene.watch()
                sent.setdefault(f"selected: {kind}", []).append(size)
                told.setdefault(f"selected: {kind}", []).append(_median(costs, has_sent=True))
                gaps.setdefault(WELL, []).append(gap)
            process, other = scene.jobs[PROCESS][:2]
            for name, shown in ((ELSEWHERE, other), (SELECTED, process)):
                scene.select(shown)
                gaps.setdefault(name, []).append(_gap_while_stopped(scene, process))
        scene.close()
        scene = _Scene(client, page, meter, quiet=True)
        for _ in range(rounds):
            for kind, jobs in scene.jobs.items():
                scene.select(jobs[0])
                size, costs, _ = scene.watch()
                sent.setdefault(f"selected: {kind}, nothing changes", []).append(size)
                silent.setdefault(f"selected: {kind}", []).append(_median(costs, has_sent=False))
                never_silent += not any(has_sent is False for _, has_sent in costs)
        scene.close()
    missing = [not_measured(DASK, ["distributed"])] if client is None else []
    ours = f"selected: {PROCESS}"
    return [
        Result(
            "many hosts: bytes of a refresh, 10 loops with 10,000 tasks each",
            rounds,
            rows_of(sent),
            unit="B",
            goals=[Goal("bytes of a refresh of 3 hosts", Spread.of(sent[ours]), MOST_BYTES, "B")],
            notes=missing,
        ),
        Result("many hosts: kernel time of a refresh that sends something", rounds, rows_of(told)),
        Result(
            "many hosts: kernel time of a refresh that sends nothing",
            rounds,
            rows_of(silent),
            goals=[
                Goal(
                    "kernel time of 3 hosts when nothing changed",
                    Spread.of(silent[ours]),
                    MOST_KERNEL_TIME,
                    "s",
                )
            ],
            notes=[NEVER_SILENT.format(never_silent)] if never_silent else [],
        ),
        Result(
            f"many hosts: longest time between two refreshes, {INTERVAL} s apart",
            rounds,
            rows_of(gaps),
            goals=[
                Goal(f"refreshes while {name}", Spread.of(gaps[name]), LONGEST_GAP, "s")
                for name in (ELSEWHERE, SELECTED)
            ],
        ),
    ]


def _gap_while_stopped(scene: _Scene, job: BackgroundLoop) -> float:
    pid = job.snapshot().pid
    if pid is None:
        raise RuntimeError("it has no process")
    os.kill(pid, signal.SIGSTOP)
    try:
        gap = scene.watch()[2]
        if not job.snapshot().unresponsive:
            raise RuntimeError("nobody has noticed that it does not answer")
    finally:
        os.kill(pid, signal.SIGCONT)
    return gap


def _median(costs: list[tuple[float, bool]], *, has_sent: bool) -> float:
    """Of the refreshes that sent something, or of those that did not; of all where none is such."""
    chosen = [seconds for seconds, sent in costs if sent is has_sent]
    return statistics.median(chosen or [seconds for seconds, _ in costs])
