"""Progress bars in the rows of the tables, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.stage import Message, bar, loop_row, loops_head, task_row, tasks_head

if TYPE_CHECKING:
    from tests.browser.stage import Stage

EVIL = "<img src=x onerror=alert(1)>"
TASK = ".bgw-tasks .bgw-row .bgw-col-progress"
LOOP = ".bgw-loops .bgw-row .bgw-col-note"


def heard(stage: Stage) -> list[Any]:
    """What each bar tells who hears it."""
    bars = stage.page.get_by_role("progressbar")
    told: list[Any] = bars.evaluate_all(
        "all => all.map(e => [e.ariaLabel, e.ariaValueNow, e.ariaValueText])"
    )
    return told


def widths(stage: Stage) -> list[float]:
    """How much of each bar is filled."""
    share = "e => e.firstElementChild.offsetWidth / e.offsetWidth"
    tracks = stage.page.get_by_role("progressbar")
    return [round(width, 2) for width in tracks.evaluate_all(f"all => all.map({share})")]


def test_a_task_with_a_bar_says_how_far_it_is(tasks: Stage):
    """By its length and in words, for ears too; a task without one says nothing."""
    tasks.frame({0: task_row(1, name="sprinter", bar=bar())}, total=2)
    assert tasks.texts(TASK) == ["63 % · 0:31 left", ""]
    assert heard(tasks) == [["Progress of sprinter", "63", "63 % · 0:31 left"]]
    assert widths(tasks) == [pytest.approx(0.63, abs=0.02)]
    tasks.frame({0: {"bar": bar(64, "64 %", " · 0:30 left", label="epoch 3")}}, total=2)
    assert heard(tasks) == [["Progress of sprinter: epoch 3", "64", "64 % · 0:30 left"]]
    tasks.frame({0: {"bar": None}}, total=2)
    assert heard(tasks) == []


def test_a_bar_without_a_total_is_full_of_stripes(tasks: Stage):
    """It names no share, and nothing of it moves."""
    tasks.frame({0: task_row(1, bar=bar(None, "7,240", " it · 88 it/s"))}, total=2)
    assert tasks.texts(TASK) == ["7,240 it · 88 it/s", ""]
    assert heard(tasks) == [["Progress of task-1", None, "7,240 it · 88 it/s"]]
    assert widths(tasks) == [1]
    assert tasks.attribute(".bgw-progress:visible", "data-end") == "unknown"
    assert tasks.page.evaluate("document.getAnimations().length") == 0


def test_a_bar_that_ended_is_grey(tasks: Stage):
    """Full when it was closed at its end; of one that was left open, the words say so."""
    rows = {
        0: task_row(1, bar=bar(100, "100 %", " in 0:41", end="closed")),
        1: task_row(2, bar=bar(63, "63 %", ", left open", end="left open", tone="ok")),
    }
    tasks.frame(rows, total=2)
    assert tasks.texts(TASK) == ["100 % in 0:41", "63 %, left open"]
    colours = tasks.find(".bgw-progress:visible > i").evaluate_all(
        "all => all.map(each => getComputedStyle(each).backgroundColor)"
    )
    assert len(set(colours)) == 1
    tasks.frame({0: {"bar": bar()}}, total=2)
    open_one = tasks.find(".bgw-progress > i").first.evaluate(
        "each => getComputedStyle(each).backgroundColor"
    )
    assert open_one != colours[0]


def test_a_bar_may_have_a_colour_of_its_own(tasks: Stage):
    """The theme's, or a plain number; a row that is used for another task does not keep it."""
    rows = {0: task_row(1, bar=bar(tone="bad")), 1: task_row(2, bar=bar(colour="#123456"))}
    tasks.frame(rows, total=2)
    fills = tasks.find(".bgw-progress > i")
    colours = "all => all.map(each => getComputedStyle(each).backgroundColor)"
    red, own = fills.evaluate_all(colours)
    assert own == "rgb(18, 52, 86)"
    tasks.frame({0: {"bar": bar()}, 1: {"bar": bar()}}, total=2)
    first, second = fills.evaluate_all(colours)
    assert first == second
    assert first not in {red, own}


def test_the_column_comes_with_the_first_bar_and_stays(tasks: Stage):
    """Until another loop is shown: nothing jumps when a bar ends, or is scrolled out of sight."""
    column = tasks.find(".bgw-tasks .bgw-head .bgw-col-progress")
    assert not column.is_visible()
    tasks.frame({1: {"bar": bar()}}, total=2)
    assert column.is_visible()
    tasks.frame({1: {"bar": None}}, total=2)
    assert column.is_visible()
    tasks.frame([task_row(5)], head=tasks_head(loop=8))
    assert not column.is_visible()


def test_a_loops_bar_stands_before_its_note(loops: Stage):
    """What it has said last comes behind, as far as there is room."""
    rows = [loop_row(1, bar=bar(label="epoch"), note="loss 0.3"), loop_row(2, note="done")]
    loops.frame(rows, head=loops_head())
    assert loops.texts(LOOP) == ["63 %loss 0.3", "done"]
    loops.page.set_viewport_size({"width": 1300, "height": 700})
    assert loops.texts(LOOP) == ["63 % · 0:31 leftloss 0.3", "done"]
    assert heard(loops) == [["Progress of loop-1: epoch", "63", "63 % · 0:31 left"]]


def test_a_narrow_panel_shows_the_loops_bar_as_a_line(loops: Stage):
    """Beneath its name, where there is no room for notes; of tasks it keeps the per cents."""
    loops.frame([loop_row(1, bar=bar()), loop_row(2)], head=loops_head())
    line = """all => all.map(each => getComputedStyle(each, "::after").content)"""
    names = loops.find(".bgw-loops .bgw-row .bgw-col-name")
    assert names.evaluate_all(line) == ["none", "none"]
    loops.page.set_viewport_size({"width": 480, "height": 700})
    assert names.evaluate_all(line) == ['""', "none"]


@pytest.mark.parametrize("width", [480, 700, 800, 1000])
def test_a_row_has_room_for_its_bar(tasks: Stage, width: int):
    """How far it is, is never cut off."""
    tasks.page.set_viewport_size({"width": width, "height": 700})
    texts: Message = {"name": "a-rather-long-name", "waiting": "sleep, 12 s left · a.py:3"}
    row = task_row(1, bar=bar(100, "100 %"), **texts)
    tasks.frame({0: row}, total=2)
    box = tasks.find(f"{TASK} .bgw-progress").first.bounding_box()
    cell = tasks.find(TASK).first.bounding_box()
    words = tasks.find(f"{TASK} .bgw-bar-and-words > span:nth-child(2)").first.bounding_box()
    assert box is not None
    assert cell is not None
    assert words is not None
    assert box["width"] >= 24
    assert words["x"] + words["width"] <= cell["x"] + cell["width"]


def test_a_description_is_never_html(tasks: Stage):
    """Nor a part of the style."""
    evil = bar(far=EVIL, rest="", label=EVIL, tone=EVIL, colour="red;background:url(x)")
    tasks.frame({0: task_row(1, name=EVIL, bar=evil)}, total=2)
    assert tasks.find(TASK).first.inner_text() == EVIL
    assert tasks.find("img").count() == 0
