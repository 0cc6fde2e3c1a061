"""Ten loops, a panel and commands at random, for as long as told: does anything grow?

`python -m benchmarks.soak --seconds 600`. The loops print, measure, fail and start more tasks; they
are stopped, cancelled, restarted and replaced; panels are opened, looked at and closed. From time
to time all of it comes to rest, and memory, threads and file descriptors are counted. After the
first third they must be flat, or the exit code is 1. So it is when the package logs an error, or
when anything takes longer than it promises.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import gc
import logging
import os
import random
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TextIO

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, BgwidgetsError, LoopManager, output
from bgwidgets.widgets.control_panel import ControlPanel

LOOPS: Final = 10
SAMPLES: Final = 30
"""As many moments of rest, evenly spread, at most one each half second."""
PANELS: Final = 2
WARM_UP: Final = 1 / 3
"""The part of the time in which what is kept is filled up: output, tasks that ended."""
LINES: Final = 1_100
LONG_LINE: Final = "x" * 1_000
"""So that each loop's output is full from the beginning on."""
ENDED: Final = 1_200
"""And so is its list of tasks that have ended."""
MORE_MEMORY: Final = 15.0
"""Megabytes that may come on top after the warm-up: by so much it goes up and down. A panel that is
kept takes half a one."""
MORE_OBJECTS: Final = 0.03
"""Objects that the collector knows: the same, as a part of all."""
MORE_THREADS: Final = 0
MORE_DESCRIPTORS: Final = 0
SETTLES_WITHIN: Final = 0.2
"""Seconds in which the threads of ended loops are gone."""
LIMIT: Final = 10.0
"""Seconds after which a wait has failed."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How much there is at one moment of rest."""

    at: float
    megabytes: float
    objects: int
    threads: int
    descriptors: int


@dataclass
class Tally:
    """What was done, and what went wrong."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Ear(logging.Handler):
    """Hears what the package and asyncio log."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(logging.WARNING)
        self._tally: Final = tally

    def emit(self, record: logging.LogRecord) -> None:
        """An error of ours is a failure; asyncio complains rightly of the tasks that fail here."""
        if record.name.startswith("bgwidgets"):
            self._tally.wrong.append(f"logged: {logging.Formatter().format(record)}")
        else:
            self._tally.done[f"complaints of {record.name}"] += 1


# -- the work


class Broken(Exception):
    """What work raises here."""


def fill_up() -> None:
    """Write as much as is kept."""
    for _ in range(LINES):
        print(LONG_LINE)


async def fail(after: float) -> None:
    """Fail, and nobody asks why."""
    await asyncio.sleep(after)
    raise Broken("on purpose")


async def prints() -> None:
    """Print, and start short tasks, some of which fail."""
    fill_up()
    await asyncio.gather(*(asyncio.sleep(0) for _ in range(ENDED)))
    number = 0
    tasks: set[asyncio.Task[None]] = set()
    while not _me().stop_event.is_set():
        number += 1
        print(f"line {number}", flush=True)
        task = asyncio.create_task(asyncio.sleep(0.005) if number % 3 else fail(0.005))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        await asyncio.sleep(0.01)


async def fails() -> None:
    """Go on for a while, or until it is asked to end, and fail."""
    fill_up()
    with suppress(TimeoutError):
        await asyncio.wait_for(_me().stop_event.wait(), 2.0)
    raise Broken("as it must")


async def measures() -> None:
    """Tell numbers and how far it is."""
    fill_up()
    for step in bgw.progress(range(10**9)):
        bgw.metric("loss", 1 / (step + 1))
        await asyncio.sleep(0.005)
        if _me().stop_event.is_set():
            return


def plain() -> None:
    """A plain function, in a worker thread."""
    fill_up()
    while not _me().stop_event.wait_sync(0.02):
        print("still here")


WORKS: Final[tuple[Callable[[], Any] | None, ...]] = (prints, fails, measures, plain, None)


def _me() -> BackgroundLoop:
    me = bgw.current()
    if me is None:
        raise RuntimeError("this is work of a background loop")
    return me


# -- what is done to it


