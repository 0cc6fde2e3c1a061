"""The view of all event loops in a real browser, with the test in the kernel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect

    from tests.browser.stage import Stage

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def finder(stage: Stage) -> Stage:
    """The view, folded."""
    stage.load("loop_finder")
    stage.mount()
    return stage


def found(*rows: dict[str, Any], left_out: int = 0) -> dict[str, Any]:
    return {"type": "found", "at": "12:03:41", "left_out": left_out, "rows": list(rows)}


def row(number: int, name: str, role: str = "listed", what: str = "why") -> dict[str, Any]:
    return {"id": number, "name": name, "what": what, "role": role}


def test_nothing_is_looked_for_until_somebody_wants_it(finder: Stage):
    """Folded it asks for nothing and shows nothing but its title."""
    assert [] == finder.sent()
    assert not finder.find(".bgw-finder-list").is_visible()
    assert not finder.find(".bgw-finder-again").is_visible()


def test_unfolding_looks_once(finder: Stage):
    """By click or by keyboard; folding and unfolding looks anew."""
    finder.click(".bgw-finder-toggle")
    assert [{"type": "look"}] == finder.sent()
    assert ["looking…"] == finder.texts(".bgw-finder-summary")
    finder.say(found(row(1, "race")))
    assert ["1 loop as of 12:03:41"] == finder.texts(".bgw-finder-summary")
    finder.press("Enter")
    assert [] == finder.sent()
    assert not finder.find(".bgw-found").first.is_visible()
    finder.press("Space")
    assert [{"type": "look"}] == finder.sent()
    finder.click(".bgw-finder-again")
    assert [{"type": "look"}] == finder.sent()


def test_a_loop_is_adopted_by_its_button(finder: Stage):
    """Only those have one for which there is something to do."""
    finder.click(".bgw-finder-toggle")
    finder.say(
        found(
            row(2, "fsspecIO", "adopt"),
            row(3, "Main", "watch"),
            row(4, "Control", "kernel", "it is the kernel's own"),
            row(1, "race"),
            left_out=4,
        )
    )
    finder.sent()
    assert ["8 loops as of 12:03:41, 4 of them not shown"] == finder.texts(".bgw-finder-summary")
    assert ["Adopt", "Watch"] == finder.texts(".bgw-found-action")
    marks = finder.find(".bgw-found-mark").evaluate_all("all => all.map(e => e.dataset.mark)")
    assert ["free", "lock", "lock", "none"] == marks
    finder.page.get_by_role("button", name="Adopt fsspecIO").click()
    assert ["looking…"] == finder.texts(".bgw-finder-summary")
    finder.page.get_by_role("button", name="Watch Main").click()
    assert [{"type": "adopt", "loop": 2}, {"type": "adopt", "loop": 3}] == finder.sent()


@pytest.mark.parametrize("width", [420, 700, 1000])
def test_reason_and_time_can_be_read_whole(finder: Stage, width: int):
    """Beside the name, or on more lines; never cut off, and nothing sticks out."""
    finder.page.set_viewport_size({"width": width, "height": 700})
    finder.page.add_style_tag(content=".bgw-panel { container-type: inline-size }")
    finder.click(".bgw-finder-toggle")
    why = "it is the kernel's own (thread Control), which would go down with it"
    finder.say(found(row(4, "Control", "kernel", why), row(2, "feed", "adopt"), left_out=120))
    cut_off = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)"
    parts = ".bgw-finder-summary, .bgw-found-what, .bgw-found-name, .bgw-finder-bar, .bgw-found"
    assert [] == finder.find(parts).evaluate_all(cut_off)


@pytest.mark.parametrize("width", [420, 700, 1000])
def test_that_there_are_more_loops_can_be_seen(finder: Stage, width: int):
    """A shadow lies over the last one in sight; at the end it is gone."""
    finder.page.set_viewport_size({"width": width, "height": 700})
    finder.page.add_style_tag(content=".bgw-panel { container-type: inline-size }")
    finder.click(".bgw-finder-toggle")
    finder.say(found(*(row(number, f"loop-{number}") for number in range(12))))
    box = finder.find(".bgw-finder-list").bounding_box()
    assert box is not None
    right, bottom = box["x"] + box["width"], box["y"] + box["height"]
    edge: FloatRect = {"x": right - 9, "y": bottom - 8, "width": 8, "height": 8}  # beside all words
    before = finder.page.screenshot(clip=edge)
    finder.page.evaluate("stage.scroll('.bgw-finder-list', 9999)")
    assert finder.page.screenshot(clip=edge) != before


def test_half_a_row_stands_for_more(finder: Stage):
    """Where rows are of one height, none ends where the list does, unless it is the last one."""
    finder.click(".bgw-finder-toggle")
    finder.say(found(*(row(number, f"loop-{number}") for number in range(8))))
    shown = finder.find(".bgw-finder-list").bounding_box()
    last = finder.find(".bgw-found:last-child").bounding_box()
    assert shown is not None
    assert last is not None
    assert 0.3 < (shown["y"] + shown["height"] - last["y"]) / last["height"] < 0.7
    finder.say(found(*(row(number, f"loop-{number}") for number in range(7))))
    whole = "list => list.scrollHeight === list.clientHeight"
    assert finder.find(".bgw-finder-list").evaluate(whole)


def test_no_key_leaks_into_the_notebook(finder: Stage):
    """There x cuts a cell and b inserts one; Tab and Enter do here what they do anywhere."""
    finder.page.evaluate(
        "document.leaked = []; document.addEventListener('keydown', e => document.leaked.push(e))"
    )
    finder.find(".bgw-finder-toggle").focus()
    finder.press("b", "x", "Enter")
    finder.say(found(row(2, "feed", "adopt")))
    finder.press("Tab", "d", "d", "Tab")
    assert 0 == finder.page.evaluate("document.leaked.length")
    assert "Adopt feed" == finder.page.evaluate("document.activeElement.ariaLabel")
    finder.sent()
    finder.press("Enter")
    assert [{"type": "adopt", "loop": 2}] == finder.sent()


def test_names_are_text(finder: Stage):
    """Whatever a thread is called."""
    finder.click(".bgw-finder-toggle")
    finder.say(found(row(1, EVIL, "adopt", EVIL)))
    assert [EVIL] == finder.texts(".bgw-found-name")
    assert [EVIL] == finder.texts(".bgw-found-what")
    assert 0 == finder.find("img").count()


def test_the_keyboards_place_is_not_lost(finder: Stage):
    """When the button that was clicked is gone, it is at the one beside the title."""
    finder.click(".bgw-finder-toggle")
    finder.say(found(row(2, "fsspecIO", "adopt")))
    finder.click(".bgw-found-action")
    finder.say(found(row(2, "fsspecIO")))
    assert finder.page.evaluate("document.activeElement.className") == "bgw-finder-again"


def test_a_kernel_that_is_gone_is_said_to_be(finder: Stage):
    """And not waited for."""
    finder.page.evaluate("stage.isClosed = true")
    finder.click(".bgw-finder-toggle")
    assert ["the kernel is gone"] == finder.texts(".bgw-finder-summary")


def test_it_leaves_nothing_behind(finder: Stage):
    """Neither an element nor a listener."""
    finder.close()
    assert 0 == finder.find(".bgw-finder").count()
    assert 0 == finder.page.evaluate("stage.listeners.size")
