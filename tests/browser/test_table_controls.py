"""What the tables send when they are clicked, typed into and moved through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.stage import MANY, NOW, ONE_FRAME, task_row, tasks_head, window_of_tasks

if TYPE_CHECKING:
    from tests.browser.stage import Stage


# -- what the user asks for


def test_a_click_on_a_loop_selects_it_at_once(loops: Stage):
    """The page does not wait for the kernel to say so."""
    loops.click("[data-bgw-id='2'] .bgw-col-name")
    assert loops.sent() == [{"type": "select", "loop": 2}]
    assert loops.attribute("[data-bgw-id='2']", "aria-selected") == "true"
    assert loops.attribute("[data-bgw-id='1']", "aria-selected") == "false"


def test_a_late_answer_does_not_undo_a_newer_click(loops: Stage):
    """What was asked last shows until the kernel confirms it; then the kernel decides again."""
    loops.click("[data-bgw-id='2']")
    loops.frame({}, total=2, head={"selected": 1})
    assert loops.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == "2"
    loops.frame({}, total=2, head={"selected": 2})
    loops.frame({}, total=2, head={"selected": 1})
    assert loops.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == "1"


def test_a_click_that_the_kernel_never_confirms_falls_back(loops: Stage):
    """The page does not insist on what is not so."""
    loops.click("[data-bgw-id='2']")
    loops.pass_time(4)
    assert loops.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == "1"


@pytest.mark.parametrize("by_keyboard", [False, True])
def test_a_header_sorts(loops: Stage, *, by_keyboard: bool):
    """A second time turns the order round; the header says which way."""
    button = ".bgw-head .bgw-col-age .bgw-sort"

    def use_header():
        if by_keyboard:
            loops.find(button).focus()
            loops.press("Enter")
        else:
            loops.click(button)

    use_header()
    assert loops.sent() == [{"type": "sort", "column": "age", "descending": False}]
    assert loops.attribute(".bgw-head .bgw-col-age", "aria-sort") == "ascending"
    assert loops.attribute(".bgw-head .bgw-col-name", "aria-sort") == "none"
    use_header()
    assert loops.sent() == [{"type": "sort", "column": "age", "descending": True}]
    assert loops.attribute(".bgw-head .bgw-col-age", "aria-sort") == "descending"


def test_every_column_sorts_by_the_kernels_name(script: Stage):
    """The names that the kernel knows, for both kinds."""
    script.mount("tasks")
    for button in script.find(".bgw-sort").all():
        button.click()
    columns = [message["column"] for message in script.sent() if message["type"] == "sort"]
    assert columns == ["name", "state", "coroutine", "waiting", "age"]


def test_the_filter_is_sent_when_typing_pauses(loops: Stage):
    """One message for a word, not one for each letter."""
    loops.page.type(".bgw-filter", "fetch")
    loops.pass_time(0.1)
    assert loops.sent() == []
    loops.pass_time(0.1)
    assert loops.sent() == [{"type": "filter", "text": "fetch"}]


def test_the_filter_is_not_changed_under_the_fingers(loops: Stage):
    """The kernel's filter shows when nobody is typing."""
    loops.page.type(".bgw-filter", "fet")
    loops.frame({}, total=2, head={"filter": "other"})
    assert loops.page.input_value(".bgw-filter") == "fet"
    loops.pass_time(0.2)
    loops.frame({}, total=2, head={"filter": "fet"})
    loops.find(".bgw-filter").blur()
    loops.frame({}, total=2, head={"filter": "other"})
    assert loops.page.input_value(".bgw-filter") == "other"


def test_chips_pick_states(tasks: Stage):
    """Each is switched on and off; several together show more."""
    names = ["running", "failed", "cancelled", "finished"]
    assert tasks.texts(".bgw-chip") == names
    tasks.click(".bgw-chip:text('failed')")
    tasks.click(".bgw-chip:text('running')")
    tasks.click(".bgw-chip:text('failed')")
    sent = [["failed"], ["running", "failed"], ["running"]]
    assert tasks.sent() == [{"type": "chips", "chips": chips} for chips in sent]
    assert tasks.texts(".bgw-chip[aria-pressed='true']") == ["running"]


