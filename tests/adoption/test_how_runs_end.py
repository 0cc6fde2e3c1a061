"""Loops that their owners run: how each run's end is told, and who may wait for it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from queue import SimpleQueue
from typing import Any

import pytest
import uvloop

import bgwidgets as bgw
from bgwidgets import BackgroundJobManager, LoopManager, LoopState
from tests.adoption.conftest import LIMIT, Owner, until
from tests.adoption.test_adopting import Running, for_ever

Work = Callable[[], Coroutine[Any, Any, Any]]


@pytest.fixture
def jobs(manager: LoopManager) -> BackgroundJobManager:
    return BackgroundJobManager(manager)


@pytest.fixture
def run_in_child() -> Callable[[str], str]:
    """Runs code in a process of its own, since what it does cannot be undone; what it printed."""

    def run(code: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        assert "" == done.stderr
        return done.stdout

    return run


async def fails_in_its_clean_up() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        raise ValueError("clean-up broke") from None


async def returns_all_the_same() -> int:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    return 7


@pytest.mark.parametrize(
    ("work", "expected", "error"),
    [
        (fails_in_its_clean_up, LoopState.FAILED, "ValueError: clean-up broke"),
        (returns_all_the_same, LoopState.FINISHED, None),
        (for_ever, LoopState.CANCELLED, None),
    ],
)
def test_a_cancelled_main_task_says_itself_how_it_ended(
    manager: LoopManager, work: Work, expected: LoopState, error: str | None
):
    """As on a loop of ours."""
    loop = asyncio.new_event_loop()
    owner = Owner(lambda: loop.run_until_complete(work()))
    owner.start()
    job = manager.adopt(loop)
    until(lambda: job.tasks and job.tasks[0].waiting_on)
    job.cancel_tasks()
    assert expected == job.wait(LIMIT)
    assert error == job.snapshot().error_line
    owner.join()


def test_the_result_is_what_the_main_task_returned(manager: LoopManager):
    """Where the runner waits for one."""
    loop, is_adopted = asyncio.new_event_loop(), asyncio.Event()

    async def work() -> int:
        await is_adopted.wait()
        return 42

    owner = Owner(lambda: loop.run_until_complete(work()))
    owner.start()
    job = manager.adopt(loop)
    until(lambda: job.tasks)
    loop.call_soon_threadsafe(is_adopted.set)
    assert 42 == job.result(LIMIT)
    owner.join()


@pytest.mark.parametrize(
    ("last", "expected"), [("fail", LoopState.FAILED), ("finish", LoopState.FINISHED)]
)
def test_of_several_runs_the_last_counts(
    manager: LoopManager, jobs: BackgroundJobManager, last: str, expected: LoopState
):
    """One loop may be run again and again; what its function has caught is no failure."""
    at_work, go_on = threading.Event(), threading.Event()

    async def fail() -> None:
        raise KeyError("x")

    async def finish() -> None:
        at_work.set()
        await asyncio.to_thread(go_on.wait, LIMIT)

    def twice() -> None:
        loop = asyncio.new_event_loop()
        runs: list[Work] = [fail, finish] if last == "finish" else [finish, fail]
        for work in runs:
            try:
                loop.run_until_complete(work())
            except KeyError:
                continue

    job = jobs.new(twice)
    assert at_work.wait(LIMIT)
    (loop,) = manager
    until(
        lambda: (
            ["finish"]
            == [each.coroutine for each in loop.tasks if each.is_main and not each.state.has_ended]
        )
    )
    go_on.set()
    assert expected == loop.wait(LIMIT)
    job.join(LIMIT)


class RunsNowAndThen:
    """Somebody's thread, which runs its loop when it is told, and keeps it open in between."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._works: SimpleQueue[Work | None] = SimpleQueue()
        self.has_run: SimpleQueue[object] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="now and then")
        self._thread.start()

    def _run(self) -> None:
        while (work := self._works.get()) is not None:
            with contextlib.suppress(RuntimeError):  # Stopped under its runner, or closed since.
                self.has_run.put(self.loop.run_until_complete(work()))

    def run(self, work: Work) -> None:
        """Once more."""
        self._works.put(work)

    def end(self) -> None:
        """It is done with it, and has not closed it."""
        self._works.put(None)
        self._thread.join(LIMIT)


