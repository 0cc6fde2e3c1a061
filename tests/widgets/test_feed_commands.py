"""What is done when something is asked for, what is said, and what the buttons do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bgwidgets.commands import CancelTasks, RemoveFinished, SetStopEvent, StopLoop
from bgwidgets.exceptions import ProtectedLoop
from bgwidgets.widgets.command_runner import Adopted
from bgwidgets.widgets.items import Changed, FromTable, SettingChanged
from bgwidgets.widgets.mailer import LONGEST_SAID
from bgwidgets.widgets.protocols import Action, Said, Unreachable
from bgwidgets.widgets.requests import InvalidRequest
from tests.widgets.bench import PROMPT, Bench, names, start
from tests.widgets.fakes import ended_loop, loop, task

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


@pytest.mark.parametrize("name", ["half \ud83d", "n" * 2_000_000])
def test_what_is_said_can_travel_whatever_the_loop_is_called(bench: Bench, name: str):
    """JSON in UTF-8 carries no half characters; and a line is short."""
    start(bench, 1)
    bench.source.loops = [loop(1, name=name)]
    bench.open_page()
    bench.take()
    bench.click(Action.STOP_EVENT)
    sent = bench.take()
    [said] = [message for _, message in sent if message["type"] == "said"]
    assert said["text"].startswith(f"Stop event set on {name[:4]}")
    assert len(said["text"]) <= LONGEST_SAID
    assert len(json.dumps(sent, ensure_ascii=False).encode()) < 10_000


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


def test_each_bad_message_is_answered(bench: Bench):
    """Also one whose answer stands there already; those that come at once are answered at once."""
    refused = "The page sent what it should not"
    for _ in range(2):
        bench.give(FromTable("loops", InvalidRequest("loop is missing")))
        bench.pass_time(PROMPT)
    assert bench.said() == [
        ("error", f"{refused}: loop is missing"),
        ("error", f"{refused} (2 messages so far): loop is missing"),
    ]
    for why in ("loop is missing", "x is not known", "loop is missing"):
        bench.feed.take(
            FromTable("loops", InvalidRequest(why)),
            bench.face,
            bench.now,
        )
    bench.pass_time(PROMPT)
    assert bench.said() == [
        ("error", f"{refused} (5 messages so far): loop is missing; x is not known")
    ]


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
    bench.pass_time(1)
    stops = {Action.STOP_EVENT, Action.STOP_LOOP, Action.CANCEL_TASKS, Action.STOP_ALL}
    assert bench.buttons() == dict.fromkeys({*stops, Action.RESTART}, True)
    bench.source.loops = [ended_loop(1)]
    bench.give(Changed())
    bench.pass_time(2)
    assert bench.buttons() == dict.fromkeys(stops, False) | {Action.REMOVE_FINISHED: True}


def test_a_panel_that_nobody_watches_looks_once_an_interval(bench: Bench):
    """However often something changes: there may be many such panels, of cells that ran anew."""
    bench.pass_time(5)
    before = bench.source.looks
    for _ in range(50):
        bench.give(Changed())
        bench.pass_time(0.1)
    assert 10 <= bench.source.looks - before <= 11


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
    stops = [Action.STOP_EVENT, Action.STOP_LOOP, Action.CANCEL_TASKS, Action.STOP_ALL]
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


def test_a_button_that_cannot_be_sent_is_no_observers_fault(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It is said once that no page can be reached, and tried until one can be."""
    tried = []

    def fail(action: Action, *, disabled: bool) -> None:
        tried.append((action, disabled))
        raise Unreachable

    bench.source.loops = [loop(1)]
    with monkeypatch.context() as patch:
        patch.setattr(bench.face, "set_disabled", fail)
        bench.open_page()
        for _ in range(5):
            bench.page("tasks", type="alive", view="tasks1")
            bench.pass_time(1)
    assert 2 < tried.count((Action.STOP_LOOP, False)) < 50
    assert ["The panel cannot reach its pages"] == [record.message for record in caplog.records]
    bench.take()
    bench.pass_time(2)
    assert bench.buttons()[Action.STOP_LOOP] is True


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


