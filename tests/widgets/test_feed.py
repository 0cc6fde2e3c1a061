"""What the pages are told, and when: without a thread, and with the test's own clock."""

from __future__ import annotations

import asyncio
import itertools
import statistics
from typing import TYPE_CHECKING, Any

import pytest

from bgwidgets.commands import CancelTasks, RemoveFinished, SetStopEvent, StopLoop
from bgwidgets.exceptions import ProtectedLoop
from bgwidgets.snapshots import WindowRequest
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.budget import MOST
from bgwidgets.widgets.feed import Changed, FromTable, Refresh, SettingChanged
from bgwidgets.widgets.protocols import Action, Said
from bgwidgets.widgets.requests import InvalidRequest
from tests.widgets.fakes import NOW, ended_loop, loop, task

if TYPE_CHECKING:
    from tests.widgets.bench import Bench

PROMPT = 0.05
"""Seconds within which a page is to be answered."""


def names(frame: Any) -> list[str]:
    return [row["name"] for _, row in frame["rows"]]


def start(bench: Bench, *numbers: int) -> None:
    """Loops are running, with one task each."""
    bench.source.loops = [loop(number) for number in numbers]
    bench.source.tasks = {number: [task(100 + number)] for number in numbers}
    bench.face.disabled = {action: action is Action.REMOVE_FINISHED for action in Action}


# -- answers


def test_hello_is_answered_with_everything(bench: Bench):
    """At once: the rows, the head, and what the status line says."""
    start(bench, 1)
    bench.open_page()
    sent = dict(bench.take())
    assert (sent["loops"]["full"], names(sent["loops"])) == (True, ["loop-1"])
    assert sent["loops"]["head"]["selected"] == 1
    assert sent["loops"]["head"]["now"] == NOW
    assert (sent["tasks"]["full"], names(sent["tasks"])) == (True, ["task-101"])
    assert sent["tasks"]["head"]["loop"] == 1
    assert sent["status"]["text"].startswith("loop-1 · run 1")
    assert bench.now == 0


def test_afterwards_only_what_changed_is_sent(bench: Bench):
    """A row's change is that row; nothing at all is nothing at all."""
    start(bench, 1, 2)
    bench.open_page()
    bench.take()
    bench.pass_time(1.4)
    assert bench.take() == []
    bench.source.loops[0] = loop(1, task_counts={TaskState.PENDING: 5})
    bench.pass_time(0.5)
    [(channel, frame)] = bench.take()
    assert (channel, frame["full"], frame["rows"][0][1]["unfinished"]) == ("loops", False, 5)
    assert [place for place, _ in frame["rows"]] == [1]
    assert frame["head"].keys() == {"tasks", "now"}


def test_a_change_shows_at_the_interval_that_was_chosen(bench: Bench):
    """Two seconds are two seconds, also when it was just half of one."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="interval", seconds=2)
    assert bench.frames("loops")[-1]["head"]["interval"] == 2
    bench.source.loops[0] = loop(1, name="other")
    bench.pass_time(1.9)
    assert bench.frames("loops") == []
    bench.pass_time(0.2)
    assert names(bench.frames("loops")[0]) == ["other"]


def test_a_scrolled_table_gets_its_rows_at_once(bench: Bench):
    """All of them, for the page waits for a full frame."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(1000)]
    bench.open_page()
    bench.take()
    bench.page("tasks", type="window", view="tasks1", start=500, stop=503)
    [frame] = bench.frames("tasks")
    assert (frame["full"], frame["start"], frame["total"]) == (True, 500, 1000)
    assert names(frame) == ["task-500", "task-501", "task-502"]


