"""Ten loops, a panel and commands at random, for as long as told: does anything grow?

`python -m benchmarks.soak --seconds 600`. The loops print, measure, fail and start more tasks; they
are stopped, cancelled, restarted and replaced; panels are opened, looked at and closed. From time
to time all of it comes to rest, and memory, threads and file descriptors are counted. From the
first third on a line is laid through them, which must be flat, or the exit code is 1. So it is when
the package logs an error, or when anything takes longer than it promises.
"""

from __future__ import annotations

import argparse
import asyncio
import concurrent.futures
import ctypes
import gc
import io
import linecache
import logging
import math
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
from typing import Any, Final, NamedTuple, TextIO

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, BgwidgetsError, LoopManager, LoopState, output
from bgwidgets.widgets.control_panel import ControlPanel

LOOPS: Final = 10
SAMPLES: Final = 30
"""As many moments of rest, evenly spread, at most one each half second."""
PANELS: Final = 2
WARM_UP: Final = 1 / 3
"""The part of the time in which what is kept is filled up: output, tasks that ended."""
FEWEST: Final = 4
"""Samples through which a line may be laid."""
LINES: Final = 1_100
LONG_LINE: Final = "x" * 1_000
"""So that each loop's output is full from the beginning on."""
ENDED: Final = 1_200
"""And so is its list of tasks that have ended."""
MORE: Final = {
    "megabytes": 12.0,
    "in use": 0.5,
    "objects": 400.0,
    "blocks": 2_000.0,
    "threads": 0.5,
    "descriptors": 0.5,
}
"""By so much the line may rise from the warm-up to the end: what goes up and down does so by
chance, for the loops are not everywhere at the same point, and most so the memory of the process,
in which there are gaps. One thread more, for good, is a rise of more than half a one, wherever it
comes but in the first and the last tenth."""
BEGUN_AFTER: Final = 0.5
"""Seconds in which the loops have done what they begin with, and the tasks of that are forgotten.
"""
SETTLES_WITHIN: Final = 2.0
"""Seconds in which the threads of ended loops, and their descriptors, are gone. One that is never
gone takes so long at each moment of rest."""
LIMIT: Final = 10.0
"""Seconds after which a wait has failed."""
STOPS_WITHIN: Final = 3.0
"""Seconds that `stop(0)` promises; the button Stop loop has the same."""
AT_ONCE: Final = 2.0
"""Seconds for what promises to return at once. Ten loops are at work in the same interpreter, and
others may be on the same processors.
"""
PROMISES: Final = {
    "stop": STOPS_WITHIN,
    "restart": STOPS_WITHIN + AT_ONCE,
    "start": STOPS_WITHIN + AT_ONCE,
    "submit": LIMIT,
}
"""Seconds that a command may take. `submit` waits for a loop that may be ending."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How much there is at one moment of rest."""

    at: float
    megabytes: float
    """What the system has given to the process,"""
    in_use: float
    """and what of it somebody uses who took it from C's library: texts, lists, tables. Megabytes;
    0 where that cannot be asked."""
    objects: int
    """Those that the collector knows,"""
    blocks: int
    """and all pieces of memory that Python has given to anybody: also texts and numbers."""
    threads: int
    descriptors: int


@dataclass
class Tally:
    """What was done, and what went wrong."""

    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    longest: dict[str, float] = field(default_factory=dict)
    """Seconds that the slowest of each command took."""

    def took(self, what: str, seconds: float) -> None:
        """A command is over, or a loop has ended after it."""
        self.longest[what] = max(seconds, self.longest.get(what, 0.0))
        most = PROMISES.get(what, AT_ONCE)
        if seconds > most:
            self.wrong.append(f"{what} took {seconds:.2f} s, and may take {most:g} s")


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


class Nowhere(io.TextIOBase):
    """Where what loops print goes beside their own output.

    No file: Python's own text files leave a list behind now and then when several threads write to
    them at the same time (cpython #119506, mended in 3.12.4), and thousands in ten minutes.
    """

    def write(self, text: str) -> int:
        """It is gone."""
        return len(text)


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


