"""The panel with a real manager and real loops, without a kernel and without a page."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import ipywidgets
import pytest
import traitlets
from ipywidgets.widgets.widget import _instances

from bgwidgets.exceptions import LoopEnded
from bgwidgets.loop_manager import LoopManager
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.control_panel import ControlPanel

LIMIT = 5.0


async def work() -> None:
    """Lives until it is stopped."""
    await asyncio.Event().wait()


async def polite() -> str:
    """Ends by the stop event."""
    from bgwidgets.background_loop import current

    loop = current()
    assert loop is not None
    await loop.stop_event.wait()
    return "done"


async def fail() -> None:
    """Fails at once."""
    raise OSError("gone")


def until(is_so: Callable[[], object]) -> None:
    """Wait for what another thread is about to do."""
    deadline = time.monotonic() + LIMIT
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


class Page:
    """Stands for a page: takes what the panel's widgets send, and sends what a page would."""

    def __init__(self, panel: ControlPanel) -> None:
        loops, actions, tasks = panel.children
        self._widgets = {"loops": loops, "tasks": tasks, "status": actions.children[-1]}
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._new = threading.Condition()
        for channel, widget in self._widgets.items():
            widget.send = self._hear_as(channel)

    def _hear_as(self, channel: str) -> Any:
        def hear(content: dict[str, Any], _buffers: object = None) -> None:
            with self._new:
                self.heard.append((channel, content))
                self._new.notify_all()

        return hear

    def send(self, channel: str, **message: Any) -> None:
        """As ipywidgets hands over a page's message."""
        self._widgets[channel]._handle_custom_msg(message, [])

    def open(self) -> None:
        """Show the panel."""
        self.send("loops", type="hello", view="l", start=0, stop=12)
        self.send("tasks", type="hello", view="t", start=0, stop=15)
        self.send("status", type="hello", view="s")

    def wait_for(self, channel: str, is_it: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first message of which this is true, sent already or soon."""

        def found() -> list[dict[str, Any]]:
            return [message for on, message in self.heard if on == channel and is_it(message)]

        with self._new:
            assert self._new.wait_for(found, LIMIT)
        return found()[0]

    def wait_for_words(self, text: str) -> str:
        """What is said in the status line with this text in it; its level."""
        message = self.wait_for("status", lambda message: text in message["text"])
        return str(message["level"])


@pytest.fixture
def manager() -> Iterator[LoopManager]:
    """Whose loops are stopped at the end."""
    manager = LoopManager()
    yield manager
    manager.stop_all(grace=0)


@pytest.fixture
def panel(manager: LoopManager) -> Iterator[ControlPanel]:
    """Closed at the end."""
    panel = ControlPanel(manager)
    yield panel
    panel.close()


@pytest.fixture
def page(panel: ControlPanel) -> Page:
    """Shows the panel."""
    page = Page(panel)
    page.open()
    return page


# -- what it is made of


def test_it_is_a_box_of_two_tables_with_buttons_between(panel: ControlPanel):
    """Real ipywidgets, with the classes that the style sheet knows."""
    assert isinstance(panel, ipywidgets.VBox)
    loops, actions, tasks = panel.children
    assert (loops.kind, tasks.kind) == ("loops", "tasks")
    assert "bgw-panel" in panel._dom_classes
    assert "bgw-actions" in actions._dom_classes
    buttons = [
        panel.stop_event_button,
        panel.stop_loop_button,
        panel.cancel_tasks_button,
        panel.restart_button,
        panel.remove_finished_button,
    ]
    assert list(actions.children[:-1]) == buttons
    assert [button.description for button in buttons] == [
        "Stop event", "Stop loop", "Cancel tasks", "Restart", "Remove finished",
    ]  # fmt: skip
    assert [button._dom_classes for button in buttons] == [
        ("bgw-button", "bgw-strong"),
        ("bgw-button",),
        ("bgw-button", "bgw-hard"),
        ("bgw-button", "bgw-quiet"),
        ("bgw-button", "bgw-quiet"),
    ]


def test_its_scripts_are_those_beside_it(panel: ControlPanel):
    """What the browser's tests test is what travels."""
    loops, actions, _ = panel.children
    assert "export default { render }" in loops._esm
    assert ".bgw-panel" in loops._css
    assert "bgw-status" in actions.children[-1]._esm
    assert "bgw-status" in actions.children[-1]._css


def test_its_own_traits_are_not_synced(panel: ControlPanel):
    """A trait that both sides write loses what one of them wrote."""
    assert not {"interval", "selected", "filter", "paused"} & set(panel.keys)


def test_it_is_right_from_the_first_moment(manager: LoopManager):
    """Selection and buttons do not wait for the first look."""
    loop = manager.start(work)
    panel = ControlPanel(manager)
    try:
        assert panel.selected == loop.id
        assert not panel.stop_loop_button.disabled
        assert panel.remove_finished_button.disabled
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
    page.wait_for_words("No loop has ended")
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


# -- the page


def test_a_page_sees_loops_and_tasks(manager: LoopManager, page: Page):
    """As they are, soon after they change."""
    manager.start(work, name="race")

    def has_race(message: dict[str, Any]) -> bool:
        return any(row["name"] == "race" for _, row in message.get("rows", ()))

    page.wait_for("loops", has_race)
    frame = page.wait_for("tasks", has_race)
    assert frame["rows"][0][1]["main"] is True


def test_a_failing_main_task_shows_its_traceback(manager: LoopManager, page: Page):
    """All of it, though the loop has ended."""
    manager.start(fail)
    frame = page.wait_for("tasks", lambda message: message.get("head", {}).get("error"))
    assert frame["head"]["error"].startswith("Traceback (most recent call last):")
    assert 'raise OSError("gone")' in frame["head"]["error"]
    assert frame["head"]["error"].endswith("OSError: gone")
    page.wait_for("loops", lambda message: [
        row for _, row in message.get("rows", ()) if row["note"] == "OSError: gone"
    ])  # fmt: skip


def test_a_single_task_is_cancelled_by_its_cross(manager: LoopManager, page: Page):
    """The others go on."""

    async def crowd() -> None:
        await asyncio.gather(*(asyncio.create_task(work(), name=f"t{n}") for n in range(3)),
                             return_exceptions=True)  # fmt: skip

    loop = manager.start(crowd)
    until(lambda: len(loop.tasks) == 4)
    [task] = [task for task in loop.tasks if task.name == "t1"]
    page.send("tasks", type="command", command="cancel_tasks", loop=loop.id, tasks=[task.id])
    until(lambda: loop.snapshot().task_counts[TaskState.CANCELLED] == 1)
    assert loop.snapshot().unfinished_tasks == 3


def test_a_tasks_id_that_is_not_known_is_said(manager: LoopManager, page: Page):
    """As an error; nothing is raised into the kernel."""
    loop = manager.start(work)
    page.send("tasks", type="command", command="cancel_tasks", loop=loop.id, tasks=[10**9])
    assert page.wait_for_words(str(10**9)) == "error"


def test_what_the_page_sets_the_traits_have(panel: ControlPanel, manager: LoopManager, page: Page):
    """To be observed and linked."""
    first, _ = manager.start(work), manager.start(work)
    page.send("loops", type="filter", text="fetch")
    page.send("loops", type="interval", seconds=2)
    page.send("loops", type="select", loop=first.id)
    page.send("loops", type="pause", paused=True)
    until(lambda: panel.paused)
    assert (panel.filter, panel.interval, panel.selected) == ("fetch", 2.0, first.id)


def test_what_python_sets_the_page_shows(panel: ControlPanel, manager: LoopManager, page: Page):
    """Soon, and not at the next interval only."""
    first, _ = manager.start(work), manager.start(work)
    panel.interval = 3600.0
    panel.filter = "fetch"
    panel.selected = first.id
    head: dict[str, Any] = {}

    def shows(message: dict[str, Any]) -> bool:
        head.update(message.get("head", {}))
        return (head["interval"], head["filter"], head["selected"]) == (3600, "fetch", first.id)

    page.wait_for("loops", shows)


def test_a_click_on_a_button_comes_as_a_message(manager: LoopManager, panel: ControlPanel):
    """As the page sends it."""
    loop = manager.start(work)
    panel.stop_loop_button._handle_custom_msg({"event": "click"}, [])
    assert loop.wait(LIMIT) is LoopState.STOPPED


# -- the traits


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


# -- the end


def panel_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "bgwidgets-panel"]


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


def test_a_closed_panel_is_harmless(panel: ControlPanel, manager: LoopManager):
    """Its buttons and traits may still be held by somebody."""
    loop = manager.start(work)
    panel.close()
    panel.stop_loop_button.click()
    panel.filter = "x"
    panel.selected = loop.id
    panel.refresh()
    assert loop.state is LoopState.RUNNING


def test_a_panel_that_nobody_holds_ends(manager: LoopManager):
    """Once ipywidgets has let go of it: it keeps every widget that is not closed."""
    panel = ControlPanel(manager)
    [thread] = panel_threads()
    is_gone = weakref.ref(panel)
    ipywidgets.Widget.close(panel)
    del panel
    gc.collect()
    thread.join(LIMIT)
    assert is_gone() is None
    assert not thread.is_alive()
    assert manager._subscribers == {}


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