def test_nothing_is_in_the_states_that_were_picked(tasks: Stage):
    """An empty table says why it is empty."""
    tasks.frame([], head=tasks_head(chips=["failed", "cancelled"], filtered=True))
    assert tasks.texts(".bgw-empty") == ["No task is failed or cancelled"]


def test_the_interval_is_chosen(loops: Stage):
    """From five, of which the kernel's own is shown."""
    assert loops.page.input_value(".bgw-interval") == "0.5"
    assert loops.texts(".bgw-interval option") == ["0.2 s", "0.5 s", "1 s", "2 s", "5 s"]
    loops.page.select_option(".bgw-interval", "2")
    assert loops.sent() == [{"type": "interval", "seconds": 2}]


def test_an_unusual_interval_is_shown_too(loops: Stage):
    """Set in Python, it joins the list in its place."""
    loops.frame({}, total=2, head={"interval": 1.5})
    assert loops.page.input_value(".bgw-interval") == "1.5"
    assert loops.texts(".bgw-interval option")[2:4] == ["1 s", "1.5 s"]


def test_pause_and_resume(loops: Stage):
    """One button, which says what it will do."""
    loops.click(".bgw-pause")
    assert loops.sent() == [{"type": "pause", "paused": True}]
    assert loops.texts(".bgw-pause") == ["Resume"]
    assert loops.attribute(".bgw-pause", "aria-pressed") == "true"
    loops.click(".bgw-pause")
    assert loops.sent() == [{"type": "pause", "paused": False}]
    assert loops.texts(".bgw-pause") == ["Pause"]


def test_a_tasks_button_cancels_that_task(tasks: Stage):
    """And no other, and does not make it the current one."""
    tasks.click("[data-bgw-id='2'] .bgw-cancel")
    assert tasks.sent() == [{"type": "command", "command": "cancel_tasks", "loop": 7, "tasks": [2]}]
    assert tasks.find(".bgw-row[aria-selected='true']").count() == 0
    assert tasks.page.evaluate("document.activeElement.className") == "bgw-grid"


def test_a_row_that_slips_under_the_pointer_is_not_cancelled(tasks: Stage):
    """The table was sorted anew between press and release: the click meant another task."""
    tasks.find("[data-bgw-id='1'] .bgw-cancel").hover()
    tasks.page.mouse.down()
    tasks.frame([task_row(2), task_row(1)], head=tasks_head())
    tasks.page.mouse.up()
    assert tasks.sent() == []


# -- the keyboard


@pytest.mark.parametrize(
    ("key", "command"), [("e", "stop_event"), ("s", "stop_loop"), ("c", "cancel_tasks")]
)
def test_keys_command_the_selected_loop(loops: Stage, key: str, command: str):
    """A single letter, and only without Ctrl: Ctrl+C copies."""
    loops.find(".bgw-grid").focus()
    loops.press(f"Control+{key}")
    assert loops.sent() == []
    loops.press(key)
    assert loops.sent() == [{"type": "act", "action": command, "loop": 1}]


def test_keys_command_the_loop_of_the_tasks(tasks: Stage):
    """The same keys among its tasks; nothing happens when there is no loop."""
    tasks.find(".bgw-grid").focus()
    tasks.press("e")
    assert tasks.sent() == [{"type": "act", "action": "stop_event", "loop": 7}]
    tasks.frame([], head=tasks_head(loop=None))
    tasks.press("e")
    assert tasks.sent() == []


def test_a_filter_that_is_left_at_once_is_sent_as_it_was_typed(loops: Stage):
    """A refresh that comes in between does not put the kernel's back."""
    loops.page.type(".bgw-filter", "fetch")
    loops.find(".bgw-filter").blur()
    loops.frame({}, total=2, head={"tasks": 5})
    assert loops.page.input_value(".bgw-filter") == "fetch"
    loops.pass_time(0.2)
    assert loops.sent() == [{"type": "filter", "text": "fetch"}]


