"""What the tables show in a real browser, with the test in the kernel's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.browser.stage import (
    MANY,
    NO_COUNTS,
    NOW,
    bar,
    full_head,
    loop_row,
    loops_head,
    task_row,
    tasks_head,
    window_of_tasks,
)
from tests.cut_off import CUT_OFF

if TYPE_CHECKING:
    from tests.browser.stage import Stage

# -- what a table shows


def test_loops_have_a_row_each(loops: Stage):
    """Name, host, state, tasks, age and error line stand in their columns."""
    failed = loop_row(3, name="prices", host="process", state="failed", note="OSError: gone")
    failed |= {"unfinished": 0, "total": 1204, "ended": NOW - 56}
    loops.frame({1: failed}, total=2)
    assert loops.texts(".bgw-row:nth-child(1) .bgw-cell") == [
        "", "loop-1", "thread", "running", "2 of 2", "< 1 ms", "1:05", "",
    ]  # fmt: skip
    assert loops.texts(".bgw-row:nth-child(2) .bgw-cell") == [
        "", "prices", "process", "failed", "0 of 1,204", "", "0:09", "OSError: gone",
    ]  # fmt: skip
    assert loops.attribute("[data-bgw-id='3'] .bgw-col-note", "data-tone") == "bad"


def test_what_was_left_on_a_loop_that_ended_stands_still(tasks: Stage):
    """It gets no older than its loop, and there is nothing to cancel."""
    row = task_row(1, state="cancelling", waiting="its loop has ended", created=NOW - 65)
    tasks.frame([row], head=tasks_head(loop_ended=NOW - 5))
    tasks.stay_in_contact(3)
    assert tasks.texts(".bgw-row .bgw-col-age") == ["1:00"]
    assert tasks.texts(".bgw-row .bgw-col-waiting") == ["its loop has ended"]
    assert tasks.find(".bgw-cancel:visible").count() == 0
    tasks.frame([row], head={"loop": 8, "loop_ended": None})
    assert tasks.find(".bgw-cancel:visible").count() == 1
    assert tasks.texts(".bgw-row .bgw-col-age") == ["1:08"]


def test_no_name_is_said_to_be_none(tasks: Stage):
    """In another tone than a name that reads like that; its button has a name to be heard."""
    tasks.frame([task_row(1, name=""), task_row(2, name="(no name)")], head=tasks_head())
    assert tasks.texts(".bgw-row .bgw-col-name") == ["(no name)", "(no name)"]
    assert tasks.texts(".bgw-col-name > .bgw-soft") == ["(no name)"]
    assert tasks.attribute("[data-bgw-id='1'] .bgw-cancel", "aria-label") == "Cancel task (no name)"
    tasks.frame({0: {"name": "race"}}, total=2)
    assert tasks.find(".bgw-col-name > .bgw-soft").count() == 0


def test_tasks_have_a_row_each(tasks: Stage):
    """What a task waits for, or that it runs, is being cancelled, or why it failed."""
    rows = [
        task_row(1, name="race", main=True, state="running", waiting=""),
        task_row(2, state="cancelling", waiting=""),
        task_row(3, state="failed", error="TimeoutError", ended=NOW - 1),
        task_row(4),
    ]
    tasks.frame(rows, head=tasks_head(unfinished=412))
    assert tasks.texts(".bgw-row .bgw-col-waiting") == [
        "running", "cancelling", "TimeoutError", "sleep, 1 s",
    ]  # fmt: skip
    assert tasks.texts(".bgw-row .bgw-col-age") == ["0:03", "0:03", "0:02", "0:03"]
    assert tasks.texts(".bgw-tab[aria-selected=true]") == ["Tasks 412"]
    assert tasks.texts(".bgw-main:visible") == ["main"]
    assert [
        button.get_attribute("aria-label") for button in tasks.find(".bgw-cancel:visible").all()
    ] == ["Cancel task race", "Cancel task task-2", "Cancel task task-4"]


@pytest.mark.parametrize("width", [1000, 850, 390])
def test_a_number_of_tasks_is_shown_whole(loops: Stage, width: int):
    """Of how many is left out where there is no room; whoever points at it reads both."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    loops.frame({0: loop_row(1, unfinished=100_001, total=100_001)}, total=2)
    cell = "[data-bgw-id='1'] .bgw-col-tasks"
    boxes = loops.find(f"{cell}, {cell} > span")
    whole, number, of_total = boxes.evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect().toJSON())"
    )
    assert number["right"] <= whole["right"]
    assert of_total["right"] <= whole["right"] or of_total["top"] >= whole["bottom"]
    assert loops.attribute(cell, "title") == "100,001 of 100,001"


