"""Clicks in a real JupyterLab while a cell sleeps and while it spins."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.kernel_environments import python_with
from tests.lab.lab_server import LabServer
from tests.lab.live import (
    CELLS,
    OpenNotebook,
    busy,
    expect_buttons_to_act,
    expect_mark,
    open_panel,
)
from tests.lab.panel import LIMIT


@pytest.mark.parametrize("cell", CELLS)
def test_every_button_acts_while_a_cell_runs(open_notebook: OpenNotebook, cell: str):
    """A table's command too; the panel says that it is so, and nothing once the cell has ended."""
    notebook, panel = open_panel(open_notebook)
    expect(panel.live).to_have_count(0)
    with busy(notebook, cell):
        expect_mark(panel, "live")
        expect_buttons_to_act(notebook, panel)
    expect(panel.live).to_have_count(0, timeout=LIMIT)
    assert [] == notebook.console_errors


@pytest.mark.timeout(700)  # The first run installs the kernel.
@pytest.mark.parametrize("cell", CELLS)
def test_ipykernel_6_hears_clicks_after_the_cell(
    open_notebook: OpenNotebook, lab: LabServer, cell: str
):
    """The panel says so, and goes on showing what happens."""
    if not (lab.dirs.root / "data" / "kernels" / "ipykernel-6.31").exists():
        lab.dirs.add_kernel("ipykernel-6.31", python_with("6.31"))
    notebook, panel = open_panel(open_notebook, kernel="ipykernel-6.31")
    with busy(notebook, cell):
        expect_mark(panel, "clicks wait for the cell")
        panel.click("Stop loop")
        age = panel.cell(panel.loop("loop-5"), "age")
        expect(panel.loop("loop-5").locator(".bgw-col-age")).not_to_have_text(age, timeout=LIMIT)
        panel.wait_for_state(panel.loop("loop-5"), "running")
    panel.wait_for_state(panel.loop("loop-5"), "stopped")
    expect(panel.live).to_have_count(0, timeout=LIMIT)
    assert [] == notebook.console_errors
