"""The details of a real task in a real JupyterLab, by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from playwright.sync_api import expect

from tests.lab.notebook import Notebook
from tests.lab.panel import LIMIT, Panel

OpenNotebook = Callable[..., Notebook]

CELL: Final = """
import asyncio
import bgwidgets as bgw

async def fetch():
    await asyncio.sleep(3600)

async def broken():
    raise KeyError("the price of tea")

async def race():
    failing = asyncio.create_task(broken(), name="broken")
    await asyncio.wait([failing])
    failing.exception()
    await asyncio.create_task(fetch(), name="fetch-1")

job = bgw.start(race, timings=True)
bgw.panel()
"""


def test_enter_shows_where_a_task_waits_and_esc_leads_back(open_notebook: OpenNotebook):
    """With the lines of the cell; of a failed task, the traceback. Then history and timings."""
    notebook = open_notebook([CELL])
    notebook.run(0)
    panel = Panel(notebook, 0)
    keyboard = notebook.page.keyboard

    panel.task("fetch-1").click(timeout=LIMIT)
    keyboard.press("Enter")
    line = panel.find("[data-bgw-mark]")
    expect(line).to_contain_text("await asyncio.sleep(3600)", timeout=LIMIT)
    expect(panel.find(".bgw-waiting")).to_contain_text("sleep", timeout=LIMIT)
    expect(panel.find("[aria-label='Waited for by']")).to_contain_text("race", timeout=LIMIT)
    keyboard.press("Escape")
    expect(panel.find(".bgw-tasks .bgw-grid")).to_be_focused(timeout=LIMIT)

    panel.task("broken").click(timeout=LIMIT)
    keyboard.press("Enter")
    expect(panel.find(".bgw-trace")).to_contain_text("the price of tea", timeout=LIMIT)
    panel.tab("History").click(timeout=LIMIT)
    panel.find("summary").filter(has_text="broken").click(timeout=LIMIT)
    expect(panel.find("details .bgw-trace")).to_contain_text("raise KeyError", timeout=LIMIT)
    panel.tab("Timings").click(timeout=LIMIT)
    expect(panel.find(".bgw-figures")).to_contain_text("busy", timeout=LIMIT)
    assert notebook.console_errors == []