def test_two_pages_see_each_its_own_rows(bench: Bench):
    """They are scrolled to different places, and numbered each by itself."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(1000)]
    bench.open_page()
    bench.open_page(loops="loops2", tasks="tasks2")
    bench.page("tasks", type="window", view="tasks2", start=7, stop=8)
    by_view: dict[str, list[Any]] = {}
    for frame in bench.frames("tasks"):
        by_view.setdefault(frame["view"], []).append(frame)
    assert [len(frame["rows"]) for frame in by_view["tasks1"]] == [15]
    assert [names(frame) for frame in by_view["tasks2"]][1:] == [["task-7"]]
    assert [frame["seq"] for frame in by_view["tasks2"]] == [1, 2]


def test_a_click_on_a_loop_shows_its_tasks(bench: Bench):
    """And the buttons act on it from then on."""
    start(bench, 1, 2)
    bench.open_page()
    bench.take()
    bench.page("loops", type="select", loop=1)
    sent = dict(bench.take())
    assert sent["loops"]["head"]["selected"] == 1
    assert (sent["tasks"]["head"]["loop"], names(sent["tasks"])) == (1, ["task-101"])
    assert sent["status"]["text"].startswith("loop-1")
    assert (bench.face.selected, bench.face.chosen) == (1, 1)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == [StopLoop(1)]


def test_a_loop_that_is_gone_cannot_be_selected(bench: Bench):
    """The page may show it for a moment longer."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="select", loop=99)
    assert bench.said() == [("error", "That loop is not listed any more")]
    assert bench.face.chosen is None


def test_sorting_is_answered_by_the_tables_own_order(bench: Bench):
    """Loops are sorted here, tasks where they are; each table by itself."""
    start(bench, 1, 2)
    bench.open_page()
    bench.take()
    bench.page("loops", type="sort", column="name", descending=False)
    [frame] = bench.frames("loops")
    assert (names(frame), frame["head"]["sort"]) == (["loop-1", "loop-2"], ["name", False])
    bench.page("tasks", type="sort", column="waiting", descending=True)
    assert bench.frames("tasks")[0]["head"]["sort"] == ["waiting", True]
    expected = WindowRequest(sort="waiting_on", descending=True, start=0, stop=15)
    assert bench.source.requests[-1] == (2, expected)


def test_a_filter_goes_to_the_tasks(bench: Bench):
    """Both tables say which it is."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.page("loops", type="filter", text="fetch")
    sent = dict(bench.take())
    assert sent["loops"]["head"]["filter"] == "fetch"
    assert (sent["tasks"]["head"]["filter"], sent["tasks"]["head"]["filtered"]) == ("fetch", True)
    assert bench.source.requests[-1][1].filter == "fetch"
    assert bench.face.filter == "fetch"


def test_a_setting_from_python_shows_as_soon(bench: Bench):
    """The page follows the traits."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.face.filter = "x"
    bench.give(SettingChanged())
    assert dict(bench.take())["loops"]["head"]["filter"] == "x"


# -- when


def test_a_change_of_a_loop_shows_at_once(bench: Bench):
    """The manager tells; nobody waits for the interval."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.source.loops.append(loop(2))
    bench.give(Changed())
    bench.pass_time(PROMPT)
    assert "loop-2" in names(bench.frames("loops")[0])


def test_a_storm_of_changes_is_a_few_looks(bench: Bench):
    """A thousand loops that start in a second are not a thousand looks."""
    start(bench, 1)
    bench.open_page()
    before = bench.source.looks
    for _ in range(1000):
        bench.give(Changed())
        bench.pass_time(0.001)
    assert 10 <= bench.source.looks - before <= 25


def test_nobody_looks_so_nothing_is_done(bench: Bench):
    """A panel that no page shows costs nothing, until something happens."""
    start(bench, 1)
    bench.pass_time(0)
    before = bench.source.looks
    bench.pass_time(3600)
    assert bench.source.looks == before


def test_unseen_the_selection_and_the_buttons_are_kept_right(bench: Bench):
    """Python may look at them; but no frame is sent."""
    bench.source.loops = [loop(1), ended_loop(2)]
    bench.give(Changed())
    bench.pass_time(PROMPT)
    assert bench.face.selected == 1
    assert not any(bench.face.disabled.values())
    assert {message["type"] for _, message in bench.take()} == {"button"}


def test_a_beat_says_that_the_kernel_is_there(bench: Bench):
    """To each table after two seconds without anything else, and only while it is looked at."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.stay_alive(8)
    assert bench.take() == [("loops", {"type": "beat"}), ("tasks", {"type": "beat"})] * 4
    bench.page("loops", type="bye", view="loops1")
    bench.page("tasks", type="bye", view="tasks1")
    bench.take()
    bench.pass_time(60)
    assert bench.take() == []


