"""The host of a loop that was started elsewhere: watched, commanded and cleaned up after, while it
goes on to run where it does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from typing import Any, Final
from weakref import WeakKeyDictionary

from bgwidgets.belonging import (
    enter_loop_thread,
    leave_loop_thread,
    leave_thread,
    turns_in_this_thread,
)
from bgwidgets.commands import (
    NOBODY_KNOWS,
    CancelTasks,
    HostCommand,
    InterruptLoop,
    KillLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.exceptions import (
    CannotInterrupt,
    CannotKillThread,
    InvalidWork,
    NoStopEvent,
    ProtectedLoop,
)
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.call_in_loop import call_in_loop
from bgwidgets.hosts.claim import Claim
from bgwidgets.hosts.finding import (
    APPEARS_WITHIN,
    LOOK_EVERY,
    Carried,
    FindLoop,
    find_one_that_runs,
)
from bgwidgets.hosts.foreign_stop import (
    age_by_name,
    end_tasks_in_this_thread,
    stop_where_it_runs,
)
from bgwidgets.hosts.foreign_stop_event import ForeignStopEvent
from bgwidgets.hosts.idleness import Idleness, is_longer_ago
from bgwidgets.hosts.inherited import left_in_a_fork
from bgwidgets.hosts.last_steps import NOT_CLOSED, NOT_IN_ORDER, report, take_all, what_is_left
from bgwidgets.hosts.left_tasks import let_go_of_all
from bgwidgets.hosts.liveness import Liveness
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.hosts.names_of_left import names_of_left
from bgwidgets.hosts.never_ended import never_ended
from bgwidgets.hosts.output_of_run import write_down
from bgwidgets.hosts.owners_main import OwnersMain
from bgwidgets.hosts.pool_threads import forget_pool_threads, know_pool_threads
from bgwidgets.hosts.protocol import Capabilities, Leftovers, LoopEnd, LoopPlan
from bgwidgets.hosts.run_state import RunState, detail_of, refuse_unknown
from bgwidgets.hosts.submissions import Submissions
from bgwidgets.observe.asyncio_internals import (
    coroutine_of,
    running_loop_here,
)
from bgwidgets.observe.error_text import full_text, one_line
from bgwidgets.observe.kernels_own import is_users, why_kernels
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.names import name_of
from bgwidgets.observe.task_window import task_window
from bgwidgets.output.findings import Findings
from bgwidgets.output.telling import forget_thread
from bgwidgets.output.tqdm_bars import tqdm_catcher
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
from bgwidgets.states import LoopEvent, LoopState
from bgwidgets.stop_event import StopEvent
from bgwidgets.work import Work

ANSWERS_WITHIN: Final = 1.0
"""Seconds without an answer after which a loop is unresponsive."""
NOBODY_RUNS_IT: Final = (
    "nobody runs it at the moment: its runner has returned, and neither closed it nor ended its"
    " thread. It goes on when it is run again; stop_loop() closes it"
)
NOT_RUN_YET: Final = (
    "nobody runs it: its loop is there, but does not turn. It is waited for, for"
    f" {APPEARS_WITHIN:g} s after its adoption"
)
TASKS_A_TURN: Final = 500
"""Existing tasks are noted in slices, so that a loop with many of them does not stand still."""


_hosts: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, AdoptedHost]] = WeakKeyDictionary()
"""Who has adopted which loop, for each is listed once; until it has ended."""


def adopted_as(loop: asyncio.AbstractEventLoop) -> int | None:
    """The id under which this loop was adopted and still is. Any thread; does not block."""
    host = _hosts.get(loop)
    return None if host is None else host.loop_id


class AdoptedHost:
    """One run of a loop of somebody else's. The methods are those of `protocol.Host`."""

    kind: Final = "adopted"
    capabilities: Final = Capabilities(can_be_killed=False)

    def __init__(
        self,
        plan: LoopPlan,
        find_loop: FindLoop,
        *,
        stop_event: asyncio.Event | None = None,
        why_protected: str | None = None,
        is_kernels: bool = False,
        about_to_run: Carried | None = None,
    ) -> None:
        """`find_loop` is asked until it has one that runs. Not so when a loop is `about_to_run`:
        then `start()` is called in the thread that will run it.

        Of a loop that `is_kernels` only the tasks are listed that the user made there; these may be
        cancelled one by one, for all that the loop is protected.
        """
        self._plan: Final = plan
        self._find_loop: Final = find_loop
        self._given_event = stop_event
        self._why_protected = why_protected
        self._is_kernels = is_kernels
        self._about_to_run: Final = about_to_run
        self._stop_event: Final = ForeignStopEvent()
        self._ended: Final[Future[LoopEnd]] = free_in_forks(Future())
        self._run_state: Final = RunState(plan.changed)
        self._inbox: Final[deque[HostCommand]] = deque()
        self._warnings: Final = LoopWarnings(plan.loop_id, self._is_listed)
        self._findings: Final = Findings(
            plan.loop_id, self._stop_event, self._warnings.figure_not_drawn
        )
        self._submissions: Final = Submissions(
            plan.loop_id, plan.name, copy_context(), self._warnings.lost
        )
        self._liveness: Final = Liveness(plan.name, self._warnings, beats=plan.output.all_ask_first)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._not_running: asyncio.AbstractEventLoop | None = None
        """The one that is there, while it is waited for that somebody runs it."""
        self._owner: threading.Thread | None = None
        self._cleaner: threading.Thread | None = None
        """In which the loop's tasks clean up, when its owner's thread has gone."""
        self._ledger: Ledger | None = None
        self._main: Final = OwnersMain()
        self._threads_left: tuple[str, ...] = ()
        """Those at work when it ended."""
        self._notes: tuple[str, ...] = ()
        self._why_not_attached: Exception | None = None
        self._was_cancelled = False
        self._asked_at: float | None = None
        self._idleness: Final = Idleness()
        self._error: str | None = None
        self._error_line: str | None = None
        self._exception: BaseException | None = None
        self._result: Any = None
        self._started_at: float | None = None
        self._ended_at: float | None = None
        self._claim: Final = Claim()
        """Who has it sees to the run's end."""

    @property
    def loop_id(self) -> int:
        """The loop whose run this is."""
        return self._plan.loop_id

    @property
    def stop_event(self) -> StopEvent:
        """Stands for the event that was found, or named, at the adoption."""
        return self._stop_event

    @property
    def state(self) -> LoopState:
        """The loop's state now."""
        return self._run_state.state

    @property
    def ended(self) -> Future[LoopEnd]:
        """Resolves exactly once, when the loop has ended and is cleaned up."""
        return self._ended

    def start(self) -> None:
        """Begin to watch. Returns at once: the loop is `starting` until it is found running."""
        watch: Callable[[], None] = self._watch
        if (found := self._about_to_run) is None:
            self._refuse_to_wait_here()
        else:
            self._has_found(found, threading.current_thread())
            self._attach(found)  # Nothing runs yet, so the shortest task is not missed.
            watch = partial(self._watch_until_the_end, found.loop)
        OwnThread(partial(self._unless_abandoned, watch), f"bgw-watch-{self._plan.name}").start()

    def abandon(self, error: BaseException) -> None:
        """Its start was broken off, by this error: when nobody watches it yet, nobody will."""
        if self._claim.take():
            self._fail(error)

    def _unless_abandoned(self, watch: Callable[[], None]) -> None:
        if self._claim.take():
            watch()

    def _refuse_to_wait_here(self) -> None:
        """Where the loop runs in the calling thread already, before `_attach` can say so."""
        with contextlib.suppress(Exception):  # The watching thread asks again, and tells.
            there = self._find_loop()
            if there is not None and running_loop_here() is there.loop:
                turns_in_this_thread(self._plan.loop_id)

    def snapshot(self) -> LoopSnapshot:
        """How the loop stands; read from outside, so it never waits for the loop."""
        self._ask_for_an_answer()
        owner, is_idle = self._owner, self._idleness.is_long
        return LoopSnapshot(
            id=self._plan.loop_id,
            name=self._plan.name,
            host=self.kind,
            state=self._run_state.state,
            unresponsive=is_idle or is_longer_ago(self._asked_at, ANSWERS_WITHIN),
            stop_requested=self._stop_event.is_set(),
            protected=self._why_protected is not None,
            why_protected=self._why_protected,
            belongs_to_kernel=self._is_kernels,
            adopted=True,
            # Before it was looked for, setting it is not in vain: it is set when it is found.
            why_no_stop_event=self._stop_event.why_missing if self._ledger else None,
            thread_name=owner.name if owner else None,
            native_thread_id=owner.native_id if owner else None,
            pid=os.getpid(),
            run_number=self._plan.run_number,
            started_at=self._started_at,
            ended_at=self._ended_at,
            task_counts=self._ledger.counts() if self._ledger else {},
            error=self._error,
            error_line=self._error_line,
            last_output=self._plan.output.last_line,
            notes=(NOBODY_RUNS_IT,) if is_idle else (*self._notes, *self._waits()),
            as_of=time.time(),
            **self._warnings.told(),
            **self._liveness.told(),
            **self._findings.told(),
        )

    def _waits(self) -> tuple[str, ...]:
        return () if self._not_running is None else (NOT_RUN_YET,)

    def standstill(self, *, closely: bool) -> None:
        """As `Host.standstill`: it is the owner's loop, so nobody knows; there are few of these."""

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks; read from outside."""
        if self._ledger is None:
            return TaskWindow(tasks=(), start=0, total=0, as_of=time.time())
        return task_window(self._ledger, request)

    def window_standstill(self, window: TaskWindow) -> None:
        """As `Host.window_standstill`: it is the owner's loop."""

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail. Raises `UnknownTask`. Reads source files."""
        return detail_of(self._plan.name, self._ledger, task_id)

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks; read from outside."""
        return self._ledger.history() if self._ledger else LoopHistory(births=0, ends={})

    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured."""
        return self._findings.metrics.as_values()

    def figures(self) -> dict[str, FigureSnapshot]:
        """What the work has plotted."""
        return self._findings.figures.look()

    def wait_until_drawn(self, limit: float) -> None:
        """Wait for the last pictures of a run that has ended; at most `limit` seconds. Blocks."""
        self._findings.figures.wait_until_drawn(limit)

    def command(self, command: HostCommand) -> None:
        """Ask for something. Raises `ProtectedLoop`, `UnknownTask`, `NoStopEvent`,
        `CannotInterrupt` or `CannotKillThread`.
        """
        if self._run_state.state.has_ended:
            return
        if self._why_protected is not None and not self._is_for_users_tasks(command):
            raise ProtectedLoop(f"{self._plan.name!r} is protected: {self._why_protected}")
        if isinstance(command, KillLoop):
            self.kill()
        if isinstance(command, InterruptLoop):
            raise CannotInterrupt(
                f"{self._plan.name!r} was started elsewhere: an interruption could end the thread"
                " that runs it, and only loops of bgwidgets' own are proof against that"
            )
        if isinstance(command, SetStopEvent):
            if self._stop_event.why_missing is not None and self._ledger is not None:
                raise NoStopEvent(f"{self._plan.name!r}: {self._stop_event.why_missing}")
            self._stop_event.set()
            self._plan.changed()
            return
        if isinstance(command, CancelTasks):
            refuse_unknown(self._plan.name, self._ledger, command.task_ids or ())
            self._was_cancelled = self._was_cancelled or command.task_ids is None
        if isinstance(command, StopLoop):
            self._run_state.happened(LoopEvent.STOP_ASKED)
        self._inbox.append(command)
        self._call_in_loop(self._obey)

    def protect(self, why: str | None) -> None:
        """Refuse every command from now on and say why, or obey them all. Any thread.

        A loop that is the kernel's stays protected.
        """
        if self._is_kernels:
            return
        self._why_protected = why
        if self._ledger is not None:  # Otherwise `_attach` comes soon, and does it.
            self._call_in_loop(self._enter_thread)
        self._plan.changed()

    def name_stop_event(self, event: asyncio.Event) -> None:
        """It is by this event that its work ends. Any thread."""
        self._given_event = event
        if self._loop is not None and self._ledger is not None:
            self._stop_event.bind(self._loop, [event])
        self._plan.changed()

    def _is_listed(self, task: asyncio.Task[Any] | None) -> bool:
        """Whether it is one of this loop's tasks, or a callback; of the kernel's, the user's."""
        return not self._is_kernels or (task is not None and is_users(coroutine_of(task)))

    def _is_for_users_tasks(self, command: HostCommand) -> bool:
        return (
            self._is_kernels and isinstance(command, CancelTasks) and command.task_ids is not None
        )

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Run one more coroutine on the loop. Raises `LoopEnded` or `ProtectedLoop`."""
        if self._why_protected is not None and not self._run_state.state.has_ended:
            coroutine.close()
            raise ProtectedLoop(f"{self._plan.name!r} is protected: {self._why_protected}")
        return self._submissions.submit(coroutine, name)

    def submit_call(self, call: Work, name: str | None) -> Future[Any]:
        """Run what a coroutine function makes. As `submit`; raises what calling it raises, too."""
        return self.submit(call.call(), name)

    def give_up(self) -> Leftovers:
        """Fail the loop's futures, and say what is left of it."""
        self._submissions.close()
        self._submissions.fail_the_rest()
        names, more = self._unfinished()
        if self._submissions.is_inherited:
            return left_in_a_fork(names)
        holder = self._cleaner or self._owner
        return Leftovers(
            unfinished_tasks=names,
            threads_left=(
                *([holder.name] if holder is not None and holder.is_alive() else []),
                *self._warnings.threads_at_work(),
            ),
            notes=("the loop did not end in time", *self._waits(), *more),
        )

    def kill(self) -> None:
        """Refused: it runs in a thread of this process."""
        raise CannotKillThread(
            f"{self._plan.name!r} runs in a thread of this process, and a thread cannot be killed"
        )

    # In the watching thread

    def _watch(self) -> None:
        try:
            found, owner = find_one_that_runs(self._look_for_it)
        except Exception as error:  # noqa: BLE001 - what was to make it has failed
            self._fail(error)
            return
        finally:
            self._not_running = None
        if adopted_as(found.loop) not in {None, self._plan.loop_id}:
            self._fail(InvalidWork("this event loop is listed already, by another name"))
            return
        self._has_found(found, owner)
        self._call_in_loop(partial(self._attach, found))
        self._watch_until_the_end(found.loop)

    def _look_for_it(self) -> Carried | None:
        there = self._find_loop()
        is_idle = there is not None and not there.loop.is_running()
        self._not_running = there.loop if there is not None and is_idle else None
        return there

    def _has_found(self, found: Carried, owner: threading.Thread | None) -> None:
        if (why := why_kernels(owner)) is not None and not self._is_kernels:
            self._is_kernels, self._why_protected = True, why
            self._inbox.clear()  # What was asked before anybody knew.
        _hosts[found.loop] = self
        self._owner = owner
        self._loop = found.loop
        self._run_state.happened(LoopEvent.STARTED)
        self._started_at = time.time()

    def _watch_until_the_end(self, loop: asyncio.AbstractEventLoop) -> None:
        pause = threading.Event()
        while not self._is_over(loop):
            if self._why_not_attached is not None:
                self._submissions.close()
                self._fail(self._why_not_attached)
                return
            pause.wait(LOOK_EVERY)
        self._clean_up(loop)

    def _is_over(self, loop: asyncio.AbstractEventLoop) -> bool:
        is_to_stop = self._run_state.state is LoopState.STOPPING
        return self._idleness.is_over(loop, self._owner, is_to_stop=is_to_stop)

    def _clean_up(self, loop: asyncio.AbstractEventLoop) -> None:
        """What was left when its runner went: as with a loop of our own, nothing stays pending."""
        self._cleaner = threading.current_thread()
        is_ours_to_end = self._why_protected is None
        if is_ours_to_end:  # What its tasks still say is the loop's, and no cell's.
            enter_loop_thread(self._plan.loop_id)
        try:
            self._end(loop)
        finally:
            if is_ours_to_end:
                leave_loop_thread(self._plan.loop_id)

    def _end(self, loop: asyncio.AbstractEventLoop) -> None:
        first = (
            self._idleness.ends,
            self._liveness.end,
            self._submissions.close,
            self._leave_owner,
            self._note_how_it_ended,
            self._warnings.look,
        )
        take_all(first, NOT_IN_ORDER, self._add_note)
        close = partial(self._close, loop)
        take_all((close,), NOT_CLOSED, self._add_note)
        self._report_the_end()

    def _leave_owner(self) -> None:
        if self._owner is not None and self._owner.ident is not None:
            leave_thread(self._owner.ident, self._plan.loop_id)

    def _close(self, loop: asyncio.AbstractEventLoop) -> None:
        if loop.is_closed():
            # Over the heads of its tasks: they stay unfinished, and are named so.
            never_ended.hold(let_go_of_all(loop, None), loop, self)
        elif self._why_protected is None:
            left = end_tasks_in_this_thread(loop, self._ledger or Ledger(loop))
            never_ended.hold(left, loop, self)
            loop.close()

    def _is_about_to_be_closed(self, loop: asyncio.AbstractEventLoop) -> None:
        """Its owner is closing it: what is left is cancelled first. In the owner's thread."""
        self._warnings.look()
        if self._why_protected is None and not loop.is_running() and self._ledger is not None:
            never_ended.hold(end_tasks_in_this_thread(loop, self._ledger), loop, self)

    def _note_how_it_ended(self) -> None:
        end = self._main.end(was_cancelled=self._was_cancelled)
        self._result = end.result
        if end.error is not None:
            self._exception = end.error
            self._error, self._error_line = full_text(end.error), one_line(end.error)
        for event in end.events:
            self._run_state.happened(event)

    def _fail(self, error: BaseException) -> None:
        self._exception = error
        self._error = self._error_line = one_line(error)
        self._run_state.happened(LoopEvent.MAIN_FAILED)
        self._report_the_end()

    def _report_the_end(self) -> None:
        self._ended_at = time.time()
        last = (
            self._note_threads_left,
            lambda: self._warnings.at_the_end(self._ledger.unfinished() if self._ledger else ()),
            self._let_go_of_the_loop,
            lambda: self._warnings.end(self._plan.output),
            self._plan.output.end,
            self._findings.close,
            self._submissions.fail_the_rest,
            partial(self._run_state.ends_by, LoopEvent.CLOSED),
        )
        take_all(last, NOT_IN_ORDER, self._add_note)
        report(
            self._ended,
            self._plan.changed,
            state=self._run_state.state,
            ended_at=self._ended_at,
            result=self._result,
            exception=self._exception,
            leftovers=what_is_left(self._leftovers, self._add_note),
        )

    def _note_threads_left(self) -> None:
        self._threads_left = self._warnings.threads_at_work()

    def _leftovers(self) -> Leftovers:
        names, more = self._unfinished()
        return Leftovers(
            unfinished_tasks=names, threads_left=self._threads_left, notes=(*self._notes, *more)
        )

    def _add_note(self, note: str) -> None:
        self._notes = (*self._notes, note)

    def _let_go_of_the_loop(self) -> None:
        """Or it would live for ever by what leads from it to this host, and from here to it."""
        if self._ledger is not None:
            self._ledger.close()
        if self._loop is not None:
            forget_pool_threads(self._loop)
        if self._loop is not None and _hosts.get(self._loop) is self:
            del _hosts[self._loop]
        self._main.forget()

    # In the loop's thread, or in the one that is about to run it

    def _attach(self, found: Carried) -> None:
        """Look after the loop from now on; or end as failed, and leave it to itself."""
        try:
            self._take_over(found)
        except Exception as error:  # noqa: BLE001 - the loop, and all that is on it, is the user's
            self._liveness.end()
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None
            leave_loop_thread(self._plan.loop_id)
            self._why_not_attached = error

    def _take_over(self, found: Carried) -> None:
        loop = found.loop
        self._owner = self._owner or threading.current_thread()
        self._enter_thread()
        tasks = sorted(asyncio.all_tasks(loop), key=age_by_name)
        self._find_stop_event(loop, found, tasks)
        if found.runners_task is not None:
            closing = partial(self._is_about_to_be_closed, loop)
            self._main.listen(found.runners_task, self._runs_again, closing)
        self._ledger = Ledger(
            loop,
            lists=is_users if self._is_kernels else None,
            warnings=self._warnings.kept,
            bars=self._findings.bars.of,
        )
        self._warnings.begin(loop, self._ledger)
        write_down(self._plan.output, loop, self._ledger, self._warnings)
        self._submissions.open(loop, self._ledger.cancel)
        names = {id(value): name for name, value in found.attributes.items()}
        self._note(loop, deque((task, names.get(id(task))) for task in tasks))
        if self._stop_event.why_missing is not None:
            loop.call_soon(self._look_for_an_event)
        self._liveness.begin(loop)
        loop.call_soon(self._obey)

    def _enter_thread(self) -> None:
        turns_in_this_thread(self._plan.loop_id)
        forget_thread()
        tqdm_catcher.look()
        if self._loop is None:
            return
        if self._why_protected is None:
            enter_loop_thread(self._plan.loop_id)
            know_pool_threads(
                self._loop, self._plan.loop_id, self._stop_event, self._warnings.pool_threads
            )
        else:
            leave_loop_thread(self._plan.loop_id)
            forget_pool_threads(self._loop)

    def _find_stop_event(
        self, loop: asyncio.AbstractEventLoop, found: Carried, tasks: list[asyncio.Task[Any]]
    ) -> None:
        if self._given_event is not None:
            self._stop_event.bind(loop, [self._given_event])
        else:
            self._stop_event.search(loop, found.attributes, tasks)

    def _runs_again(self, main: asyncio.Task[Any] | None) -> None:
        """Its owner runs it once more, and waits for another task this time."""
        if self._ledger is not None and main is not None:
            self._ledger.is_main_now(main)
        if self._loop is not None:
            self._loop.call_soon(self._look_for_an_event)

    def _look_for_an_event(self) -> None:
        """Once more, when the tasks of this run are there."""
        if self._loop is not None and self._given_event is None:
            self._stop_event.search_again(self._loop)

    def _note(
        self, loop: asyncio.AbstractEventLoop, tasks: deque[tuple[asyncio.Task[Any], str | None]]
    ) -> None:
        if self._ledger is None:
            return
        for _ in range(min(len(tasks), TASKS_A_TURN)):
            task, called = tasks.popleft()
            self._ledger.note(task, is_main=self._main.notes(task), called=called)
        if tasks:
            loop.call_soon(self._note, loop, tasks)

    def _obey(self) -> None:
        loop = asyncio.get_running_loop()
        if self._ledger is None:
            return  # `_attach` comes soon, and asks again.
        while self._inbox:
            command = self._inbox.popleft()
            if isinstance(command, StopLoop):
                self._ledger.all_is_done_for(command.by or NOBODY_KNOWS)
                self._ledger.create_unlisted(stop_where_it_runs(loop, self._ledger))
            elif isinstance(command, CancelTasks):
                self._cancel(loop, self._ledger, command)

    def _cancel(
        self, loop: asyncio.AbstractEventLoop, ledger: Ledger, command: CancelTasks
    ) -> None:
        if command.task_ids is None:
            tasks = asyncio.all_tasks(loop)
        else:
            found = map(ledger.task_of, command.task_ids)
            tasks = {task for task in found if task is not None}
        ledger.cancel(tasks, command.by or NOBODY_KNOWS)

    # From any thread

    def _ask_for_an_answer(self) -> None:
        if (
            self._asked_at is None
            and self._loop is not None
            and not self._run_state.state.has_ended
        ):
            self._asked_at = time.monotonic()
            self._call_in_loop(self._answer)

    def _answer(self) -> None:
        self._asked_at = None
        self._main.look_again(asyncio.get_running_loop())

    def _call_in_loop(self, callback: Callable[[], None]) -> None:
        if self._loop is not None:  # Where it is closed, the watching thread will see that.
            call_in_loop(self._loop, callback)

    def _unfinished(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        if (ledger := self._ledger) is not None:
            return names_of_left(ledger.unfinished(), ledger.name)
        not_running = self._not_running
        return names_of_left(list(asyncio.all_tasks(not_running)) if not_running else [], name_of)
