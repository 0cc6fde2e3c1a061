"""Somebody works by keyboard when contact is lost for a moment, as while C code holds the GIL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import ONE_FRAME

if TYPE_CHECKING:
    from tests.browser.stage import Stage

SILENCE = 3.5
"""Seconds, after which contact is lost."""
FOCUSED = "document.activeElement.className"
WIDTHS = [390, 620, 900, 1000, 1100]


def add_button(stage: Stage, class_name: str) -> None:
    """One of the panel's that is not the table's, which counts its clicks."""
    stage.page.evaluate(
        """name => {
          const button = Object.assign(document.createElement("button"), { className: name });
          globalThis.clicks = 0;
          button.addEventListener("click", () => globalThis.clicks++);
          document.querySelector(".bgw-panel").append(button);
        }""",
        class_name,
    )


def come_back(stage: Stage) -> None:
    """The kernel is heard again."""
    stage.say({"type": "beat"})
    stage.pass_time(ONE_FRAME)


@pytest.mark.parametrize("width", WIDTHS)
def test_typing_goes_on_and_is_sent_when_the_kernel_is_back(loops: Stage, width: int):
    """Be there room for the filter or not, and whatever was typed when contact was lost."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    loops.click(".bgw-filter")
    loops.page.keyboard.type("fet")
    loops.pass_time(2.4)
    assert {"type": "filter", "text": "fet"} in loops.sent()
    loops.page.keyboard.type("c")  # and it waits for more when contact is lost
    loops.pass_time(SILENCE)
    assert loops.texts(".bgw-contact") == ["no contact with the kernel"]
    loops.page.keyboard.type("h-00")
    loops.pass_time(10)
    assert loops.page.evaluate(FOCUSED) == "bgw-filter"
    assert [each for each in loops.sent() if each["type"] != "hello"] == []
    come_back(loops)
    assert loops.page.input_value(".bgw-filter") == "fetch-00"
    assert loops.page.evaluate(FOCUSED) == "bgw-filter"
    assert [each for each in loops.sent() if each["type"] != "hello"] == [
        {"type": "filter", "text": "fetch-00"}
    ]
    come_back(loops)
    assert loops.sent() == []


def test_what_was_typed_and_left_is_not_put_back(loops: Stage):
    """The kernel's older filter comes with its first word, and means nothing by then."""
    loops.pass_time(SILENCE)
    loops.find(".bgw-grid").focus()
    loops.press("/")
    loops.page.keyboard.type("fetch")
    loops.press("Enter")
    loops.pass_time(10)
    assert loops.page.evaluate(FOCUSED) == "bgw-grid"
    loops.frame({}, total=2, head={"filter": ""})
    loops.pass_time(ONE_FRAME)
    assert loops.page.input_value(".bgw-filter") == "fetch"
    assert {"type": "filter", "text": "fetch"} in loops.sent()


@pytest.mark.parametrize("width", [1000, 1100])
def test_a_filter_that_nobody_types_in_is_dead_where_the_kernel_is_gone(loops: Stage, width: int):
    """It is no silence that anybody could wait for, and there may be no room for it."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    loops.pass_time(SILENCE)
    assert loops.find(".bgw-filter:visible").count() == 1
    assert not loops.find(".bgw-filter").evaluate("filter => filter.inert")
    loops.page.evaluate("stage.manager.kernel = null")
    loops.pass_time(1.5)
    assert loops.texts(".bgw-contact") == ["kernel gone"]
    assert loops.find(".bgw-filter:visible").count() == (width > 1040)
    assert loops.find(".bgw-filter").evaluate("filter => filter.inert")


@pytest.mark.parametrize("key", ["Enter", "Space"])
@pytest.mark.parametrize("name", ["bgw-button", "bgw-pause", "bgw-sort"])
@pytest.mark.parametrize("width", [900, 1100])
def test_a_button_keeps_the_focus_and_does_nothing(loops: Stage, name: str, key: str, width: int):
    """What it did then would be done when nobody wants it any more; afterwards it does it again."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    add_button(loops, "bgw-button")
    button = loops.find(f".{name}").last
    button.focus()
    loops.pass_time(SILENCE)
    loops.sent()
    loops.press(key)
    assert loops.page.evaluate(FOCUSED) == name
    assert loops.page.evaluate("clicks") == 0
    assert loops.sent() == []
    assert button.get_attribute("aria-disabled") == "true"
    come_back(loops)
    assert loops.page.evaluate(FOCUSED) == name
    assert button.get_attribute("aria-disabled") is None
    loops.sent()
    loops.press(key)
    assert loops.page.evaluate("clicks") + len(loops.sent()) == 1


def test_a_button_in_a_part_of_the_panel_is_held_back_too(loops: Stage):
    """That part is a widget of its own, and would send what it is told to."""
    add_button(loops, "bgw-finder")
    loops.find("button.bgw-finder").focus()
    loops.pass_time(SILENCE)
    loops.press("Enter")
    assert loops.page.evaluate("[clicks, document.activeElement.className]") == [0, "bgw-finder"]


def test_what_was_left_is_dead_as_the_others_are(loops: Stage):
    """Only the one that has the focus is kept."""
    loops.find(".bgw-pause").focus()
    loops.pass_time(SILENCE)
    assert not loops.find(".bgw-pause").evaluate("button => button.inert")
    loops.find(".bgw-grid").focus()
    loops.pass_time(1.1)
    assert loops.find(".bgw-pause").evaluate("button => button.inert")
    come_back(loops)
    assert not loops.find(".bgw-pause").evaluate("button => button.inert")


def test_no_interval_is_chosen_without_contact(loops: Stage):
    """The one that holds is shown."""
    loops.find(".bgw-interval").focus()
    loops.pass_time(SILENCE)
    loops.sent()
    loops.press("ArrowDown")
    assert loops.page.input_value(".bgw-interval") == "0.5"
    assert loops.sent() == []
    come_back(loops)
    assert loops.page.evaluate(FOCUSED) == "bgw-interval"
    loops.press("ArrowDown")
    assert {"type": "interval", "seconds": 1} in loops.sent()