def test_a_table_of_which_nothing_changes_gets_its_beats_beside_a_busy_one(bench: Bench):
    """Each table judges by itself whether the kernel is there."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    for number in range(10):
        bench.source.loops[0] = loop(1, last_output=str(number))
        bench.stay_alive(1)
    tasks = [message["type"] for channel, message in bench.take() if channel == "tasks"]
    assert tasks == ["beat"] * 5


def test_a_page_that_falls_silent_is_forgotten(bench: Bench):
    """After twelve seconds; the manager is then left alone too."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(12)
    bench.take()
    before = bench.source.looks
    bench.source.loops[0] = loop(1, name="other")
    bench.pass_time(100)
    assert bench.take() == []
    assert bench.source.looks == before


def test_a_page_that_comes_back_sees_what_is_now(bench: Bench):
    """Though nobody looked for an hour."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(3600)
    bench.source.loops[0] = loop(1, name="other")
    bench.take()
    bench.open_page()
    frames = bench.frames("loops")
    assert [names(frame) for frame in frames] == [["other"]]


def test_a_page_that_was_forgotten_unknowing_is_asked_to_say_hello(bench: Bench):
    """Another page of the same panel may keep it from noticing."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.page("loops", type="alive", view="sleeper")
    [frame] = bench.frames("loops")
    assert (frame["view"], frame["seq"], frame["full"]) == ("sleeper", 0, False)


# -- how much


def storm(bench: Bench, step: int) -> None:
    """Everything is different from the last time."""
    counts = {TaskState.PENDING: step}
    state = LoopState.RUNNING if step % 3 else LoopState.STOPPED
    output = f"line {step}"
    bench.source.loops = [
        loop(number, state=state, task_counts=counts, last_output=output, run_number=step)
        for number in range(1, 10)
    ]
    bench.source.tasks = {
        number: [task(each, name=f"{step}") for each in range(50)] for number in range(1, 10)
    }


def test_there_are_never_more_than_ten_messages_in_a_second(bench: Bench):
    """Whatever changes, however many pages look, and whatever their users do."""
    bench.face.interval = 0.2
    for page in "abc":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
    for step in range(400):
        storm(bench, step)
        bench.give(Changed())
        if step % 3 == 0:
            bench.page("tasks", type="window", view=f"tasks{'abc'[step % 9 // 3]}", start=step,
                       stop=step + 20)  # fmt: skip
            bench.page("loops", type="select", loop=1 + step % 9)
        if step % 5 == 0:
            bench.click(Action.STOP_EVENT)
        bench.pass_time(0.01)
    assert 8 <= bench.most_in_a_second() <= MOST


def test_a_click_is_answered_at_once_in_a_storm(bench: Bench):
    """What refreshes leave is enough for it, at the shortest interval too."""
    bench.face.interval = 0.2
    bench.open_page()
    for step in range(100):
        storm(bench, step)
        bench.give(Changed())
        bench.pass_time(0.05)
    for step in range(3):
        bench.take()
        bench.click(Action.STOP_EVENT)
        storm(bench, step)
        bench.pass_time(PROMPT)
        sent = [channel for channel, message in bench.take() if message["type"] != "button"]
        assert sent[:2] == ["status", "loops"]
        for _ in range(20):
            storm(bench, step)
            bench.pass_time(0.05)


@pytest.mark.parametrize("pace", [0.25, 0.5, 1.0, 1.5])
def test_one_click_after_the_other_is_answered_at_once(bench: Bench, pace: float):
    """Select a loop, stop it, and so on: what a click does shows within 0.1 s, in the median."""
    loops = [loop(number) for number in range(1, 21)]
    start(bench, *range(1, 21))
    bench.open_page()
    bench.page("loops", type="window", view="loops1", start=0, stop=20)
    latencies = []
    for place, clicked in enumerate(loops):
        bench.pass_time(pace)
        bench.page("loops", type="alive", view="loops1")
        bench.page("tasks", type="alive", view="tasks1")
        bench.page("loops", type="select", loop=clicked.id)
        bench.pass_time(PROMPT)
        assert not bench.face.disabled[Action.STOP_EVENT]
        began = bench.now
        bench.click(Action.STOP_EVENT)
        bench.source.loops[place] = ended_loop(clicked.id)
        bench.source.tasks[clicked.id] = []
        bench.give(Changed())
        bench.pass_time(PROMPT)
        while not any(
            row["id"] == clicked.id and row["state"] == "finished"
            for frame in bench.frames("loops")
            for _, row in frame["rows"]
        ):
            assert bench.now - began < 1
            bench.pass_time(0.01)
        latencies.append(bench.now - began)
    assert statistics.median(latencies) <= 0.1
    assert bench.most_in_a_second() <= MOST