class Scene:
    """The loops and the panels."""

    def __init__(self, chance: random.Random, tally: Tally) -> None:
        self.manager: Final = LoopManager()
        self._chance: Final = chance
        self._tally: Final = tally
        self._panels: Final[list[ControlPanel]] = []
        self._sent = 0
        for number in range(LOOPS):
            self._start(number)
        for _ in range(PANELS):
            self._open_panel()

    def _start(self, number: int) -> None:
        work = WORKS[number % len(WORKS)]
        self.manager.start(work, name=f"loop-{number}", replace=True)

    def do_something(self) -> None:
        """One command, drawn by lot."""
        number = self._chance.randrange(LOOPS)
        job = self.manager[f"loop-{number}"]
        commands: dict[str, Callable[[], object]] = {
            "request_stop": job.request_stop,
            "stop_loop": job.stop_loop,
            "cancel_tasks": job.cancel_tasks,
            "stop": lambda: job.stop(0),
            "restart": lambda: job.restart(0),
            "start": lambda: self._replace(number, job),
            "submit": lambda: job.submit(asyncio.sleep(0.001, 7)).result(LIMIT),
            "submit and fail": lambda: job.submit(fail(0.001)),
            "submit and cancel": lambda: job.submit(asyncio.sleep(60)).cancel(),
            "look": lambda: (job.tasks, job.history(), job.output.tail(5), job.metrics),
            "click": lambda: self._click(job),
            "page": lambda: self._say_something(job),
            "panel": self._renew_panel,
        }
        name = self._chance.choice(list(commands))
        began = time.monotonic()
        try:
            commands[name]()
        except (BgwidgetsError, concurrent.futures.CancelledError, Broken) as error:
            name = f"{name}: {type(error).__name__}"
        self._tally.done[name] += 1
        if (seconds := time.monotonic() - began) > LIMIT:
            self._tally.wrong.append(f"{name} took {seconds:.1f} s")

    def _replace(self, number: int, job: BackgroundLoop) -> None:
        job.stop(0)
        self._start(number)

    def rest(self) -> None:
        """Have every loop run, and nothing else going on."""
        for number in range(LOOPS):
            self._replace(number, self.manager[f"loop-{number}"])
        self.manager.remove_finished()

    def close(self) -> None:
        """Nothing goes on."""
        for panel in self._panels:
            panel.close()
        for report in self.manager.stop_all(0):
            if not report.outcome.has_ended:
                self._tally.wrong.append(f"a loop did not end: {report}")

    # The panels, and a page that shows them

    def _open_panel(self) -> None:
        panel = ControlPanel(self.manager)
        self._panels.append(panel)
        for widget in self._widgets(panel).values():
            widget.send = self._hear
        self._greet(panel)

    def _hear(self, *_message: object) -> None:
        self._sent += 1

    def _greet(self, panel: ControlPanel) -> None:
        self._say(panel, "loops", type="hello", view="l", start=0, stop=20)
        self._say(panel, "tasks", type="hello", view="t", start=0, stop=20)
        self._say(panel, "status", type="hello", view="s")

    def _say(self, panel: ControlPanel, channel: str, **message: Any) -> None:
        self._widgets(panel)[channel]._handle_custom_msg(message, [])  # noqa: SLF001 - as ipywidgets does

    def _say_something(self, job: BackgroundLoop) -> None:
        """All views of a panel are looked at, and show this loop."""
        panel = self._chance.choice(self._panels)
        self._greet(panel)
        self._say(panel, "tasks", type="select", loop=job.id)
        about = {"view": "v", "loop": job.id, "known": 0}
        self._say(panel, "output", type="show", **about)
        self._say(panel, "plots", type="show", **about)
        self._say(panel, "details", type="show", tab="history", **about)

    def _click(self, job: BackgroundLoop) -> None:
        panel = self._chance.choice(self._panels)
        panel.selected = job.id
        buttons = (panel.stop_event_button, panel.stop_loop_button, panel.cancel_tasks_button)
        self._chance.choice(buttons).click()

    def _renew_panel(self) -> None:
        self._panels.pop(self._chance.randrange(PANELS)).close()
        self._open_panel()

    @staticmethod
    def _widgets(panel: ControlPanel) -> dict[str, Any]:
        loops, actions, tasks, details, output, plots, finder, _ = panel.children
        return {
            "loops": loops,
            "tasks": tasks,
            "status": actions.children[-1],
            "details": details,
            "output": output,
            "plots": plots,
            "finder": finder,
        }