def test_a_patch_changes_only_its_rows(tasks: Stage):
    """Row elements stay, so neither focus nor selection of text is lost by a refresh."""
    tasks.page.evaluate("document.querySelectorAll('.bgw-row').forEach((r, i) => (r.mine = i))")
    tasks.frame({1: task_row(2, state="running", waiting="")}, total=2)
    assert tasks.texts(".bgw-row .bgw-col-state") == ["pending", "running"]
    assert tasks.attribute("[data-bgw-id='2']", "data-bgw-state") == "running"
    assert tasks.page.evaluate("[...document.querySelectorAll('.bgw-row')].map(r => r.mine)") == [
        0,
        1,
    ]


COUNT_CHANGES = """() => {
  globalThis.changes = 0;
  new MutationObserver((all) => (globalThis.changes += all.length)).observe(document.body,
    { subtree: true, childList: true, attributes: true, characterData: true });
}"""


def test_nothing_is_written_when_nothing_changed(tasks: Stage):
    """A frame that says the same leaves the page untouched."""
    tasks.page.evaluate(COUNT_CHANGES)
    tasks.frame({0: task_row(1)}, total=2, head={"now": NOW})
    assert tasks.page.evaluate("globalThis.changes") == 0
    tasks.frame({0: task_row(1, waiting="read")}, total=2)
    assert tasks.page.evaluate("globalThis.changes") > 0


def test_nothing_is_written_of_a_loop_that_is_as_it_was(loops: Stage):
    """With its bar, its share and its sparkline."""
    row = loop_row(1, bar=bar(31))
    loops.frame([row], head=loops_head())
    loops.page.evaluate(COUNT_CHANGES)
    loops.frame({0: row}, total=1, head={"now": NOW})
    assert loops.page.evaluate("globalThis.changes") == 0


def test_a_word_that_says_nothing_paints_nothing(tasks: Stage):
    """The kernel says one each second, so that contact is not lost."""
    tasks.page.evaluate(
        """() => {
          globalThis.paints = 0;
          const original = globalThis.requestAnimationFrame;
          globalThis.requestAnimationFrame = (paint) => { paints++; return original(paint); };
        }"""
    )
    tasks.say({"type": "beat"})
    tasks.say({"type": "frame", "view": "another", "seq": 9, "full": False, "start": 0, "rows": []})
    assert tasks.page.evaluate("globalThis.paints") == 0
    tasks.frame({0: task_row(1, waiting="read")}, total=2)
    assert tasks.page.evaluate("globalThis.paints") == 1


def test_it_asks_where_it_is_scrolled_to_before_it_writes(tasks: Stage):
    """In the midst of writing the browser would have to lay out the page to say it."""
    tasks.page.evaluate(
        """() => {
          globalThis.asked = 0;
          const original = Object.getOwnPropertyDescriptor(Element.prototype, "scrollTop");
          const grid = document.querySelector(".bgw-grid");
          const before = grid.textContent;
          Object.defineProperty(grid, "scrollTop", { get() {
            globalThis.asked += 1;
            if (grid.textContent !== before) globalThis.asked += 100;
            return original.get.call(grid);
          }, set(top) { original.set.call(grid, top); } });
        }"""
    )
    tasks.frame({0: task_row(1, waiting="read")}, total=2)
    assert tasks.page.evaluate("globalThis.asked") == 1


