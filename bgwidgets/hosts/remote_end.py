"""How the run of a loop in another process ends: in order, early, or before it began."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import replace
from functools import partial
from typing import Any, Final

from bgwidgets.belonging import enter_loop_thread, leave_loop_thread
from bgwidgets.exceptions import CannotCross
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.child_process import UNKNOWN_END
from bgwidgets.hosts.claim import Claim
from bgwidgets.hosts.crossing import unpack, unpack_error
from bgwidgets.hosts.last_known import LastKnown
from bgwidgets.hosts.last_steps import NOT_IN_ORDER, report, take_all
from bgwidgets.hosts.link import UNREACHABLE, UNSEEN
from bgwidgets.hosts.messages import Outcome
from bgwidgets.hosts.protocol import Leftovers, LoopEnd, LoopPlan
from bgwidgets.hosts.run_state import RunState
from bgwidgets.observe.error_text import full_text, one_line
from bgwidgets.own_thread import OwnThread
from bgwidgets.states import LoopEvent, LoopState
from bgwidgets.stop_event import StopEvent

IN_ORDER: Final = "exit code 0"
RESULT_LIMIT: Final = 30.0
"""Seconds that the end of a loop waits for its result to be unpickled."""
LOOK_EVERY: Final = 0.1
"""Seconds after which somebody may have had enough, and kills it."""


class _KilledMeanwhile(Exception):
    """Raised when somebody has had enough of waiting for what is being unpickled."""


class RemoteEnd:
    """That of one run, and what is to be said of it. Any thread may read."""

    def __init__(
        self,
        plan: LoopPlan,
        run_state: RunState,
        known: LastKnown,
        stop_event: StopEvent,
        let_go: Callable[[], None],
    ) -> None:
        """`let_go` is called at the end: whoever waits for an answer will not get one."""
        self.future: Final[Future[LoopEnd]] = free_in_forks(Future())
        """Resolved once, with the end."""
        self.is_kill_asked = False
        self.outcome: Outcome | None = None
        """What the process has sent home, when its loop had ended."""
        self.notes: tuple[str, ...] = ()
        self.error_text: str | None = None
        self.error_line: str | None = None
        self.at: float | None = None
        self._plan: Final = plan
        self._run_state: Final = run_state
        self._known: Final = known
        self._stop_event: Final = stop_event
        self._let_go: Final = let_go
        self._is_unpickling = False
        self._claim: Final = Claim()
        """Who has it tells of the end."""

    def failed_to_start(self, error: BaseException) -> None:
        """There is no process, or there will be none soon. Nothing when it has ended before."""
        if not self._claim.take():
            return
        self._is_blamed(error)
        self._run_state.happened(LoopEvent.MAIN_FAILED)
        self._end(LoopEvent.CLOSED, exception=error)

    def never_began(self) -> None:
        """It was killed or stopped before anything ran in the process, if there was one."""
        if self._claim.take():
            if self.is_kill_asked:
                self._ended_early(LoopEvent.KILLED, "it was killed before it had come up")
            else:
                self._ended_early(LoopEvent.CLOSED, "it was stopped before it had come up")

    def gone(self, how: str) -> None:
        """The process has ended, and how: "exit code 1". Nothing when it has ended before."""
        if not self._claim.take():
            return
        if self.outcome is None:
            self._gone_early(
                "its process was killed", f"its process ended before the loop did: {how}"
            )
        else:
            if how not in {IN_ORDER, UNKNOWN_END} and not self.is_kill_asked:
                # What the work has registered with `atexit`, say, was cut short.
                self.notes = (*self.notes, f"its process did not end in order: {how}")
            self._gone_in_order(self.outcome)

    def unseen(self, how: str) -> None:
        """Nothing can be heard of the process any more, and why."""
        if not self._claim.take():
            return
        if self.outcome is None:
            self._gone_early(f"{UNSEEN}: {how}", f"{UNREACHABLE}: {how}")
        else:
            self._gone_in_order(self.outcome)

    def left(self, kill_advice: str) -> Leftovers | None:
        """What is still waited for when the loop has ended there; None: it has not ended."""
        outcome = self.outcome
        if outcome is None:
            return None
        if self._is_unpickling:
            what = f"its {_brings(outcome)} is still being unpickled"
            notes = [f"its loop has ended, and {what}: kill() waits for it no longer"]
        else:
            notes = ["its loop has ended, and its process has not yet", kill_advice]
        return replace(outcome.leftovers, notes=(*outcome.leftovers.notes, *notes))

    def _gone_in_order(self, outcome: Outcome) -> None:
        if outcome.record is None:
            self.notes = (*self.notes, *outcome.leftovers.notes)
            self._known.lost(outcome.ended_at)
        result, error = None, None
        try:
            if outcome.error is not None:
                error = self._beside(partial(unpack_error, outcome.error))
            elif outcome.result is not None:
                result = self._beside(partial(unpack, outcome.result))
        except _KilledMeanwhile:
            note = f"it was killed while its {_brings(outcome)} was being unpickled"
            self.notes = (*self.notes, note)
            left = replace(outcome.leftovers, notes=(*outcome.leftovers.notes, note))
            self.at = outcome.ended_at
            self._end(LoopEvent.KILLED, leftovers=left)
            return
        except BaseException as why:  # noqa: BLE001 - unpickling runs the user's code, which may exit
            error = CannotCross(f"the {_brings(outcome)} cannot be unpickled: {one_line(why)}")
        if error is not None and outcome.state is LoopState.FINISHED:
            self._is_blamed(error)
            self._run_state.happened(LoopEvent.MAIN_FAILED)
        end = LoopEvent.HOST_LOST if outcome.state is LoopState.LOST else LoopEvent.CLOSED
        self.at = outcome.ended_at
        self._end(end, result=result, exception=error, leftovers=outcome.leftovers)

    def _beside(self, unpickle: Callable[[], Any]) -> Any:
        """What this returns or raises, run in a thread of its own for as long as there is patience.

        The listening thread must come to the end, whatever a `__setstate__` of the user's does.
        """
        came: Future[Any] = Future()

        def run() -> None:
            enter_loop_thread(self._plan.loop_id)  # What is called must not wait for the end.
            try:
                came.set_result(unpickle())
            except BaseException as error:  # noqa: BLE001 - whoever waits gets it
                came.set_exception(error)
            leave_loop_thread(self._plan.loop_id)

        try:
            OwnThread(run, f"bgw-{self._plan.name}-result").start()
        except RuntimeError:  # None can be had.
            return unpickle()
        self._is_unpickling = True
        deadline = time.monotonic() + RESULT_LIMIT
        while not wait([came], LOOK_EVERY).done:
            if self.is_kill_asked:
                raise _KilledMeanwhile
            if time.monotonic() > deadline:
                raise TimeoutError(f"that takes longer than {RESULT_LIMIT:g} s")
        return came.result(0)

    def _gone_early(self, if_killed: str, if_lost: str) -> None:
        if self.is_kill_asked:
            self._ended_early(LoopEvent.KILLED, if_killed)
        else:
            self.error_text = self.error_line = if_lost
            self._ended_early(LoopEvent.HOST_LOST, if_lost)

    def _ended_early(self, event: LoopEvent, note: str) -> None:
        self.notes = (*self.notes, note)
        is_asked = self._run_state.state is not LoopState.STOPPING and self._stop_event.is_set()
        known = self._known.snapshot
        self._known.snapshot = replace(known, stop_requested=known.stop_requested or is_asked)
        self.at = time.time()
        self._known.lost(self.at)
        self._end(event, leftovers=Leftovers(notes=self.notes))

    def _is_blamed(self, error: BaseException) -> None:
        self.error_text, self.error_line = full_text(error), one_line(error)

    def _end(
        self,
        event: LoopEvent,
        *,
        result: Any = None,
        exception: BaseException | None = None,
        leftovers: Leftovers = Leftovers(),  # noqa: B008 - frozen
    ) -> None:
        if self.at is None:
            self.at = time.time()
        failed: list[str] = []
        last = (
            self._plan.output.rest,
            partial(self._run_state.ends_by, event),
            self._let_go,
            # Those who wait for it here should not go on for a loop that is gone.
            partial(self._stop_event.be, is_set=True),
        )
        take_all(last, NOT_IN_ORDER, failed.append)
        self.notes = (*self.notes, *failed)
        report(
            self.future,
            self._plan.changed,
            state=self._run_state.state,
            ended_at=self.at,
            result=result,
            exception=exception,
            leftovers=replace(leftovers, notes=(*leftovers.notes, *failed)),
        )


def _brings(outcome: Outcome) -> str:
    """What it is that comes home, and is to be unpickled."""
    return "result" if outcome.error is None else "exception"