# -- the measurement


def soak(seconds: float, seed: int, say: Callable[[str], object]) -> int:
    """Do it for so long; the exit code."""
    tally = Tally()
    ear = Ear(tally)
    loggers = [logging.getLogger(name) for name in ("bgwidgets", "asyncio")]
    for logger in loggers:
        logger.addHandler(ear)
        logger.propagate = False
    scene = Scene(random.Random(seed), tally)  # noqa: S311 - a lot, and no secret
    samples: list[Sample] = []
    began = time.monotonic()
    pause = max(0.5, seconds / SAMPLES)
    say(f"{LOOPS} loops and {PANELS} panels for {seconds:g} s, seed {seed}")
    say(f"{'s':>6} {'MB':>8} {'objects':>9} {'threads':>8} {'descriptors':>12}")
    try:
        while (now := time.monotonic()) < began + seconds:
            while time.monotonic() < now + pause:
                scene.do_something()
            scene.rest()
            samples.append(sample(time.monotonic() - began))
            say(in_words(samples[-1]))
    finally:
        scene.close()
    for text, times in sorted(tally.done.items()):
        say(f"{times:8,} {text}")
    wrong = [*dict.fromkeys(tally.wrong), *growth(samples)]
    for text in wrong:
        say(f"WRONG: {text}")
    say("not flat, or worse" if wrong else "flat after the warm-up")
    return 1 if wrong else 0


def sample(at: float) -> Sample:
    """Count, when what was let go of has gone; threads take a moment for that."""
    import psutil

    gc.collect()
    deadline = time.monotonic() + SETTLES_WITHIN
    threads = threading.active_count()
    while time.monotonic() < deadline:
        time.sleep(0.01)
        threads = min(threads, threading.active_count())
    gc.collect()
    return Sample(
        at=at,
        megabytes=psutil.Process().memory_info().rss / 1e6,
        objects=len(gc.get_objects()),
        threads=threads,
        descriptors=len(list(Path("/proc/self/fd").iterdir())),
    )


def in_words(sample: Sample) -> str:
    """A row of the table."""
    return (
        f"{sample.at:6.1f} {sample.megabytes:8.1f} {sample.objects:9,} {sample.threads:8}"
        f" {sample.descriptors:12}"
    )


def growth(samples: Sequence[Sample]) -> list[str]:
    """What is more in the last third than in the one before it, in words."""
    end = samples[-1].at
    middle = [each for each in samples if WARM_UP <= each.at / end < (1 + WARM_UP) / 2]
    last = [each for each in samples if each.at / end >= (1 + WARM_UP) / 2]
    if not middle or not last:
        return ["too short a time for samples after the warm-up"]
    grown = []
    for what, of, typical, most in (
        ("memory, MB", lambda each: each.megabytes, statistics.median, MORE_MEMORY),
        ("objects", lambda each: each.objects, statistics.median, MORE_OBJECTS * middle[0].objects),
        ("threads", lambda each: each.threads, min, MORE_THREADS),
        ("descriptors", lambda each: each.descriptors, min, MORE_DESCRIPTORS),
    ):
        before, after = typical(map(of, middle)), typical(map(of, last))
        if after > before + most:
            grown.append(f"{what}: {before:,.1f} in the middle, {after:,.1f} in the end")
    return grown


def main() -> int:
    """Read the arguments; what the loops print goes to their own output alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    terminal: TextIO = sys.stdout

    def say(text: str) -> None:
        print(text, file=terminal, flush=True)

    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = nowhere
        try:
            return soak(arguments.seconds, arguments.seed, say)
        finally:
            output.uninstall()
            sys.stdout = terminal


if __name__ == "__main__":
    sys.exit(main())
