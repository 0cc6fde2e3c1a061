"""The host of a loop as the loop's own process has it: what `current()` stands on there.

The loop turns in the process's main thread. The methods are those of `protocol.Host`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final

from bgwidgets.commands import HostCommand, KillLoop
from bgwidgets.hosts.agent import Agent
from bgwidgets.hosts.delivery import Delivery
from bgwidgets.hosts.new_loop import new_loop
from bgwidgets.hosts.protocol import Capabilities, Leftovers, LoopEnd, LoopPlan
from bgwidgets.hosts.reentrance import nested_runs
from bgwidgets.hosts.signs import Standstill
from bgwidgets.observe.kept_windows import WindowStandstill
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    TaskDetail,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.states import LoopState
from bgwidgets.stop_event import StopEvent
from bgwidgets.work import Work


class ChildHost:
    """One run of a loop in the main thread of this process, which was started for that."""

    capabilities: Final = Capabilities(can_be_killed=True)

    def __init__(
        self,
        plan: LoopPlan,
        delivery: Delivery,
        *,
        kind: str,
        stop_event: StopEvent,
        ask_for_end: Callable[[], None],
    ) -> None:
        """`ask_for_end` has this process killed by who started it."""
        self.kind: Final = kind
        self._plan: Final = plan
        self._delivery: Final = delivery
        self._ask_for_end: Final = ask_for_end
        self._thread_name: Final = f"bgw-{plan.name}"
        self.agent: Final = Agent(plan, kind, self._thread_name, stop_event)

    @property
    def loop_id(self) -> int:
        """The loop whose run this is."""
        return self._plan.loop_id

    @property
    def stop_event(self) -> StopEvent:
        """The stop event of this run; the kernel has a mirror of it."""
        return self.agent.stop_event

    @property
    def state(self) -> LoopState:
        """The loop's state now."""
        return self.agent.state

    @property
    def ended(self) -> Future[LoopEnd]:
        """Resolves exactly once, when the loop is closed."""
        return self.agent.ended

    def start(self) -> None:
        """Unpack the work, and run the loop to its end. Blocks until then; in the main thread."""
        threading.current_thread().name = self._thread_name
        try:
            self._delivery.unpack()
            loop = new_loop(self._plan)
        except BaseException as error:  # noqa: BLE001 - whoever started it gets it, whatever it is
            self.agent.fail_to_start(error)
            return
        self.agent.run(loop, Future())
        nested_runs.remove(loop)

    def abandon(self, error: BaseException) -> None:
        """Its start was broken off, by this error, before it began."""
        if self.agent.state is LoopState.STARTING:
            self.agent.fail_to_start(error)

    def snapshot(self) -> LoopSnapshot:
        """How the loop stands; also while it is blocked."""
        return self.agent.snapshot()

    def standstill(self, *, closely: bool) -> Standstill | None:
        """What holds as long as the snapshot is true; None where that is not known."""
        return self.agent.standstill(closely=closely)

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks; also while it is blocked."""
        return self.agent.task_window(request)

    def window_standstill(self, window: TaskWindow) -> WindowStandstill | None:
        """What holds as long as that window is true; None where nobody knows."""
        return self.agent.window_standstill(window)

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail; also while the loop is blocked. Raises `UnknownTask`."""
        return self.agent.task_detail(task_id)

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks; also while it is blocked."""
        return self.agent.history()

    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured."""
        return self.agent.findings.metrics.as_values()

    def figures(self) -> dict[str, FigureSnapshot]:
        """What the work has plotted."""
        return self.agent.findings.figures.look()

    def wait_until_drawn(self, limit: float) -> None:
        """Wait for the last pictures of a run that has ended; at most `limit` seconds. Blocks."""
        self.agent.findings.figures.wait_until_drawn(limit)

    def command(self, command: HostCommand) -> None:
        """Ask for something. Raises `UnknownTask` or `CannotInterrupt`."""
        if isinstance(command, KillLoop):
            self.kill()
        else:
            self.agent.command(command)

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Run one more coroutine on the loop. Raises `LoopEnded`."""
        return self.agent.submit(coroutine, name)

    def submit_call(self, call: Work, name: str | None) -> Future[Any]:
        """Run what a coroutine function makes. Raises `LoopEnded`, or what calling it raises."""
        return self.agent.submit(call.call(), name)

    def give_up(self) -> Leftovers:
        """Fail the loop's futures, and say what it is busy with."""
        return self.agent.give_up()

    def kill(self) -> None:
        """End this process, as soon as who started it has heard of it."""
        self._ask_for_end()
