"""The mark that says whether clicks are heard, with the test in the kernel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.stage import full_head

if TYPE_CHECKING:
    from tests.browser.stage import Stage

MARK = ".bgw-live:visible"
LIVE = ["live"]
WAITS = ["clicks wait for the cell"]
BESIDE = ".bgw-bar > :not(.bgw-live, .bgw-contact, .bgw-sum)"
PLACES = """
    all => all.map((each) => each.getBoundingClientRect()).map(({ right, y }) => [right, y])
"""


def run_cell(loops: Stage, cell: int | None) -> None:
    """The kernel tells that another cell runs, or none."""
    loops.frame({}, total=2, head={"cell": cell})


def pings(loops: Stage) -> list[Any]:
    """The cells that the page asked about since the last time."""
    return [message["cell"] for message in loops.sent() if message["type"] == "ping"]


def pong(loops: Stage, cell: int) -> None:
    """The kernel has heard this page while the cell ran."""
    view = loops.page.evaluate("stage.view")
    loops.say({"type": "pong", "cell": cell, "views": ["other", view]})


@pytest.fixture
def asked(loops: Stage) -> Stage:
    """Cell 7 runs, and the page has asked whether it is heard."""
    run_cell(loops, 7)
    assert pings(loops) == [7]
    return loops


def test_nothing_is_said_while_no_cell_runs(loops: Stage):
    """And nothing is asked."""
    loops.pass_time(3)
    assert loops.texts(MARK) == []
    assert pings(loops) == []


def test_nothing_is_said_before_the_answer(asked: Stage):
    """It is never assumed."""
    asked.pass_time(1.3)
    assert asked.texts(MARK) == []


def test_an_answer_during_the_cell_makes_it_live(asked: Stage):
    """With words that say what that means; until the cell ends."""
    pong(asked, 7)
    assert asked.texts(MARK) == LIVE
    assert asked.attribute(MARK, "title") == "Clicks take effect while the cell runs"
    run_cell(asked, None)
    assert asked.texts(MARK) == []
    asked.pass_time(3)
    assert pings(asked) == []


def test_without_an_answer_clicks_wait(asked: Stage):
    """It is said once, and not asked again: all would have to be handled after the cell."""
    asked.stay_in_contact(1.6)
    assert asked.texts(MARK) == WAITS
    asked.stay_in_contact(3)
    assert asked.texts(MARK) == WAITS
    assert pings(asked) == []
    run_cell(asked, None)
    assert asked.texts(MARK) == []


def test_it_is_asked_again_while_the_cell_runs(asked: Stage):
    """What was heard once may wait later: C code may hold up all threads."""
    pong(asked, 7)
    asked.stay_in_contact(2.1)
    assert pings(asked) == [7]
    assert asked.texts(MARK) == LIVE
    asked.stay_in_contact(1.5)
    assert asked.texts(MARK) == WAITS
    pong(asked, 7)
    assert asked.texts(MARK) == LIVE


def test_an_answer_about_another_cell_says_nothing(asked: Stage):
    """Each cell is asked about anew."""
    pong(asked, 7)
    run_cell(asked, 8)
    assert asked.texts(MARK) == []
    assert pings(asked) == [8]
    pong(asked, 7)
    assert asked.texts(MARK) == []
    pong(asked, 8)
    assert asked.texts(MARK) == LIVE


def test_an_answer_to_another_page_says_nothing(asked: Stage):
    """That one may be another frontend, with other settings."""
    asked.say({"type": "pong", "cell": 7, "views": ["other"]})
    assert asked.texts(MARK) == []


def test_it_says_nothing_without_contact(asked: Stage):
    """Whoever cannot hear the kernel knows nothing."""
    pong(asked, 7)
    asked.pass_time(7)
    assert asked.texts(MARK) == []


def test_two_marks_differ_by_word_shape_and_colour(asked: Stage):
    """A full dot and a hollow one."""
    dot = ".bgw-live > i"
    look = "dot => [getComputedStyle(dot).backgroundColor, getComputedStyle(dot).color]"
    pong(asked, 7)
    full = asked.find(dot).evaluate(look)
    asked.stay_in_contact(3.6)
    hollow = asked.find(dot).evaluate(look)
    assert full[0] == full[1] != hollow[1]
    assert hollow[0] == "rgba(0, 0, 0, 0)"


WIDTHS = [1000, 780, 700, 660, 620, 580, 540, 390]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_jumps_when_it_appears(asked: Stage, width: int):
    """It stands in room that nothing else uses, in fewer words where there is little."""
    asked.page.set_viewport_size({"width": width, "height": 700})
    others = f"{BESIDE}, .bgw-sum > :not(.bgw-for-kernel)"
    before = asked.find(others).evaluate_all(PLACES)
    asked.stay_in_contact(1.6)
    assert asked.texts(MARK) == (WAITS if width > 760 else ["clicks wait"])
    assert asked.find(others).evaluate_all(PLACES) == before


@pytest.mark.parametrize("width", WIDTHS)
def test_where_the_bar_is_full_only_marks_of_states_give_way_to_it(asked: Stage, width: int):
    """No other line begins, and what is beside them stays."""
    asked.page.set_viewport_size({"width": width, "height": 700})
    asked.frame({}, total=2, head=full_head(cell=7))
    lines = "bar => [bar.offsetHeight, bar.querySelector('.bgw-sum').offsetTop]"
    before = asked.find(BESIDE).evaluate_all(PLACES), asked.find(".bgw-bar").evaluate(lines)
    asked.stay_in_contact(1.6)
    assert asked.find(MARK).count() == 1
    after = asked.find(BESIDE).evaluate_all(PLACES), asked.find(".bgw-bar").evaluate(lines)
    assert after == before


def test_a_closed_table_asks_nothing_more(asked: Stage):
    """Its timer ends with it."""
    pong(asked, 7)
    asked.sent()
    asked.close()
    asked.pass_time(5)
    assert pings(asked) == []
