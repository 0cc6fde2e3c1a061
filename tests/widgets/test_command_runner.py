"""Commands are done, and it is said what came of them."""

from __future__ import annotations

import threading

import pytest

from bgwidgets.commands import (
    CancelTasks,
    Command,
    RemoveFinished,
    RestartLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.exceptions import CannotRestart, ProtectedLoop
from bgwidgets.widgets.command_runner import (
    CommandRunner,
    PanelCommand,
    Report,
    command_of,
    error_in_words,
)
from bgwidgets.widgets.protocols import Action, Said
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


def test_without_a_loop_nothing_is_done(runner: CommandRunner, source: FakeSource):
    """And that is said, as nobody may have noticed that none is selected."""
    assert runner.run(None) == Said("No loop is selected")
    assert source.executed == []


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
def test_every_button_has_its_command(action: Action):
    """Only one of them needs no loop."""
    assert command_of(action, 7) is not None
    assert (command_of(action, None) is None) is (action is not Action.REMOVE_FINISHED)


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
