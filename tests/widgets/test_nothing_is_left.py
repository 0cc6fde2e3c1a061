"""Panels that come and go leave nothing: no thread, no file descriptor, no widget, no memory."""

from __future__ import annotations

import gc
import weakref

import pytest
from ipywidgets import Layout
from ipywidgets.widgets.widget import _instances

from bgwidgets.loop_manager import LoopManager
from bgwidgets.states import LoopState
from bgwidgets.widgets.control_panel import ControlPanel
from tests.leavings import expect_nothing_left_of
from tests.waiting import until
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


def test_nothing_is_left_of_layouts_and_styles_given_as_fields(manager: LoopManager):
    """Widgets are made of them: each is to go with the panel, or when another comes."""
    before = set(_instances)
    panel = ControlPanel(manager)
    panel.open()
    publisher = weakref.ref(panel._publisher or pytest.fail("it has none"))
    as_many = len(_instances)
    for width in ("50%", "60%"):
        panel.layout = {"width": width}  # type: ignore[assignment]
        panel.stop_loop_button.layout = {"width": width}
        panel.stop_loop_button.style = {"button_color": "red"}
        assert as_many == len(_instances)
    assert panel.layout.width == "60%"
    panel.close()
    assert before == set(_instances)
    del panel
    until(lambda: gc.collect() >= 0 and publisher() is None)


def test_a_layout_of_the_users_own_stays(manager: LoopManager):
    """It may be that of other widgets, too; without it nothing of the panel's own is left."""
    before = set(_instances)
    own = Layout(width="3px")
    panel = ControlPanel(manager)
    panel.open()
    panel.layout = own
    panel.layout = {"width": "50%"}  # type: ignore[assignment]
    panel.layout = own
    panel.close()
    assert before | {own.model_id} == set(_instances)
    own.close()