def test_rows_that_are_gone_leave_the_page(tasks: Stage):
    """A smaller total removes the rows behind it, which are not known any more when it grows."""
    tasks.frame({}, total=1)
    assert tasks.find(".bgw-row").count() == 1
    tasks.frame({}, total=2)
    assert tasks.find(".bgw-row").count() == 1


def test_the_users_text_is_never_html(loops: Stage):
    """Names and errors are shown letter by letter."""
    evil = "<img src=x onerror=alert(1)><b>bold</b>"
    loops.frame([loop_row(1, name=evil, host=evil, note=evil)], head=loops_head())
    assert loops.texts(".bgw-row .bgw-col-name") == [evil]
    assert loops.texts(".bgw-row .bgw-col-note") == [evil]
    assert loops.find(".bgw-row img, .bgw-row b").count() == 0


def test_the_users_text_is_never_html_among_tasks_either(tasks: Stage):
    """Not in any cell."""
    evil = "<img src=x onerror=alert(1)>"
    row = task_row(1, name=evil, coroutine=evil, waiting=evil)
    tasks.frame([row], head=tasks_head())
    assert tasks.find(".bgw-row .bgw-col-name").text_content() == f"{evil}main"
    assert tasks.find(".bgw-table img").count() == 0


def test_ages_tick_without_a_message(loops: Stage):
    """The kernel's clock is known by its offset; what has ended stands still."""
    ended = loop_row(2, state="finished", ended=NOW - 60)
    loops.frame([loop_row(1), ended], head=loops_head())
    loops.stay_in_contact(3)
    assert loops.texts(".bgw-row .bgw-col-age") == ["1:08", "0:05"]
    assert loops.sent() == []


@pytest.mark.parametrize("table", ["loops", "tasks"])
def test_ages_stand_still_in_a_pause(request: pytest.FixtureRequest, table: str):
    """At the kernel's moment, also on a page that is loaded later; afterwards they catch up."""
    stage: Stage = request.getfixturevalue(table)
    stage.stay_in_contact(3)
    before = stage.texts(".bgw-row .bgw-col-age")
    stage.frame({}, total=2, head={"paused": True, "now": NOW + 3})
    stage.stay_in_contact(3)
    assert stage.texts(".bgw-row .bgw-col-age") == before
    stage.frame({}, total=2, head={"now": NOW + 3})
    stage.pass_time(1)
    assert stage.texts(".bgw-row .bgw-col-age") == before
    stage.frame({}, total=2, head={"paused": False, "now": NOW + 7})
    ages = {"loops": "1:12", "tasks": "0:10"}
    assert stage.texts(".bgw-row .bgw-col-age") == [ages[table]] * 2


def test_ages_do_not_jump_when_pause_is_clicked(loops: Stage):
    """The kernel says at which moment they stand still; until then they go on."""
    loops.stay_in_contact(4)
    loops.click(".bgw-pause")
    assert loops.texts(".bgw-row .bgw-col-age") == ["1:09", "1:09"]


def test_a_slow_message_does_not_turn_ages_back(loops: Stage):
    """A frame that took 0.5 s to arrive says nothing new about the clock."""
    loops.frame({}, total=2, head={"now": NOW - 0.5})
    assert loops.texts(".bgw-row .bgw-col-age") == ["1:05", "1:05"]


def test_a_clock_that_was_set_is_followed(loops: Stage):
    """A minute is more than any message takes."""
    loops.frame({}, total=2, head={"now": NOW - 60})
    assert loops.texts(".bgw-row .bgw-col-age") == ["0:05", "0:05"]


SUM = ".bgw-sum [class^=bgw-count-]:visible"
MARKS = ".bgw-state-count:visible"