@pytest.fixture
def owner() -> Iterator[RunsNowAndThen]:
    owner = RunsNowAndThen()
    yield owner
    owner.end()
    owner.loop.close()


async def until_told(told: threading.Event) -> int:
    await asyncio.to_thread(told.wait, LIMIT)
    return 42


def test_a_loop_that_nobody_runs_any_more_says_so_and_comes_back(
    manager: LoopManager, owner: RunsNowAndThen
):
    """It has not ended, for its owner may run it again; and then it is as before."""
    told = threading.Event()
    owner.run(lambda: until_told(told))
    job = manager.adopt(owner.loop, protected=False)
    until(lambda: job.state is LoopState.RUNNING and job.tasks)
    told.set()
    assert 42 == owner.has_run.get(timeout=LIMIT)
    until(lambda: job.snapshot().notes)
    (note,) = job.snapshot().notes
    assert job.snapshot().unresponsive
    assert note.startswith("nobody runs it at the moment: its runner has returned")
    assert LoopState.RUNNING == job.state

    told.clear()
    owner.run(lambda: until_told(told))
    until(lambda: not job.snapshot().unresponsive)
    assert () == job.snapshot().notes
    told.set()
    assert 42 == owner.has_run.get(timeout=LIMIT)
    owner.end()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert (False, ()) == (job.snapshot().unresponsive, job.snapshot().notes)


def test_a_loop_that_nobody_runs_any_more_is_stopped(manager: LoopManager, owner: RunsNowAndThen):
    """Without its owner: what is left on it is cancelled, and it is closed."""
    left: list[asyncio.Task[None]] = []

    async def leave_something() -> None:
        left.append(asyncio.create_task(for_ever(), name="left"))

    told = threading.Event()
    owner.run(lambda: until_told(told))
    job = manager.adopt(owner.loop, protected=False)
    until(lambda: job.state is LoopState.RUNNING and job.tasks)
    told.set()
    owner.run(leave_something)
    for _ in range(2):
        owner.has_run.get(timeout=LIMIT)
    report = job.stop(0)
    assert LoopState.STOPPED == report.outcome
    assert report.seconds < 3
    assert (True, True) == (left[0].cancelled(), owner.loop.is_closed())


def run_by_a_runner(factory: Any) -> Callable[[], None]:
    def work() -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.sleep(0.05))

    return work


@pytest.mark.parametrize(
    "work",
    [
        run_by_a_runner(asyncio.SelectorEventLoop),
        run_by_a_runner(uvloop.new_event_loop),
        lambda: uvloop.run(asyncio.sleep(0.05)),
        lambda: uvloop.new_event_loop().run_until_complete(asyncio.sleep(0.05)),
        lambda: asyncio.SelectorEventLoop().run_until_complete(asyncio.sleep(0.05)),
    ],
    ids=["factory", "uvloop factory", "uvloop.run", "uvloop", "class"],
)
def test_loops_of_every_make_are_adopted(jobs: BackgroundJobManager, work: Callable[[], None]):
    """However a job's function comes by its loop."""
    job = jobs.new(work)
    job.join(LIMIT)
    (loop,) = job.loops
    assert LoopState.FINISHED == loop.wait(LIMIT)


def test_threads_that_outlive_their_job_are_still_watched(jobs: BackgroundJobManager):
    """Also when no other job runs; after the last of them nothing is patched."""
    before = (asyncio.Runner.run, threading.Thread.start, asyncio.new_event_loop)
    may_run = threading.Event()

    def late() -> None:
        def later() -> None:
            may_run.wait(LIMIT)
            asyncio.run(asyncio.sleep(0.05))

        threading.Thread(target=later, daemon=True).start()

    job = jobs.new(late)
    job.join(LIMIT)
    may_run.set()
    until(lambda: job.loops)
    assert LoopState.FINISHED == job.loops[0].wait(LIMIT)
    until(lambda: before == (asyncio.Runner.run, threading.Thread.start, asyncio.new_event_loop))


