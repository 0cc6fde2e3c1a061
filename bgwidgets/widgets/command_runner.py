"""Does what was asked of a loop, and says in words what came of it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from bgwidgets.commands import (
    AdoptLoop,
    Asker,
    CancelTasks,
    HostCommand,
    InterruptLoop,
    KillLoop,
    RemoveFinished,
    RemoveLoop,
    RestartLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.exceptions import BgwidgetsError
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.error_text import one_line
from bgwidgets.own_thread import OwnThread
from bgwidgets.snapshots import LoopSnapshot, StopReport
from bgwidgets.widgets.protocols import Action, Found, Said, Source
from bgwidgets.widgets.selection import can_be_stopped

_log: Final = logging.getLogger(__name__)

PanelCommand = (
    SetStopEvent
    | StopLoop
    | CancelTasks
    | InterruptLoop
    | KillLoop
    | RestartLoop
    | RemoveLoop
    | RemoveFinished
)
"""What buttons and rows ask for."""

NO_LOOP: Final = Said("No loop is selected")
GRACE: Final = 2.0
"""Seconds that Stop all gives each loop to end by itself."""


def command_of(action: Action, loop_id: int) -> PanelCommand:
    """What a button asks for of a loop."""
    match action:
        case Action.STOP_EVENT:
            return SetStopEvent(loop_id)
        case Action.STOP_LOOP:
            return StopLoop(loop_id)
        case Action.CANCEL_TASKS:
            return CancelTasks(loop_id)
        case Action.RESTART:
            return RestartLoop(loop_id)
        case Action.KILL:
            return KillLoop(loop_id)
        case Action.REMOVE_FINISHED | Action.STOP_ALL:
            raise ValueError(f"{action} is for no single loop")


def put_together(said: Sequence[Said]) -> Said:
    """In one line what came of several commands: what went wrong stands in front. It stays, so what
    holds for some seconds only is left out beside it.
    """
    if any(each.is_error for each in said):
        said = [each for each in said if each.until is None]
    texts = dict.fromkeys(each.text for each in sorted(said, key=lambda each: not each.is_error))
    return Said(
        "; ".join(texts),
        is_error=any(each.is_error for each in said),
        until=min((each.until for each in said if each.until is not None), default=None),
    )


def error_in_words(error: BaseException) -> str:
    """One line; our own errors are sentences already, others say what they are. Never raises."""
    line = one_line(error)
    if issubclass(type(error), BgwidgetsError):  # Not `isinstance`, which asks the error.
        return line.removeprefix(f"{type(error).__qualname__}: ")
    return line


@dataclass(frozen=True, slots=True)
class Adopted:
    """A loop that was found is listed now."""

    loop_id: int


Report = Said | Found | Adopted


class CommandRunner:
    """Runs commands for one panel. `report` is given what comes of those that take their time: a
    restart, an adoption, a look for loops.
    """

    def __init__(self, source: Source, report: Callable[[Report], None]) -> None:
        self._source: Final = source
        self._report: Final = report
        self._restarting: Final[set[int]] = set()
        self._is_stopping_all = False
        self._guard: Final = free_in_forks(threading.Lock())
        self._wanted: list[int | None] = []
        """The looks to come, each with what is to be adopted before it."""
        self._is_looking = False

    def run(self, command: PanelCommand) -> Said:
        """Do it and say what was done, or why not. Returns at once; never raises.

        In the publisher's thread only. A restart goes on in a thread of its own, because the loop
        is stopped first and may take its time; `report` is called there.
        """
        try:
            return self._run(command)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is said, in the panel
            return _failure(error)

    def look(self, adopt: int | None = None) -> None:
        """Look for all event loops, in a thread of its own. Returns at once.

        Before that, one that was found earlier is adopted, where `adopt` names it. A look goes
        through every object of the process, so there is one at a time, and one more for all that
        ask meanwhile.
        """
        with self._guard:
            self._wanted.append(adopt)
            if self._is_looking:
                return
            self._is_looking = True
        try:
            OwnThread(self._look_on, "bgwidgets-look").start()
        except RuntimeError as error:  # No thread can be had, now; the next click tries again.
            with self._guard:
                self._wanted, self._is_looking = [], False
            self._report(_failure(error))

    def stop_all(self) -> Said:
        """Bring every loop down, in a thread of its own; `report` is told what came of it."""
        count = sum(map(can_be_stopped, self._source.snapshots()))
        if count == 0:
            return Said("No loop is running")
        if not self._is_stopping_all:
            self._is_stopping_all = True
            try:
                OwnThread(self._stop_all_now, "bgwidgets-stop-all").start()
            except RuntimeError as error:  # As above.
                self._is_stopping_all = False
                return _failure(error)
        return Said(f"Stopping {_loops(count)}")

    def _stop_all_now(self) -> None:
        try:
            reports = self._source.stop_all(GRACE)
            left = sum(not report.outcome.has_ended for report in reports)
            text = f"Stopped {_loops(len(reports) - left)}"
            if left:
                text += f"; {left} did not end: {_what_is_left(reports)}"
            said = Said(text, is_error=left > 0)
        except Exception as error:  # noqa: BLE001 - whatever went wrong is said, in the panel
            said = _failure(error)
        finally:
            self._is_stopping_all = False
        self._report(said)

    def _look_on(self) -> None:
        while wanted := self._take_wanted():
            for loop_id in wanted:
                if loop_id is not None:
                    self._adopt_now(loop_id)
            self._look_now()

    def _take_wanted(self) -> list[int | None]:
        with self._guard:
            wanted, self._wanted = list(dict.fromkeys(self._wanted)), []
            self._is_looking = bool(wanted)
            return wanted

    def _look_now(self) -> None:
        cells_thread = threading.main_thread().native_id
        loops: Sequence[LoopSnapshot] = ()
        listed: set[int] = set()
        try:
            loops = self._source.discover()
            listed = {loop.id for loop in self._source.snapshots()}
        except Exception as error:  # noqa: BLE001 - whatever went wrong is said, in the panel
            self._report(_failure(error))
        self._report(Found(tuple(loops), listed, time.time(), cells_thread))

    def _adopt_now(self, loop_id: int) -> None:
        try:
            self._source.execute(AdoptLoop(loop_id))
            listed = {loop.id: loop.name for loop in self._source.snapshots()}
        except Exception as error:  # noqa: BLE001 - whatever went wrong is said, in the panel
            self._report(_failure(error))
            return
        if loop_id not in listed:
            # It was adopted since it was found, from Python and by its function.
            self._report(Said("That loop is in the list already"))
            return
        self._report(Said(f"{listed[loop_id]} is listed now"))
        self._report(Adopted(loop_id))

    def _run(self, command: PanelCommand) -> Said:
        match command:
            case RemoveFinished():
                return self._remove_finished()
            case RestartLoop(loop_id):
                return self._restart(command, _name_of(loop_id, self._source.snapshots()))
            case RemoveLoop(loop_id):
                name = _name_of(loop_id, self._source.snapshots())
                self._source.execute(command)
                return Said(f"Removed {name}")
        loops = self._source.snapshots()
        name = _name_of(command.loop_id, loops)
        if any(loop.id == command.loop_id and loop.state.has_ended for loop in loops):
            return Said(f"{name} has already ended")
        self._source.execute(_signed(command))
        return Said(_done(command, name))

    def _remove_finished(self) -> Said:
        before = {loop.id for loop in self._source.snapshots()}
        self._source.execute(RemoveFinished())
        count = len(before - {loop.id for loop in self._source.snapshots()})
        if count == 0:
            return Said("No loop has ended, so none was removed")
        return Said("Removed 1 loop" if count == 1 else f"Removed {count} loops")

    def _restart(self, command: RestartLoop, name: str) -> Said:
        if command.loop_id in self._restarting:
            return Said(f"{name} is being restarted")
        self._restarting.add(command.loop_id)
        try:
            # A daemon, for it must not keep the kernel from ending.
            OwnThread(partial(self._restart_now, command, name), "bgwidgets-restart").start()
        except RuntimeError:  # As above.
            self._restarting.discard(command.loop_id)
            raise
        return Said(f"Restarting {name}")

    def _restart_now(self, command: RestartLoop, name: str) -> None:
        try:
            self._source.execute(command)
            said = Said(f"{name} was restarted")
        except Exception as error:  # noqa: BLE001 - whatever went wrong is said, in the panel
            said = _failure(error)
        finally:
            self._restarting.discard(command.loop_id)
        self._report(said)


def _signed(command: HostCommand) -> HostCommand:
    """So that the history of the tasks tells that it was a click."""
    match command:
        case StopLoop():
            return replace(command, by=Asker("button Stop loop"))
        case CancelTasks(task_ids=None):
            return replace(command, by=Asker("button Cancel tasks"))
        case CancelTasks():
            return replace(command, by=Asker("button Cancel task"))
    return command


def _done(command: HostCommand, name: str) -> str:
    match command:
        case SetStopEvent():
            return f"Stop event set on {name}"
        case StopLoop():
            return f"Stopping {name}"
        case InterruptLoop():
            return f"Interrupted {name}"
        case KillLoop():
            return f"Killing {name}"
        case CancelTasks(task_ids=task_ids):
            if task_ids is None:
                return f"Cancelling all tasks of {name}"
            count = len(task_ids)
            return f"Cancelling {count} {'task' if count == 1 else 'tasks'} of {name}"


def _loops(count: int) -> str:
    return "1 loop" if count == 1 else f"{count} loops"


def _what_is_left(reports: Iterable[StopReport]) -> str:
    """The names of what holds loops up, three at the most."""
    left = [
        name
        for report in reports
        if not report.outcome.has_ended
        for name in report.unfinished_tasks or report.threads_left
    ]
    return ", ".join(left[:3]) + (", …" if len(left) > 3 else "")


def _name_of(loop_id: int, loops: Sequence[LoopSnapshot]) -> str:
    return next((loop.name for loop in loops if loop.id == loop_id), "the loop")


def _failure(error: Exception) -> Said:
    if not issubclass(type(error), BgwidgetsError):
        # Nobody foresaw it, so one line is not enough to find it.
        _log.error("A command of the panel failed", exc_info=error)
    return Said(error_in_words(error), is_error=True)
