"""Panels that come and go leave nothing: no thread, no file descriptor, no widget, no memory."""

from __future__ import annotations

import pytest
from ipywidgets.widgets.widget import _instances

from bgwidgets.loop_manager import LoopManager
from bgwidgets.states import LoopState
from bgwidgets.widgets.control_panel import ControlPanel
from tests.leavings import expect_nothing_left_of
from tests.widgets.panel_page import LIMIT, Page, work

long = [pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize("times", [10, pytest.param(100, marks=long)])
def test_nothing_is_left_of_many_panels(manager: LoopManager, times: int):
    """Each shows a loop, and stops it by a click."""
    before = len(_instances)

    def open_and_close() -> None:
        panel = ControlPanel(manager)
        page = Page(panel)
        page.open()
        job = manager.start(work)
        page.wait_for("loops", lambda message: message["type"] == "frame" and message["rows"])
        panel.selected = job.id
        panel.stop_loop_button.click()
        assert LoopState.STOPPED == job.wait(LIMIT)
        panel.close()
        manager.remove_finished()

    expect_nothing_left_of(open_and_close, times)
    assert before == len(_instances)