@pytest.mark.parametrize(
    ("stop", "expected"),
    [("stop_loop", LoopState.STOPPED), ("cancel_tasks", LoopState.CANCELLED)],
)
def test_a_stop_makes_no_noise_in_a_jobs_threads(
    jobs: BackgroundJobManager,
    stop: str,
    expected: LoopState,
    capfd: pytest.CaptureFixture[str],
):
    """What its runner raises there is what was asked for."""

    def outside() -> None:
        thread = threading.Thread(target=lambda: asyncio.run(for_ever()))
        thread.start()
        thread.join()

    job = jobs.new(outside)
    until(lambda: job.loops and job.loops[0].tasks)
    getattr(job.loops[0], stop)()
    assert expected == job.loops[0].wait(LIMIT)
    job.join(LIMIT)
    assert "" == capfd.readouterr().err


@pytest.mark.parametrize("protected", [True, None])
def test_a_wait_in_its_own_thread_is_refused_at_once(manager: LoopManager, protected: bool | None):
    """Also right after the adoption, and where commands are refused."""

    async def own() -> list[str]:
        job = manager.adopt(asyncio.get_running_loop(), protected=protected)
        refused = []
        for _ in range(2):
            for wait in (job.wait, job.result, job.exception):
                with pytest.raises(bgw.WouldDeadlock, match=r"await job|await the coroutine"):
                    wait(LIMIT)
                refused.append(wait.__name__)
            with pytest.raises(bgw.WouldDeadlock, match=r"await job\.wait_async"):
                await job.wait_async(LIMIT)
            await asyncio.to_thread(until, lambda: job.tasks)  # Once more when it is known to run.
        kind = bgw.ProtectedLoop if protected else bgw.WouldDeadlock
        with pytest.raises(kind):
            job.submit(asyncio.sleep(0)).result(LIMIT)
        return refused

    began = time.monotonic()
    loop = asyncio.new_event_loop()
    refused: list[str] = []
    owner = Owner(lambda: refused.extend(loop.run_until_complete(own())))
    owner.start()
    owner.join()
    if owner.error is not None:
        raise owner.error
    assert 6 == len(refused)
    assert time.monotonic() - began < LIMIT
    loop.close()


def test_what_is_listed_already_takes_over_what_is_said_of_it(manager: LoopManager):
    """A stop event that could not be found is named later; protection comes and goes."""
    theirs = Running(asyncio.new_event_loop())
    job = manager.adopt(theirs.loop)
    until(lambda: job.snapshot().why_no_stop_event)
    event = asyncio.Event()
    assert job is manager.adopt(theirs.loop, stop_event=event)
    assert job.snapshot().why_no_stop_event is None
    job.request_stop()
    until(event.is_set)
    assert job is manager.adopt(theirs.loop, protected=True)
    with pytest.raises(bgw.ProtectedLoop):
        job.stop_loop()
    with pytest.raises(bgw.InvalidWork, match="listed already, as 'theirs'"):
        manager.adopt(theirs.loop, name="other")
    assert job is manager.adopt(theirs.loop, protected=False)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)


def test_a_snapshot_of_ours_leads_to_its_handle(manager: LoopManager):
    """And what could not be done for it is refused."""
    job = manager.start(for_ever)
    (snapshot,) = (loop for loop in manager.discover() if loop.id == job.id)
    assert job is manager.adopt(snapshot)
    with pytest.raises(bgw.InvalidWork, match="was started here"):
        manager.adopt(snapshot, stop_event=asyncio.Event())


def test_a_loop_that_is_closed_is_refused(manager: LoopManager):
    """By itself, and by the snapshot of when it was running."""
    theirs = Running(asyncio.new_event_loop())
    (snapshot,) = (loop for loop in manager.discover() if loop.name == "theirs")
    job = manager.adopt(snapshot, protected=False)
    job.stop_loop()
    job.wait(LIMIT)
    with pytest.raises(bgw.UnknownLoop, match="look again"):
        manager.adopt(snapshot)
    with pytest.raises(bgw.InvalidWork, match="closed"):
        manager.adopt(theirs.loop)
    assert [job] == list(manager)


