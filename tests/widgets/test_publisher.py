"""The one thread of all panels."""

from __future__ import annotations

import gc
import itertools
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from bgwidgets.commands import CancelTasks, Command, SetStopEvent, StopLoop
from bgwidgets.widgets.feed import Feed
from bgwidgets.widgets.items import Refresh
from bgwidgets.widgets.protocols import Action, Face
from bgwidgets.widgets.publisher import MOST_WAITING, Publisher
from bgwidgets.widgets.ranges import FURTHEST
from bgwidgets.widgets.requests import InvalidRequest
from tests.widgets.fakes import FakeFace, FakeSource, loop, task
from tests.widgets.panel_page import until

LIMIT = 5.0
HELLO = {"type": "hello", "view": "v", "start": 0, "stop": 15}


class Gate:
    """Lets a thread through when the test says so, and tells when it has come."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_reached = threading.Event()

    def pass_through(self) -> None:
        """Wait here."""
        self._is_reached.set()
        assert self._is_open.wait(LIMIT)

    @contextmanager
    def holding(self, start: Callable[[], object]) -> Iterator[None]:
        """`start` makes a thread come here; within the block it stands still."""
        start()
        assert self._is_reached.wait(LIMIT)
        try:
            yield
        finally:
            self._is_open.set()


class Sent:
    """Wakes the test when the panel has sent what it waits for."""

    def __init__(self, face: FakeFace) -> None:
        self._face = face
        self._condition = threading.Condition()
        face.was_sent = self._notify

    def _notify(self) -> None:
        with self._condition:
            self._condition.notify_all()

    def wait_for(self, is_it: Callable[[str, Any], bool]) -> Any:
        """The first message of which this is true, sent already or soon."""

        def find() -> Any:
            return next(
                (message for channel, message in self._face.sent if is_it(channel, message)), None
            )

        with self._condition:
            assert self._condition.wait_for(find, LIMIT)
        return find()


@pytest.fixture
def source() -> FakeSource:
    """One loop."""
    return FakeSource([loop(1)])


@pytest.fixture
def face() -> FakeFace:
    """A panel that is shown nowhere."""
    return FakeFace()


@pytest.fixture
def sent(face: FakeFace) -> Sent:
    """What is sent to it."""
    return Sent(face)


@pytest.fixture
def publisher(source: FakeSource, face: FakeFace) -> Iterator[Publisher]:
    """Closed at the end."""
    publisher = Publisher(source, lambda: face)
    yield publisher
    publisher.close()


def panel_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "bgwidgets-panel"]


def pick_range(start: int) -> dict[str, Any]:
    return {"type": "pick_range", "start": start, "stop": start + 3}


def is_said(text: str) -> Callable[[str, Any], bool]:
    return lambda _, message: message.get("text") == text


def test_a_page_is_answered(publisher: Publisher, sent: Sent):
    """Through a thread that keeps no kernel from ending."""
    publisher.receive("loops", HELLO)
    frame = sent.wait_for(lambda _, message: message["type"] == "frame")
    assert frame["total"] == 1
    assert [thread.daemon for thread in panel_threads()] == [True]


def test_a_change_is_told_without_waiting(publisher: Publisher, source: FakeSource, sent: Sent):
    """The manager calls back on a thread of its own, and is not held up."""
    publisher.receive("loops", HELLO)
    source.change(loop(1), loop(2))
    sent.wait_for(lambda _, message: message["type"] == "frame" and message["total"] == 2)


def test_nothing_is_done_in_the_callers_thread(publisher: Publisher, source: FakeSource):
    """It may be the kernel's main thread, or one of its subshells."""
    threads: list[threading.Thread] = []
    done = threading.Event()

    def execute(_command: Command) -> None:
        threads.append(threading.current_thread())
        done.set()

    source.execute = execute  # type: ignore[method-assign, assignment]
    publisher.click(Action.STOP_LOOP, None)
    assert done.wait(LIMIT)
    assert threads == panel_threads()


def test_a_stranger_gets_an_error_and_no_exception(publisher: Publisher, sent: Sent):
    """Nothing is raised into the kernel."""
    contents: list[object] = [None, [], {"type": "hello"}, {"type": "select", "loop": True}]
    for content in contents:
        publisher.receive("loops", content)
        publisher.receive("tasks", content)
        publisher.receive("status", content)
    sent.wait_for(lambda _, message: message.get("level") == "error")