def test_no_page_is_left_without_a_word_in_a_storm(bench: Bench):
    """After six seconds it would say that contact is lost: not by any table of any page."""
    bench.face.interval = 0.2
    for page in "abc":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
    for step in range(1000):
        storm(bench, step)
        bench.page("tasks", type="window", view="tasksa", start=step, stop=step + 20)
        if step % 100 == 0:
            for page in "abc":
                bench.page("loops", type="alive", view=f"loops{page}")
                bench.page("tasks", type="alive", view=f"tasks{page}")
        bench.pass_time(0.02)
    for channel in ("loops", "tasks"):
        moments = [sent.at for sent in bench.log if sent.channel == channel]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert max(gaps) < 5


def test_pages_take_turns(bench: Bench):
    """When there is not enough for all, none is left behind."""
    bench.face.interval = 0.2
    for page in "abc":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
    bench.take()
    for step in range(100):
        storm(bench, step)
        bench.pass_time(0.1)
    views = [message["view"] for _, message in bench.take() if message["type"] == "frame"]
    counts = [views.count(f"{table}{page}") for table in ("loops", "tasks") for page in "abc"]
    assert min(counts) > 0
    assert max(counts) - min(counts) <= 1


# -- commands and what is said


def test_a_click_is_done_and_said(bench: Bench):
    """And its effect is looked for at once, though the manager tells of no flag."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.click(Action.STOP_EVENT)
    assert bench.said() == [("info", "Stop event set on loop-1")]
    bench.source.loops = [loop(1, stop_requested=True)]
    bench.pass_time(PROMPT)
    assert bench.frames("loops")[0]["rows"][0][1]["stop_requested"] is True


def test_the_pages_commands_are_done(bench: Bench):
    """The keys and the crosses of single tasks."""
    start(bench, 1)
    bench.page("loops", type="command", command="stop_event", loop=1)
    bench.page("loops", type="command", command="stop_loop", loop=1)
    bench.page("tasks", type="command", command="cancel_tasks", loop=1, tasks=[101])
    assert bench.source.executed == [SetStopEvent(1), StopLoop(1), CancelTasks(1, (101,))]
    assert bench.said()[-1] == ("info", "Cancelling 1 task of loop-1")


def test_a_click_acts_on_the_loop_that_is_newest_then(bench: Bench):
    """Not on the one that was when the panel last looked: it was started in the line before."""
    start(bench, 1)
    bench.pass_time(0)
    bench.source.loops.append(loop(2))
    bench.click(Action.CANCEL_TASKS)
    assert bench.source.executed == [CancelTasks(2)]


def test_a_click_without_a_loop_says_so(bench: Bench):
    """`click()` in Python does not ask whether the button is disabled."""
    bench.click(Action.RESTART)
    assert bench.said() == [("info", "No loop is selected")]
    assert bench.source.executed == []


def test_finished_loops_are_removed_without_a_selection(bench: Bench):
    """This button looks at all of them."""
    bench.source.loops = [ended_loop(1), loop(2)]
    bench.click(Action.REMOVE_FINISHED)
    assert bench.source.executed == [RemoveFinished()]
    assert bench.said() == [("info", "Removed 1 loop")]


def test_what_a_command_raises_is_said(bench: Bench):
    """As an error, which stays."""
    start(bench, 1)
    bench.source.error = ProtectedLoop("loop-1 is the kernel's own")
    bench.click(Action.STOP_LOOP)
    assert bench.said() == [("error", "loop-1 is the kernel's own")]


def test_a_restart_tells_when_it_is_done(bench: Bench):
    """Its thread reports, and the panel looks again."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.source.loops = [loop(1, run_number=2)]
    bench.give(Said("loop-1 was restarted"))
    bench.pass_time(PROMPT)
    sent = [(message.get("level"), message["text"]) for channel, message in bench.take()
            if channel == "status"]  # fmt: skip
    assert sent[0] == ("info", "loop-1 was restarted")
    assert sent[1][1].startswith("loop-1 · run 2")


def test_a_bad_message_is_said_and_nothing_else(bench: Bench):
    """Somebody should know."""
    bench.give(FromTable("loops", InvalidRequest("loop is missing")))
    assert bench.said() == [("error", "The page sent what it should not: loop is missing")]