class _Ending(NamedTuple):
    job: BackgroundLoop
    run_number: int
    since: float
    clicked_in: ControlPanel | None


class Scene:
    """The loops and the panels."""

    def __init__(self, chance: random.Random, tally: Tally) -> None:
        self.manager: Final = LoopManager()
        self._chance: Final = chance
        self._tally: Final = tally
        self._panels: Final[list[ControlPanel]] = []
        self._ending: Final[dict[int, _Ending]] = {}
        """The loops that are to end, by their ids."""
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
            "stop_loop": lambda: self._stop_loop(job),
            "cancel_tasks": job.cancel_tasks,
            "stop": lambda: self._stop(job),
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
        what = name
        began = time.monotonic()
        try:
            commands[name]()
        except (BgwidgetsError, concurrent.futures.CancelledError, Broken) as error:
            what = f"{name}: {type(error).__name__}"
        self._tally.done[what] += 1
        self._tally.took(name, time.monotonic() - began)
        self._look_at_ending()

    def _look_at_ending(self) -> None:
        """A loop that was stopped by a click, or by `stop_loop()`, ends in time."""
        for job, run_number, since, panel in list(self._ending.values()):
            if panel is not None and panel not in self._panels and job.state is LoopState.RUNNING:
                del self._ending[job.id]  # It was closed before it could pass the click on.
                continue
            is_over = job.state.has_ended or job.run_number != run_number
            seconds = time.monotonic() - since
            if is_over or seconds > STOPS_WITHIN:
                del self._ending[job.id]
            if is_over:
                self._tally.longest["end"] = max(seconds, self._tally.longest.get("end", 0.0))
            elif seconds > STOPS_WITHIN:
                self._tally.wrong.append(f"a loop goes on {seconds:.1f} s after its stop: {job}")

    def _is_to_end(self, job: BackgroundLoop, by: ControlPanel | None = None) -> None:
        self._ending.setdefault(job.id, _Ending(job, job.run_number, time.monotonic(), by))

    def _stop_loop(self, job: BackgroundLoop) -> None:
        self._is_to_end(job)
        job.stop_loop()

    def _stop(self, job: BackgroundLoop) -> None:
        report = job.stop(0)
        if not report.outcome.has_ended:
            self._tally.wrong.append(f"a loop did not end: {report}")

    def _replace(self, number: int, job: BackgroundLoop) -> None:
        self._stop(job)
        self._start(number)

    def rest(self) -> None:
        """Have every loop run, and nothing else going on; and panels that nobody looks at, for one
        that shows tasks has some thousand objects for that.
        """
        for panel in self._panels:
            panel.close()
        self._panels.clear()
        for number in range(LOOPS):
            self._replace(number, self.manager[f"loop-{number}"])
        self._look_at_ending()
        self.manager.remove_finished()
        for _ in range(PANELS):
            self._open_panel(is_looked_at=False)

    def close(self) -> None:
        """Nothing goes on."""
        for panel in self._panels:
            panel.close()
        for report in self.manager.stop_all(0):
            if not report.outcome.has_ended:
                self._tally.wrong.append(f"a loop did not end: {report}")

    # The panels, and a page that shows them

    def _open_panel(self, *, is_looked_at: bool = True) -> None:
        panel = ControlPanel(self.manager)
        self._panels.append(panel)
        for widget in self._widgets(panel).values():
            widget.send = self._hear
        if is_looked_at:
            self._greet(panel)

    def _hear(self, *_message: object) -> None:
        self._tally.done["messages to a page"] += 1

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
        button = self._chance.choice(buttons)
        if button is panel.stop_loop_button and job.state is LoopState.RUNNING:
            self._is_to_end(job, panel)
        button.click()

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
    say(f"{'s':>8}" + "".join(f"{name:>12}" for name in MORE))
    try:
        while (now := time.monotonic()) < began + seconds:
            while time.monotonic() < now + pause:
                scene.do_something()
            scene.rest()
            samples.append(sample(time.monotonic() - began, samples))
            say(in_words(samples[-1]))
    finally:
        scene.close()
    for text, times in sorted(tally.done.items()):
        say(f"{times:10,} {text}")
    for text, longest in sorted(tally.longest.items()):
        say(f"{longest:10.3f} s, the slowest {text}")
    for name, rise in rises(samples).items():
        say(f"{rise.in_all:+10,.1f} {name} after the warm-up, {rise.an_hour:+,.1f} an hour")
    wrong = [*dict.fromkeys(tally.wrong), *growth(samples)]
    for text in wrong:
        say(f"WRONG: {text}")
    say("not flat, or worse" if wrong else "flat after the warm-up")
    return 1 if wrong else 0


