"""What came of a command, said when it is real; or, after a while, that nothing did, and why.

Used by the publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bgwidgets.commands import CancelTasks, KillLoop, SetStopEvent, StopLoop
from bgwidgets.snapshots import LoopSnapshot, TaskSnapshot
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
    asked: int
    """How many tasks are to end, where these are to be cancelled."""
    at: float
    told: int | None = None
    """So many were said to be cancelled, and then there were others that had gone on."""


KnownAmong = Callable[[int, Sequence[int]], Sequence[TaskSnapshot]]
"""Those of a loop's tasks with these ids that are still known, as they are now."""


class Outcomes:
    """The commands of which it is not known yet what came of them: one for each loop."""

    def __init__(self, known_among: KnownAmong) -> None:
        self._known_among: Final = known_among
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
        tasks = command.task_ids if isinstance(command, CancelTasks) else None
        asked = loop.unfinished_tasks if tasks is None else len(tasks)
        self._awaited[loop.id] = _Awaited(command, loop.run_number, cancelled, asked, now)

    def notice(self, loops: Sequence[LoopSnapshot], now: float) -> list[Said]:
        """What is to be said of the loops as they stand now; each command is answered once, and
        once more where some of the tasks that it was for turn out to swallow it.
        """
        listed = {loop.id: loop for loop in loops}
        said: list[Said] = []
        for loop_id, awaited in list(self._awaited.items()):
            loop = listed.get(loop_id)
            if loop is None or loop.run_number != awaited.run_number:
                del self._awaited[loop_id]  # It was removed, or restarted.
                continue
            if now < awaited.at + FIRST_LOOK_AFTER:
                continue
            said += self._notice(awaited, loop, now)
        return said

    def _cancelled(self, awaited: _Awaited, loop: LoopSnapshot) -> tuple[int, bool]:
        """How many tasks were cancelled since, where they are to be; and whether some still are
        being cancelled. Of some tasks only these count, as far as they are still known.
        """
        if not isinstance(awaited.command, CancelTasks):
            return 0, False
        if awaited.command.task_ids is None:
            now = loop.task_counts.get(TaskState.CANCELLED, 0)
            return max(0, now - awaited.cancelled_before), _cancelling(loop) > 0
        states = [task.state for task in self._known_among(loop.id, awaited.command.task_ids)]
        return states.count(TaskState.CANCELLED), TaskState.CANCELLING in states

    def _notice(self, awaited: _Awaited, loop: LoopSnapshot, now: float) -> list[Said]:
        is_over = now >= awaited.at + PATIENCE
        if loop.state.has_ended:
            del self._awaited[loop.id]
            has_failed = loop.state is LoopState.FAILED and loop.error_line
            line = f": {loop.error_line}" if has_failed else ""
            return [Said(f"{loop.name} is {loop.state}{line}", is_error=bool(line))]
        cancelled, is_under_way = self._cancelled(awaited, loop)
        if awaited.told is None and cancelled and not is_under_way:
            # Of the others some may have ended by themselves, and some may swallow: that is seen
            # only after a while.
            if cancelled >= awaited.asked:
                del self._awaited[loop.id]
                return [Said(f"Cancelled {_tasks(cancelled)} of {loop.name}")]
            self._awaited[loop.id] = replace(awaited, told=cancelled)
            return [Said(f"Cancelled {cancelled} of {_tasks(awaited.asked)} of {loop.name}")]
        if not is_over:
            return []
        del self._awaited[loop.id]
        if awaited.told is not None and not loop.tasks_that_swallow:
            return []
        return [_no_outcome(awaited, loop)]


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
