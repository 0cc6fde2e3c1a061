"""Commands are done, and it is said what came of them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bgwidgets.commands import (
    CancelTasks,
    Command,
    RemoveFinished,
    RestartLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.exceptions import CannotRestart, ProtectedLoop, WouldDeadlock
from bgwidgets.snapshots import StopReport
from bgwidgets.states import LoopState
from bgwidgets.widgets.command_runner import (
    CommandRunner,
    PanelCommand,
    Report,
    command_of,
    error_in_words,
    put_together,
)
from bgwidgets.widgets.protocols import Action, Said
from tests.waiting import until
from tests.widgets.fakes import FakeSource, ended_loop, loop

LIMIT = 5.0


@pytest.fixture
def source() -> FakeSource:
    """A loop that runs and two that have ended."""
    return FakeSource([ended_loop(1), ended_loop(2, name="prices"), loop(7, name="race")])


@pytest.fixture
def runner(source: FakeSource) -> CommandRunner:
    """Whose restarts report to nobody."""
    return CommandRunner(source, lambda _: None)


@pytest.mark.parametrize(
    ("command", "text"),
    [
        (SetStopEvent(7), "Stop event set on race"),
        (StopLoop(7), "Stopping race"),
        (CancelTasks(7), "Cancelling all tasks of race"),
        (CancelTasks(7, (3,)), "Cancelling 1 task of race"),
        (CancelTasks(7, (3, 4)), "Cancelling 2 tasks of race"),
    ],
)
def test_a_command_is_done_and_said(
    runner: CommandRunner, source: FakeSource, command: PanelCommand, text: str
):
    """In words that name the loop."""
    assert runner.run(command) == Said(text)
    assert source.executed == [command]


def test_a_click_that_comes_too_late_is_harmless(runner: CommandRunner, source: FakeSource):
    """The loop may have ended while the click was under way."""
    assert runner.run(SetStopEvent(2)) == Said("prices has already ended")
    assert source.executed == []


def test_removing_says_how_many(runner: CommandRunner):
    """Also that there were none."""
    assert runner.run(RemoveFinished()) == Said("Removed 2 loops")
    assert runner.run(RemoveFinished()) == Said("No loop has ended, so none was removed")


def test_our_own_errors_are_sentences(runner: CommandRunner, source: FakeSource):
    """They say what to do, and need no name before them."""
    source.error = ProtectedLoop("race is the\nkernel's own")
    assert runner.run(StopLoop(7)) == Said("race is the kernel's own", is_error=True)


def test_other_errors_say_what_they_are(
    runner: CommandRunner, source: FakeSource, caplog: pytest.LogCaptureFixture
):
    """And leave their traceback in the log."""
    source.error = ZeroDivisionError("oh")
    assert runner.run(StopLoop(7)) == Said("ZeroDivisionError: oh", is_error=True)
    assert [record.exc_info is not None for record in caplog.records] == [True]
    assert error_in_words(KeyError()) == "KeyError"


def test_an_error_that_is_broken_itself_is_said_too(runner: CommandRunner, source: FakeSource):
    """A user's `__str__` may raise anything."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError

    source.error = Broken()
    said = runner.run(StopLoop(7))
    assert said.is_error
    assert "Broken" in said.text


@pytest.mark.parametrize("action", Action)
def test_every_button_of_a_loop_has_its_command(action: Action):
    """And those that are for all loops have none of their own."""
    if action.is_for_a_loop:
        assert getattr(command_of(action, 7), "loop_id", None) == 7
    else:
        with pytest.raises(ValueError, match="no single loop"):
            command_of(action, 7)


def test_several_commands_in_one_line():
    """What went wrong comes first, and the same is said once."""
    said = [Said("Stopping a"), Said("b is protected", is_error=True), Said("Stopping a")]
    assert put_together(said) == Said("b is protected; Stopping a", is_error=True)


def test_what_holds_for_some_seconds_only_stands_beside_nothing_that_stays():
    """An error is read for as long as nothing else is said."""
    asked, done = Said("Click again within 3 s", until=12.0), Said("Stopping a")
    wrong = Said("b is protected", is_error=True)
    assert put_together([asked, wrong]) == wrong
    assert put_together([asked, done]).until == 12.0


@pytest.fixture
def no_threads() -> Iterator[pytest.MonkeyPatch]:
    """There are too many already for a command's; until `undo()`."""
    with pytest.MonkeyPatch.context() as patch:
        start = threading.Thread.start

        def refuse(thread: threading.Thread) -> None:
            if not _of_a_command([thread]):
                return start(thread)
            raise RuntimeError("can't start new thread")

        patch.setattr(threading.Thread, "start", refuse)
        yield patch


NO_THREAD = Said("RuntimeError: can't start new thread", is_error=True)


