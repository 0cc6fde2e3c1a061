"""How the tables keep in touch with the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.stage import ONE_FRAME, task_row, tasks_head

if TYPE_CHECKING:
    from tests.browser.stage import Stage

HELLO = {"type": "hello", "start": 0, "stop": 11}


@pytest.mark.parametrize(("kind", "stop"), [("loops", 8), ("tasks", 11)])
def test_a_view_says_hello_with_the_rows_it_can_show(script: Stage, kind: Any, stop: int):
    """Before it knows anything; until then it does not claim to be empty."""
    script.mount(kind)
    script.pass_time(0.1)
    assert script.sent() == [{"type": "hello", "start": 0, "stop": stop}]


def test_an_unknown_table_does_not_claim_to_be_empty(script: Stage):
    """Nothing is said before the kernel has spoken."""
    script.mount("tasks")
    script.pass_time(0.1)
    assert script.find(".bgw-empty").text_content() == ""


def test_a_gap_in_the_frames_is_greeted_anew(tasks: Stage):
    """After a lost frame nothing is believed until everything has come again."""
    tasks.frame({0: task_row(1, waiting="read")}, total=2, seq=9)
    assert tasks.sent() == [HELLO]
    assert tasks.texts(".bgw-row .bgw-col-waiting") == ["sleep, 1 s", "sleep, 1 s"]
    tasks.frame({0: task_row(1, waiting="read")}, total=2, seq=10)
    assert tasks.sent() == []
    tasks.frame([task_row(3)], head=tasks_head(), seq=1)
    tasks.frame({0: task_row(3, waiting="read")}, total=1, seq=2)
    assert tasks.texts(".bgw-row .bgw-col-waiting") == ["read"]
    assert tasks.sent() == []


def test_frames_for_other_views_are_not_taken(tasks: Stage):
    """The same panel may be shown twice, scrolled to different places."""
    tasks.frame([task_row(3)], head=tasks_head(), view="other")
    assert tasks.texts(".bgw-row .bgw-col-name") == ["task-1", "task-2"]


def test_a_view_says_that_it_is_alive(tasks: Stage):
    """Every four seconds, as long as the kernel is heard."""
    for _ in range(8):
        tasks.pass_time(1)
        tasks.say({"type": "beat"})
    assert tasks.sent() == [{"type": "alive"}, {"type": "alive"}]


def test_silence_is_no_contact(loops: Stage):
    """Within three seconds it is said, the rows are dimmed, ages stop; the next word of the kernel
    makes it good.
    """
    loops.pass_time(2.4)
    assert loops.texts(".bgw-contact") == [""]
    loops.pass_time(0.6)
    assert loops.texts(".bgw-contact") == ["no contact with the kernel"]
    look = "row => getComputedStyle(row).filter"
    assert loops.find(".bgw-row").first.evaluate(look) == "grayscale(1)"
    ages = loops.texts(".bgw-row .bgw-col-age")
    loops.pass_time(10)
    assert loops.texts(".bgw-row .bgw-col-age") == ages
    loops.say({"type": "beat"})
    assert loops.texts(".bgw-contact") == [""]
    assert loops.find(".bgw-row").first.evaluate(look) == "none"


def test_a_kernel_that_was_away_is_greeted_anew(loops: Stage):
    """It may have forgotten this view, which then would stay silent for ever."""
    loops.pass_time(9)
    hello = HELLO | {"stop": 8}
    assert loops.sent() == [hello, hello]
    loops.say({"type": "beat"})
    assert loops.sent() == [hello]


def test_any_message_is_contact(tasks: Stage):
    """A frame for another view too."""
    tasks.pass_time(2)
    tasks.frame([], head=tasks_head(), view="other")
    tasks.pass_time(2)
    assert tasks.find(".bgw-lost").count() == 0
    tasks.pass_time(1)
    assert tasks.find(".bgw-lost").count() == 1


def test_a_hidden_page_is_silent_and_comes_back(loops: Stage):
    """While nobody looks it is silent, and the kernel may be; then it says hello."""
    loops.page.evaluate(
        """() => { globalThis.isHidden = true;
        Object.defineProperty(document, 'hidden', { get: () => globalThis.isHidden }); }"""
    )
    loops.pass_time(60)
    assert loops.sent() == []
    assert loops.find(".bgw-lost").count() == 0
    loops.page.evaluate("globalThis.isHidden = false")
    loops.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert loops.sent() == [HELLO | {"stop": 8}]
    loops.pass_time(2)
    assert loops.find(".bgw-lost").count() == 0


def test_a_closed_connection_is_no_error(loops: Stage):
    """After a kernel's restart the comm throws at every message."""
    loops.page.evaluate("stage.isClosed = true")
    loops.click("[data-bgw-id='2']")
    loops.pass_time(3)
    assert loops.texts(".bgw-contact") == ["no contact with the kernel"]


def test_cleanup_says_bye_and_leaves_nothing(loops: Stage):
    """No listener, no timer, no element stays."""
    loops.page.type(".bgw-filter", "half")
    loops.close()
    assert loops.sent() == [{"type": "bye"}]
    assert loops.page.evaluate("stage.listeners.size + stage.others.size") == 0
    assert loops.find(".bgw-table").count() == 0
    loops.pass_time(60)
    loops.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert loops.sent() == []


