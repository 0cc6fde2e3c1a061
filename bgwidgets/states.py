"""The states of loops and tasks, and the rules by which a loop goes from one to the next.

All of it is pure: two tables and the functions that read them. Hosts report what happened as a
`LoopEvent`; what follows from that is decided here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class LoopState(StrEnum):
    """How a background loop is doing."""

    STARTING = "starting"
    """Asked for; its event loop does not turn yet."""
    RUNNING = "running"
    """Its event loop turns and its main task has not ended."""
    STOPPING = "stopping"
    """Its main task has ended or a stop was asked for; what is left is being cancelled."""
    FINISHED = "finished"
    """The main task returned."""
    STOPPED = "stopped"
    """`stop_loop()` ended it."""
    CANCELLED = "cancelled"
    """The main task was cancelled."""
    FAILED = "failed"
    """The main task raised, or the loop could not start."""
    KILLED = "killed"
    """`kill()` ended its process."""
    LOST = "lost"
    """Its host is gone."""

    @property
    def has_ended(self) -> bool:
        """Whether this is one of the six states that nothing follows."""
        return self not in UNFINISHED_LOOP_STATES


UNFINISHED_LOOP_STATES: Final = frozenset(
    {LoopState.STARTING, LoopState.RUNNING, LoopState.STOPPING}
)


class TaskState(StrEnum):
    """How a task is doing, in asyncio's own words; it has none for a task whose process is gone."""

    PENDING = "pending"
    """It waits for something."""
    RUNNING = "running"
    """Its code runs at this moment: in the loop, or as a plain function in a worker thread."""
    CANCELLING = "cancelling"
    """It was asked to cancel and has not ended."""
    FINISHED = "finished"
    """It returned."""
    FAILED = "failed"
    """It raised."""
    CANCELLED = "cancelled"
    """It ended by its cancellation."""
    LOST = "lost"
    """The process that carried its loop is gone: it had not ended, and never will."""

    @property
    def has_ended(self) -> bool:
        """Whether the task is done."""
        return self not in UNFINISHED_TASK_STATES


UNFINISHED_TASK_STATES: Final = frozenset(
    {TaskState.PENDING, TaskState.RUNNING, TaskState.CANCELLING}
)


class LoopEvent(StrEnum):
    """What can happen to a loop, as far as its state is concerned."""

    STARTED = "started"
    """The event loop turns."""
    STOP_ASKED = "stop asked"
    """`stop_loop()` was called."""
    MAIN_RETURNED = "main returned"
    """The main task returned."""
    MAIN_CANCELLED = "main cancelled"
    """The main task ended by CancelledError."""
    MAIN_FAILED = "main failed"
    """The main task raised anything else, or there is no main task because start-up broke."""
    HOST_LOST = "host lost"
    """What carries the loop (its process, its Dask worker) is gone unasked."""
    KILLED = "killed"
    """`kill()` ended what carries the loop."""
    CLOSED = "closed"
    """The event loop is closed and its thread about to end: nothing follows."""


HOW_A_LOOP_ENDS: Final[tuple[tuple[LoopEvent, LoopState], ...]] = (
    (LoopEvent.KILLED, LoopState.KILLED),
    (LoopEvent.HOST_LOST, LoopState.LOST),
    (LoopEvent.MAIN_FAILED, LoopState.FAILED),
    (LoopEvent.STOP_ASKED, LoopState.STOPPED),
    (LoopEvent.MAIN_CANCELLED, LoopState.CANCELLED),
    (LoopEvent.MAIN_RETURNED, LoopState.FINISHED),
)
"""The first line whose event has happened names the state in which the loop ends."""

_STARTING: Final = LoopState.STARTING
_RUNNING: Final = LoopState.RUNNING
_STOPPING: Final = LoopState.STOPPING

_NEXT: Final[dict[tuple[LoopState, LoopEvent], LoopState]] = {
    (_STARTING, LoopEvent.STARTED): _RUNNING,
    (_STARTING, LoopEvent.STOP_ASKED): _STOPPING,
    (_STARTING, LoopEvent.MAIN_FAILED): _STOPPING,
    (_RUNNING, LoopEvent.STOP_ASKED): _STOPPING,
    (_RUNNING, LoopEvent.MAIN_RETURNED): _STOPPING,
    (_RUNNING, LoopEvent.MAIN_CANCELLED): _STOPPING,
    (_RUNNING, LoopEvent.MAIN_FAILED): _STOPPING,
    # A stop that was asked for before the loop came up does not keep it from coming up.
    (_STOPPING, LoopEvent.STARTED): _STOPPING,
    (_STOPPING, LoopEvent.STOP_ASKED): _STOPPING,
    (_STOPPING, LoopEvent.MAIN_RETURNED): _STOPPING,
    (_STOPPING, LoopEvent.MAIN_CANCELLED): _STOPPING,
    (_STOPPING, LoopEvent.MAIN_FAILED): _STOPPING,
}
"""Where an event leads while the loop is unfinished. KILLED, HOST_LOST and CLOSED end it."""

_ENDING_EVENTS: Final = frozenset({LoopEvent.KILLED, LoopEvent.HOST_LOST, LoopEvent.CLOSED})


class IllegalEvent(RuntimeError):
    """Raised when a host reports what cannot happen in the loop's state: a bug in the host."""


@dataclass(frozen=True, slots=True)
class LoopLife:
    """A loop's state, and all that has happened to it."""

    state: LoopState = LoopState.STARTING
    happened: frozenset[LoopEvent] = frozenset()

    def after(self, event: LoopEvent) -> LoopLife:
        """The life with `event` added to it; pure, so an illegal event changes nothing.

        `STOP_ASKED` and `KILLED` are asked from outside and may come late: a loop that has ended
        stays as it is. Any other event is illegal then, and `CLOSED` is until the loop is stopping.
        """
        if self.state.has_ended:
            if event in {LoopEvent.STOP_ASKED, LoopEvent.KILLED}:
                return self
            raise self._illegal(event)
        happened = self.happened | {event}
        if event in _ENDING_EVENTS:
            if event is LoopEvent.CLOSED and self.state is not LoopState.STOPPING:
                raise self._illegal(event)
            return LoopLife(end_state(happened), happened)
        state = _NEXT.get((self.state, event))
        if state is None:
            raise self._illegal(event)
        return LoopLife(state, happened)

    def _illegal(self, event: LoopEvent) -> IllegalEvent:
        return IllegalEvent(f"{event.value!r} cannot happen to a loop that is {self.state.value}")


def end_state(happened: frozenset[LoopEvent]) -> LoopState:
    """The state in which a loop ends to which these events happened.

    Raises `IllegalEvent` when none of them ends a loop.
    """
    for event, state in HOW_A_LOOP_ENDS:
        if event in happened:
            return state
    raise IllegalEvent(f"nothing ended this loop: {sorted(happened)}")