def test_what_was_selected_just_before_a_click_is_what_is_meant(
    publisher: Publisher, source: FakeSource, face: FakeFace, sent: Sent
):
    """After a busy cell both come at the same time, before this thread has seen either."""
    source.loops = [loop(1), loop(2), loop(3)]
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        publisher.receive("loops", {"type": "select", "loop": 2})
        publisher.click(Action.STOP_EVENT, None)
        publisher.receive("loops", {"type": "select", "loop": 1})
        publisher.click(Action.STOP_LOOP, None)
    sent.wait_for(is_said("Stopping loop-1"))
    assert source.executed == [SetStopEvent(2), StopLoop(1)]


def test_what_python_chose_before_a_click_is_what_is_meant(
    publisher: Publisher, source: FakeSource, face: FakeFace, sent: Sent
):
    """Whatever is chosen by the time that the click is carried out."""
    source.loops = [loop(1), loop(2)]
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        publisher.click(Action.STOP_LOOP, 1)
        face.chosen = 2
    sent.wait_for(is_said("Stopping loop-1"))


def test_what_was_selected_and_is_done_is_not_meant_by_a_later_click(
    publisher: Publisher, source: FakeSource, face: FakeFace, sent: Sent
):
    """Python may have chosen another loop since."""
    source.loops = [loop(1), loop(2)]
    publisher.receive("loops", {"type": "select", "loop": 2})
    until(lambda: face.chosen == 2)
    publisher.click(Action.STOP_LOOP, 1)
    sent.wait_for(is_said("Stopping loop-1"))
    assert source.executed == [StopLoop(1)]


def test_a_click_in_the_midst_of_a_selection_is_for_the_loop_that_it_selects(
    publisher: Publisher, source: FakeSource, face: FakeFace
):
    """Another thread sees the loop that was chosen before until the selection is done."""
    source.loops = [loop(1), loop(2)]

    def click(_name: str) -> None:
        face.observer = lambda _: None
        publisher.click(Action.STOP_LOOP, 1)

    face.observer = click
    publisher.receive("loops", {"type": "select", "loop": 2})
    until(lambda: source.executed)
    assert source.executed == [StopLoop(2)]


def test_a_panel_of_which_much_is_asked_holds_up_no_other(
    publisher: Publisher, source: FakeSource, face: FakeFace, monkeypatch: pytest.MonkeyPatch
):
    """They take turns; what is asked of one panel is done in its order all the same."""
    monkeypatch.setattr("bgwidgets.widgets.publisher._A_TURN", 0)
    source.loops = [loop(1), loop(2)]
    other_face = FakeFace()
    other = Publisher(source, lambda: other_face)
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        for _ in range(20):
            publisher.click(Action.STOP_EVENT, 1)
        publisher.click(Action.STOP_LOOP, 1)
        other.click(Action.STOP_EVENT, 2)
    until(lambda: len(source.executed) == 22)
    other.close()
    assert source.executed.index(SetStopEvent(2)) <= 1
    source.executed.remove(SetStopEvent(2))
    assert source.executed == [SetStopEvent(1)] * 20 + [StopLoop(1)]


def test_much_that_is_asked_is_done_without_waiting(
    publisher: Publisher, face: FakeFace, source: FakeSource, monkeypatch: pytest.MonkeyPatch
):
    """Also by a panel that is closed, or at rest, meanwhile: turn by turn."""
    monkeypatch.setattr("bgwidgets.widgets.publisher._A_TURN", 0)
    [thread] = panel_threads()
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        for _ in range(50):
            publisher.click(Action.STOP_EVENT, 1)
        publisher.close()
    thread.join(LIMIT)
    assert source.executed == [SetStopEvent(1)] * 50


def test_of_ranges_that_are_picked_one_after_the_other_the_last_is_worked_out(
    publisher: Publisher, source: FakeSource, face: FakeFace, sent: Sent
):
    """Each may take a tenth of a second; a command in between is for what was picked before it."""
    source.tasks = {1: [task(number) for number in range(9000)]}
    gate = Gate()
    publisher.receive("tasks", HELLO)
    sent.wait_for(lambda channel, message: (channel, message["type"]) == ("tasks", "frame"))
    face.observer = lambda name: gate.pass_through() if name == "filter" else None
    with gate.holding(lambda: publisher.receive("tasks", {"type": "filter", "text": ""})):
        for start in (1000, 2000, 3000):
            publisher.receive("tasks", pick_range(start))
        publisher.click(Action.CANCEL_TASKS, 1)
        for start in (4000, 5000):
            publisher.receive("tasks", pick_range(start))
        publisher.click(Action.CANCEL_TASKS, 1)
    until(lambda: len(source.executed) == 2)
    assert source.executed == [
        CancelTasks(1, tuple(range(3000, 3003))),
        CancelTasks(1, tuple(range(5000, 5003))),
    ]
    asked = {request.start for _, request in source.requests if request.start}
    assert asked == {3000 - FURTHEST, 5000 - FURTHEST}


