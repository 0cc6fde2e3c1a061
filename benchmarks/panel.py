"""What a table of live tasks costs in a real JupyterLab, refreshed twice a second.

Ours with 100 loops and 100,000 tasks on one of them; beside it tables of 1,000 tasks: an HTML table
in an ipywidgets.HTML, and one of itables.
"""

from __future__ import annotations

import base64
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Goal, Result, Spread, rows_of
from tests.chromium import running_chromium
from tests.lab.lab_server import LabServer, running_lab
from tests.lab.notebook import Notebook

SCENE: Final = Path(__file__).with_name("panel_scene.py").read_text()
INTERVAL: Final = 0.5
WATCHED_FOR: Final = 4.0
"""Seconds of a round."""
SETTLES_IN: Final = 4.0
START_LIMIT: Final = 120.0

MOST_BYTES: Final = 4_000.0
MOST_KERNEL_TIME: Final = 0.0002
MOST_BROWSER_TIME: Final = 0.05
MOST_FOR_JUMP: Final = 0.15

OURS: Final = "bgwidgets, 100,000 tasks"
QUIET: Final = f"{OURS}, nothing changes"
TABLES: Final = {
    OURS: ("start_loops(quiet=False); metered_panel()", ".bgw-tasks .bgw-col-waiting"),
    QUIET: ("start_loops(quiet=True); metered_panel()", ".bgw-tasks .bgw-col-waiting"),
    "ipywidgets.HTML, 1,000 tasks": ("html_table()", ".jp-OutputArea td"),
    "itables, 1,000 tasks": ("itables_table()", ".jp-OutputArea tbody td"),
}
"""What is run, and which cells are to change."""
NEVER_SILENT: Final = (
    "NOT MEASURED: kernel time when nothing changed. Each refresh had some loop's lag to tell: run"
    " it for more rounds, or on a machine with less to do."
)
SORTED_BY: Final = ("name", "state", "coroutine", "waiting", "age")
CHIPS: Final = ("running", "failed", "cancelled", "finished")

TEXTS: Final = "selector => [...document.querySelectorAll(selector)].map((e) => e.textContent)"
ACT: Final = """
([act, seen]) => new Promise((resolve, reject) => {
  const tasks = document.querySelector(".bgw-tasks");
  const grid = tasks.querySelector(".bgw-grid");
  const first = () => tasks.querySelector('.bgw-row[aria-rowindex="2"]')?.dataset.bgwId;
  const count = () => Number(grid.getAttribute("aria-rowcount"));
  const lastSeen = () =>
    Number([...tasks.querySelectorAll(".bgw-row")].at(-1)?.getAttribute("aria-rowindex"));
  // As the kernel says it with the rows; their number changes by itself, too.
  const isFiltered = () =>
    tasks.querySelector(".bgw-row-count").textContent.endsWith("with the filter");
  const isSeen = {
    // Rows come and go meanwhile: the last of those that there were, or that there are.
    last: ((before) => () => lastSeen() >= Math.min(before, count()))(count()),
    top: () => first() !== undefined,
    first: ((before) => () => ![undefined, before].includes(first()))(first()),
    filtered: () => isFiltered(),
    all: () => !isFiltered(),
  }[seen];
  const did = {
    key: (key) => grid.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })),
    sort: (column) => tasks.querySelector(`.bgw-col-${column} .bgw-sort`).click(),
    chip: (name) => [...tasks.querySelectorAll(".bgw-chip")]
      .find((chip) => chip.textContent === name).click(),
    filter: (text) => {
      const input = document.querySelector(".bgw-panel .bgw-filter");
      input.value = text;
      input.dispatchEvent(new InputEvent("input", { bubbles: true }));
    },
  }[act[0]];
  const began = performance.now();
  const look = () => {
    if (!isSeen()) return;
    observer.disconnect();
    resolve((performance.now() - began) / 1000);
  };
  const observer = new MutationObserver(look);
  observer.observe(tasks, { subtree: true, childList: true, attributes: true });
  setTimeout(() => reject(new Error(`${act} had no effect in 10 s`)), 10000);
  did(act[1]);
})
"""
"""Does something as a user does it; the seconds until its effect is in the page."""


@dataclass
class _Measured:
    """Of one table, a value for each round."""

    bytes: list[float] = field(default_factory=list)
    """On the wire, for each refresh."""
    browser: list[float] = field(default_factory=list)
    """Seconds of the page's tasks in a second, above those of the page without the table."""
    told: list[float] = field(default_factory=list)
    """Seconds of the kernel's thread, of a refresh that sends something."""
    silent: list[float] = field(default_factory=list)


