"""Takes pictures of the panel in a real JupyterLab: `python -m tests.lab.screenshots FOLDER`.

They are for eyes and for the README: light, dark and narrow, empty, with a failed loop's traceback,
a blocked loop, a hundred thousand tasks. With names after the folder, only those pictures are taken
whose names begin like that.
"""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.chromium import running_chromium
from tests.jupyter_dirs import KERNEL
from tests.kernel_environments import python_with
from tests.lab.lab_server import running_lab
from tests.lab.notebook import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.sync_api import Browser

    from tests.lab.lab_server import LabServer

SCENE: Final = """
import asyncio, threading, time
import bgwidgets as bgw

async def sprinter(n):
    for i in range(n):
        await asyncio.sleep(0.1)

async def fetch(queue, number):
    while True:
        item = await queue.get()
        await asyncio.sleep(3600 if number % 5 else 0.1)

async def broken():
    raise TimeoutError("no answer within 30 s")

async def race():
    queue = asyncio.Queue()
    runner = asyncio.create_task(sprinter(40_000), name="sprinter")
    fetchers = [asyncio.create_task(fetch(queue, n), name=f"fetch-{n:04}") for n in range(410)]
    failing = [asyncio.create_task(broken(), name=f"fetch-{n}") for n in (9011, 9012)]
    await asyncio.wait(failing)
    for task in failing: task.exception()
    for task in fetchers[:14]: task.cancel()
    await bgw.current().stop_event.wait()

def train(seconds):
    bgw.current().stop_event.wait_sync(seconds)

async def prices():
    await asyncio.sleep(0.2)
    raise ConnectionResetError(104, "Connection reset by peer")

async def features(parts):
    await asyncio.gather(*(asyncio.sleep(0.01) for _ in range(parts)))

job = bgw.start(race)
bgw.start(train, 3600)
bgw.start(prices)
bgw.start(features, 64)
panel = bgw.panel()
panel
"""
DETAILS: Final = """
import asyncio, time
import bgwidgets as bgw

class Client:
    async def get(self, url):
        async with asyncio.timeout(45):
            return await self._answer(url)

    async def _answer(self, url):
        await asyncio.sleep(40)

async def sprinter():
    while True:
        await asyncio.sleep(0.01)
        sum(range(1000))

async def fetch(client, number):
    return await client.get(f"https://example.org/{number}")

async def broken(number):
    raise TimeoutError(f"no answer of host {number} within 30 s")

async def training():
    await asyncio.sleep(0)
    time.sleep(0.25)

async def report(fetchers):
    await asyncio.gather(*fetchers)

async def race():
    client = Client()
    runner = asyncio.create_task(sprinter(), name="sprinter")
    fetchers = [asyncio.create_task(fetch(client, n), name=f"fetch-{n:04}") for n in range(40)]
    reporter = asyncio.create_task(report(fetchers[:4]), name="report")
    failing = [asyncio.create_task(broken(n), name=f"fetch-{n}") for n in (9011, 9012)]
    await asyncio.wait(failing)
    for task in failing: task.exception()
    await asyncio.create_task(training(), name="training")
    for task in fetchers[30:]: task.cancel()
    await asyncio.wait([reporter])

job = bgw.start(race, timings=True)
panel = bgw.panel()
panel
"""
OUTPUT: Final = """
import asyncio, sys
import bgwidgets as bgw

GREEN, YELLOW, BLUE, BOLD, OFF = (f"\\x1b[{code}m" for code in (32, 33, 34, 1, 0))
PALE, DARK, ON_BLUE = (f"\\x1b[{code}m" for code in ("38;2;255;250;205", "38;5;17", "44"))

async def sprinter():
    for n in range(7240):
        print(f"sprinter: {n:,}")
        await asyncio.sleep(0.4)

async def fetch(number):
    while True:
        await asyncio.sleep(0.7)
        print(f"{GREEN}200{OFF} {BOLD}GET{OFF} https://example.org/parts/{number}?since=2026-01-01")
        if number % 3 == 0:
            print(f"{YELLOW}WARNING{OFF} slow answer: {BLUE}0.83 s{OFF}", end=" ")
            print(f"{PALE}pale{OFF} {DARK}dark{OFF} {ON_BLUE}on blue{OFF}")

async def broken():
    await asyncio.sleep(0.9)
    print("TimeoutError: no answer of parts/17 within 30 s, 3 tries left", file=sys.stderr)
    await asyncio.sleep(3600)

async def race():
    async with asyncio.TaskGroup() as group:
        group.create_task(sprinter(), name="sprinter")
        group.create_task(broken(), name="watcher")
        for n in (16, 18):
            group.create_task(fetch(n), name=f"fetch-{n:04}")

job = bgw.start(race)
panel = bgw.panel()
panel
"""
SHOWING: Final = """
import asyncio, math, random, time
import bgwidgets as bgw

async def crawl():
    async for _ in bgw.progress(ticks(0.01), desc="pages", unit="page"):
        pass

async def ticks(seconds):
    while True:
        yield
        await asyncio.sleep(seconds)

async def fetch(number, seconds):
    for _ in bgw.progress(range(100)):
        await asyncio.sleep(seconds)

async def gives_up():
    for step in bgw.progress(range(100)):
        await asyncio.sleep(0.01)
        if step == 41:
            raise TimeoutError("no answer within 30 s")

async def writer():
    await asyncio.Event().wait()

async def training():
    epochs = bgw.progress(range(40), desc="epoch", colour="green")
    for epoch in epochs:
        for batch in bgw.progress(range(200), desc="batch", leave=False):
            step = epoch * 200 + batch
            loss = 2.3 * math.exp(-step / 300) + random.gauss(0.2, 0.02)
            bgw.metric("loss", loss)
            bgw.metric("accuracy", 1 - loss / 2.6)
            bgw.metric("learning rate", 1e-3 * 0.5 ** (epoch // 3))
            bgw.metric("samples", 64 * step)
            epochs.set_postfix_str(f"loss={loss:.3f}", refresh=False)
            await asyncio.sleep(0.005)
        axes = bgw.figure("predictions", layout="constrained").gca()
        axes.clear()
        axes.plot([math.sin(x / 9) + random.gauss(0, 0.3 / (1 + epoch)) for x in range(99)], ".")
        axes.plot([math.sin(x / 9) for x in range(99)])
        axes = bgw.figure("weights", layout="constrained").gca()
        axes.clear()
        axes.hist([random.gauss(0, 1) for _ in range(500)], bins=30)

async def train():
    tasks = [asyncio.create_task(training(), name="training")]
    tasks += [asyncio.create_task(crawl(), name="crawl")]
    tasks += [asyncio.create_task(fetch(n, n / 99), name=f"fetch-{n:04}") for n in (1, 14, 60)]
    tasks += [asyncio.create_task(gives_up(), name="fetch-0204")]
    tasks += [asyncio.create_task(writer(), name="writer")]
    await asyncio.wait(tasks)

async def features(parts):
    for _ in bgw.progress(range(parts)):
        await asyncio.sleep(0.001)

job = bgw.start(train)
bgw.start(features, 64)
panel = bgw.panel()
panel.selected = job.id
panel
"""
EMPTY: Final = "import bgwidgets as bgw\nbgw.panel()"
FOUND: Final = """
import asyncio, threading, time
import bgwidgets as bgw

async def mine():
    await asyncio.Event().wait()

async def race():
    await bgw.current().stop_event.wait()

def run(name):
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name=name, daemon=True).start()
    return loop

feed, spin = run("price-feed"), run("spinning")
tasks = [asyncio.create_task(mine(), name=f"my-task-{n}") for n in (1, 2)]
bgw.start(race)
spin.call_soon_threadsafe(lambda: threading.Event().wait(60))
bgw.adopt(spin)
panel = bgw.panel()
panel
"""
BLOCKED: Final = """
import asyncio, time
import bgwidgets as bgw

def fit(epochs):
    time.sleep(epochs)

async def train():
    await asyncio.sleep(0.1)
    fit(60)

async def race():
    await asyncio.gather(*(asyncio.sleep(3600) for _ in range(30)))

bgw.start(race)
bgw.start(train)
panel = bgw.panel()
panel
"""
MANY: Final = """
import asyncio
import bgwidgets as bgw

async def fetch(number):
    await asyncio.sleep(3600 + number)

async def crawl():
    tasks = [asyncio.create_task(fetch(n), name=f"fetch-{n:05}") for n in range(100_000)]
    await asyncio.wait(tasks)

bgw.start(crawl)
panel = bgw.panel()
panel
"""
DETAIL_SHOTS: Final = {
    "Await chain": "report",
    "Error": "fetch-9011",
    "History": "report",
    "Timings": "sprinter",
}
"""Each detail tab, and the task of which it is shown."""
WIDE: Final = {"width": 1280, "height": 900}
NARROW: Final = {"width": 1010, "height": 900}
VERY_NARROW: Final = {"width": 760, "height": 900}