def test_more_than_thousands_of_messages_at_once_are_refused_with_an_answer(
    publisher: Publisher, source: FakeSource, face: FakeFace, sent: Sent
):
    """A page may send them while this thread is held up. What Python asks for is done."""
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        for _ in range(MOST_WAITING + 10):
            publisher.receive("tasks", {"type": "window", "view": "v", "start": 0, "stop": 9})
        publisher.refuse(InvalidRequest("this widget takes no such message"))
        publisher.click(Action.STOP_LOOP, 1)
        assert len(publisher._inbox) == MOST_WAITING + 1
    answer = "The page sent what it should not (11 messages so far): more at once than is taken"
    sent.wait_for(lambda _, message: message.get("text", "").startswith(answer))
    until(lambda: source.executed)
    assert source.executed == [StopLoop(1)]
    publisher.receive("loops", {"type": "select", "loop": 1})
    until(lambda: face.chosen == 1)


def test_closing_ends_the_thread(publisher: Publisher, source: FakeSource):
    """And the subscription; a second time does nothing."""
    [thread] = panel_threads()
    publisher.close()
    publisher.close()
    thread.join(LIMIT)
    assert not thread.is_alive()
    assert source.subscribers == []


def test_all_panels_share_one_thread(publisher: Publisher, source: FakeSource):
    """It ends with the last of them."""
    [thread] = panel_threads()
    faces = [FakeFace() for _ in range(3)]
    others = [Publisher(source, partial(next, itertools.repeat(face))) for face in faces]
    for other, face in zip(others, faces, strict=True):
        other.receive("loops", HELLO)
        Sent(face).wait_for(lambda _, message: message["type"] == "frame")
    assert panel_threads() == [thread]
    for other in [*others[1:], publisher]:
        other.close()
    others[0].click(Action.STOP_LOOP, 1)
    Sent(faces[0]).wait_for(is_said("Stopping loop-1"))
    assert panel_threads() == [thread]
    others[0].close()
    thread.join(LIMIT)
    assert panel_threads() == []


def test_an_error_in_one_panel_does_not_touch_the_others(
    publisher: Publisher, source: FakeSource, sent: Sent
):
    """Nor does one whose panel is gone."""

    def fail(_name: str) -> None:
        raise RuntimeError("broken observer")

    broken = FakeFace(observer=fail)
    others = [Publisher(source, lambda: broken), Publisher(source, lambda: None)]
    for other in others:
        other.receive("loops", {"type": "filter", "text": "x"})
    publisher.receive("loops", HELLO)
    sent.wait_for(lambda _, message: message["type"] == "frame")
    Sent(broken).wait_for(lambda _, message: "broken observer" in message.get("text", ""))
    for other in others:
        other.close()


def test_a_panel_at_rest_needs_no_thread(publisher: Publisher, source: FakeSource):
    """It asks to be told of nothing; what it is asked for, it does."""
    [thread] = panel_threads()
    until(publisher.rest)
    publisher.refresh()
    thread.join(LIMIT)
    assert (panel_threads(), source.subscribers) == ([], [])
    publisher.click(Action.STOP_LOOP, 1)
    for other in panel_threads():
        other.join(LIMIT)
    assert source.executed == [StopLoop(1)]


def test_a_panel_that_is_displayed_again_is_told_again(publisher: Publisher, source: FakeSource):
    """Once."""
    until(publisher.rest)
    for _ in range(2):
        publisher.displayed(None, inside_another=False)
    assert len(source.subscribers) == 1
    publisher.close()
    assert source.subscribers == []


def test_one_that_has_something_to_do_is_not_put_to_rest(
    publisher: Publisher, source: FakeSource, face: FakeFace
):
    """It may be that it was just displayed."""
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        publisher.displayed(None, inside_another=False)
        assert not publisher.rest()
    publisher.close()
    assert not publisher.rest()
    assert source.subscribers == []


def test_what_was_asked_before_closing_is_done(publisher: Publisher, source: FakeSource):
    """A click that was made is not forgotten."""
    [thread] = panel_threads()
    publisher.click(Action.CANCEL_TASKS, 1)
    publisher.close()
    thread.join(LIMIT)
    assert source.executed == [CancelTasks(1)]


def test_what_was_asked_before_closing_is_done_after_an_error(
    publisher: Publisher, source: FakeSource, face: FakeFace, monkeypatch: pytest.MonkeyPatch
):
    """Of what is asked at the same time, one failure takes nothing else along."""
    gate = Gate()
    face.observer = lambda _: gate.pass_through()
    take, failed = Feed.take, threading.Event()

    def broken(feed: Feed, item: Any, *more: Any) -> None:
        if not isinstance(item, Refresh):
            take(feed, item, *more)
            return
        failed.set()
        raise RuntimeError("broken")

    monkeypatch.setattr(Feed, "take", broken)
    [thread] = panel_threads()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        publisher.refresh()
        publisher.click(Action.CANCEL_TASKS, 1)
        publisher.close()
    thread.join(LIMIT)
    assert failed.is_set()
    assert source.executed == [CancelTasks(1)]


