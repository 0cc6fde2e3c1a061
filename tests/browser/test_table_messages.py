"""How the tables keep in touch with the kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.stage import task_row, tasks_head

if TYPE_CHECKING:
    from tests.browser.stage import Stage

HELLO = {"type": "hello", "start": 0, "stop": 15}


@pytest.mark.parametrize(("kind", "stop"), [("loops", 12), ("tasks", 15)])
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


def test_silence_of_six_seconds_is_no_contact(loops: Stage):
    """It is said, the rows are dimmed, ages stop; the next word of the kernel makes it good."""
    loops.pass_time(5.5)
    assert loops.texts(".bgw-contact") == [""]
    loops.pass_time(1)
    assert loops.texts(".bgw-contact") == ["no contact with the kernel"]
    assert loops.find(".bgw-row").first.evaluate("row => getComputedStyle(row).opacity") == "0.45"
    ages = loops.texts(".bgw-row .bgw-col-age")
    loops.pass_time(10)
    assert loops.texts(".bgw-row .bgw-col-age") == ages
    loops.say({"type": "beat"})
    assert loops.texts(".bgw-contact") == [""]
    assert loops.find(".bgw-row").first.evaluate("row => getComputedStyle(row).opacity") == "1"


def test_a_kernel_that_was_away_is_greeted_anew(loops: Stage):
    """It may have forgotten this view, which then would stay silent for ever."""
    loops.pass_time(9)
    hello = HELLO | {"stop": 12}
    assert loops.sent() == [{"type": "alive"}, hello]
    loops.say({"type": "beat"})
    assert loops.sent() == [hello]


def test_any_message_is_contact(tasks: Stage):
    """A frame for another view too."""
    tasks.pass_time(5)
    tasks.frame([], head=tasks_head(), view="other")
    tasks.pass_time(5)
    assert tasks.find(".bgw-lost").count() == 0
    tasks.pass_time(2)
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
    assert loops.sent() == [HELLO | {"stop": 12}]
    loops.pass_time(5)
    assert loops.find(".bgw-lost").count() == 0


def test_a_closed_connection_is_no_error(loops: Stage):
    """After a kernel's restart the comm throws at every message."""
    loops.page.evaluate("stage.isClosed = true")
    loops.click("[data-bgw-id='2']")
    loops.pass_time(7)
    assert loops.texts(".bgw-contact") == ["no contact with the kernel"]


def test_cleanup_says_bye_and_leaves_nothing(loops: Stage):
    """No listener, no timer, no element stays."""
    loops.page.type(".bgw-filter", "half")
    loops.close()
    assert loops.sent() == [{"type": "bye"}]
    assert loops.page.evaluate("stage.listeners.size") == 0
    assert loops.find(".bgw-table").count() == 0
    loops.pass_time(60)
    loops.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert loops.sent() == []


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