@pytest.mark.parametrize("what", ["a restart", "a look", "stop all"])
def test_a_thread_that_cannot_be_had_is_asked_for_again(
    source: FakeSource, no_threads: pytest.MonkeyPatch, what: str
):
    """It is said, and the next click does it."""
    reported: queue.SimpleQueue[Report] = queue.SimpleQueue()
    runner = CommandRunner(source, reported.put)
    ask: dict[str, Callable[[], Said | None]] = {
        "a restart": lambda: runner.run(RestartLoop(7)),
        "a look": lambda: runner.look(7),
        "stop all": runner.stop_all,
    }
    for _ in range(2):
        assert NO_THREAD == (ask[what]() or reported.get(timeout=LIMIT))
    no_threads.undo()
    assert NO_THREAD != ask[what]()
    assert NO_THREAD != reported.get(timeout=LIMIT)
    until(lambda: not _of_a_command(threading.enumerate()))


def _of_a_command(threads: list[threading.Thread]) -> list[threading.Thread]:
    names = {"bgwidgets-look", "bgwidgets-restart", "bgwidgets-stop-all"}
    return [each for each in threads if each.name in names]


def reports_of(runner: CommandRunner, reported: list[Any]) -> Any:
    """What stop_all says at once, and what it reports when it is over."""
    said = runner.stop_all()
    deadline = time.monotonic() + LIMIT
    while not reported:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return said, reported.pop()


def test_stop_all(source: FakeSource):
    """In a thread of its own; only what runs and is not protected is counted."""
    reported: list[Any] = []
    runner = CommandRunner(source, reported.append)
    source.loops = [loop(1), loop(2), ended_loop(3), loop(4, protected=True)]
    ended = StopReport(outcome=LoopState.FINISHED, seconds=0.1, steps=())
    source.stop_reports = [ended, ended]
    said, report = reports_of(runner, reported)
    assert (said, report) == (Said("Stopping 2 loops"), Said("Stopped 2 loops"))
    assert source.graces == [2.0]


def test_stop_all_names_what_is_left(source: FakeSource):
    """Three names at the most, of tasks or else of threads."""
    reported: list[Any] = []
    runner = CommandRunner(source, reported.append)
    source.loops = [loop(1), loop(2)]
    fields: dict[str, Any] = {"outcome": LoopState.STOPPING, "seconds": 5.0, "steps": ()}
    source.stop_reports = [
        StopReport(**fields, unfinished_tasks=("a", "b")),
        StopReport(**fields, threads_left=("bgw-c", "bgw-d")),
    ]
    _, report = reports_of(runner, reported)
    assert report == Said("Stopped 0 loops; 2 did not end: a, b, bgw-c, …", is_error=True)


def test_stop_all_that_fails_is_said(source: FakeSource):
    """And it can be tried again."""
    reported: list[Any] = []
    runner = CommandRunner(source, reported.append)
    source.loops, source.error = [loop(1)], WouldDeadlock("in its own thread")
    assert reports_of(runner, reported)[1] == Said("in its own thread", is_error=True)
    source.error = None
    source.stop_reports = [StopReport(outcome=LoopState.STOPPED, seconds=0.0, steps=())]
    assert reports_of(runner, reported)[1] == Said("Stopped 1 loop")


def test_nothing_runs_so_there_is_nothing_to_stop(source: FakeSource, runner: CommandRunner):
    """And that is said."""
    source.loops = [ended_loop(1)]
    assert runner.stop_all() == Said("No loop is running")
    assert source.graces == []


class SlowSource(FakeSource):
    """Its restarts take until they are allowed to end, and are written down by their thread."""

    def __init__(self) -> None:
        super().__init__([loop(7, name="race")])
        self.may_end = threading.Event()
        self.threads: list[threading.Thread] = []

    def execute(self, command: Command) -> None:
        """Waits."""
        self.threads.append(threading.current_thread())
        assert self.may_end.wait(LIMIT)
        super().execute(command)


def test_a_restart_does_not_hold_up_the_panel():
    """It is said that it began, and when it is done; its thread keeps no kernel from ending."""
    source, reports, reported = SlowSource(), [], threading.Event()

    def report(said: Report) -> None:
        reports.append(said)
        reported.set()

    runner = CommandRunner(source, report)
    assert runner.run(RestartLoop(7)) == Said("Restarting race")
    assert runner.run(RestartLoop(7)) == Said("race is being restarted")
    assert reports == []
    source.may_end.set()
    assert reported.wait(LIMIT)
    assert reports == [Said("race was restarted")]
    assert source.executed == [RestartLoop(7)]
    assert [thread.daemon for thread in source.threads] == [True]


def test_a_restart_that_fails_says_why():
    """And can be tried again."""
    source, reports, reported = SlowSource(), [], threading.Event()
    source.error = CannotRestart("start the function instead")

    def report(said: Report) -> None:
        reports.append(said)
        reported.set()

    runner = CommandRunner(source, report)
    source.may_end.set()
    for _ in range(2):
        reported.clear()
        assert runner.run(RestartLoop(7)) == Said("Restarting race")
        assert reported.wait(LIMIT)
    assert reports == [Said("start the function instead", is_error=True)] * 2