def test_what_was_asked_of_a_panel_that_is_garbage_then_is_done(source: FakeSource):
    """A click on one that nobody keeps is no less a click; and then it is gone."""
    face = FakeFace()
    gate, find_face = Gate(), weakref.ref(face)
    face.observer = lambda _: gate.pass_through()
    publisher = Publisher(source, find_face)
    [thread] = panel_threads()
    with gate.holding(lambda: publisher.receive("loops", {"type": "filter", "text": "x"})):
        publisher.click(Action.CANCEL_TASKS, 1)
        publisher.close()
        del face
    thread.join(LIMIT)
    assert source.executed == [CancelTasks(1)]
    assert find_face() is None


def test_after_closing_nothing_happens(publisher: Publisher, source: FakeSource, face: FakeFace):
    """Late messages and clicks are harmless."""
    [thread] = panel_threads()
    publisher.close()
    thread.join(LIMIT)
    face.sent.clear()
    publisher.receive("loops", HELLO)
    publisher.click(Action.STOP_LOOP, 1)
    publisher.refresh()
    publisher.setting_changed()
    assert (source.executed, face.sent, panel_threads()) == ([], [], [])
    assert list(publisher._inbox) == []


def test_a_panel_can_be_closed_in_its_own_thread(
    publisher: Publisher, face: FakeFace, source: FakeSource
):
    """By an observer of one of its traits."""
    [thread] = panel_threads()
    face.observer = lambda _: publisher.close()
    publisher.receive("loops", {"type": "filter", "text": "x"})
    thread.join(LIMIT)
    assert not thread.is_alive()
    assert source.subscribers == []


def test_a_panel_that_is_garbage_takes_its_thread_along(source: FakeSource):
    """The thread does not keep it alive, not even between two looks."""
    face = FakeFace()
    sent = Sent(face)
    find_face: Callable[[], Face | None] = weakref.ref(face)
    publisher = Publisher(source, find_face)
    [thread] = panel_threads()
    publisher.receive("loops", HELLO)
    sent.wait_for(lambda _, message: message["type"] == "frame")
    is_gone = threading.Event()
    weakref.finalize(face, is_gone.set)
    del face, sent
    gc.collect()
    publisher.refresh()
    thread.join(LIMIT)
    assert is_gone.is_set()
    assert not thread.is_alive()
    assert source.subscribers == []


def test_an_error_in_the_panel_itself_is_said_and_survived(
    publisher: Publisher,
    source: FakeSource,
    sent: Sent,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    """A broken panel says so; it does not just stand still."""

    def fail(loop_id: int, request: object) -> Any:
        raise RuntimeError(f"no tasks of {loop_id} for {type(request).__name__}")

    with monkeypatch.context() as patch:
        patch.setattr(source, "task_window", fail)
        publisher.receive("tasks", HELLO)
        sent.wait_for(lambda _, message: message.get("level") == "error")
    publisher.refresh()
    sent.wait_for(lambda channel, message: (channel, message["type"]) == ("tasks", "frame"))
    assert "RuntimeError: no tasks of 1" in caplog.text


def test_after_an_error_there_is_a_pause(
    publisher: Publisher, source: FakeSource, monkeypatch: pytest.MonkeyPatch
):
    """What fails each time is tried again, and not at once: it would take all the time there is."""
    pause, times, is_tried_again = 0.2, list[float](), threading.Event()

    def fail(_loop_id: int, _request: object) -> Any:
        times.append(time.monotonic())
        if len(times) == 2:
            is_tried_again.set()
        raise RuntimeError("broken")

    monkeypatch.setattr("bgwidgets.widgets.publisher._AFTER_AN_ERROR", pause)
    with monkeypatch.context() as patch:
        patch.setattr(source, "task_window", fail)
        publisher.receive("tasks", HELLO)
        assert is_tried_again.wait(LIMIT)
    assert times[1] - times[0] >= pause


def test_many_threads_may_speak_at_once(publisher: Publisher, source: FakeSource):
    """Every click of each of them is done, once."""
    barrier = threading.Barrier(4)
    [panel_thread] = panel_threads()

    def click() -> None:
        barrier.wait(LIMIT)
        for _ in range(50):
            publisher.click(Action.STOP_EVENT, 1)
            source.change(loop(1))

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    publisher.close()
    panel_thread.join(LIMIT)
    assert source.executed == [SetStopEvent(1)] * 200