def test_the_bar_sums_up(loops: Stage):
    """What failed is counted only when there is something; each state is told to the hand, too."""
    assert loops.texts(SUM) == ["2 loops", "4 tasks"]
    assert loops.texts(MARKS) == []
    counts = {"pending": 1205, "failed": 2}
    by_word = {"running": 2, "stopped": 3, "finished": 1, "killed": 1, "stop asked": 1}
    head = {"loops": 8, "tasks": 1207, "failed": 2, "counts": counts, "loop_counts": by_word}
    loops.frame({}, total=2, head=head)
    assert loops.texts(SUM) == ["8 loops", "1,207 tasks", "2 failed"]
    assert loops.attribute(".bgw-count-tasks", "title") == "1,205 pending, 2 failed"
    assert [
        (mark.get_attribute("data-mark"), mark.get_attribute("title"))
        for mark in loops.find(MARKS).all()
    ] == [
        ("fail", "1 killed"),
        ("run", "2 running"),
        ("stopg", "1 stop asked"),
        ("end", "3 stopped, 1 finished"),
        ("wait", "1,205 pending"),
    ]
    figures = loops.find(f"{MARKS} > [aria-hidden]:not(.bgw-mark)").all_inner_texts()
    assert figures == ["1", "2", "1", "4", "1,205"]
    heard = loops.find(f"{MARKS} > .bgw-unseen").all_inner_texts()
    assert [words.strip() for words in heard][3] == "3 stopped, 1 finished"


def shown_of(stage: Stage, selector: str) -> list[bool]:
    """Which of them stand in the line of the summary. None is cut off."""
    line = stage.find(".bgw-sum").bounding_box()
    assert line is not None
    shown = []
    for each in stage.find(f":is({selector}):visible").all():
        box = each.bounding_box()
        assert box is not None
        shown.append(box["y"] < line["y"] + line["height"] - 1)
        assert not shown[-1] or box["x"] + box["width"] <= line["x"] + line["width"] + 0.5
    return shown


def cut_off_in_the_bar(stage: Stage) -> list[str]:
    """What sticks out of the bar on the right, or lies on what is beside it."""
    wrong: list[str] = stage.find(".bgw-bar").evaluate(
        """
        bar => {
          const all = bar.querySelectorAll(":scope > :not(.bgw-sum), .bgw-sum > *");
          const parts = [...all].filter((part) => part.checkVisibility());
          const { right } = bar.getBoundingClientRect();
          const boxes = parts.map((part) => part.getBoundingClientRect());
          const isWrong = (box, place) => box.width > 0 && (box.right > right || boxes.some(
            (other, at) => at > place && other.width > 0 && other.left < box.right - 0.5
              && other.top < box.bottom && box.top < other.bottom && other.right > box.left + 0.5));
          return parts.filter((_, place) => isWrong(boxes[place], place)).map((e) => e.className);
        }
        """
    )
    return wrong


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("width", [1000, 940, 900, 880, 780, 700, 620, 390])
def test_what_the_bar_has_no_room_for_goes_whole(loops: Stage, width: int, *, waits: bool):
    """Mark by mark, those of the tasks first; how many there are and what failed stays, and while
    it is not narrow, whether the kernel is busy. Also where clicks wait for the cell.
    """
    loops.page.set_viewport_size({"width": width, "height": 700})
    loops.frame({}, total=2, head=full_head(cell=7 if waits else None))
    if waits:
        loops.stay_in_contact(1.6)
        assert loops.find(".bgw-live:visible").count() == 1
    assert shown_of(loops, ".bgw-for-loops > :first-child, .bgw-count-failed") == [True, True]
    assert shown_of(loops, ".bgw-for-tasks > :first-child") == [True]
    of_loops, of_tasks = (
        shown_of(loops, f".bgw-for-{each} > .bgw-state-count") for each in ("loops", "tasks")
    )
    assert (len(of_loops), len(of_tasks)) == (7, 4)
    in_order = of_loops + of_tasks
    assert in_order == sorted(in_order, reverse=True)
    assert waits or sum(in_order) >= {1000: 2, 900: 1, 780: 2}.get(width, 0)
    assert width <= 880 or shown_of(loops, ".bgw-kernel") == [True]
    filter_box, out = (loops.find(each).bounding_box() for each in (".bgw-filter", ".bgw-pop-out"))
    assert filter_box is not None
    assert out is not None
    assert filter_box["width"] >= 60
    assert out["x"] + out["width"] <= width
    assert cut_off_in_the_bar(loops) == []


