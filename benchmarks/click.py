"""From a click in a real JupyterLab to its effect in the page: kernel idle, and while a cell runs.

Measured inside the page, from the button's own click event to the moment at which the loop's row
changes its state, so the driver's delays are not in it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Goal, Result, Spread, rows_of
from tests.chromium import running_chromium
from tests.lab.lab_server import running_lab
from tests.lab.notebook import Notebook

GOAL: Final = 0.1
CELL: Final = """
import asyncio, time, bgwidgets as bgw

async def stopper():
    await bgw.current().stop_event.wait()

def fresh():
    bgw.manager.stop_all(0)
    bgw.start(stopper, name="loop", replace=True)

fresh()
bgw.panel()
"""
BUSY: Final = {"a cell sleeps": "time.sleep(3600)", "a cell spins": "while True: pass"}
BUTTONS: Final = {
    "Stop event": "finished",
    "Stop loop": "stopped",
    "Cancel tasks": "cancelled",
}
CLICK: Final = """
([button, state]) => new Promise((resolve, reject) => {
  const panel = document.querySelector(".bgw-panel");
  const element = [...panel.querySelectorAll("button")].find((b) => b.textContent === button);
  const began = performance.now();
  const observer = new MutationObserver(() => {
    if (!panel.querySelector(`.bgw-loops .bgw-row[data-bgw-state="${state}"]`)) return;
    observer.disconnect();
    resolve((performance.now() - began) / 1000);
  });
  observer.observe(panel, { subtree: true, childList: true, attributes: true });
  setTimeout(() => reject(new Error(`${button} had no effect in 10 s`)), 10000);
  element.click();
})
"""


def run(rounds: int) -> list[Result]:
    """Some clicks on each button, each on a fresh loop: kernel idle, and while a cell runs."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch)) as lab,
        running_chromium() as browser,
    ):
        notebook = Notebook.open(lab, browser.new_page(), [CELL, *BUSY.values()])
        notebook.run(0)
        results = [_measure(notebook, "kernel idle", rounds, is_busy=False)]
        for number, what in enumerate(BUSY, start=1):
            notebook.run(number, wait=False)
            notebook.page.locator('.bgw-live[data-live="live"]').wait_for()
            results.append(_measure(notebook, what, rounds, is_busy=True))
            notebook.interrupt_kernel()
            notebook.wait_idle()
        notebook.close()
    return results


def _measure(notebook: Notebook, what: str, rounds: int, *, is_busy: bool) -> Result:
    seconds: dict[str, list[float]] = {name: [] for name in BUTTONS}
    for button, state in BUTTONS.items():
        for _ in range(rounds):
            notebook.python("fresh()", beside_cell=is_busy)
            _wait_until_quiet(notebook.page)
            seconds[button].append(notebook.page.evaluate(CLICK, [button, state]))
    return Result(
        f"click: from the click to the loop's last state in the page, {what}",
        rounds,
        rows_of(seconds),
        goals=[
            Goal(f"a click on {button}, {what}", Spread.of(took), GOAL, "s")
            for button, took in seconds.items()
        ],
    )


def _wait_until_quiet(page: Any) -> None:
    """A fresh loop is shown, its buttons can be clicked, and the kernel has nothing to do."""
    page.wait_for_function(
        """() => {
          const panel = document.querySelector(".bgw-panel");
          const button = [...panel.querySelectorAll("button")]
            .find((b) => b.textContent === "Stop event");
          const row = panel.querySelector('.bgw-loops .bgw-row[data-bgw-state="running"]');
          return row && !button.disabled;
        }"""
    )
    # Users do not click twenty times a second; the panel's budget of messages is theirs again.
    page.evaluate("() => new Promise((done) => setTimeout(done, 1200))")
