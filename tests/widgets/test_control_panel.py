"""The panel with a real manager and real loops: its parts, its buttons, its end."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import ipywidgets
import pytest
from IPython.core.events import EventManager, available_events
from ipywidgets.widgets.widget import _instances

from bgwidgets import widgets
from bgwidgets.exceptions import LoopEnded
from bgwidgets.loop_manager import LoopManager
from bgwidgets.snapshots import LoopSnapshot
from bgwidgets.states import LoopState
from bgwidgets.widgets.control_panel import ControlPanel
from bgwidgets.widgets.loop_finder import LoopFinder
from bgwidgets.widgets.output_view import OutputView
from bgwidgets.widgets.plots_view import PlotsView
from bgwidgets.widgets.pop_out import PopOut
from bgwidgets.widgets.task_details import TaskDetails
from tests.widgets.fakes import FakeSource
from tests.widgets.fakes import loop as fake_loop
from tests.widgets.panel_page import LIMIT, Page, fail, panel_threads, polite, until, work

# -- what it is made of


def test_it_is_a_box_of_two_tables_with_buttons_between(panel: ControlPanel):
    """Real ipywidgets, with the classes that the style sheet knows."""
    assert isinstance(panel, ipywidgets.VBox)
    loops, actions, tasks, details, output, plots, finder, pop_out = panel.children
    assert (loops.kind, tasks.kind) == ("loops", "tasks")
    assert isinstance(details, TaskDetails)
    assert isinstance(output, OutputView)
    assert isinstance(plots, PlotsView)
    assert isinstance(finder, LoopFinder)
    assert isinstance(pop_out, PopOut)
    panel.open()
    assert pop_out.panel == panel.model_id
    assert "bgw-panel" in panel._dom_classes
    assert "bgw-actions" in actions._dom_classes
    buttons = [
        panel.stop_event_button,
        panel.stop_loop_button,
        panel.cancel_tasks_button,
        panel.restart_button,
        panel.remove_finished_button,
        panel.stop_all_button,
        panel.kill_button,
    ]
    assert list(actions.children[:-1]) == buttons
    assert [button.description for button in buttons] == [
        "Stop event", "Stop loop", "Cancel tasks", "Restart", "Remove finished",
        "Stop all", "Kill",
    ]  # fmt: skip
    assert [button._dom_classes for button in buttons] == [
        ("bgw-button", "bgw-does-stop_event", "bgw-strong"),
        ("bgw-button", "bgw-does-stop_loop"),
        ("bgw-button", "bgw-does-cancel_tasks", "bgw-hard"),
        ("bgw-button", "bgw-does-restart", "bgw-quiet"),
        ("bgw-button", "bgw-does-remove_finished", "bgw-quiet"),
        ("bgw-button", "bgw-does-stop_all", "bgw-quiet"),
        ("bgw-button", "bgw-does-kill", "bgw-hard", "bgw-kill"),
    ]


def test_its_scripts_are_those_beside_it(panel: ControlPanel):
    """What the browser's tests test is what travels."""
    loops, actions, _, details, output, plots, finder, pop_out = panel.children
    assert "export default { render }" in loops._esm
    assert ".bgw-panel" in loops._css
    assert "bgw-status" in actions.children[-1]._esm
    assert "bgw-status" in actions.children[-1]._css
    assert "Await chain" in details._esm
    assert "bgw-details" in details._css
    assert "ANSI" in output._esm
    assert "bgw-output" in output._css
    assert "bgw-chart" in plots._esm
    assert "bgw-chart" in plots._css
    assert "Loops in this kernel" in finder._esm
    assert "bgw-finder" in finder._css
    assert "Bring it back" in pop_out._esm
    assert "bgw-window" in pop_out._css


def test_the_theme_is_read_in_one_place_and_travels_with_each_widget(panel: ControlPanel):
    """A widget may come to a page before the others, and none knows of their style sheets."""
    sheets = {path.name: path.read_text() for path in Path(widgets.__file__).parent.glob("*.css")}
    assert [name for name, text in sheets.items() if "var(--jp-" in text] == ["theme.css"]
    for widget in panel._widgets.values():
        assert widget._css.startswith(sheets["theme.css"])
    assert panel._pop_out._css.startswith(sheets["theme.css"])


def test_its_own_traits_are_not_synced(panel: ControlPanel):
    """A trait that both sides write loses what one of them wrote."""
    assert not {"interval", "selected", "filter", "paused"} & set(panel.keys)


