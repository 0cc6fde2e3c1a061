"""Words have room where they stand: in JupyterLab's fonts, and among its rules for all outputs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect

from tests.cut_off import CUT_OFF
from tests.lab.panel import LIMIT, Panel

if TYPE_CHECKING:
    from tests.lab.live import OpenNotebook

STUTTER: Final = """
import asyncio, time
import bgwidgets as bgw

async def stutter(seconds):
    while True:
        time.sleep(seconds)
        await asyncio.sleep(0)

bgw.start(stutter, 0.3, name="slow")
bgw.start(stutter, 2.5, name="slower")
bgw.panel()
"""
WIDTHS: Final = [620, 780, 900, 1200]
"""Of the panel; the lag has a column of its own in each."""
SET_WIDTH: Final = (
    "(panel, width) => Object.assign(panel.style, { width: `${width}px`, flex: 'none' })"
)
IN_LINES: Final = """
    list => [...list.querySelectorAll("dt")].filter((keys) => {
      const meaning = keys.nextElementSibling;
      const range = document.createRange();
      range.selectNodeContents(keys);
      const [own, other] = [keys, meaning].map((each) => each.getBoundingClientRect());
      const isBeside = own.right <= other.left && Math.abs(own.top - other.top) < 3;
      return range.getClientRects().length > 1 || !isBeside;
    }).map((keys) => keys.textContent)
"""


def test_a_lag_is_read_whole_in_milliseconds_and_in_seconds(open_notebook: OpenNotebook):
    """While both loops stutter, at every width; and the word for how they do, too."""
    notebook = open_notebook([STUTTER])
    notebook.run(0)
    panel = Panel(notebook, 0)
    for name, lag in (("slow", r"^\d{3} ms$"), ("slower", r"^\d\.\d s$")):
        row = panel.find(".bgw-loops .bgw-row").filter(has_text=re.compile(rf"^{name}(?!e)"))
        expect(row.locator(".bgw-col-lag")).to_have_text(re.compile(lag), timeout=LIMIT)
    for width in WIDTHS:
        panel.find(":scope").evaluate(SET_WIDTH, width)
        shown = panel.find(".bgw-loops .bgw-row :is(.bgw-col-lag, .bgw-col-state):visible")
        assert shown.count() == 4
        assert [] == shown.evaluate_all(CUT_OFF), width


def test_the_keys_in_the_list_stand_beside_what_they_do(open_notebook: OpenNotebook):
    """Each in one line, though JupyterLab lets every `dt` float."""
    notebook = open_notebook(["import bgwidgets as bgw\nbgw.panel()"])
    notebook.run(0)
    panel = Panel(notebook, 0)
    panel.find(".bgw-loops .bgw-grid").focus()
    notebook.page.keyboard.press("?")
    for width in (480, *WIDTHS):
        panel.find(":scope").evaluate(SET_WIDTH, width)
        assert [] == panel.find(".bgw-help > dl").evaluate(IN_LINES), width
