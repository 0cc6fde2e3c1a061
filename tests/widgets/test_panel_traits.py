"""The panel's traits, with real loops."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

from bgwidgets.loop_manager import LoopManager
from bgwidgets.widgets.control_panel import ControlPanel
from tests.widgets.panel_page import Page, until, work


@pytest.mark.parametrize("seconds", [0, 0.1, -1, float("nan"), float("inf")])
def test_an_interval_that_cannot_be_is_refused(panel: ControlPanel, seconds: float):
    """And the one before stays."""
    with pytest.raises(traitlets.TraitError, match=r"must be between 0\.2 and 3600 seconds"):
        panel.interval = seconds
    assert panel.interval == 0.5


def test_a_panel_that_is_refused_leaves_nothing(manager: LoopManager):
    """No thread, no widget, no subscription."""
    before = len(_instances)
    with pytest.raises(traitlets.TraitError):
        ControlPanel(manager, interval=0.01)
    gc.collect()
    assert manager._subscribers == {}
    assert len(_instances) == before


def test_a_loop_that_is_not_listed_cannot_be_selected(panel: ControlPanel):
    """The mistake shows where it is made."""
    with pytest.raises(traitlets.TraitError, match="no loop with the id 999 is listed"):
        panel.selected = 999


def test_the_newest_unfinished_loop_is_followed(panel: ControlPanel, manager: LoopManager):
    """Until one is chosen; None follows again."""
    first = manager.start(work)
    until(lambda: panel.selected == first.id)
    second = manager.start(work)
    until(lambda: panel.selected == second.id)
    panel.selected = first.id
    third = manager.start(work)
    panel.selected = None
    until(lambda: panel.selected == third.id)


def test_a_choice_stays_until_its_loop_is_removed(panel: ControlPanel, manager: LoopManager):
    """Also the choice of the loop that is followed just now."""
    first = manager.start(work)
    until(lambda: panel.selected == first.id)
    panel.selected = first.id
    second = manager.start(work)
    first.stop(grace=0)
    until(lambda: not panel.remove_finished_button.disabled)
    assert panel.selected == first.id
    manager.remove_finished()
    until(lambda: panel.selected == second.id)


def test_observers_are_called_and_may_fail(
    panel: ControlPanel, manager: LoopManager, page: Page, caplog: pytest.LogCaptureFixture
):
    """What one raises is said; the panel lives on."""
    seen: list[object] = []

    def observer(change: Any) -> None:
        seen.append(change["new"])
        raise ValueError("oh")

    panel.observe(observer, "filter")
    page.send("loops", type="filter", text="x")
    assert page.wait_for_words("ValueError: oh") == "error"
    panel.unobserve(observer, "filter")
    loop = manager.start(work)
    until(lambda: panel.selected == loop.id)
    assert seen == ["x"]
    assert "ValueError: oh" in caplog.text


def test_paused_nothing_changes_until_it_is_refreshed(
    panel: ControlPanel, manager: LoopManager, page: Page
):
    """`refresh()` looks once."""
    panel.paused = True
    page.wait_for("loops", lambda message: message.get("head", {}).get("paused"))
    loop = manager.start(work)
    panel.refresh()
    until(lambda: panel.selected == loop.id)
    second = manager.start(work)
    panel.paused = False
    until(lambda: panel.selected == second.id)