def test_keys_in_the_filter_are_text(loops: Stage):
    """Typing "ces/" there commands nothing."""
    loops.page.type(".bgw-filter", "ces/")
    loops.pass_time(1)
    assert loops.sent() == [{"type": "filter", "text": "ces/"}]


def test_arrows_select_loops(loops: Stage):
    """In the table of loops the current row is the selection."""
    loops.find(".bgw-grid").focus()
    loops.press("ArrowDown")
    assert loops.sent() == [{"type": "select", "loop": 2}]
    current = loops.attribute(".bgw-grid", "aria-activedescendant")
    assert current is not None
    assert loops.attribute(f"#{current}", "data-bgw-id") == "2"


def test_end_goes_to_a_row_that_has_not_come_yet(tasks: Stage):
    """It becomes the current row when its window arrives."""
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=tasks_head())
    tasks.find(".bgw-grid").focus()
    tasks.page.evaluate("void (stage.nextScroll = stage.heard('.bgw-grid', 'scroll'))")
    tasks.press("End")
    tasks.page.evaluate("stage.nextScroll")
    tasks.pass_time(ONE_FRAME)
    assert tasks.sent() == [{"type": "window", "start": MANY - 11, "stop": MANY + 2}]
    assert tasks.attribute(".bgw-grid", "aria-activedescendant") is None
    rows = window_of_tasks(MANY - 15, MANY)
    tasks.frame(rows, start=MANY - 15, total=MANY, head=tasks_head())
    assert tasks.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == str(MANY - 1)


def test_the_current_task_is_followed_when_rows_move(tasks: Stage):
    """It is known by its id. Delete cancels it wherever it stands; once it has ended, the kernel
    says that it has.
    """
    tasks.find(".bgw-grid").focus()
    tasks.press("ArrowDown")
    tasks.frame([task_row(2), task_row(1)], head=tasks_head())
    assert tasks.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == "1"
    tasks.press("Delete")
    command = {"type": "command", "command": "cancel_tasks", "loop": 7, "tasks": [1]}
    assert tasks.sent() == [command]
    tasks.frame({1: task_row(1, state="cancelled", ended=NOW)}, total=2)
    tasks.press("Delete")
    assert tasks.sent() == [command]


def test_c_is_for_the_row_that_is_the_current_one(tasks: Stage):
    """Where there is none, it is for no task: those of another loop may be shown by now."""
    tasks.find(".bgw-grid").focus()
    tasks.press("c")
    assert tasks.sent() == []
    tasks.press("ArrowDown", "c")
    assert tasks.sent() == [{"type": "command", "command": "cancel_tasks", "loop": 7, "tasks": [1]}]
    tasks.frame([task_row(2)], total=1, head=tasks_head())
    tasks.press("c", "Delete")
    assert tasks.sent() == []
    tasks.frame([task_row(11), task_row(12)], total=2, head=tasks_head(loop=8))
    tasks.press("c", "Delete")
    assert tasks.sent() == []


def test_c_is_for_the_rows_that_are_picked(tasks: Stage):
    """The kernel knows which they are."""
    tasks.frame({}, total=2, head=tasks_head(picked=[1, 2]))
    tasks.find(".bgw-grid").focus()
    tasks.press("c")
    assert tasks.sent() == [{"type": "act", "action": "cancel_tasks", "loop": 7, "picked": True}]


def test_another_loop_starts_at_the_top(tasks: Stage):
    """Neither the scroll position nor the current task of the last loop means anything there."""
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=tasks_head())
    tasks.click("[data-bgw-id='3'] .bgw-col-name")
    tasks.scroll(26)
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=tasks_head(loop=8))
    assert tasks.find(".bgw-grid").evaluate("grid => grid.scrollTop") == 0
    assert tasks.find(".bgw-row[aria-selected='true']").count() == 0