def sample(at: float, before: Sequence[Sample] = ()) -> Sample:
    """Count, when what was let go of has gone; that takes a moment, and longest where there is more
    than there mostly was before.
    """
    import psutil

    usual = [
        statistics.median_low(counts) if counts else math.inf
        for counts in ([each.threads for each in before], [each.descriptors for each in before])
    ]
    time.sleep(BEGUN_AFTER)
    deadline = time.monotonic() + SETTLES_WITHIN
    while True:
        threads, descriptors = threading.active_count(), _count_descriptors()
        if (threads <= usual[0] and descriptors <= usual[1]) or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    # Python keeps the lines of each file that a traceback has gone through: of some more with time.
    linecache.clearcache()
    for _ in range(3):  # What finalizers let go of, too.
        gc.collect()
    _give_back_memory()
    return Sample(
        at=at,
        megabytes=psutil.Process().memory_info().rss / 1e6,
        in_use=_in_use() / 1e6,
        objects=len(gc.get_objects()),
        blocks=sys.getallocatedblocks(),
        threads=threads,
        descriptors=descriptors,
    )


def _count_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


class _Mallinfo(ctypes.Structure):
    """What GNU's C library tells of its memory."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    )  # fmt: skip


def _in_use() -> int:
    with suppress(OSError, AttributeError):
        ask = ctypes.CDLL(None).mallinfo2
        ask.restype = _Mallinfo
        return int(ask().uordblks)
    return 0


def _give_back_memory() -> None:
    """What C has freed and kept, where its library can be asked to."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def in_words(sample: Sample) -> str:
    """A row of the table."""
    return f"{sample.at:8.1f}" + "".join(f"{_of(sample, name):12,.1f}" for name in MORE)


def _of(sample: Sample, name: str) -> float:
    return float(getattr(sample, name.replace(" ", "_")))


@dataclass(frozen=True, slots=True)
class Rise:
    """How a straight line through what was counted rises, from the warm-up to the end."""

    in_all: float
    an_hour: float


def rises(samples: Sequence[Sample]) -> dict[str, Rise]:
    """That of each; none when there are too few samples after the warm-up."""
    counted = [each for each in samples if each.at >= WARM_UP * samples[-1].at]
    if len(counted) < FEWEST:
        return {}
    times = [each.at for each in counted]
    slopes = {
        name: statistics.linear_regression(times, [_of(each, name) for each in counted]).slope
        for name in MORE
    }
    return {
        name: Rise(slope * (times[-1] - times[0]), slope * 3600) for name, slope in slopes.items()
    }


def growth(samples: Sequence[Sample]) -> list[str]:
    """What has become more after the warm-up, in words."""
    found = rises(samples)
    if not found:
        return ["too short a time for samples after the warm-up"]
    return [
        f"{name}: {rise.in_all:+,.1f} after the warm-up, {rise.an_hour:+,.1f} an hour"
        for name, rise in found.items()
        if rise.in_all > MORE[name]
    ]


def main() -> int:
    """Read the arguments; what the loops print goes to their own output alone."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    terminal: TextIO = sys.stdout

    def say(text: str) -> None:
        print(text, file=terminal, flush=True)

    sys.stdout = Nowhere()
    try:
        return soak(arguments.seconds, arguments.seed, say)
    finally:
        output.uninstall()
        sys.stdout = terminal


if __name__ == "__main__":
    sys.exit(main())