def test_the_footer_sums_up(tasks: Stage):
    """All rows, what has ended, and the keys that work."""
    counts = NO_COUNTS | {"failed": 2, "finished": 776}
    tasks.frame({}, total=1412, head={"counts": counts})
    assert tasks.texts(".bgw-foot > span")[:2] == ["1,412 rows", "2 failed, 776 finished"]
    tasks.frame({}, total=1, head={"filtered": True})
    assert tasks.texts(".bgw-row-count") == ["1 row with the filter"]


@pytest.mark.parametrize(
    ("head", "text"),
    [
        ({"loop": None}, "No loop selected"),
        ({"filter": "x", "filtered": True}, "No task matches the filter"),
        ({"unfinished": 0}, "No tasks"),
        ({"unfinished": 0, "counts": NO_COUNTS | {"finished": 2}}, "No tasks"),
        ({"unfinished": 3}, "Its tasks are not known"),
        ({"unfinished": 0, "counts": NO_COUNTS | {"lost": 2}}, "Its tasks are not known"),
    ],
)
def test_an_empty_table_of_tasks_says_why(tasks: Stage, head: dict[str, object], text: str):
    """One calm line in place of the rows."""
    tasks.frame([], head=tasks_head(**head))
    assert tasks.texts(".bgw-empty") == [text]


def test_an_empty_table_of_loops_says_what_to_do(loops: Stage):
    """And goes when there is a loop."""
    loops.frame([], head=loops_head())
    assert loops.texts(".bgw-empty:visible") == ["No loops yet. Start one with bgw.start(work)."]
    loops.frame([loop_row(1)], head=loops_head())
    assert loops.texts(".bgw-empty:visible") == []


def test_loops_take_the_room_they_need_up_to_six(loops: Stage):
    """More of them scroll."""
    heights = []
    for count in (0, 1, 6, 60):
        shown = [loop_row(number) for number in range(min(count, 12))]
        loops.frame(shown, total=count, head=loops_head())
        heights.append(loops.find(".bgw-grid").evaluate("grid => grid.clientHeight"))
    assert heights == [51, 51, 181, 181]


# -- 100,000 rows


def test_only_rows_in_sight_exist(tasks: Stage):
    """The scroll bar knows of 100,000 rows, the page holds eleven."""
    tasks.frame(window_of_tasks(0, 11), total=MANY, head=tasks_head())
    assert tasks.find(".bgw-row").count() == 11
    assert tasks.find(".bgw-grid").evaluate("grid => grid.scrollHeight") == 25 + 26 * MANY


def test_a_jump_to_the_end_asks_for_the_last_rows(tasks: Stage):
    """They are asked for once, and shown where they belong when they come."""
    tasks.frame(window_of_tasks(0, 11), total=MANY, head=tasks_head())
    tasks.scroll(26 * MANY)
    asked = {"type": "window", "start": MANY - 9 - 2, "stop": MANY + 2}
    assert tasks.sent() == [asked]
    rows = window_of_tasks(MANY - 11, MANY)
    tasks.frame(rows, start=MANY - 11, total=MANY, head=tasks_head())
    assert tasks.find(".bgw-row").count() == 11
    assert tasks.attribute(".bgw-row:last-child", "aria-rowindex") == str(MANY + 1)
    grid, last = (
        tasks.find(selector).bounding_box() for selector in (".bgw-grid", ".bgw-row:last-child")
    )
    assert grid is not None
    assert last is not None
    assert last["y"] + last["height"] == grid["y"] + grid["height"]