def test_slash_goes_to_the_filter(loops: Stage):
    """Without being typed into it."""
    loops.find(".bgw-grid").focus()
    loops.press("/")
    assert loops.page.evaluate("document.activeElement.className") == "bgw-filter"
    assert loops.page.input_value(".bgw-filter") == ""


@pytest.mark.parametrize("key", ["Escape", "Enter", "ArrowDown"])
def test_from_the_filter_a_key_leads_back(loops: Stage, key: str):
    """To the grid that "/" was pressed in; Esc empties it first. What was typed is sent."""
    loops.find(".bgw-grid").focus()
    loops.press("/", "a")
    if key == "Escape":
        loops.press("Escape")
        assert loops.page.input_value(".bgw-filter") == ""
        assert loops.page.evaluate("document.activeElement.className") == "bgw-filter"
    loops.press(key)
    assert loops.page.evaluate("document.activeElement.className") == "bgw-grid"
    loops.pass_time(0.2)
    text = "" if key == "Escape" else "a"
    assert loops.sent() == [{"type": "filter", "text": text}]


def test_from_the_filter_a_key_leads_back_to_the_tasks(loops: Stage):
    """Where the user came from their grid, or by a click, and it is to be seen."""
    loops.page.evaluate(
        """() => {
          const other = Object.assign(document.createElement("div"), { className: "bgw-grid" });
          other.tabIndex = 0;
          other.id = "tasks";
          document.querySelector(".bgw-panel").append(other);
        }"""
    )
    focused = "document.activeElement.id"
    loops.find("#tasks").focus()
    loops.find(".bgw-filter").focus()
    loops.press("Escape")
    assert loops.page.evaluate(focused) == "tasks"
    loops.page.evaluate("document.activeElement.blur()")
    loops.click(".bgw-filter")
    loops.press("Enter")
    assert loops.page.evaluate(focused) == "tasks"
    loops.page.evaluate("document.querySelector('#tasks').hidden = true")
    loops.click(".bgw-filter")
    loops.press("Enter")
    assert loops.page.evaluate(focused) == ""
    assert loops.page.evaluate("document.activeElement.className") == "bgw-grid"


def test_keys_do_not_leak_into_the_notebook(loops: Stage):
    """Neither by bubbling nor through JupyterLab's shortcuts, which a click on c would trigger."""
    loops.page.evaluate(
        "document.addEventListener('keydown', () => (globalThis.leaked = true), { once: true })"
    )
    loops.find(".bgw-grid").focus()
    loops.press("c", "ArrowDown", "x")
    loops.find(".bgw-filter").focus()
    loops.press("b")
    assert loops.page.evaluate("globalThis.leaked") is None
    assert loops.attribute(".bgw-panel", "data-lm-suppress-shortcuts") == "true"
    loops.press("Control+s")
    assert loops.page.evaluate("globalThis.leaked") is True  # it saves the notebook
    assert loops.attribute(".bgw-panel", "data-lm-suppress-shortcuts") is None
    loops.press("b")
    assert loops.attribute(".bgw-panel", "data-lm-suppress-shortcuts") == "true"


# -- several rows at once


def picked_rows(stage: Stage) -> list[str]:
    return stage.texts(".bgw-row[aria-selected='true'] .bgw-col-name")


def test_ctrl_click_picks_row_after_row(tasks: Stage):
    """The first is the one that was selected before; a second click lets go of a row."""
    tasks.click("[data-bgw-id='1']")
    tasks.sent()
    tasks.page.click("[data-bgw-id='2'] .bgw-col-name", modifiers=["Control"])
    assert tasks.sent() == [{"type": "pick", "ids": [1, 2], "loop": 7}]
    tasks.pass_time(ONE_FRAME)
    assert len(picked_rows(tasks)) == 2
    tasks.page.click("[data-bgw-id='1'] .bgw-col-name", modifiers=["Control"])
    assert tasks.sent() == [{"type": "pick", "ids": [2], "loop": 7}]
    tasks.pass_time(ONE_FRAME)
    tasks.click("[data-bgw-id='1']")
    assert tasks.sent() == [{"type": "pick", "ids": [], "loop": 7}]