def test_it_is_right_from_the_first_moment(manager: LoopManager, monkeypatch: pytest.MonkeyPatch):
    """Selection and buttons do not wait for the panel's thread."""
    loop = manager.start(work)
    with monkeypatch.context() as patch:
        patch.setattr("bgwidgets.widgets.control_panel.Publisher", lambda *_: Mock())
        panel = ControlPanel(manager)
    assert panel.selected == loop.id
    assert not panel.stop_loop_button.disabled
    assert panel.remove_finished_button.disabled
    panel.close()


def test_a_loop_that_is_removed_meanwhile_keeps_no_panel_from_being():
    """It was there a moment before, and is followed no longer than that."""

    class Fleeting(FakeSource):
        def snapshots(self) -> list[LoopSnapshot]:
            """There the first time only."""
            return [] if self.looks else super().snapshots()

    panel = ControlPanel(Fleeting([fake_loop(1)]))
    try:
        until(lambda: panel.selected is None)
    finally:
        panel.close()


# -- the buttons, from Python


def test_stop_event(panel: ControlPanel, manager: LoopManager):
    """The work sees it and returns."""
    loop = manager.start(polite)
    panel.stop_event_button.click()
    assert loop.result(LIMIT) == "done"


def test_stop_loop(panel: ControlPanel, manager: LoopManager):
    """The loop ends."""
    loop = manager.start(work)
    panel.stop_loop_button.click()
    assert loop.wait(LIMIT) is LoopState.STOPPED


def test_cancel_tasks(panel: ControlPanel, manager: LoopManager):
    """All that are unfinished, the main task with them."""
    loop = manager.start(work)
    panel.cancel_tasks_button.click()
    assert loop.wait(LIMIT) is LoopState.CANCELLED


def test_restart(panel: ControlPanel, manager: LoopManager, page: Page):
    """The same work runs again; it is said when it began and when it is done."""
    loop = manager.start(work)
    panel.restart_button.click()
    page.wait_for_words("Restarting work")
    page.wait_for_words("work was restarted")
    assert (loop.run_number, loop.state) == (2, LoopState.RUNNING)
    page.wait_for("status", lambda message: message["text"].startswith("work · run 2 · "))


def test_a_restart_that_cannot_be_says_why(panel: ControlPanel, manager: LoopManager, page: Page):
    """A coroutine object runs only once."""
    manager.start(work())
    panel.restart_button.click()
    assert page.wait_for_words("runs only once") == "error"


def test_remove_finished(panel: ControlPanel, manager: LoopManager):
    """Whatever is selected."""
    ended, running = manager.start(fail), manager.start(work)
    ended.wait(LIMIT)
    panel.remove_finished_button.click()
    until(lambda: list(manager) == [running])


def test_the_selected_loop_is_the_one_that_is_meant(panel: ControlPanel, manager: LoopManager):
    """Not the newest, once another was chosen."""
    first, second = manager.start(work), manager.start(work)
    panel.selected = first.id
    panel.stop_loop_button.click()
    panel.selected = second.id
    assert first.wait(LIMIT) is LoopState.STOPPED
    assert second.state is LoopState.RUNNING


def test_clicks_with_nothing_to_do_are_harmless(
    panel: ControlPanel, manager: LoopManager, page: Page
):
    """Without a loop, and on one that has ended."""
    for button in panel.children[1].children[:-1]:
        button.click()
    page.wait_for_words("No loop is selected")
    # All of them are done, or one would act on the loop that is there by then.
    page.send("tasks", type="filter", text="done")
    until(lambda: panel.filter == "done")
    loop = manager.start(fail)
    loop.wait(LIMIT)
    panel.stop_loop_button.click()
    assert page.wait_for_words("fail has already ended") == "info"
    assert loop.state is LoopState.FAILED


def test_buttons_are_enabled_when_they_would_do_something(
    panel: ControlPanel, manager: LoopManager
):
    """By what the selected loop does."""
    stops = [panel.stop_event_button, panel.stop_loop_button, panel.cancel_tasks_button]
    assert all(button.disabled for button in [*stops, panel.restart_button])
    loop = manager.start(work)
    until(lambda: not any(button.disabled for button in [*stops, panel.restart_button]))
    assert panel.remove_finished_button.disabled
    loop.stop(grace=0)
    until(lambda: all(button.disabled for button in stops))
    until(lambda: not panel.remove_finished_button.disabled)


# -- the end