def test_one_window_is_asked_for_at_a_time(tasks: Stage):
    """While an answer is under way the newest wish waits, at most half a second."""
    tasks.frame(window_of_tasks(0, 11), total=MANY, head=tasks_head())
    for row in (1000, 2000, 3000):
        tasks.scroll(26 * row)
    assert tasks.sent() == [{"type": "window", "start": 998, "stop": 1011}]
    tasks.frame(window_of_tasks(998, 1011), start=998, total=MANY, head=tasks_head())
    assert tasks.sent() == [{"type": "window", "start": 2998, "stop": 3011}]
    tasks.scroll(26 * 4000)
    assert tasks.sent() == []
    tasks.pass_time(0.5)
    assert tasks.sent() == [{"type": "window", "start": 3998, "stop": 4011}]


# -- accessibility


def test_the_grid_has_its_roles_and_counts(tasks: Stage):
    """A screen reader knows the whole table, though only a part of it exists."""
    tasks.frame(window_of_tasks(0, 11), total=MANY, head=tasks_head())
    grid = tasks.page.get_by_role("grid", name="Tasks of race")
    assert grid.get_attribute("aria-rowcount") == str(MANY + 1)
    assert grid.get_attribute("aria-colcount") == "8"  # with that of the bars, which no task has
    assert grid.get_by_role("row").count() == 1 + 11
    assert grid.get_by_role("columnheader").count() == 7
    assert grid.get_by_role("gridcell").count() == 7 * 11
    indexes = [row.get_attribute("aria-rowindex") for row in grid.get_by_role("row").all()]
    assert indexes == [str(number) for number in range(1, 13)]


def test_controls_have_names(loops: Stage):
    """Each can be found by what it is."""
    page = loops.page
    assert page.get_by_role("searchbox", name="Filter tasks").count() == 1
    assert page.get_by_role("combobox", name="Refresh interval").count() == 1
    assert page.get_by_role("button", name="Pause", pressed=False).count() == 1


# -- the room there is


def test_a_narrow_panel_keeps_the_columns_that_matter(loops: Stage):
    """Beside a file browser there is little room: host and note go first."""
    wide = loops.texts(".bgw-head .bgw-cell:visible")
    assert wide == ["Mark", "Loop", "Host", "State", "Tasks", "Lag", "Age", "Last output"]
    loops.page.set_viewport_size({"width": 620, "height": 700})
    assert loops.texts(".bgw-head .bgw-cell:visible") == [
        "Mark",
        "Loop",
        "State",
        "Tasks",
        "Lag",
        "Age",
    ]


def test_columns_stay_where_they_are(tasks: Stage):
    """No text is so long that it moves a column, and headers stand above their cells."""

    def places() -> list[float]:
        cell = ".bgw-cell:not(.bgw-col-progress)"  # No task has a bar: that column is not there.
        script = "cells => cells.map(cell => cell.getBoundingClientRect().x)"
        return [
            *tasks.find(f".bgw-row:first-child {cell}").evaluate_all(script),
            *tasks.find(f".bgw-head {cell}").evaluate_all(script),
        ]

    before = places()
    long = "x" * 500
    tasks.frame({0: task_row(1, name=long, coroutine=long, waiting=long)}, total=2)
    assert places() == before
    assert before[:7] == before[7:]


