"""A wild job in a process of its own, in a real JupyterLab: seen, and killed by a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect

from bgwidgets.widgets.second_click import NOT_BEFORE
from tests.lab.panel import LIMIT, Panel
from tests.reading_aids import expect_no_violations

if TYPE_CHECKING:
    from tests.lab.live import OpenNotebook

SCENE: Final = """
import asyncio, re
import bgwidgets as bgw

async def wild():
    asyncio.create_task(asyncio.sleep(3600), name="sleeper")
    await asyncio.sleep(2)
    re.fullmatch("(a+)+", "a" * 60 + "b")

async def tame():
    await asyncio.sleep(3600)

bgw.start(wild, host="process")
bgw.start(tame)
bgw.panel()
"""


def test_kill_is_offered_where_there_is_a_process(open_notebook: OpenNotebook):
    """And is done at the second click. What the job's tasks were about, nobody knows any more."""
    notebook = open_notebook([SCENE])
    notebook.run(0)
    panel = Panel(notebook, 0)
    kill = panel.find(".bgw-kill")
    panel.wait_for_state(panel.loop("tame"), "running")
    expect(panel.button("Stop loop")).to_be_enabled(timeout=LIMIT)
    expect(kill).to_be_hidden()
    panel.select("wild")
    expect(kill).to_be_visible(timeout=LIMIT)
    panel.wait_for_state(panel.task("sleeper"), "pending")
    panel.wait_for_state(panel.loop("wild"), "unresponsive")
    expect_no_violations(notebook.page)
    kill.click(timeout=LIMIT)
    expect(kill).to_have_text("Sure? Kill", timeout=LIMIT)
    notebook.page.wait_for_timeout(1000 * NOT_BEFORE + 100)  # Before, it would not count.
    kill.click(timeout=LIMIT)
    panel.wait_for_state(panel.loop("wild"), "killed")
    panel.wait_for_state(panel.task("sleeper"), "lost")
    expect(kill).to_be_hidden(timeout=LIMIT)
    assert not notebook.console_errors
