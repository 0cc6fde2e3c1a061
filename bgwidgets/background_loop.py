"""The handle of one background loop: what users hold, and what `current()` gives to the work."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, Final, NoReturn, Self
from weakref import WeakValueDictionary

from bgwidgets.belonging import current_loop_id, stop_event_of_worker, works_for
from bgwidgets.commands import CancelTasks, HostCommand, InterruptLoop, SetStopEvent, StopLoop
from bgwidgets.exceptions import CannotRestart, LoopEnded, ProtectedLoop, WouldDeadlock
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.ladder import climb_down, climb_down_async, ladder
from bgwidgets.hosts.protocol import Host, LoopEnd, LoopPlan
from bgwidgets.hosts.registry import HostFactory
from bgwidgets.observe.askers import caller
from bgwidgets.output.figures import DRAWING_LIMIT
from bgwidgets.output.following import follow, follow_async
from bgwidgets.output.log import OutputLog
from bgwidgets.output.router import router
from bgwidgets.plain_text import plain_text
from bgwidgets.snapshots import (
    SORT_KEYS,
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    StopReport,
    TaskDetail,
    TaskSnapshot,
    TaskWindow,
    WindowRequest,
)
from bgwidgets.states import LoopState, TaskState
from bgwidgets.stop_event import StopEvent
from bgwidgets.time_limits import check_timeout
from bgwidgets.work import Work, check_call, check_coroutine

MOST_UNFINISHED_TASKS: Final = 10_000
"""As many unfinished tasks `BackgroundLoop.tasks` lists; `task_window` reaches the rest."""


MOST_TASKS: Final = 1 << 62

STOP_INSTEAD: Final = (
    "call request_stop() or stop_loop(), which do not wait;"
    " on another loop `await job.stop_async()`"
)
WAIT_INSTEAD: Final = "it ends only after this call; on another loop `await job.wait_async()`"
RESULT_INSTEAD: Final = "await the coroutine itself; on another loop `await job`"
"""What to do where a wait would never end."""

_handles: Final[WeakValueDictionary[int, BackgroundLoop]] = WeakValueDictionary()


def current() -> BackgroundLoop | None:
    """The background loop that the calling task or worker thread belongs to; else None.

    Any thread; does not block. Threads that the work starts by itself belong to no loop.
    """
    loop_id = current_loop_id()
    return None if loop_id is None else _handles.get(loop_id)


def stop_together(loops: Sequence[BackgroundLoop], grace: float) -> list[StopReport]:
    """Bring loops down at the same time: `BackgroundLoop.stop()` for all of them, in its time."""
    for loop in loops:
        loop._refuse_stop("stop()")  # noqa: SLF001 - its own module
    reports = climb_down(ladder([loop._run.host for loop in loops], grace))  # noqa: SLF001 - its own module
    for loop, report in zip(loops, reports, strict=True):
        loop._note(report)  # noqa: SLF001 - its own module
    return reports


def host_of(loop: BackgroundLoop) -> Host:
    """What carries its present run."""
    return loop._run.host  # noqa: SLF001 - its own module


def wait_for_ends(loops: Sequence[BackgroundLoop], timeout: float) -> None:
    """Block until all have ended, or for `timeout` seconds."""
    ends = [loop._run.host.ended for loop in loops]  # noqa: SLF001 - its own module
    concurrent.futures.wait(ends, timeout)


class _Run:
    """One run of a loop: its host, and the answer that those who wait for its result get."""

    def __init__(self, host: Host) -> None:
        self.host: Final = host
        self._answer: Final[Future[LoopEnd]] = free_in_forks(Future())
        host.ended.add_done_callback(lambda ended: self._has_ended(ended.result()))

    @property
    def answer(self) -> Future[LoopEnd]:
        """As `host.ended`, but also resolved, with `LoopEnded`, when a stop has given it up; until
        it ends all the same.
        """
        return self.host.ended if self.host.ended.done() else self._answer

    def _has_ended(self, end: LoopEnd) -> None:
        try:
            self._answer.set_result(end)
        except InvalidStateError:
            return  # It was given up before.

    def give_up(self, error: LoopEnded) -> None:
        try:
            self._answer.set_exception(error)
        except InvalidStateError:
            return  # It ended in this moment.


class BackgroundLoop:
    """One background loop: see it, give it more work, wait for it, stop it.

    Made by `start()`. Unless a method says otherwise it may be called from any thread and returns
    at once. The methods that wait raise `WouldDeadlock` in the loop's own thread, and in its worker
    threads. Of a loop in another process a look at its tasks waits a fraction of a second for the
    answer, longer only for a long list of one that is alive; then it shows what was known last.

    As a context manager (`with` or `async with`) the loop is stopped at the end of the block.
    """

    def __init__(
        self,
        plan: LoopPlan,
        make_host: HostFactory,
        *,
        put_on_list: Callable[[BackgroundLoop, Callable[[], None]], object],
        take_off_list: Callable[[BackgroundLoop], None],
    ) -> None:
        self._plan = plan
        self._make_host: Final = make_host
        self._put_on_list: Final = put_on_list
        self._take_off_list: Final = take_off_list
        self._restarting: Final = free_in_forks(threading.Lock())
        self._run = _Run(make_host(plan))
        _handles[plan.loop_id] = self
        router.register(plan.loop_id, plan.output)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a handle stays in its own process: use bgwidgets.current() there")

    def __repr__(self) -> str:
        text = f"<BackgroundLoop {self.id} {self.name!r} {self.state}"
        why = self.snapshot().error_line
        return f"{text}: {why}>" if why else f"{text}>"

    # What it is

    @property
    def id(self) -> int:
        """The number by which commands name it; a restart keeps it, no other loop ever has it."""
        return self._plan.loop_id

    @property
    def name(self) -> str:
        """Its name, by which the manager finds it."""
        return self._plan.name

    @property
    def host(self) -> str:
        """The kind of host that carries it: "thread", "process", "dask", "adopted"."""
        return self._run.host.kind

    @property
    def state(self) -> LoopState:
        """How it is doing."""
        return self._run.host.state

    @property
    def run_number(self) -> int:
        """1, and one more after each restart."""
        return self._plan.run_number

    @property
    def started_at(self) -> float | None:
        """When this run came up, in seconds as of `time.time()`; None before that."""
        return self.snapshot().started_at

    @property
    def stop_event(self) -> StopEvent:
        """The stop event of this run; a restarted loop has a new one.

        A plain function that was given up before a restart still sees that of its own run, which
        is set, and not the new one.
        """
        own: StopEvent | None = stop_event_of_worker(self.id)
        return self._run.host.stop_event if own is None else own

    @property
    def output(self) -> OutputLog:
        """What its work has written: prints, logging, warnings, tracebacks, what was displayed."""
        return self._plan.output

    def snapshot(self) -> LoopSnapshot:
        """How the loop stands at this moment; of one in another process as it was told last."""
        return self._run.host.snapshot()

    def task_detail(self, task_id: int) -> TaskDetail:
        """One task in detail: the chain of its awaits with their source lines, the tasks that it
        waits for, and those that wait for it; of one of the last 1,000 that ended how it ended,
        with the traceback. With its timings, if the loop was started so.

        Reads source files. Of a loop in another process it waits for the answer, at most 0.3
        seconds. Raises `UnknownTask`.
        """
        return self._run.host.task_detail(task_id)

    def history(self) -> LoopHistory:
        """What has become of its tasks: births, ends, the last failures, who had which cancelled.

        Takes a few milliseconds where tracebacks are to be formatted. Of a loop in another process
        it waits for the answer, at most 0.3 seconds.
        """
        return self._run.host.history()

    @property
    def metrics(self) -> dict[str, MetricSnapshot]:
        """What `metric()` was told in this run, by name."""
        return self._run.host.metrics()

    @property
    def figures(self) -> dict[str, FigureSnapshot]:
        """The pictures of what `figure()` gave to the work in this run, by name.

        They were drawn before. For 10 seconds after one has asked, what changes is drawn anew, at
        most twice a second; what nobody asks for, only for the first time and at the end. When the
        loop has ended, this waits for the last pictures, at most 3 seconds.
        """
        host = self._run.host
        if host.state.has_ended:
            host.wait_until_drawn(DRAWING_LIMIT)
        return host.figures()

    def pictures(self) -> dict[str, FigureSnapshot]:
        """As `figures`, without waiting for the last pictures. For the panel. Of a loop in another
        process it waits for the answer, at most 0.3 seconds.
        """
        return self._run.host.figures()

    @property
    def tasks(self) -> list[TaskSnapshot]:
        """All unfinished tasks (at most 10,000) and the last 1,000 that ended, newest first."""
        window = self.task_window(sort="-created_at", stop=MOST_TASKS).tasks
        unfinished = [task for task in window if not task.state.has_ended]
        too_many = {task.id for task in unfinished[MOST_UNFINISHED_TASKS:]}
        return [task for task in window if task.id not in too_many]

    def task_window(
        self,
        *,
        sort: str = "",
        filter: str = "",  # noqa: A002 - what the panel calls it
        states: Iterable[str] = (),
        start: int = 0,
        stop: int = 100,
    ) -> TaskWindow:
        """Any part of the loop's tasks: those from `start` to before `stop`, and how many match.

        `sort` is one of "name", "state", "coroutine", "waiting_on", "age", "created_at", with a
        minus before it to turn it round; without it, unfinished tasks come first, the oldest at
        the top, then the ended, the latest first. `filter` keeps the tasks whose name, coroutine,
        state or error holds that text; `states` those in one of these states: "pending", "failed",
        ... Raises ValueError for any other sort or state.
        """
        key = sort.removeprefix("-")
        if key not in SORT_KEYS:
            raise ValueError(
                f"tasks cannot be sorted by {key!r}: choose one of"
                f" {', '.join(repr(name) for name in SORT_KEYS if name)}"
            )
        return self.window(
            WindowRequest(
                sort=key,  # type: ignore[arg-type] # just checked
                descending=sort.startswith("-"),
                filter=filter,
                states=_checked_states(states),
                start=start,
                stop=stop,
            )
        )

    def window(self, request: WindowRequest) -> TaskWindow:
        """As `task_window`, for one who has a request at hand."""
        return self._run.host.task_window(request)

    # What it is asked

    def submit(
        self, coroutine: Coroutine[Any, Any, Any], *, name: str | None = None
    ) -> Future[Any]:
        """Run one more coroutine on the loop. Returns its future, for threads to wait on.

        Cancelling the future cancels the task, and the other way round: when the loop ends first,
        the future is cancelled. Raises `InvalidWork` for anything but a fresh coroutine object,
        and `LoopEnded` when the loop has ended or is stopping; the coroutine is closed then.
        """
        fresh = check_coroutine(coroutine)
        return self._run.host.submit(fresh, plain_text(name))

    def submit_call(
        self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any, name: str | None = None
    ) -> Future[Any]:
        """Run one more coroutine on the loop: what this coroutine function makes of its arguments.

        As `submit`, but it works for every host: a coroutine object cannot be brought to another
        process, and a function with its arguments can. Blocks for as long as pickling them takes.
        Raises `InvalidWork` for anything but a coroutine function, for arguments that do not fit,
        and for what cannot be brought there.
        """
        return self._run.host.submit_call(check_call(function, args), plain_text(name))

    def request_stop(self) -> None:
        """Set the stop event, and leave it to the work to end. (Button: Stop event)"""
        self.command(SetStopEvent(self.id))

    def stop_loop(self) -> None:
        """End the loop now: cancel what is left, close it. (Button: Stop loop)"""
        self.command(StopLoop(self.id, by=caller()))

    def cancel_tasks(self, *task_ids: int) -> None:
        """Cancel all unfinished tasks, or those. (Button: Cancel tasks)

        With no ids, tasks that were cancelled less than half a second ago are left to their
        clean-up.

        Raises `UnknownTask` for an id that is not the loop's, and then cancels none. With ids, and
        a loop in another process, it waits for the answer, at most 2 seconds: `HostUnresponsive`
        when there is none, which says whether it may still be done.
        """
        self.command(CancelTasks(self.id, task_ids or None, by=caller()))

    def interrupt(self) -> None:
        """Break a blocked loop out of running Python code: `LoopInterrupted` comes up in its task.

        That task ends failed, unless it catches the exception; the others go on. What it was about
        to do stays half done, so this is for a task that would never return. `time.sleep` and
        other C code are left only when they return. The snapshot's and the report's notes tell of
        it ever after.

        Raises `CannotInterrupt` when no task blocks the loop (`snapshot().blocked_by` says so) or
        it was started elsewhere, and then nothing is done. Of a loop in another process it waits
        for the answer, at most 2 seconds: `HostUnresponsive` when there is none, as of
        `cancel_tasks()`.
        """
        self.command(InterruptLoop(self.id))

    def kill(self) -> None:
        """End the process that carries the loop, whatever it does: the loop is `killed`.

        Also what the work has started, but for what has left its process group, as with
        `start_new_session=True`. Blocks until the process is gone, some milliseconds, at most one
        second. On a Dask worker that does not answer it is given up after some seconds, and a
        note says that nobody has seen its end. A thread cannot be killed: `CannotKillThread`.
        """
        if not self.state.has_ended:
            self._run.host.kill()

    def command(self, command: HostCommand) -> None:
        """Obey a command: what the methods above make of their call. Blocks as they do."""
        self._run.host.command(command)

    # Bringing it down

    def follow(self, tail: int = 10) -> None:
        """Show what it writes in the cell that calls this, until it has ended.

        Begins with the last `tail` lines, as far as they are held. Of what comes faster than
        200,000 characters in a tenth of a second the end is shown, and how many lines were left
        out. What was displayed is displayed. Lines that have no end in the end are ended. Blocks;
        the notebook's stop button ends that, and the loop goes on.
        """
        self._refuse_own_thread("follow()", "read job.output there")
        follow(self.output, self._run.host.ended, tail, is_seen=router.shows_here())

    async def follow_async(self, tail: int = 10) -> None:
        """As `follow()`, for async code on any other loop; cancel it to end it."""
        self._refuse_own_thread("follow_async()", "read job.output there")
        ended, is_seen = self._run.host.ended, router.shows_here()
        await follow_async(self.output, ended, tail, is_seen=is_seen)

    def stop(self, grace: float = 2.0) -> StopReport:
        """Bring the loop down, as politely as it lets us; says what was needed and what is left.

        Sets the stop event and waits `grace` seconds, then cancels the tasks, then stops the loop.
        With `math.inf` for a grace it waits for as long as the loop takes to end by itself.
        Blocks for at most `grace` + 3 seconds. A loop whose thread is blocked stays `stopping`: the
        report names what is left, and its futures are failed.
        """
        return stop_together([self], grace)[0]

    async def stop_async(self, grace: float = 2.0) -> StopReport:
        """As `stop()`, for async code on any other loop."""
        self._refuse_stop("stop_async()")
        (report,) = await climb_down_async(ladder([self._run.host], grace))
        self._note(report)
        return report

    def _note(self, report: StopReport) -> None:
        """After a stop whose time ran out, nobody may wait for the result any longer."""
        if not report.outcome.has_ended:
            self._run.give_up(
                LoopEnded(
                    f"{self.name!r} did not end when it was stopped, and was given up:"
                    f" {'; '.join(report.notes)}"
                )
            )

    # Waiting for it

    def wait(self, timeout: float | None = None) -> LoopState:
        """Wait until the loop has ended; returns the state it ended in.

        Blocks for at most `timeout` seconds, then raises TimeoutError; None and `math.inf` set no
        limit.
        """
        self._refuse_own_thread("wait()", WAIT_INSTEAD)
        return self._end_of(self._run.host.ended, timeout).state

    async def wait_async(self, timeout: float | None = None) -> LoopState:
        """As `wait()`, for async code on any other loop."""
        self._refuse_own_thread("wait_async()", WAIT_INSTEAD)
        return (await self._end_of_async(self._run.host.ended, timeout)).state

    def result(self, timeout: float | None = None) -> Any:
        """What the main task returned, as soon as the loop has ended; raises what it raised.

        Blocks for at most `timeout` seconds, then raises TimeoutError. Raises `LoopEnded` after
        stopped, cancelled, killed and lost, for then there is no result.
        """
        self._refuse_own_thread("result()", RESULT_INSTEAD)
        return self._result_of(self._end_of(self._run.answer, timeout))

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """What the main task raised, or None when it returned. Waits and raises like `result()`."""
        self._refuse_own_thread("exception()", RESULT_INSTEAD)
        end = self._end_of(self._run.answer, timeout)
        if end.state is LoopState.FAILED:
            return end.exception
        self._result_of(end)
        return None

    def __await__(self) -> Generator[Any, None, Any]:
        """The main task's result, for async code on any other loop: `await job`."""
        return self._result_async().__await__()

    async def _result_async(self) -> Any:
        self._refuse_own_thread("await", RESULT_INSTEAD)
        return self._result_of(await self._end_of_async(self._run.answer, None))

    def _end_of(self, future: Future[LoopEnd], timeout: float | None) -> LoopEnd:
        # Not `future.result(timeout)`: its TimeoutError could be the user's own as well.
        if not concurrent.futures.wait([future], check_timeout(timeout)).done:
            raise self._still_running(timeout)
        return future.result()

    async def _end_of_async(self, future: Future[LoopEnd], timeout: float | None) -> LoopEnd:
        # `asyncio.wait` cancels nothing: one who is cancelled while waiting leaves the future be.
        limit = check_timeout(timeout)
        await asyncio.wait([asyncio.wrap_future(future)], timeout=limit)
        if not future.done():
            raise self._still_running(timeout)
        return future.result()

    def _still_running(self, timeout: float | None) -> TimeoutError:
        return TimeoutError(f"{self.name!r} is {self.state} after {timeout} s")

    def _result_of(self, end: LoopEnd) -> Any:
        if end.state is LoopState.FINISHED:
            return end.result
        if end.exception is not None:
            raise end.exception
        why = f" ({'; '.join(end.leftovers.notes)})" if end.state is LoopState.LOST else ""
        raise LoopEnded(f"{self.name!r} was {end.state}{why}, so there is no result")

    def _refuse_stop(self, call: str) -> None:
        """Protected loops first: nobody stops these, from whatever thread."""
        snapshot = self.snapshot()
        if snapshot.protected and not snapshot.state.has_ended:
            raise ProtectedLoop(f"{self.name!r} is protected: {snapshot.why_protected}")
        self._refuse_own_thread(call, STOP_INSTEAD)

    def _refuse_own_thread(self, call: str, instead: str) -> None:
        if works_for(self.id) and not self._run.host.ended.done():
            raise WouldDeadlock(
                f"{call} in a thread of {self.name!r} would wait for itself: {instead}"
            )

    # Again, and off the list

    def restart(self, grace: float = 2.0) -> None:
        """Run the same work with the same arguments on a fresh loop; stops it first if it runs.

        Blocks for at most `grace` + 3 seconds and until the new loop is up; restarts that are
        asked for at the same time come one after another. Raises `CannotRestart`
        for work that was a coroutine object, and when the old run could not be brought down.
        """
        self._refuse_own_thread("restart()", "call it in another thread")
        work = self._plan.work.again()
        with self._restarting:
            report = self.stop(grace)
            if not report.outcome.has_ended:
                raise CannotRestart(
                    f"{self.name!r} is still {report.outcome}: {'; '.join(report.notes)}."
                    " Start it under another name"
                )
            old = self._run
            try:
                self._put_on_list(self, partial(self._renew, work))
                self.begin()
            except BaseException as error:
                if self._run is not old:  # A Ctrl-C, say, when it was listed and had not begun.
                    self._run.host.abandon(error)
                raise

    def _renew(self, work: Work) -> None:
        plan = replace(self._plan, work=work, run_number=self.run_number + 1)
        run = _Run(self._make_host(plan))  # It may refuse: then nothing has changed.
        self._plan, self._run = plan, run

    def begin(self) -> None:
        """Start this run. Called once for each, by whoever made it; raises what broke it, and then
        it ends.
        """
        host = self._run.host
        try:
            router.look()
            host.start()
        except BaseException as error:
            host.abandon(error)
            raise

    def remove(self) -> None:
        """Take an ended loop off the manager's list. Raises `LoopUnfinished` while it is not."""
        self._take_off_list(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop_async()


def _checked_states(states: Iterable[str]) -> tuple[TaskState, ...]:
    names = [states] if isinstance(states, str) else list(states)
    known = [str(state) for state in TaskState]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"no task is ever {unknown[0]!r}: choose from {', '.join(known)}")
    return tuple(map(TaskState, names))