def test_why_there_is_no_stop_event(manager: LoopManager):
    """None at all, or one too many; those among *args are seen too."""
    for count, why in ((0, "no asyncio.Event was found"), (2, "2 asyncio.Events were found")):
        theirs = Running(asyncio.new_event_loop())

        async def several(*given: asyncio.Event) -> None:
            await (given[0].wait() if given else asyncio.sleep(3600))

        events = [asyncio.Event() for _ in range(count)]  # Held, or the task would be garbage.
        theirs.spawn(several(*events))
        job = manager.adopt(theirs.loop)
        until(lambda job=job: job.snapshot().why_no_stop_event)  # type: ignore[misc]
        assert why in str(job.snapshot().why_no_stop_event)
        job.stop_loop()
        job.wait(LIMIT)
        job.remove()


def test_what_a_job_leaves_when_it_closes_its_loop_is_cancelled(
    jobs: BackgroundJobManager, capfd: pytest.CaptureFixture[str]
):
    """Each of the three stops leaves nothing pending, and nothing is said of it."""
    stops = {"request_stop": "finished", "stop_loop": "stopped", "cancel_tasks": "cancelled"}

    async def work(stop_event: asyncio.Event) -> None:
        asyncio.create_task(for_ever())  # noqa: RUF006 - it is left on purpose
        await stop_event.wait()

    def own() -> None:
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(work(asyncio.Event()))
        finally:
            loop.close()

    for stop, expected in stops.items():
        job = jobs.new(own)
        until(lambda job=job: job.loops and len(job.loops[0].tasks) == 2)  # type: ignore[misc]
        (loop,) = job.loops
        getattr(loop, stop)()
        assert expected == loop.wait(LIMIT)
        assert [] == [task.name for task in loop.tasks if not task.state.has_ended]
        job.join(LIMIT)
        jobs.remove(job.num)
    gc.collect()
    assert "" == capfd.readouterr().err


def test_the_stop_event_of_every_run_is_found(jobs: BackgroundJobManager):
    """On uvloop too, where the loop is known before its tasks are."""
    at_work = threading.Semaphore(0)

    async def work(stop_event: asyncio.Event) -> None:
        at_work.release()
        await stop_event.wait()

    def runs() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            for _ in range(2):
                runner.run(work(asyncio.Event()))

    job = jobs.new(runs)
    for _ in range(2):
        assert at_work.acquire(timeout=LIMIT)
        until(lambda: job.loops[0].snapshot().why_no_stop_event is None)
        until(lambda: not job.loops[0].stop_event.is_set())
        job.loops[0].request_stop()
    assert LoopState.FINISHED == job.loops[0].wait(LIMIT)


def test_a_loop_that_was_only_made_is_left_alone(manager: LoopManager, jobs: BackgroundJobManager):
    """It may run anywhere, later; then it is known by the thread that runs it."""
    made: list[Any] = []
    job = jobs.new(lambda: made.append(uvloop.new_event_loop()))
    job.join(LIMIT)
    assert ([], False) == (job.loops, made[0].is_closed())
    made[0].close()
    assert 0 == len(manager)


def test_a_librarys_loop_stays_the_librarys(manager: LoopManager, jobs: BackgroundJobManager):
    """Also when a job is the first to need it."""
    asyn = pytest.importorskip("fsspec.asyn")
    job = jobs.new(lambda: str(asyn.get_loop()))
    job.join(LIMIT)
    assert ([], 0) == (job.loops, len(manager))
    until(lambda: "fsspecIO" in {loop.name for loop in manager.discover() if loop.protected})


def test_jobs_after_nest_asyncio_was_applied_are_adopted(run_in_child: Callable[[str], str]):
    """While another job runs; whatever it puts in the place of what was there."""
    assert "1 finished" == run_in_child(
        """
import asyncio, threading, nest_asyncio
import bgwidgets as bgw
jobs = bgw.BackgroundJobManager()
end = threading.Event()
first = jobs.new(end.wait, 10)
nest_asyncio.apply(asyncio.new_event_loop())
def run():
    loop = asyncio.new_event_loop()
    loop.run_until_complete(asyncio.sleep(0.05))
second = jobs.new(run)
second.join(10)
end.set()
print(len(second.loops), second.loops[0].wait(10), end="")
"""
    )


