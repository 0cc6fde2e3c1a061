"""What a host promises, wherever it runs its loop: all that handles, manager and panel know of it.

A host carries one run of one loop. Commands go in, snapshots come out; beside them only the work,
its result and its futures cross.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from bgwidgets.commands import HostCommand
from bgwidgets.output.log import OutputLog
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    TaskDetail,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.states import LoopEvent, LoopState
from bgwidgets.stop_event import StopEvent
from bgwidgets.work import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopPlan:
    """All that a host needs to know to carry one run of a loop."""

    loop_id: int
    name: str
    work: Work
    run_number: int = 1
    loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    nested: bool = False
    """Whether code on the loop may call `run_until_complete` and `asyncio.run`."""
    timings: bool = False
    """Whether the times of its tasks' steps are taken."""
    changed: Callable[[], None] = lambda: None
    """Called after each change of the loop's state, on any thread. Must return at once."""
    stirred: Callable[[], None] = lambda: None
    """Called after other changes of what a snapshot tells, on any thread, perhaps often. As
    `changed`."""
    happened: Callable[[LoopEvent], None] = lambda _: None
    """Called with each event that counts for the loop's state, in order. As `changed`."""
    output: OutputLog = field(default_factory=OutputLog)
    """What it writes; the same for all its runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftovers:
    """What did not end in time, and what else is to be said of a stop."""

    unfinished_tasks: tuple[str, ...] = ()
    """Names of tasks that did not end."""
    threads_left: tuple[str, ...] = ()
    """Names of threads that still run the loop's work."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopEnd:
    """How a run ended."""

    state: LoopState
    ended_at: float
    result: Any = None
    """What the main task returned, when the state is `finished`."""
    exception: BaseException | None = None
    """What the main task raised, when the state is `failed`."""
    leftovers: Leftovers = Leftovers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a host can do beyond the rest of the protocol."""

    can_be_killed: bool


class Standstill(Protocol):
    """Nothing of a run has changed since this was made; as long as it holds."""

    @property
    def is_told(self) -> bool:
        """Whether the run says so by `stirred` when it does not hold any more, within a second and
        but for the lag. Else it must be asked.
        """

    def holds(self, now: float) -> bool:
        """Whether it does, at this `time.monotonic()`; costs next to nothing. Any thread."""


class Host(Protocol):
    """One run of a loop. Any thread may call any method, and none waits for what the loop does.

    Where the loop is in another process, those that look at its tasks, metrics and figures wait for
    that process: a tenth of a second when it gives no sign of life, and when it does not come in
    time, what was known last is the answer. `command` waits at most 2 seconds, and only where it
    may have to raise what that process says.
    """

    @property
    def loop_id(self) -> int:
        """The loop whose run this is."""

    @property
    def kind(self) -> str:
        """The name of this kind of host: "thread"."""

    @property
    def capabilities(self) -> Capabilities:
        """What this kind of host can do."""

    @property
    def stop_event(self) -> StopEvent:
        """The stop event of this run."""

    @property
    def state(self) -> LoopState:
        """The loop's state now."""

    @property
    def ended(self) -> Future[LoopEnd]:
        """Resolves exactly once, when the run has ended; never with an exception."""

    def start(self) -> None:
        """Start the run. Returns when the loop turns or, where that takes long, at once.

        Raises what broke the start, and `ended` is soon resolved with it. Called once.
        """

    def abandon(self, error: BaseException) -> None:
        """Its start was broken off, by this error, perhaps before it began: have it end. Nothing
        happens when it has ended.
        """

    def snapshot(self) -> LoopSnapshot:
        """How the loop stands now."""

    def standstill(self, *, closely: bool) -> Standstill | None:
        """What holds from now on as long as nothing of the snapshot changes but `as_of`. None where
        that is not known at this moment, and the snapshot is to be taken anew.

        Unless one looks `closely`, `lag` and `lag_history` may change all the same; when one does,
        lags of under a millisecond may. Any thread.
        """

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks, filtered and sorted by the host."""

    def window_standstill(self, window: TaskWindow) -> Standstill | None:
        """What holds as long as this one of its windows is true, but for its time. None where
        nobody knows, or it is not: then it is to be asked for again.
        """

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail. Raises `UnknownTask`."""

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks."""

    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured, by name."""

    def figures(self) -> dict[str, FigureSnapshot]:
        """What the work has plotted, by name; who asks now and then gets new pictures."""

    def wait_until_drawn(self, limit: float) -> None:
        """Wait for the last pictures of a run that has ended; at most `limit` seconds."""

    def command(self, command: HostCommand) -> None:
        """Ask for something; also before the loop has come up. Nothing happens on an ended loop.

        Raises `UnknownTask`, `ProtectedLoop`, `NoStopEvent`, `CannotInterrupt` or
        `CannotKillThread`, and then does nothing of what was asked; `HostUnresponsive` when that
        cannot be known in time.
        """

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Run one more coroutine on the loop. Raises `LoopEnded`, and closes the coroutine.

        Raises `InvalidWork` where a coroutine object cannot be brought to the loop.
        """

    def submit_call(self, call: Work, name: str | None) -> Future[Any]:
        """Run one more coroutine on the loop: what a coroutine function makes. As `submit`.

        Raises `InvalidWork` where the function or its arguments cannot be brought to the loop.
        """

    def give_up(self) -> Leftovers:
        """The time for its stop ran out: fail the loop's futures, and say what is left of it."""

    def kill(self) -> None:
        """End what carries the loop. Raises `CannotKillThread` where that cannot be done.

        Blocks until it has ended, at most one second.
        """
