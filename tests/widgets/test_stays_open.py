"""A page closes a panel's widgets, or opens something by their names, whenever it likes: the panel
hears pages as before, and leaves nothing behind when it is closed or put away.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any, Final

import comm
import pytest
from ipywidgets import Button, Widget
from ipywidgets.widgets.widget import _instances

from bgwidgets.widgets.control_panel import ControlPanel
from tests.widgets.panel_page import Page, until

A_BUTTON: Final = {
    **{f"_{of}_module": "@jupyter-widgets/controls" for of in ("model", "view")},
    **{f"_{of}_module_version": "2.0.0" for of in ("model", "view")},
    "_model_name": "ButtonModel",
    "_view_name": "ButtonView",
}
GONE: Final[dict[str, Callable[[ControlPanel], object]]] = {
    "closed": ControlPanel.close,
    "put away": lambda panel: until(panel._put_away),
}
gone = pytest.mark.parametrize("go", GONE.values(), ids=GONE)


def names() -> set[str]:
    """Of all comms and widgets that there are."""
    kernels_own: Any = comm.get_comm_manager()
    return {*kernels_own.comms, *_instances}


def is_heard(widget: Any) -> bool:
    """Whether what a page sends by the widget's name comes to it."""
    kernels_own: Any = comm.get_comm_manager()
    return kernels_own.comms.get(widget.comm.comm_id) is widget.comm


@pytest.fixture
def before() -> set[str]:
    """What there was before the panel."""
    return names()


@pytest.fixture
def page(panel: ControlPanel) -> Page:
    """Without a view: it is told nothing, unless a test has it told."""
    return Page(panel)


@pytest.fixture
def shown(before: set[str], panel: ControlPanel, page: Page) -> ControlPanel:
    """A panel that has done all that its page has sent."""
    del before
    panel.open()
    page.send("tasks", type="filter", text="abc")
    until(lambda: panel.filter == "abc")
    assert panel._publisher is not None
    inbox = panel._publisher._inbox
    until(lambda: not inbox)
    return panel


@pytest.fixture
def widgets_are_opened() -> Iterator[None]:
    """As in a kernel, also where a page opens one."""
    kernels_own: Any = comm.get_comm_manager()
    kernels_own.register_target("jupyter.widget", Widget.handle_comm_opened)
    yield
    del kernels_own.targets["jupyter.widget"]


def meanwhile(own: Any, do: Callable[[], object]) -> None:
    """Have it done when the kernel has begun to close this comm."""
    publish = own.publish_msg

    def publish_msg(kind: str, **message: Any) -> None:
        if kind == "comm_close":
            own.publish_msg = publish
            do()
        publish(kind, **message)

    own.publish_msg = publish_msg


@gone
def test_a_page_closes_a_widget_in_the_midst_of_its_close(
    before: set[str], shown: ControlPanel, page: Page, go: Callable[[ControlPanel], object]
):
    """Nothing is raised, and all the rest goes as well."""
    button = shown.stop_event_button
    meanwhile(button.comm, lambda: page.close_raw(button, {}))
    go(shown)
    assert names() == before


@gone
@pytest.mark.parametrize("target", ["nobody", "jupyter.widget"])
@pytest.mark.usefixtures("widgets_are_opened")
def test_a_page_has_taken_a_widgets_name_when_it_is_closed(
    before: set[str],
    shown: ControlPanel,
    page: Page,
    target: str,
    go: Callable[[ControlPanel], object],
):
    """Neither its comm nor its widget outlives the panel's."""
    page.open_raw(shown.stop_event_button, target, {"state": A_BUTTON})
    go(shown)
    gc.collect()
    assert names() == before


def test_a_page_is_told_of_a_close_that_another_page_was_faster_with(
    shown: ControlPanel, page: Page
):
    """By the kernel's own word: the page that was faster has told nobody but the kernel."""
    told: list[str] = []
    button = shown.stop_event_button
    button.comm.publish_msg = lambda kind, **_: told.append(kind)
    page.close_raw(button, {})
    shown.close()
    assert told == ["comm_close"]


def test_a_pages_close_that_comes_late_does_nothing(before: set[str], shown: ControlPanel):
    """The kernel had taken it up before the panel was put away. Displayed again, it is heard."""
    button = shown.stop_event_button
    late = button.comm._close_callback
    until(shown._put_away)
    late({})
    assert names() == before
    shown.open()
    late({})
    assert is_heard(button)
    shown.close()
    assert names() == before


@pytest.mark.parametrize("target", ["nobody", "jupyter.widget"])
@pytest.mark.usefixtures("widgets_are_opened")
def test_a_name_that_a_page_takes_is_taken_back_when_the_panel_tells_something(
    shown: ControlPanel, page: Page, target: str
):
    """Of any of its widgets. The page is told, and what it has opened is silent from then on."""
    parts = [shown, *shown._parts]
    for widget in parts:
        page.open_raw(widget, target, {"state": A_BUTTON})
    theirs = [_instances[widget.comm.comm_id] for widget in parts[1:]]
    assert [True] * len(theirs) == [
        (type(each) is Button) == (target == "jupyter.widget") for each in theirs
    ]
    page.open()
    until(lambda: all(is_heard(widget) for widget in parts))
    assert page.wait_for_words("not for a page to take") == "error"
    assert [True] * len(parts) == [_instances[each.comm.comm_id] is each for each in parts]
    del theirs
    gc.collect()
    assert [True] * len(parts) == [is_heard(widget) for widget in parts]


def test_so_it_is_when_a_page_is_loaded(shown: ControlPanel, page: Page):
    """Which asks for the state of all widgets before it speaks to one."""
    button = shown.stop_event_button
    page.open_raw(button)
    assert not is_heard(button)
    Widget.get_manager_state()
    assert is_heard(button)


def test_and_when_it_is_displayed_again(shown: ControlPanel, page: Page):
    """In another cell."""
    button = shown.stop_event_button
    page.open_raw(button)
    shown._repr_mimebundle_()
    assert is_heard(button)


def test_python_may_still_close_a_part(shown: ControlPanel):
    """Nobody takes its name back, which no page has taken."""
    button = shown.stop_event_button
    name = button.comm.comm_id
    button.close()
    shown._keep_names()
    assert name not in names()


def test_a_panel_that_could_not_be_put_away_is_displayed_as_ever(
    shown: ControlPanel, monkeypatch: pytest.MonkeyPatch
):
    """The next one who asks for its name has it in a widget of its own."""

    def fail() -> None:
        raise OSError("no connection")

    monkeypatch.setattr(shown.stop_event_button, "take_off_pages", fail)
    with pytest.raises(OSError, match="no connection"):
        shown._put_away()
    assert not shown._asks_itself
