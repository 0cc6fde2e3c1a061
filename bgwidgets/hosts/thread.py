"""The thread host: one event loop in one daemon thread of this process."""

from __future__ import annotations

from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Final

from bgwidgets.commands import HostCommand, KillLoop, StopLoop
from bgwidgets.exceptions import CannotKillThread
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.agent import Agent
from bgwidgets.hosts.claim import Claim
from bgwidgets.hosts.new_loop import new_loop
from bgwidgets.hosts.protocol import Capabilities, Leftovers, LoopEnd, LoopPlan
from bgwidgets.hosts.reentrance import nested_runs
from bgwidgets.hosts.signs import Standstill
from bgwidgets.observe.kept_windows import WindowStandstill
from bgwidgets.own_thread import OwnThread
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

START_LIMIT: Final = 30.0
"""Seconds in which a loop must come up; the default one needs less than a millisecond."""


class ThreadHost:
    """One run of a loop in a daemon thread, which holds up neither the kernel's end nor a script's.

    The methods are those of `protocol.Host`.
    """

    kind: Final = "thread"
    capabilities: Final = Capabilities(can_be_killed=False)

    def __init__(self, plan: LoopPlan) -> None:
        self._plan: Final = plan
        self._thread_name: Final = f"bgw-{plan.name}"
        self._agent: Final = Agent(plan, self.kind, self._thread_name)
        self._started: Final[Future[None]] = free_in_forks(Future())
        self._claim: Final = Claim()
        """Who has it sees to the run's end."""
        self._is_made = False
        """Whether the loop factory has returned a loop."""

    @property
    def loop_id(self) -> int:
        """The loop whose run this is."""
        return self._plan.loop_id

    @property
    def stop_event(self) -> StopEvent:
        """The stop event of this run."""
        return self._agent.stop_event

    @property
    def state(self) -> LoopState:
        """The loop's state now."""
        return self._agent.state

    @property
    def ended(self) -> Future[LoopEnd]:
        """Resolves exactly once, in the loop's thread, when the loop is closed."""
        return self._agent.ended

    def start(self) -> None:
        """Start the thread; returns when the loop turns in it, or raises what broke it.

        Blocks the caller for as long as the loop factory takes, at most 30 s (TimeoutError).
        """
        thread = OwnThread(self._run, self._thread_name)
        try:
            thread.start()
            self._started.result(START_LIMIT)
        except TimeoutError:
            if self._started.done():
                raise  # The user's own.
            self._agent.command(StopLoop(self._plan.loop_id))
            why = "its loop does not turn" if self._is_made else "its loop_factory has not returned"
            raise TimeoutError(
                f"{self._plan.name!r} did not come up within {START_LIMIT:g} s: {why}."
                " When it does, the loop is stopped at once"
            ) from None
        except BaseException as error:
            # The user's own, then the loop is over anyhow; a Ctrl-C while we waited; or no thread
            # can be had: there are too many, or the interpreter ends.
            self.abandon(error)
            raise

    def abandon(self, error: BaseException) -> None:
        """Its start was broken off, by this error: have it end."""
        if self._claim.take():  # No thread runs it, nor ever will.
            self._agent.fail_to_start(error)
        else:
            self._agent.command(StopLoop(self._plan.loop_id))

    def _run(self) -> None:
        if not self._claim.take():
            return
        try:
            loop = new_loop(self._plan)
        except BaseException as error:  # noqa: BLE001 - whoever started it gets it, whatever it is
            self._agent.fail_to_start(error)
            self._started.set_exception(error)
            return
        self._is_made = True
        self._agent.run(loop, self._started)
        nested_runs.remove(loop)

    def snapshot(self) -> LoopSnapshot:
        """How the loop stands; also while it is blocked."""
        return self._agent.snapshot()

    def standstill(self, *, closely: bool) -> Standstill | None:
        """What holds as long as the snapshot is true; None where that is not known."""
        return self._agent.standstill(closely=closely)

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks; also while it is blocked."""
        return self._agent.task_window(request)

    def window_standstill(self, window: TaskWindow) -> WindowStandstill | None:
        """What holds as long as that window is true; None where nobody knows."""
        return self._agent.window_standstill(window)

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail; also while the loop is blocked. Raises `UnknownTask`."""
        return self._agent.task_detail(task_id)

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks; also while it is blocked."""
        return self._agent.history()

    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured."""
        return self._agent.findings.metrics.as_values()

    def figures(self) -> dict[str, FigureSnapshot]:
        """What the work has plotted."""
        return self._agent.findings.figures.look()

    def wait_until_drawn(self, limit: float) -> None:
        """Wait for the last pictures of a run that has ended; at most `limit` seconds. Blocks."""
        self._agent.findings.figures.wait_until_drawn(limit)

    def command(self, command: HostCommand) -> None:
        """Ask for something. Raises `UnknownTask`, `CannotInterrupt` or `CannotKillThread`."""
        if isinstance(command, KillLoop) and not self.state.has_ended:
            self.kill()
        self._agent.command(command)

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Run one more coroutine on the loop. Raises `LoopEnded`."""
        return self._agent.submit(coroutine, name)

    def submit_call(self, call: Work, name: str | None) -> Future[Any]:
        """Run what a coroutine function makes. Raises `LoopEnded`, or what calling it raises."""
        return self._agent.submit(call.call(), name)

    def give_up(self) -> Leftovers:
        """Fail the loop's futures, and say what it is busy with."""
        return self._agent.give_up()

    def kill(self) -> None:
        """Refused: a thread's id given to `kill` would end the whole kernel."""
        raise CannotKillThread(
            f"{self._plan.name!r} runs in a thread of this kernel, and a thread cannot be killed:"
            " use stop(), which gives up after its time limit and says what is left. Only a"
            " restart of the kernel ends code that does not return"
        )
