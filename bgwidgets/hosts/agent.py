"""What runs beside every loop of ours, in whatever process: starts the work, obeys commands,
answers with snapshots, brings it all to an end, and reports how.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from bgwidgets.belonging import enter_context, enter_loop_thread, leave_loop_thread
from bgwidgets.commands import (
    NOBODY_KNOWS,
    Asker,
    CancelTasks,
    HostCommand,
    InterruptLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.call_in_loop import call_in_loop
from bgwidgets.hosts.inherited import left_in_a_fork
from bgwidgets.hosts.last_steps import NOT_CLOSED, NOT_IN_ORDER, report, take_all, what_is_left
from bgwidgets.hosts.left_tasks import let_go_of_all
from bgwidgets.hosts.liveness import Interruption, Liveness
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.hosts.main_task import main_coroutine
from bgwidgets.hosts.names_of_left import names_of_left
from bgwidgets.hosts.never_ended import never_ended
from bgwidgets.hosts.output_of_run import write_down
from bgwidgets.hosts.pool_threads import forget_pool_threads, know_pool_threads
from bgwidgets.hosts.protocol import Leftovers, LoopEnd, LoopPlan
from bgwidgets.hosts.run_state import RunState, detail_of, refuse_unknown
from bgwidgets.hosts.signs import Signs, Standstill
from bgwidgets.hosts.stopping import (
    Ending,
    run_until_closing,
)
from bgwidgets.hosts.submissions import Submissions
from bgwidgets.hosts.worker_threads import WorkerThreads
from bgwidgets.observe.asyncio_internals import coroutine_of, let_go_of, remind_of
from bgwidgets.observe.error_text import full_text, one_line
from bgwidgets.observe.kept_windows import WindowStandstill
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.names import short_name
from bgwidgets.observe.task_window import task_window, window_standstill
from bgwidgets.observe.timings import Timings
from bgwidgets.output.findings import Findings
from bgwidgets.output.tqdm_bars import tqdm_catcher
from bgwidgets.snapshots import LoopHistory, LoopSnapshot, TaskDetail, TaskWindow, WindowRequest
from bgwidgets.states import LoopEvent, LoopState
from bgwidgets.stop_event import StopEvent
from bgwidgets.work import WorkKind

MOST_NOTES: Final = 20
"""A loop that is thrown out of `run_forever` a thousand times says so twenty times."""
FIRST_STEP_PATIENCE: Final = 0.2
"""Seconds that a start waits for a first step that an eager task factory takes at once."""


@contextmanager
def _no_longer_than(
    seconds: float, started: Future[None], loop: asyncio.AbstractEventLoop
) -> Iterator[None]:
    """Have whoever waits for `started` wait no longer than this, though the block goes on: an eager
    task factory takes the work's first step in there, which may take any time.
    """
    if loop.get_task_factory() is None:
        yield
        return

    def wait_no_more() -> None:
        if started.set_running_or_notify_cancel():
            started.set_result(None)

    timer = threading.Timer(seconds, wait_no_more)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        # From here on the timer has been in time, or will do nothing.
        timer.cancel()
        timer.join()


class Agent:
    """The one who looks after one run of one loop."""

    def __init__(
        self,
        plan: LoopPlan,
        host_kind: str,
        thread_name: str,
        stop_event: StopEvent | None = None,
    ) -> None:
        self._plan: Final = plan
        self._host_kind: Final = host_kind
        self._thread_name: Final = thread_name
        self.signs: Final = Signs(plan.output, plan.stirred)
        signs = self.signs
        if stop_event is None:
            stop_event = StopEvent(lambda _: signs.changed())
        self.stop_event: Final = stop_event
        """Whoever has given it tells the `signs` of its changes."""
        self.ended: Final[Future[LoopEnd]] = free_in_forks(Future())
        self._context: Final = contextvars.copy_context()
        self._context.run(enter_context, plan.loop_id)
        self._warnings: Final = LoopWarnings(plan.loop_id, changed=signs.changed)
        self.findings: Final = Findings(
            plan.loop_id, self.stop_event, self._warnings.figure_not_drawn, signs.changed
        )
        """What the work shows of itself."""
        self._submissions: Final = Submissions(
            plan.loop_id, plan.name, self._context, self._warnings.lost
        )
        # Reentrant: a signal handler, or a user's `__del__`, may command while a command is obeyed.
        self._guard: Final = free_in_forks(threading.RLock())
        self._run_state: Final = RunState(self._changed, plan.happened)
        self._inbox: Final[deque[HostCommand]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ledger: Ledger | None = None
        self._workers: WorkerThreads | None = None
        self._liveness: Final = Liveness(
            plan.name,
            self._warnings,
            beats=signs.beat,
            changed=signs.changed,
            lag_changed=signs.lag_changed,
        )
        self._our_tasks: Final[set[asyncio.Task[Any]]] = set()
        self._ending: Ending | None = None
        self._was_stop_requested: bool | None = None
        self._is_closing = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._error_text: str | None = None
        self._error_line: str | None = None
        self._main: asyncio.Task[Any] | None = None
        self._left: set[asyncio.Task[Any]] = set()
        """Tasks that did not end."""
        self._notes: Final[dict[str | Interruption, int]] = {}
        """How often each came, in the order in which they came first."""
        self._native_thread_id: int | None = None
        self._started_at: float | None = None
        self._ended_at: float | None = None

    def _changed(self) -> None:
        self.signs.changed()
        self._plan.changed()

    # From any thread

    @property
    def state(self) -> LoopState:
        """The loop's state now. Any thread; does not block."""
        return self._run_state.state

    def snapshot(self) -> LoopSnapshot:
        """The loop as it stands. Any thread; needs no answer from the loop, so it never waits."""
        ledger = self._ledger
        requested = self._was_stop_requested
        return LoopSnapshot(
            id=self._plan.loop_id,
            name=self._plan.name,
            host=self._host_kind,
            state=self._run_state.state,
            stop_requested=self.stop_event.is_set() if requested is None else requested,
            thread_name=self._thread_name,
            native_thread_id=self._native_thread_id,
            pid=os.getpid(),
            run_number=self._plan.run_number,
            started_at=self._started_at,
            ended_at=self._ended_at,
            task_counts=ledger.counts() if ledger else {},
            error=self._error_text,
            error_line=self._error_line,
            notes=self._notes_now(),
            timings=self._plan.timings,
            as_of=time.time(),
            last_output=self._plan.output.last_line,
            **self._warnings.told(),
            **self._liveness.told(),
            **self.findings.told(),
        )

    def standstill(self, *, closely: bool) -> Standstill | None:
        """As `Host.standstill`."""
        signs, ledger = self.signs, self._ledger
        mark, lag_mark = signs.mark, signs.lag_mark  # Before all else: they may only be too old.
        if ledger is None or self.findings.bars.are_open:
            return None
        until = self._liveness.steady_until(closely=closely)
        book_changes = ledger.settled_at()
        if until is None or book_changes is None:
            return None
        return Standstill(
            signs,
            mark=mark,
            book_changes=book_changes,
            lag_mark=lag_mark if closely else None,
            until=until,
            is_told=self._liveness.is_beating,
        )

    def task_window(self, request: WindowRequest) -> TaskWindow:
        """Some of the loop's tasks. Any thread; needs no answer from the loop."""
        if self._ledger is None:
            return TaskWindow(tasks=(), start=0, total=0, as_of=time.time())
        return task_window(self._ledger, request)

    def window_standstill(self, window: TaskWindow) -> WindowStandstill | None:
        """As `Host.window_standstill`."""
        return None if self._ledger is None else window_standstill(self._ledger, window)

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail. Raises `UnknownTask`. Reads source files."""
        return detail_of(self._plan.name, self._ledger, task_id)

    def history(self) -> LoopHistory:
        """What has become of the loop's tasks; read from outside."""
        return self._ledger.history() if self._ledger else LoopHistory(births=0, ends={})

    def command(self, command: HostCommand) -> None:
        """Obey soon. Any thread; does not block. Also before the loop is up: it finds it waiting.

        Raises `UnknownTask` or `CannotInterrupt`, and then nothing of the command is done.
        """
        if self._run_state.state.has_ended:
            return
        if isinstance(command, InterruptLoop):  # Not by way of the loop: it does not listen.
            if (note := self._liveness.interrupt()) is not None:
                self._note(note)
            self._changed()
            return
        if isinstance(command, SetStopEvent):
            self.stop_event.set()
            self._changed()
            return
        if isinstance(command, CancelTasks):
            refuse_unknown(self._plan.name, self._ledger, command.task_ids or ())
        if isinstance(command, StopLoop):
            self._run_state.happened(LoopEvent.STOP_ASKED)
        self._inbox.append(command)
        self._call_in_loop(self._obey_one)

    def submit(self, coroutine: Coroutine[Any, Any, Any], name: str | None) -> Future[Any]:
        """Run one more coroutine. Any thread; does not block. Raises `LoopEnded`."""
        return self._submissions.submit(coroutine, name)

    def give_up(self) -> Leftovers:
        """Fail the futures of a loop that does not end, and say what it is busy with."""
        self._submissions.close()
        self._submissions.fail_the_rest()
        names, more = self._names_of_unfinished()
        if self._submissions.is_inherited:
            return left_in_a_fork(names)
        return Leftovers(
            unfinished_tasks=names,
            threads_left=(self._thread_name, *self._busy_threads()),
            notes=(*self._notes_now(), self._why_no_end(), *more),
        )

    def _why_no_end(self) -> str:
        # It has not come to what it was told; or it is seen.
        is_blocked = self._inbox or self._liveness.told().get("blocked")
        return f"the loop did not end in time{': its thread is blocked' if is_blocked else ''}"

    def _names_of_unfinished(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        ledger = self._ledger
        return names_of_left(self._unfinished(), ledger.name) if ledger else ((), ())

    def _unfinished(self) -> list[asyncio.Task[Any]]:
        try:
            listed = self._ledger.unfinished() if self._ledger else []
        except Exception:  # noqa: BLE001 - a factory's own kind of task may tell nothing
            return []
        # Born when nobody watched any more. Not asyncio's own, which close generators.
        late = [
            task
            for task in self._left.difference(listed)
            if inspect.iscoroutine(coroutine_of(task))
        ]
        return [*listed, *late]

    def _call_in_loop(self, callback: Callable[[], None]) -> None:
        with self._guard:
            loop = self._loop
            if loop is None or loop.is_closed():
                return  # Not up yet, or over: both find the inbox, or need nothing from it.
            # Where it does not take it, the ladder gives it up, as one that is blocked.
            call_in_loop(loop, callback, self._context.copy())

    # In the loop's thread

    def run(self, loop: asyncio.AbstractEventLoop, started: Future[None]) -> None:
        """Run the loop from here to its end. Blocks: it is the body of the loop's thread.

        `started` is resolved when the loop turns, with an exception when the work cannot begin.
        """
        self._native_thread_id = threading.get_native_id()
        enter_loop_thread(self._plan.loop_id)
        tqdm_catcher.look()
        broken: Exception | None = None
        try:
            broken = self._run(loop, started)
            if broken is not None and started.done():
                self._note(f"the event loop broke: {one_line(broken)}")
                self._tell_why(broken)
                self._run_state.happened(LoopEvent.HOST_LOST)
            elif broken is not None:
                self._plan.work.discard()
                self._main_failed(broken)
        finally:
            try:
                self._finish(loop)
            finally:
                leave_loop_thread(self._plan.loop_id)
                if not started.done():
                    started.set_exception(broken or RuntimeError("the loop has not begun"))

    def _run(self, loop: asyncio.AbstractEventLoop, started: Future[None]) -> Exception | None:
        try:
            timings = Timings(loop) if self._plan.timings else None
            self._ledger = Ledger(
                loop,
                warnings=self._warnings.kept,
                timings=timings,
                bars=self.findings.bars.of,
            )
            self.signs.begin(self._ledger)
            self._warnings.begin(loop, self._ledger)
            write_down(self._plan.output, loop, self._ledger, self._warnings)
            loop.call_soon(self._begin, loop, started, context=self._context.copy())
        except Exception as error:  # noqa: BLE001 - a user's loop may be broken in any way
            return error
        return run_until_closing(loop, lambda: self._is_closing, self._note)

    def fail_to_start(self, error: BaseException) -> None:
        """There is no loop to run: end as failed. In the thread that was to be the loop's."""
        self._plan.work.discard()
        self._main_failed(error)
        self._report_the_end()

    def _begin(self, loop: asyncio.AbstractEventLoop, started: Future[None]) -> None:
        self._started_at = time.time()
        with self._guard:
            self._loop = loop
        try:
            self._submissions.open(loop, self._known_ledger().cancel)
            if loop.get_task_factory() is None:
                # In the loop's next turn, before the work's first step: no caller waits for this.
                loop.call_soon(self._equip, loop)
            else:  # An eager one takes the first step at once.
                self._equip(loop)
            self._run_state.happened(LoopEvent.STARTED)
            with _no_longer_than(FIRST_STEP_PATIENCE, started, loop):
                main = self._start_main()
        except BaseException as error:  # noqa: BLE001 - whoever started it gets it, whatever it is
            try:
                self._main_failed(error)
                self._wind_down()
            finally:
                if not started.done():
                    started.set_exception(error)
            return
        self.signs.changed()  # The main task was entered without a word.
        self._main = main
        main.add_done_callback(self._main_ended)
        if not started.done():
            started.set_result(None)
        while self._inbox:  # What was asked for before the loop was up.
            self._obey_one()

    def _start_main(self) -> asyncio.Task[Any]:
        work = self._plan.work
        if work.kind is WorkKind.NOTHING:
            return self._spawn(self.stop_event.wait())
        is_plain = work.kind is WorkKind.PLAIN_FUNCTION
        return self._known_ledger().create_main(
            main_coroutine(work, self._known_workers),
            name=self._plan.name,
            context=self._context.copy(),
            runs=short_name(work.qualified_name) if is_plain else None,
        )

    def _equip(self, loop: asyncio.AbstractEventLoop) -> None:
        self._liveness.begin(loop)
        # Also in the place of one that the loop's factory has set: ours hold up no exit, and know
        # whom they work for. What the work itself sets later stays.
        loop.set_default_executor(self._known_workers())
        know_pool_threads(loop, self._plan.loop_id, self.stop_event, self._warnings.pool_threads)

    def _known_workers(self) -> WorkerThreads:
        if self._workers is None:
            self._workers = WorkerThreads(
                self._thread_name, self._plan.loop_id, stop_event=self.stop_event
            )
        return self._workers

    def _busy_workers(self) -> tuple[str, ...]:
        return self._workers.busy_threads() if self._workers else ()

    def _busy_threads(self) -> tuple[str, ...]:
        """These, and those of other pools. Any thread."""
        return (*self._busy_workers(), *self._warnings.pool_threads_at_work())

    def _spawn(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of our own: in no list, and spared by every cancellation."""
        task = self._known_ledger().create_unlisted(coroutine)
        self._our_tasks.add(task)
        return task

    def _known_ledger(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("the loop has no ledger before it runs")
        return self._ledger

    def _known_ending(self) -> Ending:
        loop = self._known_loop()
        remind_of(loop)
        if self._ending is None:
            self._ending = Ending(loop, self._spawn, self._known_ledger().cancel)
        return self._ending

    def _known_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("there is no loop before it runs, and when it has ended")
        return self._loop

    def _main_ended(self, main: asyncio.Task[Any]) -> None:
        try:
            self._plan.output.gather()  # While it is there, and can tell its name.
            self._is_told_how(main)
        except BaseException as error:  # noqa: BLE001 - a factory's own kind of task may not tell
            self._main_failed(error)
        finally:
            self._main = None  # Its CancelledError leads to its frames, and to all their variables.
            self._wind_down()

    def _is_told_how(self, main: asyncio.Task[Any]) -> None:
        if main.cancelled():
            self._run_state.happened(LoopEvent.MAIN_CANCELLED)
        elif (error := main.exception()) is not None:
            self._main_failed(error)
        else:
            if self._plan.work.kind is not WorkKind.NOTHING:
                self._result = main.result()
            self._run_state.happened(LoopEvent.MAIN_RETURNED)

    def _main_failed(self, error: BaseException) -> None:
        self._exception = error
        self._tell_why(error)
        self._run_state.happened(LoopEvent.MAIN_FAILED)

    def _tell_why(self, error: BaseException) -> None:
        self._error_text, self._error_line = full_text(error), one_line(error)

    def _obey_one(self) -> None:
        """One for each call, so that commands and submissions keep the order they came in."""
        if not self._inbox:
            return
        command = self._inbox.popleft()
        ledger = self._known_ledger()
        if isinstance(command, StopLoop):
            ledger.all_is_done_for(command.by or NOBODY_KNOWS)
            self._known_ending().hurry()
            self._wind_down()
        elif isinstance(command, CancelTasks):
            self._cancel(ledger, command.task_ids, command.by or NOBODY_KNOWS)

    def _cancel(self, ledger: Ledger, task_ids: tuple[int, ...] | None, by: Asker) -> None:
        if task_ids is None:
            with ledger.naming(by):
                self._known_ending().cancel_all()
            return
        found = map(ledger.task_of, task_ids)
        ledger.cancel([task for task in found if task is not None], by)

    def _wind_down(self) -> None:
        ending = self._known_ending()
        if not ending.has_begun:
            self._was_stop_requested = self.stop_event.is_set()
            self._submissions.close()
            # Worker threads that look at it should not go on for a loop that is ending.
            self.stop_event.set()
            ending.begin(self._known_ledger().close, self._tasks_are_over)

    def _tasks_are_over(self, note: str | None) -> None:
        if note is not None:
            self._note(note)
        self._is_closing = True
        self._known_loop().stop()

    def _note(self, note: str | Interruption) -> None:
        times = self._notes.get(note, 0)
        if times or len(self._notes) < MOST_NOTES:
            self._notes[note] = times + 1
            self.signs.changed()

    def _notes_now(self) -> tuple[str, ...]:
        """As they are to be told. Any thread."""
        return tuple(
            f"{note} ({times:,} times)" if times > 1 else str(note)
            for note, times in self._notes.copy().items()
        )

    def _finish(self, loop: asyncio.AbstractEventLoop) -> None:
        """The loop turns no more: close it, resolve what waits, report the end."""
        with self._guard:
            self._loop = None
        first = (
            self._liveness.end,
            self._submissions.close,
            self._shut_down_workers,
            partial(forget_pool_threads, loop),
            partial(self._hold_what_is_left, loop),
            self._warnings.look,
        )
        take_all(first, NOT_IN_ORDER, self._note)
        take_all((loop.close,), NOT_CLOSED, self._note)
        self._report_the_end()

    def _shut_down_workers(self) -> None:
        if self._workers is not None:
            self._workers.shutdown(wait=False, cancel_futures=True)

    def _hold_what_is_left(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._main is not None:  # It never ends any more, and need not lead here.
            self._main.remove_done_callback(self._main_ended)
            self._main = None
        self._left = self._ending.left() if self._ending else let_go_of_all(loop, None)
        for task in self._our_tasks:
            if not task.done():
                let_go_of(task)
        never_ended.hold(self._left, loop, self)

    def _report_the_end(self) -> None:
        self._ended_at = time.time()
        last = (
            lambda: self._warnings.at_the_end(self._unfinished(), self._busy_workers()),
            lambda: self._warnings.end(self._plan.output),
            self._plan.output.end,
            self.findings.close,
            self._submissions.fail_the_rest,
            partial(self._run_state.ends_by, LoopEvent.CLOSED),
        )
        take_all(last, NOT_IN_ORDER, self._note)
        report(
            self.ended,
            self._changed,
            state=self._run_state.state,
            ended_at=self._ended_at,
            result=self._result,
            exception=self._exception,
            leftovers=what_is_left(self._leftovers, self._note),
        )

    def _leftovers(self) -> Leftovers:
        names, more = self._names_of_unfinished()
        return Leftovers(
            unfinished_tasks=names,
            threads_left=self._busy_threads(),
            notes=(*self._notes_now(), *more),
        )