def take(lab: LabServer, browser: Browser, folder: Path, names: Sequence[str]) -> None:
    """Take every picture, or those with names that begin like one of these."""
    lab.dirs.add_kernel("6.31", python_with("6.31"))

    def shot(
        name: str,
        cell: str = SCENE,
        size: dict[str, int] = WIDE,
        *,
        theme: str | None = None,
        cells: Sequence[str] = (),
        kernel: str = KERNEL,
        before: Callable[[Notebook], None] | None = None,
    ) -> None:
        if names and not name.startswith(tuple(names)):
            return
        page = browser.new_page(viewport=size, device_scale_factor=2)  # type: ignore[arg-type]
        notebook = Notebook.open(lab, page, [cell, *cells], kernel=kernel)
        if theme:
            notebook.set_theme(theme)
        notebook.run(0)
        panel = notebook.output(0).locator(".bgw-panel")
        panel.locator(".bgw-tasks .bgw-row-count").filter(has_text="row").wait_for()
        if cell is SCENE:
            panel.locator(".bgw-loops .bgw-row[data-bgw-state=failed]").wait_for()
            panel.locator(".bgw-loops .bgw-row").filter(has_text="race").click()
        if before:
            before(notebook)
        page.evaluate("() => new Promise((done) => setTimeout(done, 1500))")
        panel.screenshot(path=folder / f"{name}.png")
        page.screenshot(path=folder / f"{name}-page.png")
        notebook.close()

    shot("light")
    shot("dark", theme="JupyterLab Dark")
    lab.reset_settings()
    shot("narrow", size=NARROW)
    shot("very-narrow", size=VERY_NARROW)
    shot("live", before=_run_a_cell("live"), cells=["time.sleep(60)"])
    shot("waits", before=_run_a_cell("waits"), cells=["time.sleep(60)"], kernel="6.31")
    shot(
        "waits-narrow",
        size=VERY_NARROW,
        before=_run_a_cell("waits"),
        cells=["time.sleep(60)"],
        kernel="6.31",
    )
    shot("live-dark", theme="JupyterLab Dark", before=_run_a_cell("live"), cells=["time.sleep(60)"])
    lab.reset_settings()
    shot("empty", EMPTY)
    shot("blocked", BLOCKED, before=_wait_for_the_block)
    shot("blocked-very-narrow", BLOCKED, VERY_NARROW, before=_wait_for_the_block)
    shot("many", MANY, before=_wait_for_many)
    shot("many-dark-very-narrow", MANY, VERY_NARROW, theme="JupyterLab Dark", before=_wait_for_many)
    lab.reset_settings()
    shot("error", before=_look_at_the_error)
    for tab, task in DETAIL_SHOTS.items():
        look = partial(_look_at_details, tab, task)
        shot(f"details-{tab}", DETAILS, before=look)
        shot(f"details-{tab}-dark", DETAILS, theme="JupyterLab Dark", before=look)
        lab.reset_settings()
        shot(f"details-{tab}-very-narrow", DETAILS, size=VERY_NARROW, before=look)
    shot("output", OUTPUT, before=_look_at_output)
    shot("output-dark", OUTPUT, theme="JupyterLab Dark", before=_look_at_output)
    lab.reset_settings()
    shot("output-very-narrow", OUTPUT, size=VERY_NARROW, before=_look_at_output)
    shot("output-found", OUTPUT, before=_find_in_output)
    for name, before in SHOWN.items():
        shot(name, SHOWING, before=before)
        shot(f"{name}-dark", SHOWING, theme="JupyterLab Dark", before=before)
        lab.reset_settings()
        shot(f"{name}-narrow", SHOWING, size=NARROW, before=before)
        shot(f"{name}-very-narrow", SHOWING, size=VERY_NARROW, before=before)
    shot("found-offered", FOUND, before=_unfold)
    shot("found", FOUND, before=_find_loops)
    shot("found-dark", FOUND, theme="JupyterLab Dark", before=_find_loops)
    lab.reset_settings()
    shot("found-narrow", FOUND, size=NARROW, before=_find_loops)
    shot("found-very-narrow", FOUND, size=VERY_NARROW | {"height": 1200}, before=_find_loops)