def test_a_kernel_that_never_answered_is_not_said_to_be_lost(script: Stage):
    """It may be busy with the cell that displays the panel."""
    script.mount("loops")
    script.pass_time(3)
    assert script.texts(".bgw-contact") == ["no answer from the kernel yet"]


def test_a_page_that_was_held_up_itself_blames_nobody(loops: Stage):
    """What came meanwhile is yet to be heard."""
    loops.page.clock.fast_forward(60_000)
    loops.pass_time(0.5)
    assert loops.texts(".bgw-contact") == [""]
    loops.pass_time(2.5)
    assert loops.texts(".bgw-contact") == ["no contact with the kernel"]


@pytest.mark.parametrize(
    ("kernel", "word"),
    [
        ("null", "kernel gone"),
        ("{ status: 'dead' }", "kernel gone"),
        ("{ status: 'restarting' }", "kernel restarted"),
        ("{ status: 'autorestarting' }", "kernel restarted"),
    ],
)
def test_what_the_page_knows_of_the_kernel_is_said_at_once(loops: Stage, kernel: str, word: str):
    """JupyterLab's page hears of it before the silence is long enough."""
    loops.page.evaluate("stage.manager.kernel = { status: 'busy' }")
    loops.pass_time(0.5)
    assert loops.texts(".bgw-contact") == [""]
    loops.page.evaluate(f"stage.manager.kernel = {kernel}")
    loops.pass_time(0.5)
    assert loops.texts(".bgw-contact") == [word]


def test_a_restart_that_is_over_is_still_said(loops: Stage):
    """The new kernel knows nothing of this panel; only a word of its own kernel's undoes it."""
    loops.page.evaluate("stage.manager.kernel = { status: 'autorestarting' }")
    loops.pass_time(0.5)
    loops.page.evaluate("stage.manager.kernel = { status: 'idle' }")
    loops.pass_time(10)
    assert loops.texts(".bgw-contact") == ["kernel restarted"]
    loops.say({"type": "beat"})
    loops.pass_time(0.5)
    assert loops.texts(".bgw-contact") == [""]


def test_a_comm_that_ipywidgets_gave_up_is_a_restart(loops: Stage):
    """It marks the view so."""
    loops.page.evaluate(
        """() => { document.querySelector("#widget").classList.add("jupyter-widgets-disconnected");
        stage.emit("comm_live_update"); }"""
    )
    loops.pass_time(ONE_FRAME)
    assert loops.texts(".bgw-contact") == ["kernel restarted"]


def test_without_contact_a_tasks_button_is_dead_too(tasks: Stage):
    """And looks it."""
    button = tasks.find("[data-bgw-id='1'] .bgw-cancel")
    opacity = "button => getComputedStyle(button).opacity"
    assert button.evaluate(opacity) == "1"
    tasks.pass_time(3.5)
    assert button.evaluate(opacity) == "0.5"
    assert button.evaluate("button => button.inert")


def test_without_contact_nothing_can_be_asked_for(loops: Stage):
    """Or it would be done when nobody wants it any more. The last picture can be read, and what
    is typed in the filter waits (test_silence.py).
    """
    loops.page.evaluate(
        """() => { const button = document.createElement("button");
        button.className = "bgw-button"; document.querySelector(".bgw-panel").append(button); }"""
    )
    loops.pass_time(3.5)
    loops.sent()
    controls = ".bgw-button, .bgw-interval, .bgw-pause"
    assert loops.find(controls).evaluate_all("all => all.every((each) => each.inert)")
    assert not loops.find(".bgw-grid").evaluate("grid => grid.inert")
    assert loops.find(".bgw-sort").evaluate_all("all => all.every((each) => each.disabled)")
    loops.click("[data-bgw-id='2']")
    loops.press("s", "ArrowDown")
    assert loops.sent() == []
    assert loops.attribute(".bgw-row[aria-selected='true']", "data-bgw-id") == "1"
    loops.say({"type": "beat"})
    assert loops.find(controls).evaluate_all("all => all.every((each) => !each.inert)")
    assert loops.find(".bgw-sort:enabled").count() == loops.find(".bgw-sort").count() > 0


def test_a_view_says_whether_its_output_was_cleared(script: Stage):
    """Its notebook is there still; a notebook that is closed takes its views along."""
    for closed in ("#widget", ".jp-MainAreaWidget"):
        script.page.evaluate(
            """() => { document.body.innerHTML =
            "<div class=jp-MainAreaWidget><div class=bgw-panel><div id=widget>"; }"""
        )
        script.mount("loops")
        script.pass_time(ONE_FRAME)
        script.sent()
        script.page.evaluate("selector => document.querySelector(selector).remove()", closed)
        script.close()
        cleared = {"cleared": True} if closed == "#widget" else {}
        assert script.sent() == [{"type": "bye"} | cleared]


def test_two_views_of_one_panel_have_names_of_their_own(script: Stage):
    """So each gets the window it asked for."""
    script.mount("tasks")
    script.mount("tasks")
    views = script.page.evaluate("stage.takeSent().map(({ view }) => view)")
    assert len(set(views)) == 2


def test_of_a_row_only_what_changed_comes(loops: Stage):
    """What has no id is the news of a row that is shown already."""
    loops.frame({1: {"note": "one more line"}}, total=2)
    assert loops.texts(".bgw-row:nth-child(2) .bgw-col-name") == ["loop-2"]
    assert loops.texts(".bgw-row:nth-child(2) .bgw-col-note") == ["one more line"]