def test_an_error_is_not_pushed_aside_before_it_is_seen(bench: Bench):
    """Of two words at the same moment the error is shown."""
    start(bench, 1)
    bench.feed.take(Said("it failed", is_error=True), bench.face, bench.now)
    bench.give(Said("all is well"))
    assert bench.said() == [("error", "it failed")]


def test_an_error_at_each_look_is_said_once(bench: Bench):
    """It stands there until something else is said."""
    for _ in range(5):
        bench.give(Said("it failed", is_error=True))
    assert bench.said() == [("error", "it failed")]
    bench.give(Said("all is well"))
    bench.give(Said("it failed", is_error=True))
    assert bench.said() == [("info", "all is well"), ("error", "it failed")]


# -- buttons


def test_buttons_follow_what_the_loop_does(bench: Bench):
    """Each change is a message, so only changes are sent."""
    bench.pass_time(0)
    assert bench.buttons() == {}
    bench.source.loops = [loop(1)]
    bench.give(Changed())
    bench.pass_time(PROMPT)
    running = {Action.STOP_EVENT, Action.STOP_LOOP, Action.CANCEL_TASKS, Action.RESTART}
    assert bench.buttons() == dict.fromkeys(running, True)
    bench.source.loops = [ended_loop(1)]
    bench.give(Changed())
    bench.pass_time(2)
    ended = {Action.STOP_EVENT: False, Action.STOP_LOOP: False, Action.CANCEL_TASKS: False}
    assert bench.buttons() == ended | {Action.REMOVE_FINISHED: True}


def test_a_button_is_enabled_at_once_and_disabled_late(bench: Bench):
    """The next loop often needs it again; until then a click is harmless."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.source.loops = [ended_loop(1)]
    bench.give(Changed())
    bench.pass_time(0.5)
    assert bench.buttons() == {Action.REMOVE_FINISHED: True}
    bench.source.loops = [ended_loop(1), loop(2)]
    bench.give(Changed())
    bench.pass_time(2)
    assert bench.buttons() == {}
    bench.source.loops = [ended_loop(1), ended_loop(2)]
    bench.give(Changed())
    bench.pass_time(3)
    stops = [Action.STOP_EVENT, Action.STOP_LOOP, Action.CANCEL_TASKS]
    assert bench.buttons() == dict.fromkeys(stops, False)


def test_an_observer_of_a_button_may_fail(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It is a user's code too."""

    def fail(_action: Action, *, disabled: bool) -> None:
        bench.face.disabled = dict.fromkeys(Action, disabled)
        raise asyncio.CancelledError

    monkeypatch.setattr(bench.face, "set_disabled", fail)
    bench.source.loops = [loop(1)]
    bench.give(Changed())
    bench.pass_time(PROMPT)
    assert "An observer of the panel's button" in caplog.text


# -- pause


def test_a_pause_lets_nothing_change(bench: Bench):
    """Neither the interval nor what happens shows; but the kernel is heard."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    assert bench.frames("loops")[-1]["head"]["paused"] is True
    storm(bench, 5)
    bench.give(Changed())
    bench.stay_alive(8)
    assert {message["type"] for _, message in bench.take()} == {"beat"}
    assert bench.face.selected == 1


def test_a_paused_table_can_be_scrolled(bench: Bench):
    """Through what was when it was paused."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(500)]
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    storm(bench, 5)
    bench.take()
    bench.page("tasks", type="window", view="tasks1", start=480, stop=482)
    [frame] = bench.frames("tasks")
    assert (names(frame), frame["total"]) == (["task-480", "task-481"], 500)


def test_a_new_page_sees_the_pause(bench: Bench):
    """Reloading is no way out of it."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    storm(bench, 5)
    bench.take()
    bench.open_page(loops="loops2", tasks="tasks2")
    sent = dict(bench.take())
    assert (names(sent["loops"]), names(sent["tasks"])) == (["loop-1"], ["task-101"])


def test_the_buttons_work_in_a_pause(bench: Bench):
    """And it is said, though it does not show in the table."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.take()
    bench.click(Action.STOP_EVENT)
    assert bench.source.executed == [SetStopEvent(1)]
    assert bench.said() == [("info", "Stop event set on loop-1")]