@pytest.mark.usefixtures("page")
def test_a_button_of_which_no_page_could_be_told_is_told_of_later(
    panel: ControlPanel, manager: LoopManager, caplog: pytest.LogCaptureFixture
):
    """The kernel has no file descriptor left, say. That is no observer's fault; it is said once."""
    panel.open()
    comm = panel.stop_event_button.comm
    tried: list[object] = []
    told: list[object] = []

    def fail(data: Any, **_: object) -> None:
        tried.append(data["state"])
        raise OSError("too many open files")

    comm.send = fail
    manager.start(work)
    until(lambda: tried.count({"disabled": False}) >= 2)
    comm.send = lambda data, **_: told.append(data["state"])
    until(lambda: told)
    assert told[0] == {"disabled": False}
    assert not panel.stop_event_button.disabled
    assert ["The panel cannot reach its pages"] == [record.message for record in caplog.records]
    assert "OSError: too many open files" in caplog.text


def test_closing_ends_the_thread_and_the_widgets(manager: LoopManager):
    """Nothing of it is left, and the loops go on; a second time does nothing."""
    before = set(_instances)
    loop = manager.start(work)
    panel = ControlPanel(manager)
    [thread] = panel_threads()
    panel.close()
    panel.close()
    thread.join(LIMIT)
    assert panel_threads() == []
    assert set(_instances) - before == set()
    assert loop.state is LoopState.RUNNING
    assert manager._subscribers == {}


def test_nothing_of_a_closed_panel_is_kept(manager: LoopManager):
    """Neither the panel nor any of the widgets in it."""
    panel = ControlPanel(manager)
    Page(panel).open()
    parts = [weakref.ref(part) for part in (panel, *panel._parts)]
    panel.close()
    del panel

    def are_gone() -> bool:
        gc.collect()  # Widgets are circles.
        return not any(part() for part in parts)

    until(are_gone)


def test_a_panel_that_is_closed_while_another_thread_opens_it_stays_closed(manager: LoopManager):
    """Whichever of the two comes first."""
    before = set(_instances)
    panel = ControlPanel(manager)
    panel.open()
    with panel._on_pages:
        opener = threading.Thread(target=panel.open)
        opener.start()

        def waits() -> bool:
            frame = sys._current_frames().get(opener.ident or 0)
            return frame is not None and frame.f_code is ControlPanel.open.__code__

        until(waits)
        panel.close()
    opener.join(LIMIT)
    assert before == set(_instances)


def test_a_closed_panel_is_harmless(panel: ControlPanel, manager: LoopManager):
    """Its buttons and traits may still be held by somebody."""
    loop = manager.start(work)
    panel.close()
    panel.stop_loop_button.click()
    panel.filter = "x"
    panel.selected = loop.id
    panel.refresh()
    assert loop.state is LoopState.RUNNING


def test_a_panel_that_was_never_displayed_ends_when_nobody_holds_it(manager: LoopManager):
    """Every widget that a page might know is kept by ipywidgets: no page might know this one."""
    before = set(_instances)
    panel = ControlPanel(manager)
    [thread] = panel_threads()
    is_gone = weakref.ref(panel)
    del panel
    gc.collect()
    thread.join(LIMIT)
    assert is_gone() is None
    assert not thread.is_alive()
    assert manager._subscribers == {}
    assert set(_instances) - before == set()


def test_a_panel_that_was_displayed_stays_though_nobody_holds_it(manager: LoopManager):
    """It is on a page."""
    before = set(_instances)
    ControlPanel(manager)._repr_mimebundle_()
    gc.collect()
    [panel] = [
        widget
        for name, widget in _instances.items()
        if name not in before and isinstance(widget, ControlPanel)
    ]
    panel.close()
    assert set(_instances) - before == set()


class Shell:
    """As much of IPython's as a panel needs, to hear of cells."""

    def __init__(self) -> None:
        shell: Any = self
        self.events = EventManager(shell, available_events)

    def run_code(self) -> None:
        """Cells run here."""


@pytest.mark.parametrize("how", ["closed", "put away"])
def test_a_panel_that_is_gone_hears_of_no_cell_and_gives_back_its_comms(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, how: str
):
    """Or IPython would keep it, and call it at every cell."""
    shell = Shell()
    monkeypatch.setattr("bgwidgets.widgets.cells.get_ipython", lambda: shell)
    heard = {name: list(shell.events.callbacks[name]) for name in ("pre_run_cell", "post_run_cell")}
    panel = ControlPanel(manager)
    panel.open()
    live = Mock()
    panel._live.close()
    panel._live = live
    assert all(len(shell.events.callbacks[name]) > len(before) for name, before in heard.items())
    if how == "closed":
        panel.close()
    else:
        put_away(panel)
    assert heard == {name: shell.events.callbacks[name] for name in heard}
    live.close.assert_called_once_with()
    panel.close()


# -- put away, and back