def _run_a_cell(mark: str) -> Callable[[Notebook], None]:
    def run(notebook: Notebook) -> None:
        notebook.run(1, wait=False)
        notebook.page.locator(f'.bgw-live[data-live="{mark}"]').wait_for()

    return run


def _wait_for_the_block(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-loops .bgw-col-state").filter(has_text="blocked").wait_for()


def _wait_for_many(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-tasks .bgw-row-count").filter(has_text="100,001").wait_for()


def _unfold(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.get_by_role("button", name="Loops in this kernel").click()
    panel.get_by_role("button", name="Watch MainThread").wait_for()


def _find_loops(notebook: Notebook) -> None:
    _unfold(notebook)
    panel = notebook.output(0).locator(".bgw-panel")
    panel.get_by_role("button", name="Watch MainThread").click()
    panel.locator(".bgw-tasks .bgw-row").filter(has_text="my-task-2").wait_for()
    # What was just said gives way to why the buttons are grey.
    panel.locator(".bgw-status[data-level=why]").wait_for()


def _look_at_details(tab: str, task: str, notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-filter").fill(task)
    panel.locator(".bgw-tasks .bgw-row").filter(has_text=task).first.click()
    panel.get_by_role("tab", name=tab).click()
    panel.locator(".bgw-detail-head").wait_for()
    if tab == "History":
        panel.locator("summary").first.click()


def _look_at_output(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.get_by_role("tab", name="Output").click()
    panel.locator(".bgw-written").filter(has_text="sprinter: 5").wait_for()


def _find_in_output(notebook: Notebook) -> None:
    _look_at_output(notebook)
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-find").fill("get")
    panel.locator(".bgw-hits").filter(has_text="of").wait_for()
    panel.locator(".bgw-to-end").filter(has_text="new").wait_for()


def _look_at_progress(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-tasks .bgw-row").filter(has_text="training").click()
    panel.locator(".bgw-tasks .bgw-row").filter(has_text="41 %, left open").wait_for()
    notebook.page.evaluate("() => new Promise((done) => setTimeout(done, 4000))")


def _look_at_bars(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-tasks .bgw-row").filter(has_text="training").click()
    panel.get_by_role("tab", name="Await chain").click()
    panel.locator(".bgw-list-bars .bgw-item").first.wait_for()


def _look_at_plots(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.get_by_role("tab", name="Plots").click()
    panel.locator(".bgw-plot img").nth(1).wait_for()
    notebook.page.evaluate("() => new Promise((done) => setTimeout(done, 6000))")


def _look_at_figures(notebook: Notebook) -> None:
    _look_at_plots(notebook)
    panel = notebook.output(0).locator(".bgw-panel")
    panel.get_by_role("slider", name="loss over time").press("Home")
    panel.locator(".bgw-plot").first.scroll_into_view_if_needed()


SHOWN: Final = {
    "progress": _look_at_progress,
    "bars": _look_at_bars,
    "plots": _look_at_plots,
    "figures": _look_at_figures,
}


def _look_at_the_error(notebook: Notebook) -> None:
    panel = notebook.output(0).locator(".bgw-panel")
    panel.locator(".bgw-loops .bgw-row").filter(has_text="prices").click()
    panel.get_by_role("tab", name="Error").click()


def main(folder: Path, *names: str) -> None:
    """Start a JupyterLab and a browser, and take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_lab(Path(scratch)) as lab,
        running_chromium() as browser,
    ):
        take(lab, browser, folder, names)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