@pytest.mark.parametrize("width", [480, 780, 900, 1000, 1100])
def test_that_the_kernel_is_gone_is_said_in_full(loops: Stage, width: int):
    """However much the bar holds: the controls give way, for there is nobody to ask anything of."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    loops.frame({}, total=2, head=full_head())
    loops.pass_time(7)
    contact = loops.find(".bgw-contact")
    assert contact.inner_text() == "no contact with the kernel"
    assert contact.evaluate("mark => mark.scrollWidth <= mark.clientWidth")
    assert cut_off_in_the_bar(loops) == []


def test_a_protected_loop_is_marked_by_padlock_and_word(loops: Stage):
    """For as long as it is one; when there is little room the padlock stays, and the word is for
    those who hear it.
    """
    assert loops.find(".bgw-protected").count() == 0
    loops.frame({1: loop_row(2, name="MainThread", protected=True)}, total=2)
    assert loops.texts(".bgw-row .bgw-col-name") == ["loop-1", "MainThread protected"]
    assert loops.find(".bgw-lock").is_visible()
    word = loops.find(".bgw-protected > span")
    room = "word => word.getBoundingClientRect().width"
    assert word.evaluate(room) > 40
    loops.page.set_viewport_size({"width": 480, "height": 700})
    assert word.evaluate(room) <= 1
    assert loops.find(".bgw-lock").is_visible()
    loops.frame({1: loop_row(2, name="MainThread")}, total=2)
    assert loops.find(".bgw-protected").count() == 0


@pytest.mark.parametrize("width", [392, 440, 480, 700, 770, 848, 868])
def test_states_and_protection_fit_in_their_columns(loops: Stage, width: int):
    """The longest word of all is one that nobody should have to guess."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    rows = [loop_row(1, name="MainThread", protected=True), loop_row(2, unresponsive=True)]
    ages = (99, 3_595, 36_000, 86_400)
    rows += [loop_row(3 + n, blocked_since=NOW - age) for n, age in enumerate(ages)]
    loops.frame(rows, head=loops_head(loops=6))
    states = ["running", "unresponsive", "blocked 99 s", "blocked 59 m", "blocked 10 h"]
    assert loops.texts(".bgw-row .bgw-col-state") == [*states, "blocked 1 d"]
    cells = loops.find(".bgw-row :is(.bgw-col-state, .bgw-col-name)")
    assert cells.evaluate_all(CUT_OFF) == []


WIDTHS: Final = (392, 480, 520, 600, 700, 760, 780, 836, 868, 900, 1000, 1100, 1200)


def sticking_out(stage: Stage) -> list[float]:
    """By how much cells end beyond the line that they are in."""
    beyond: list[float] = stage.find(".bgw-row > .bgw-cell:visible").evaluate_all(
        """
        all => all.map((cell) => cell.getBoundingClientRect().right
          - cell.parentElement.getBoundingClientRect().right).filter((more) => more > 0.5)
        """
    )
    return beyond