def test_a_loop_that_nobody_runs_is_said_to_be_so(manager: LoopManager):
    """While it is waited for that somebody does; who stops it is told, too, and what is left."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(asyncio.sleep(3600), name="mine")
    job = manager.adopt(loop)
    until(lambda: job.snapshot().notes)
    (note,) = job.snapshot().notes
    assert note.startswith("nobody runs it: its loop is there, but does not turn")
    report = job.stop(0)
    assert LoopState.STOPPING == report.outcome
    assert note in report.notes
    assert ("mine",) == report.unfinished_tasks

    def runs_it() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    # Run after all, it does as it was told.
    owner = threading.Thread(target=runs_it)
    owner.start()
    assert LoopState.STOPPED == job.wait(LIMIT)
    owner.join(LIMIT)
    assert () == job.snapshot().notes


def test_a_loop_that_ends_as_it_is_found_is_looked_for_on(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """Nobody can tell any more which thread ran it, so nothing would ever be seen to end."""
    monkeypatch.setattr("bgwidgets.hosts.finding.APPEARS_WITHIN", 0.05)
    theirs = Running(asyncio.new_event_loop())

    def ends_in_this_moment(loop: asyncio.AbstractEventLoop) -> None:
        loop.call_soon_threadsafe(loop.stop)
        theirs.owner.join()

    monkeypatch.setattr("bgwidgets.hosts.finding.thread_of", ends_in_this_moment)
    job = manager.adopt(theirs.loop)
    assert LoopState.FAILED == job.wait(LIMIT)
    assert "its loop did not run within" in str(job.snapshot().error_line)
    theirs.loop.close()


@pytest.mark.parametrize("ends_at_once", [True, False])
def test_a_loop_whose_thread_could_not_tell_itself_ends_like_any_other(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, ends_at_once: bool
):
    """A uvloop is asked for it: blocked when it is adopted, it has no answer."""
    monkeypatch.setattr("bgwidgets.hosts.idleness.APPEARS_WITHIN", 0.05)
    theirs, gate = Running(uvloop.new_event_loop()), threading.Event()

    def block() -> None:
        gate.wait(LIMIT)
        if ends_at_once:
            theirs.loop.stop()

    theirs.loop.call_soon_threadsafe(block)
    job = manager.adopt(theirs.loop)
    until(lambda: job.state is LoopState.RUNNING)
    assert job.snapshot().thread_name is None
    gate.set()
    if not ends_at_once:
        until(lambda: job.snapshot().thread_name == "theirs")
        theirs.loop.call_soon_threadsafe(theirs.loop.stop)
    assert LoopState.FINISHED == job.wait(LIMIT)
    theirs.owner.join()


def test_one_loop_is_listed_once(manager: LoopManager):
    """By whatever it is adopted, protected or not, at once or when it appears."""
    theirs = Running(asyncio.new_event_loop())

    def carrier() -> None: ...

    carrier.loop = theirs.loop  # type: ignore[attr-defined]
    job = manager.adopt(theirs.loop, protected=True)
    assert job is manager.adopt(carrier)
    assert job.snapshot().protected
    assert job is manager.adopt(carrier, protected=False)
    assert not job.snapshot().protected

    def late() -> None: ...

    one, two = manager.adopt(late), manager.adopt(late)
    late.loop = theirs.loop  # type: ignore[attr-defined]
    for again in (one, two):
        assert LoopState.FAILED == again.wait(LIMIT)
        assert "listed already" in str(again.snapshot().error_line)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)


def test_a_restart_that_fails_before_its_loop_says_why(jobs: BackgroundJobManager):
    """At once, and not as a loop that did not appear."""
    is_gone = threading.Event()

    def once() -> None:
        if is_gone.is_set():
            raise ValueError("config gone")
        asyncio.run(asyncio.sleep(0.05))

    job = jobs.new(once)
    job.join(LIMIT)
    (loop,) = job.loops
    loop.wait(LIMIT)
    is_gone.set()
    began = time.monotonic()
    loop.restart()
    assert LoopState.FAILED == loop.wait(LIMIT)
    assert "ValueError: config gone" == loop.snapshot().error_line
    assert time.monotonic() - began < 4


def test_nobody_waits_for_what_its_owner_closes_the_loop_over(manager: LoopManager):
    """Of what was submitted it is told at once that it will not come."""
    loop, is_enough = asyncio.new_event_loop(), threading.Event()

    async def work() -> None:
        while not is_enough.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0.005)

    def own() -> None:
        loop.run_until_complete(work())
        loop.close()

    owner = Owner(own)
    owner.start()
    job = manager.adopt(loop)
    until(lambda: job.tasks != [])
    future = job.submit(for_ever())
    until(lambda: len(job.tasks) == 2)
    is_enough.set()
    assert LoopState.FINISHED == job.wait(LIMIT)
    with pytest.raises(bgw.LoopEnded):
        future.result(LIMIT)
    owner.join()


def test_nobody_waits_for_what_swallows_its_cancellation(manager: LoopManager):
    """Of what was submitted, when its owner runs the loop no more."""
    at_work = threading.Event()

    async def work() -> None:
        await asyncio.to_thread(at_work.wait, LIMIT)

    async def stubborn() -> None:
        at_work.set()
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await for_ever()

    loop = asyncio.new_event_loop()
    owner = Owner(lambda: loop.run_until_complete(work()))
    owner.start()
    job = manager.adopt(loop)
    until(lambda: job.tasks != [])
    future = job.submit(stubborn(), name="stubborn")
    assert LoopState.FINISHED == job.wait(LIMIT)
    with pytest.raises(bgw.LoopEnded):
        future.result(LIMIT)
    owner.join()


def test_a_stop_names_the_thread_that_is_busy(manager: LoopManager):
    """Not the owner's, which has gone, but ours, in which a task cleans up for ever."""
    at_work, go_on = threading.Event(), threading.Event()

    async def blocks() -> None:
        try:
            await for_ever()
        finally:
            at_work.set()
            go_on.wait(LIMIT)

    async def work() -> None:
        asyncio.create_task(blocks()).add_done_callback(lambda _: None)
        await is_adopted.wait()

    loop, is_adopted = asyncio.new_event_loop(), asyncio.Event()
    owner = Owner(lambda: loop.run_until_complete(work()), name="gone")
    owner.start()
    job = manager.adopt(loop, name="theirs")
    until(lambda: job.tasks)
    loop.call_soon_threadsafe(is_adopted.set)
    try:
        assert at_work.wait(LIMIT)
        report = job.stop(grace=0)
        assert "stopping" == report.outcome
        assert ("bgw-watch-theirs",) == report.threads_left
    finally:
        go_on.set()
    owner.join()
    assert job.wait(LIMIT).has_ended


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_a_loop_that_cannot_be_closed_has_ended(manager: LoopManager, error: type[BaseException]):
    """What it raises when we close it is noted."""

    class Open(asyncio.SelectorEventLoop):
        """Is closed, and does not say so."""

        def close(self) -> None:
            was_closed = self.is_closed()
            super().close()
            if not was_closed:
                raise error("not today")

    loop = Open()
    owner = Owner(lambda: loop.run_until_complete(for_ever()))
    owner.start()
    job = manager.adopt(loop)
    until(lambda: job.tasks != [])
    future = job.submit(for_ever())
    report = job.stop(grace=0)
    assert LoopState.CANCELLED == report.outcome == job.wait(LIMIT)
    said = f"the event loop could not be closed: {error.__name__}: not today"
    assert said in report.notes
    assert (said,) == job.snapshot().notes
    assert future.done()
    owner.join()


def test_what_its_owner_leaves_is_told(manager: LoopManager):
    """A thread of its executor that does not return; and what is printed while it is cleaned up is
    the loop's.
    """
    loop = asyncio.new_event_loop()
    is_busy, gate, side = threading.Event(), threading.Event(), list[asyncio.Task[None]]()

    def stay() -> None:
        is_busy.set()
        gate.wait(LIMIT)

    async def clean_up() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            sys.stdout.write("cleaned up\n")

    async def work() -> None:
        side.append(asyncio.create_task(clean_up(), name="side"))
        await asyncio.to_thread(stay)

    def run() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(work())

    owner = Owner(run)
    owner.start()
    job = manager.adopt(loop)
    assert is_busy.wait(LIMIT)
    until(lambda: job.state == "running" and len(job.tasks) == 2)
    (main,) = (task.id for task in job.tasks if task.coroutine == "work")
    job.cancel_tasks(main)
    assert LoopState.CANCELLED == job.wait(LIMIT)
    report = job.stop(0)
    gate.set()
    owner.join()
    assert 1 == len(report.threads_left)
    assert report.threads_left[0].startswith("asyncio_")
    assert "cleaned up\n" == job.output.text()
