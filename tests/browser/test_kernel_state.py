"""The header's word on the kernel itself, with the test in the kernel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import NOW

if TYPE_CHECKING:
    from tests.browser.stage import Stage

KERNEL = ".bgw-kernel:visible"


def tell(stage: Stage, state: str | None, since: float | None = None, **more: object) -> None:
    """The kernel tells of itself."""
    stage.frame({}, total=2, head={"kernel": state, "busy_since": since, **more})


def test_nothing_is_said_before_it_is_known(loops: Stage):
    """It is never assumed."""
    assert loops.texts(KERNEL) in ([], [""])


def test_it_is_busy_for_a_growing_time_and_then_idle(loops: Stage):
    """The time goes on in the page, without a message."""
    tell(loops, "busy", NOW - 41)
    assert loops.texts(KERNEL) == ["kernel busy 0:41"]
    loops.stay_in_contact(2)
    assert loops.texts(KERNEL) == ["kernel busy 0:43"]
    tell(loops, "idle")
    assert loops.texts(KERNEL) == ["kernel idle"]


def test_a_beginning_that_is_not_known_gives_no_time(loops: Stage):
    """As of a cell that made the panel."""
    tell(loops, "busy")
    assert loops.texts(KERNEL) == ["kernel busy"]


def test_it_goes_on_in_a_pause(loops: Stage):
    """The buttons do too."""
    tell(loops, "busy", NOW - 41, paused=True, now=NOW)
    loops.stay_in_contact(2)
    assert loops.texts(KERNEL) == ["kernel busy 0:43"]


def test_without_contact_nothing_is_known(loops: Stage):
    """The kernel may have been restarted."""
    tell(loops, "busy", NOW - 41)
    loops.pass_time(3)
    assert loops.texts(KERNEL) in ([], [""])


@pytest.mark.parametrize("width", [1000, 780, 740, 620, 390])
def test_it_is_shown_where_there_is_room(loops: Stage, width: int):
    """However narrow the panel is: one loop with some tasks leaves enough."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    tell(loops, "busy", NOW - 41, loops=1, tasks=21)
    kernel, line = (loops.find(each).bounding_box() for each in (".bgw-kernel", ".bgw-for-kernel"))
    assert kernel is not None
    assert line is not None
    assert kernel["y"] + kernel["height"] <= line["y"] + line["height"] + 1
    assert kernel["x"] + kernel["width"] <= line["x"] + line["width"]


@pytest.mark.parametrize("width", [1000, 780, 620, 390])
def test_it_makes_room_for_what_matters_more(loops: Stage, width: int):
    """Where there is none it is not shown, whole; nothing else moves, and nothing is cut off."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    tell(loops, None, failed=2, tasks=100_123)
    others = ".bgw-bar > :not(.bgw-contact, .bgw-sum), .bgw-sum > :not(.bgw-for-kernel)"
    places = """
        all => all.filter((each) => each.checkVisibility())
            .map((each) => each.getBoundingClientRect())
            .map(({ left, right, y }) => [left, right, y])
    """
    before = loops.find(others).evaluate_all(places)
    tell(loops, "busy", NOW - 36_000)
    assert loops.find(others).evaluate_all(places) == before
    assert max(right for _, right, _ in before) <= width
    inside = """
        kernel => {
          const [word, line] = [kernel, kernel.parentElement].map((e) => e.getBoundingClientRect());
          const isShown = word.bottom <= line.bottom + 1;
          return [isShown, word.top >= line.bottom - 1, word.right <= line.right];
        }
    """
    is_shown, is_below, is_whole = loops.find(".bgw-kernel").evaluate(inside)
    assert (is_shown and is_whole) or is_below
    assert is_shown or width < 1000