@pytest.mark.parametrize("width", WIDTHS)
def test_hosts_and_ages_fit_in_their_columns(loops: Stage, width: int):
    """Those of loops that have run for a day, too."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    hosts = ("thread", "process", "dask", "adopted")
    ages = (59, 3_725, 86_399, 99.9 * 86_400)
    rows = [
        loop_row(number, host=host, started=NOW - age)
        for number, (host, age) in enumerate(zip(hosts, ages, strict=True))
    ]
    loops.frame(rows, head=loops_head())
    assert loops.texts(".bgw-row .bgw-col-age") == ["0:59", "1:02:05", "23:59:59", "99d 21h"]
    cells = loops.find(".bgw-row :is(.bgw-col-host, .bgw-col-age):visible")
    assert cells.evaluate_all(CUT_OFF) == []
    assert sticking_out(loops) == []


@pytest.mark.parametrize("bars", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_states_and_ages_of_tasks_fit_in_their_columns(tasks: Stage, width: int, *, bars: bool):
    """Also where a column of bars takes a part of the room; and nothing sticks out."""
    tasks.page.set_viewport_size({"width": width, "height": 700})
    states = ("pending", "cancelling", "cancelled", "finished")
    ages = (59, 3_725, 86_399, 99.9 * 86_400)
    rows = [
        task_row(
            number,
            name=f"download-{number:03}",
            state=state,
            created=NOW - age,
            ended=None if number < 2 else NOW,
        )
        for number, (state, age) in enumerate(zip(states, ages, strict=True))
    ]
    for row in rows if bars else ():
        row["bar"] = bar(31)
    tasks.frame(rows, head=tasks_head())
    cells = tasks.find(".bgw-row :is(.bgw-col-state, .bgw-col-age, .bgw-col-progress):visible")
    assert cells.count() == (3 if bars else 2) * len(states)
    assert cells.evaluate_all(CUT_OFF) == []
    names = tasks.find(".bgw-row .bgw-col-name")
    assert width < 480 or names.evaluate_all(CUT_OFF) == []
    assert sticking_out(tasks) == []


def test_a_blocked_loop_says_for_how_long_and_by_what(loops: Stage):
    """It counts on by itself, for a loop that stands still may be all that is to be seen."""
    blocked = {"blocked_since": NOW - 3.2, "lag": 3.2, "note": "fit · model.py:88 fit · time.sleep"}
    loops.frame([loop_row(1, **blocked, spark="0003a")], head=loops_head())
    began = float(loops.texts(".bgw-row .bgw-col-state")[0].split()[1])
    assert 3.2 <= began < 3.6
    assert loops.attribute(".bgw-row .bgw-mark", "data-mark") == "block"
    assert loops.texts(".bgw-row .bgw-col-lag") == ["3.2 s"]
    assert loops.attribute(".bgw-row .bgw-col-lag", "data-tone") == "warn"
    assert loops.attribute(".bgw-row .bgw-col-note", "data-tone") == "warn"
    assert (loops.attribute(".bgw-row .bgw-spark path", "d") or "").startswith("M55 12")
    loops.pass_time(2)
    later = float(loops.texts(".bgw-row .bgw-col-state")[0].split()[1])
    assert 1 <= later - began <= 2.1


def test_a_loop_that_does_not_answer_says_how_old_all_is_that_is_shown_of_it(loops: Stage):
    """It counts on by itself: nothing comes any more from where the loop is."""
    silent = {"unresponsive": NOW - 12.2, "note": "epoch 3"}
    loops.frame([loop_row(1, **silent), loop_row(2, unresponsive=True)], head=loops_head())
    assert loops.texts(".bgw-row .bgw-col-state") == ["unresponsive", "unresponsive"]
    assert loops.texts(".bgw-row .bgw-col-note") == ["no answer for 12 s · epoch 3", ""]
    loops.pass_time(1)
    assert loops.texts(".bgw-row .bgw-col-note") == ["no answer for 13 s · epoch 3", ""]


@pytest.mark.parametrize("width", [600, 780, 900, 1200])
def test_no_lag_is_too_long_for_its_column(loops: Stage, width: int):
    """In whatever unit, with its line beside it where there is room for one."""
    loops.page.set_viewport_size({"width": width, "height": 700})
    lags = [0.0, 0.0994, 0.1, 0.994, 0.999, 9.94, 59.6, 3600.0]
    loops.frame([loop_row(n, lag=lag, spark="3" * 60) for n, lag in enumerate(lags)])
    cells = loops.find(".bgw-row .bgw-col-lag")
    assert cells.count() == len(lags)
    assert cells.evaluate_all(CUT_OFF) == []


def test_of_an_ended_loop_no_lag_is_told(loops: Stage):
    """The line of its last minute stays."""
    ended = loop_row(1, state="finished", ended=NOW, lag=0.2, spark="3a")
    loops.frame([ended], head=loops_head())
    assert loops.texts(".bgw-row .bgw-col-lag") == [""]
    assert loops.attribute(".bgw-row .bgw-spark path", "d") == "M58 9L59 2"