def test_shift_picks_a_range(tasks: Stage):
    """By the pointer and by keys. Rows at hand are named, for they may have moved in the kernel
    since; the kernel knows also those that have not come here.
    """
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=tasks_head())
    tasks.click("[data-bgw-id='1']")
    tasks.page.click("[data-bgw-id='3'] .bgw-col-name", modifiers=["Shift"])
    tasks.press("Shift+ArrowUp", "Shift+End")
    tasks.press("Escape")
    ranges = [message for message in tasks.sent() if message["type"] != "window"]
    assert ranges == [
        {"type": "pick", "ids": [1, 2, 3], "loop": 7},
        {"type": "pick", "ids": [1, 2], "loop": 7},
        {"type": "pick_range", "start": 1, "stop": MANY, "first": 1, "loop": 7},
        {"type": "pick", "ids": [], "loop": 7},
    ]
    tasks.press("Control+a")
    assert tasks.sent()[-1] == {"type": "pick_range", "start": 0, "stop": MANY, "loop": 7}


def test_ctrl_a_picks_all(loops: Stage):
    """Whatever the kernel then makes of it is shown."""
    loops.find(".bgw-grid").focus()
    loops.press("Control+a")
    assert loops.sent() == [{"type": "pick", "ids": [1, 2]}]
    assert picked_rows(loops) == ["loop-1", "loop-2"]
    loops.frame({}, total=2, head={"picked": [2]})
    loops.pass_time(4)
    assert picked_rows(loops) == ["loop-2"]


def test_of_a_range_the_kernel_knows_best_what_is_in_it(tasks: Stage):
    """Those at hand are shown until it says so, and not for longer: it takes no more than 1000."""
    tasks.frame(window_of_tasks(0, 15), total=MANY, head=tasks_head())
    tasks.find(".bgw-grid").focus()
    tasks.press("Control+a")
    assert tasks.texts(".bgw-row-count") == ["100,000 rows, 15 selected"]
    tasks.frame({}, total=MANY, head={"unfinished": 3})
    assert tasks.texts(".bgw-row-count") == ["100,000 rows, 15 selected"]
    tasks.frame({}, total=MANY, head={"picked": list(range(1000))})
    assert tasks.texts(".bgw-row-count") == ["100,000 rows, 1,000 selected"]


def test_delete_cancels_what_is_picked(tasks: Stage):
    """Whichever row is the current one."""
    tasks.frame({}, total=2, head={"picked": [1, 2]})
    tasks.find(".bgw-grid").focus()
    tasks.press("Delete")
    assert tasks.sent() == [{"type": "act", "action": "cancel_tasks", "loop": 7, "picked": True}]
    assert "2 selected" in tasks.texts(".bgw-row-count")[0]


def test_j_and_k_move_and_space_pauses(loops: Stage):
    """As in an editor; the page itself does not scroll."""
    loops.find(".bgw-grid").focus()
    loops.press("j")
    assert loops.sent() == [{"type": "select", "loop": 2}]
    loops.press("k")
    assert loops.sent() == [{"type": "select", "loop": 1}]
    loops.press("Space")
    assert loops.sent() == [{"type": "pause", "paused": True}]


def test_the_list_of_keys(loops: Stage):
    """It takes the focus, keeps every key to itself, and gives the focus back."""
    loops.find(".bgw-grid").focus()
    loops.press("?")
    assert loops.attribute(".bgw-help", "role") == "dialog"
    assert loops.find(".bgw-help").get_by_text("? or Esc closes").is_visible()
    assert "Stop loop" in loops.texts(".bgw-help dd")
    loops.press("s", "Escape")
    assert loops.find(".bgw-help").count() == 0
    assert loops.page.evaluate("document.activeElement.className") == "bgw-grid"
    assert loops.sent() == []