def test_a_panel_that_is_put_away_leaves_nothing_with_ipywidgets(
    panel: ControlPanel, manager: LoopManager
):
    """Neither widgets nor their comms; a thread and a subscription neither."""
    panel._repr_mimebundle_()
    ids = {panel.model_id, panel.stop_loop_button.model_id, panel.layout.model_id}
    assert ids <= set(_instances)
    [thread] = panel_threads()
    put_away(panel)
    panel.refresh()
    thread.join(LIMIT)
    assert not any(part.comm for part in [panel, *panel._parts])
    assert ids & set(_instances) == set()
    assert (panel_threads(), manager._subscribers) == ([], {})


def test_its_buttons_and_traits_go_on_working(panel: ControlPanel, manager: LoopManager):
    """Somebody may hold it."""
    panel._repr_mimebundle_()
    put_away(panel)
    loop = manager.start(work)
    panel.selected = loop.id
    panel.filter = "x"
    panel.stop_loop_button.click()
    assert loop.wait(LIMIT) is LoopState.STOPPED


def test_displayed_again_it_is_the_same_panel(panel: ControlPanel, manager: LoopManager):
    """Under its old names, with its settings, and with buttons that suit what happened since."""
    panel._repr_mimebundle_()
    names = [part.model_id for part in [panel, *panel._parts]]
    panel.filter = "fetch"
    put_away(panel)
    manager.start(work)
    panel._repr_mimebundle_()
    assert [part.model_id for part in [panel, *panel._parts]] == names
    assert set(names) <= set(_instances)
    until(lambda: not panel.stop_loop_button.disabled)
    page = Page(panel)
    page.open()
    frame = page.wait_for("loops", lambda message: message["type"] == "frame")
    assert frame["head"]["filter"] == "fetch"


def test_it_is_put_away_when_its_output_was_cleared(
    panel: ControlPanel, monkeypatch: pytest.MonkeyPatch
):
    """By itself."""
    page = Page(panel)
    monkeypatch.setattr("bgwidgets.widgets.attendance.FORGOTTEN_AFTER", 0.01)
    panel._repr_mimebundle_()
    page.open()
    page.send("loops", type="bye", view="l", cleared=True)
    page.send("tasks", type="bye", view="t", cleared=True)
    until(lambda: panel.comm is None)


def test_a_panel_inside_another_widget_is_displayed_by_it(panel: ControlPanel):
    """The box asks for its name, and then keeps it from being put away."""
    box = ipywidgets.VBox([panel])
    assert box.get_state("children") == {"children": [f"IPY_MODEL_{panel.model_id}"]}
    assert panel.model_id in _instances
    publisher = panel._publisher
    assert publisher is not None
    until(lambda: publisher._feed._attendance._is_kept)
    box.close()


def test_a_panel_that_was_displayed_alone_before_is_kept_inside_another_too(
    panel: ControlPanel, monkeypatch: pytest.MonkeyPatch
):
    """The views of both are cleared; the box may be displayed again, and must have no hole."""
    monkeypatch.setattr("bgwidgets.widgets.attendance.FORGOTTEN_AFTER", 0.0)
    panel._repr_mimebundle_()
    box = ipywidgets.Tab([panel])
    page = Page(panel)
    page.open()
    for table, view in (("loops", "l"), ("tasks", "t")):
        page.send(table, type="bye", view=view, cleared=True)
    publisher = panel._publisher
    assert publisher is not None
    until(lambda: publisher._feed._attendance._is_kept and not publisher._inbox)
    assert publisher._feed._attendance.forgotten_at() is None
    assert panel.comm is not None
    box.close()


def test_what_ipywidgets_does_with_it_puts_it_into_no_other(panel: ControlPanel):
    """Displaying it alone, closing its comm and displaying it again."""
    panel._repr_mimebundle_()
    put_away(panel)
    panel._repr_mimebundle_()
    publisher = panel._publisher
    assert publisher is not None
    until(lambda: not publisher._inbox)
    assert not publisher._feed._attendance._is_kept


def put_away(panel: ControlPanel) -> None:
    """As soon as it has done what it was asked."""
    until(panel._put_away)


def test_two_panels_of_one_manager_are_independent(panel: ControlPanel, manager: LoopManager):
    """Each has its own selection and its own end."""
    first, second = manager.start(work), manager.start(work)
    other = ControlPanel(manager)
    try:
        panel.selected = first.id
        other.selected = second.id
        other.close()
        panel.stop_loop_button.click()
        assert first.wait(LIMIT) is LoopState.STOPPED
        assert second.state is LoopState.RUNNING
    finally:
        other.close()


def test_the_result_of_a_loop_that_the_panel_stopped(panel: ControlPanel, manager: LoopManager):
    """Who waits for it is told."""
    loop = manager.start(work)
    panel.stop_loop_button.click()
    with pytest.raises(LoopEnded):
        loop.result(LIMIT)