class _Watch:
    """The page's main thread and its websockets, as the browser's own tools see them."""

    def __init__(self, page: Any) -> None:
        self._page: Final = page
        self._session: Final = page.context.new_cdp_session(page)
        self._received = 0
        self._session.on("Network.webSocketFrameReceived", self._note)
        self._session.send("Network.enable")
        self._session.send("Performance.enable")

    def _note(self, event: Any) -> None:
        frame = event["response"]
        is_text = frame["opcode"] == 1
        data = frame["payloadData"]
        self._received += len(data.encode() if is_text else base64.b64decode(data))

    def watch(self, seconds: float) -> tuple[float, float]:
        """Bytes received a second, and seconds of the page's tasks a second."""
        received, busy, began = self._received, self._busy(), time.monotonic()
        self._page.wait_for_timeout(seconds * 1000)
        busy, took = self._busy() - busy, time.monotonic() - began
        return (self._received - received) / took, busy / took

    def _busy(self) -> float:
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def run(rounds: int) -> list[Result]:
    """Each table in a notebook of its own, some seconds a round."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch)) as lab,
        running_chromium() as browser,
    ):
        measured = {}
        latencies: dict[str, list[float]] = {}
        for name, (code, cells) in TABLES.items():
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            with_latencies = latencies if name == OURS else None
            measured[name] = _measure(lab, page, code, cells, rounds, with_latencies)
    return [*_costs(measured, rounds), _latencies(latencies, rounds)]


def _measure(
    lab: LabServer,
    page: Any,
    code: str,
    cells: str,
    rounds: int,
    latencies: dict[str, list[float]] | None,
) -> _Measured:
    notebook = Notebook.open(lab, page, [SCENE, code])
    notebook.run(0)
    watch = _Watch(page)
    page.wait_for_timeout(SETTLES_IN * 1000)
    _, idle = watch.watch(WATCHED_FOR)
    notebook.run(1, limit=START_LIMIT)
    page.locator(cells).first.wait_for()
    page.wait_for_timeout(SETTLES_IN * 1000)
    measured = _Measured()
    notebook.python("costs()")
    for _ in range(rounds):
        before = page.evaluate(TEXTS, cells)
        received, busy = watch.watch(WATCHED_FOR)
        _expect_changes(before, page.evaluate(TEXTS, cells), is_quiet="quiet=True" in code)
        costs = json.loads(notebook.python("__import__('json').dumps(costs())"))
        measured.bytes.append(received * INTERVAL)
        measured.browser.append(max(0.0, busy - idle))
        measured.told += [costs["told"]] if costs["told"] is not None else []
        measured.silent += [costs["silent"]] if costs["silent"] is not None else []
    if latencies is not None:
        _measure_latencies(page, rounds, latencies)
    notebook.close()
    return measured


def _expect_changes(before: Sequence[str], after: Sequence[str], *, is_quiet: bool) -> None:
    """A table that does not change costs nothing, and says nothing."""
    has_changed = before != after
    if not before or has_changed is is_quiet:
        wanted = "the same" if is_quiet else "others"
        raise RuntimeError(f"the cells should be {wanted}: {before[:20]}, then {after[:20]}")


def _measure_latencies(page: Any, rounds: int, latencies: dict[str, list[float]]) -> None:
    def act(what: str, argument: str, seen: str) -> float:
        # Users do not click ten times a second; the panel's budget of messages is theirs again.
        page.wait_for_timeout(1200)
        return float(page.evaluate(ACT, [[what, argument], seen]))

    def note(name: str, what: str, argument: str, seen: str) -> None:
        latencies.setdefault(name, []).append(act(what, argument, seen))

    for _ in range(rounds):
        note("End: the last row", "key", "End", "last")
        act("key", "Home", "top")
        for column in SORTED_BY:
            page.wait_for_timeout(1200)
            page.locator(f".bgw-tasks .bgw-col-{column} .bgw-sort").click()
            # The other way round, so that another row comes first in any case.
            note(f"sort by {column}", "sort", column, "first")
        note("filter, with the 0.15 s until typing ends", "filter", "poll", "filtered")
        act("filter", "", "all")
        for chip in CHIPS:
            note(f"chip {chip}", "chip", chip, "filtered")
            act("chip", chip, "all")


def _costs(measured: dict[str, _Measured], rounds: int) -> list[Result]:
    ours, quiet = measured[OURS], measured[QUIET]
    return [
        Result(
            "panel: bytes on the wire a refresh",
            rounds,
            rows_of({name: each.bytes for name, each in measured.items()}),
            unit="B",
            goals=[Goal("bytes of a refresh", Spread.of(ours.bytes), MOST_BYTES, "B")],
            notes=["All that the page's websockets receive, divided by two refreshes a second."],
        ),
        Result(
            "panel: browser task time a second",
            rounds,
            rows_of({name: each.browser for name, each in measured.items()}),
            goals=[Goal("browser task time", Spread.of(ours.browser), MOST_BROWSER_TIME, "s")],
            notes=["Above that of the same page before the table was shown."],
        ),
        Result(
            "panel: kernel time of a refresh that sends something",
            rounds,
            rows_of({name: each.told for name, each in measured.items() if each.told}),
            notes=[] if quiet.silent else [NEVER_SILENT],
        ),
        *_silent(measured, rounds),
    ]


def _silent(measured: dict[str, _Measured], rounds: int) -> list[Result]:
    silent = {name: each.silent for name, each in measured.items() if each.silent}
    if QUIET not in silent:
        return []
    goal = "kernel time when nothing changed"
    return [
        Result(
            "panel: kernel time of a refresh that sends nothing",
            rounds,
            rows_of(silent),
            goals=[Goal(goal, Spread.of(silent[QUIET]), MOST_KERNEL_TIME, "s")],
        )
    ]


def _latencies(latencies: dict[str, list[float]], rounds: int) -> Result:
    jump = latencies["End: the last row"]
    return Result(
        "panel: from the key or click to its effect in the page, 100,000 tasks",
        rounds,
        rows_of(latencies),
        goals=[Goal("jump to the last row", Spread.of(jump), MOST_FOR_JUMP, "s")],
    )