def test_a_view_that_cannot_be_told_costs_none_of_the_others(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """It is said once, the log has it once, and the view is told as soon as that is possible."""
    start(bench, 1)
    bench.open_page()
    bench.details(type="show", view="d", loop=1, task=101, tab="chain", known=0)
    bench.take()

    def fail(_loop_id: int, _other: object) -> Any:
        raise RuntimeError("no rows")

    with monkeypatch.context() as patch:
        patch.setattr(bench.source, "task_window", fail)
        patch.setattr(bench.source, "task_detail", fail)
        bench.source.loops = [loop(1, name="other")]
        bench.stay_alive(3)
    sent = bench.take()
    assert ["other"] in [names(message) for channel, message in sent if "rows" in message]
    said = [message["text"] for _, message in sent if message["type"] == "said"]
    assert ["The panel could not be refreshed: RuntimeError: no rows"] == said
    assert 1 == len(caplog.records)
    bench.source.tasks[1] = [task(101, name="shown again")]
    bench.pass_time(1)
    assert ["shown again"] == names(bench.frames("tasks")[0])


def test_a_broken_connection_ends_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The pages are forgotten until one says hello."""
    start(bench, 1)
    bench.open_page()
    bench.take()

    tried = []

    def fail(channel: str, message: Any, _buffers: object) -> None:
        tried.append((channel, message.get("seq")))
        raise OSError("closed")

    with monkeypatch.context() as patch:
        patch.setattr(bench.face, "send", fail)
        for number in range(5):
            bench.source.loops = [loop(1, name=f"other-{number}")]
            bench.stay_alive(1)
    # Both tables were told once; then whoever still speaks is asked to say hello.
    assert [each for each in tried if each[1]] == [("loops", 2), ("tasks", 2)]
    assert [record.message for record in caplog.records] == ["The panel cannot reach its pages"]
    bench.open_page()
    assert names(bench.frames("loops")[-1]) == ["other-4"]


def test_a_button_that_cannot_act_tells_why(bench: Bench):
    """For as long as it is so; told once."""
    bench.source.loops = [loop(1, why_no_stop_event="none was found")]
    bench.open_page()
    bench.pass_time(3)
    assert "none was found" == bench.face.why(Action.STOP_EVENT)
    assert bench.face.is_disabled(Action.STOP_EVENT)
    assert bench.face.why(Action.STOP_LOOP) is None
    bench.source.loops = [loop(1)]
    bench.pass_time(3)
    assert bench.face.why(Action.STOP_EVENT) is None
    told = [message for _, message in bench.face.sent if message["type"] == "why"]
    assert ["none was found", None] == [message["why"] for message in told]


def test_a_protected_loops_buttons_are_grey_before_they_tell_why(bench: Bench):
    """The reasons are messages too, and the status line has the reason already."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(3)
    bench.take()
    bench.source.loops.append(loop(2, protected=True, why_protected="it is the kernel's"))
    bench.give(Adopted(2))
    bench.pass_time(4)
    sent = [message for _, message in bench.take()]
    (about,) = [message for message in sent if message["type"] == "info"]
    assert about == {"type": "info", "text": "loop-2 · protected: it is the kernel's", "why": True}
    kinds = [message["type"] for message in sent if message["type"] in {"button", "why"}]
    assert ["button"] * 4 + ["why"] * 4 == kinds


def test_an_observer_of_a_buttons_tooltip_may_fail(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    """The panel goes on all the same."""

    def fail(action: Action, why: str | None) -> None:
        bench.face.reasons[action] = why
        raise asyncio.CancelledError

    monkeypatch.setattr(bench.face, "set_why", fail)
    bench.source.loops = [loop(1, why_no_stop_event="none was found")]
    bench.give(Changed())
    bench.pass_time(PROMPT)
    assert "An observer of the panel's button" in caplog.text