def test_after_a_pause_everything_is_shown_at_once(bench: Bench):
    """Nobody waits for the interval."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.source.loops = [loop(1, name="other")]
    bench.give(Changed())
    bench.pass_time(1)
    bench.take()
    bench.page("loops", type="pause", paused=False)
    assert names(bench.frames("loops")[0]) == ["other"]
    bench.source.loops = [loop(1, name="third")]
    bench.pass_time(1)
    assert names(bench.frames("loops")[0]) == ["third"]


def test_refresh_looks_once_in_a_pause(bench: Bench):
    """Which goes on afterwards."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.source.loops = [loop(1, name="other")]
    bench.take()
    bench.give(Refresh())
    assert names(bench.frames("loops")[0]) == ["other"]
    bench.source.loops = [loop(1, name="third")]
    bench.pass_time(1)
    assert bench.frames("loops") == []


def test_another_loop_can_be_looked_at_in_a_pause(bench: Bench):
    """Its tasks then stand still too."""
    start(bench, 1, 2)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.take()
    bench.page("loops", type="select", loop=1)
    assert names(bench.frames("tasks")[0]) == ["task-101"]
    bench.source.tasks[1] = []
    bench.pass_time(1)
    assert bench.frames("tasks") == []


# -- what is chosen


def test_nothing_chosen_follows_the_newest(bench: Bench):
    """And goes back when it ends."""
    start(bench, 1)
    bench.open_page()
    assert bench.face.selected == 1
    bench.source.loops = [loop(1), loop(2)]
    bench.pass_time(1)
    assert bench.face.selected == 2
    bench.source.loops = [loop(1), ended_loop(2)]
    bench.pass_time(1)
    assert bench.face.selected == 1


def test_a_choice_stays_until_its_loop_is_removed(bench: Bench):
    """However many are started or end."""
    start(bench, 1, 2)
    bench.open_page()
    bench.page("loops", type="select", loop=1)
    bench.source.loops = [ended_loop(1), loop(2), loop(3)]
    bench.pass_time(1)
    assert bench.face.selected == 1
    bench.source.loops = [loop(2), loop(3)]
    bench.pass_time(1)
    assert (bench.face.selected, bench.face.chosen) == (3, None)


def test_a_loop_that_is_chosen_as_soon_as_it_is_started_stays_chosen(bench: Bench):
    """The last look does not know it yet: that is no reason to take it for removed."""
    start(bench, 1)
    bench.pass_time(0)
    bench.source.loops = [loop(1), loop(2), loop(3)]
    bench.face.choose(2)
    bench.give(SettingChanged())
    assert (bench.face.selected, bench.face.chosen) == (2, 2)


# -- what goes wrong


@pytest.mark.parametrize("kind", [ValueError, asyncio.CancelledError, SystemExit])
def test_an_observer_that_raises_is_said_and_survived(
    bench: Bench, kind: type[BaseException], caplog: pytest.LogCaptureFixture
):
    """Whatever a user's code raises in the panel's thread; its traceback is in the log."""

    def observer(_name: str) -> None:
        raise kind("oh")

    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.face.observer = observer
    bench.page("loops", type="filter", text="x")
    assert bench.face.filter == "x"
    assert bench.said() == [("error", f"Filtering failed: {kind.__name__}: oh")]
    assert [record.exc_info is not None for record in caplog.records] == [True]


def test_a_manager_that_fails_is_said_and_asked_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """What was last seen stays."""
    start(bench, 1)
    bench.open_page()
    bench.take()

    def fail() -> Any:
        raise RuntimeError("no answer")

    with monkeypatch.context() as patch:
        patch.setattr(bench.source, "snapshots", fail)
        bench.pass_time(3)
    assert bench.said() == [("error", "Looking at the loops failed: RuntimeError: no answer")]
    assert 4 <= len(caplog.records) <= 7
    bench.source.loops = [loop(1, name="other")]
    bench.pass_time(1)
    assert names(bench.frames("loops")[0]) == ["other"]


def test_a_broken_connection_ends_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The pages are forgotten until one says hello."""
    start(bench, 1)
    bench.open_page()
    bench.take()

    def fail(_channel: str, _message: object) -> None:
        raise OSError("closed")

    with monkeypatch.context() as patch:
        patch.setattr(bench.face, "send", fail)
        bench.source.loops = [loop(1, name="other")]
        bench.stay_alive(5)
    assert len(caplog.records) < 20
    bench.open_page()
    assert names(bench.frames("loops")[-1]) == ["other"]
