"""What came of a command, said when it is real; or, after a while, that nothing did, and why.

Used by the publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bgwidgets.commands import CancelTasks, KillLoop, SetStopEvent, StopLoop
from bgwidgets.snapshots import LoopSnapshot
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.protocols import Said

Ending = SetStopEvent | StopLoop | CancelTasks | KillLoop
"""The commands that are to end something."""
PATIENCE: Final = 3.0
"""Seconds after which it is said that a command had no effect yet."""
FIRST_LOOK_AFTER: Final = 0.05
"""Seconds in which a loop has taken notice of a command: before, nothing has come of it."""


@dataclass(frozen=True, slots=True)
class _Awaited:
    """One command to one run of a loop, and how things stood before it."""

    command: Ending
    run_number: int
    cancelled_before: int
    at: float


class Outcomes:
    """The commands of which it is not known yet what came of them: one for each loop."""

    def __init__(self) -> None:
        self._awaited: Final[dict[int, _Awaited]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether there is any."""
        return bool(self._awaited)

    @property
    def loop_ids(self) -> Collection[int]:
        """The loops of which something is awaited."""
        return self._awaited.keys()

    def next_look(self) -> float | None:
        """When patience runs out with the first of them."""
        moments = [awaited.at + PATIENCE for awaited in self._awaited.values()]
        return min(moments, default=None)

    def asked(self, command: object, before: Mapping[int, LoopSnapshot], now: float) -> None:
        """This was asked when the loops stood like this, by their ids. Of each loop's commands the
        last one counts, and only those that are to end something.
        """
        if not isinstance(command, Ending):
            return
        loop = before.get(command.loop_id)
        if loop is None or loop.state.has_ended:
            return
        cancelled = loop.task_counts.get(TaskState.CANCELLED, 0)
        self._awaited[loop.id] = _Awaited(command, loop.run_number, cancelled, now)

    def notice(self, loops: Sequence[LoopSnapshot], now: float) -> list[Said]:
        """What is to be said of the loops as they stand now; each command is answered once."""
        listed = {loop.id: loop for loop in loops}
        said: list[Said] = []
        for loop_id, awaited in list(self._awaited.items()):
            loop = listed.get(loop_id)
            if loop is None or loop.run_number != awaited.run_number:
                del self._awaited[loop_id]  # It was removed, or restarted.
                continue
            if now < awaited.at + FIRST_LOOK_AFTER:
                continue
            words = _outcome(awaited, loop)
            if words is None and now >= awaited.at + PATIENCE:
                words = _no_outcome(awaited, loop)
            if words is not None:
                del self._awaited[loop_id]
                said.append(words)
        return said


def _outcome(awaited: _Awaited, loop: LoopSnapshot) -> Said | None:
    """What came of it; None as long as nothing has."""
    if loop.state.has_ended:
        line = f": {loop.error_line}" if loop.state is LoopState.FAILED and loop.error_line else ""
        return Said(f"{loop.name} is {loop.state}{line}", is_error=bool(line))
    if not isinstance(awaited.command, CancelTasks) or _cancelling(loop):
        return None
    count = loop.task_counts.get(TaskState.CANCELLED, 0) - awaited.cancelled_before
    return Said(f"Cancelled {_tasks(count)} of {loop.name}") if count > 0 else None


def _no_outcome(awaited: _Awaited, loop: LoopSnapshot) -> Said:
    """Why nothing came of it so far, as far as that is known."""
    if isinstance(awaited.command, KillLoop):
        return Said(f"{loop.name} is still {loop.state}: its process could not be reached")
    if loop.blocked:
        by = f" by {loop.blocked_by}" if loop.blocked_by else ""
        return Said(f"{loop.name} is blocked{by}, so it cannot obey", is_error=True)
    if swallowing := loop.tasks_that_swallow:
        who = "it swallows" if swallowing == 1 else "they swallow"
        text = f"{_tasks(swallowing)} did not end: {who} CancelledError"
        return Said(text, is_error=True)
    if count := _cancelling(loop):
        return Said(
            f"{_tasks(count)} of {loop.name} did not end yet: still cleaning up, or in a thread"
        )
    if isinstance(awaited.command, SetStopEvent):
        return Said(f"{loop.name} goes on: its work has not looked at the stop event yet")
    if isinstance(awaited.command, CancelTasks):
        return Said(f"No task of {loop.name} was cancelled")
    return Said(f"{loop.name} is still {loop.state}")


def _cancelling(loop: LoopSnapshot) -> int:
    return loop.task_counts.get(TaskState.CANCELLING, 0)


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"
