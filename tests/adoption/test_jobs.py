"""IPython's manager of background jobs, repaired: the seed's cells with one import changed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundJobManager, BackgroundLoop, LoopManager, LoopState
from tests.adoption.conftest import LIMIT, has_both_tasks, make_run_loop, until


@pytest.fixture
def jobs(manager: LoopManager) -> BackgroundJobManager:
    return BackgroundJobManager(manager)


def the_loop(manager: LoopManager) -> BackgroundLoop:
    """The only one, when its race is on."""
    until(lambda: 1 == len(manager) and has_both_tasks(next(iter(manager))))
    return next(iter(manager))


def ended(job: Any) -> Any:
    job.join(LIMIT)
    assert not job.is_alive()
    return job


def printed(jobs: BackgroundJobManager, capsys: pytest.CaptureFixture[str]) -> str:
    jobs.status()
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("stop", "expected", "group"),
    [
        pytest.param(BackgroundLoop.request_stop, LoopState.FINISHED, "Completed", id="event"),
        pytest.param(BackgroundLoop.stop_loop, LoopState.STOPPED, "Dead", id="loop"),
        pytest.param(BackgroundLoop.cancel_tasks, LoopState.CANCELLED, "Dead", id="tasks"),
    ],
)
def test_the_seeds_scene(
    manager: LoopManager,
    jobs: BackgroundJobManager,
    stop: Callable[[BackgroundLoop], None],
    expected: LoopState,
    group: str,
    capfd: pytest.CaptureFixture[str],
):
    """Start, status, each of the three stops, remove: as IPython prints it, but true, and with
    not a word on stderr.
    """
    run_loop = make_run_loop()
    job = jobs.new(run_loop, 4000, 2000)
    loop = the_loop(manager)
    jobs.status()
    assert f"Running jobs:\n0 : {run_loop}\n\n" == capfd.readouterr().out

    stop(loop)

    assert expected == loop.wait(LIMIT)
    ended(job)
    jobs.status()
    assert (f"{group} jobs:\n0 : {run_loop}\n\n", "") == tuple(capfd.readouterr())
    jobs.remove(0)
    assert {} == jobs.all
    jobs.status()
    assert ("", "") == tuple(capfd.readouterr())
    assert run_loop.loop.is_closed()
    assert run_loop.task1.cancelled()


def test_the_seeds_own_ways_to_stop_work_too(manager: LoopManager, jobs: BackgroundJobManager):
    """`a.task2.cancel()` from another cell, say: the state tells what happened."""
    run_loop = make_run_loop()
    job = jobs.new(run_loop)
    loop = the_loop(manager)
    run_loop.loop.call_soon_threadsafe(run_loop.task2.cancel)
    assert LoopState.CANCELLED == loop.wait(LIMIT)
    ended(job)


def test_a_stop_right_after_the_start_is_honoured(manager: LoopManager, jobs: BackgroundJobManager):
    """Nobody need wait for two outputs first."""
    for _ in range(10):
        job = jobs.new(make_run_loop())
        until(lambda: 1 == len(manager))
        loop = next(iter(manager))
        loop.request_stop()
        assert LoopState.FINISHED == loop.wait(LIMIT)
        ended(job)
        loop.remove()


def test_a_restart_runs_the_job_again(manager: LoopManager, jobs: BackgroundJobManager):
    """Without defining anything anew: the same row, a fresh loop and stop event, a new job."""
    run_loop = make_run_loop()
    jobs.new(run_loop, 4000, 2000)
    loop = the_loop(manager)
    first = run_loop.loop
    loop.restart(grace=LIMIT)
    until(lambda: has_both_tasks(loop) and loop.state is LoopState.RUNNING)
    assert (2, [loop]) == (loop.run_number, list(manager))
    assert first is not run_loop.loop
    assert [0, 1] == sorted(jobs.all)
    loop.request_stop()
    assert LoopState.FINISHED == loop.wait(LIMIT)
    ended(jobs[1])


def test_the_same_function_started_twice_has_two_rows(
    manager: LoopManager, jobs: BackgroundJobManager
):
    """And two stop events, though the second run overwrote the function's attributes."""
    run_loop = make_run_loop()
    first = jobs.new(run_loop)
    one = the_loop(manager)
    second = jobs.new(run_loop)
    until(lambda: 2 == len(manager))
    other = manager["run_loop-2"]
    until(lambda: has_both_tasks(other))
    one.request_stop()
    assert LoopState.FINISHED == one.wait(LIMIT)
    ended(first)
    assert LoopState.RUNNING == other.state
    other.request_stop()
    assert LoopState.FINISHED == other.wait(LIMIT)
    ended(second)


def test_every_loop_of_a_job_is_adopted(manager: LoopManager, jobs: BackgroundJobManager):
    """One after another, in a thread that the job starts, and however short."""

    def several() -> None:
        asyncio.run(asyncio.sleep(0))
        side = threading.Thread(target=lambda: asyncio.run(asyncio.sleep(0.01)))
        side.start()
        with asyncio.Runner() as runner:
            runner.run(asyncio.sleep(0.01))
        side.join(LIMIT)

    ended(jobs.new(several))
    until(lambda: [LoopState.FINISHED] * 3 == [loop.state for loop in manager])


def test_a_main_task_that_raises_fails_its_loop(manager: LoopManager, jobs: BackgroundJobManager):
    """With its traceback; the job is dead and has its own."""

    async def fail() -> None:
        raise KeyError("the price of tea")

    job = ended(jobs.new(lambda: asyncio.run(fail())))
    (loop,) = manager
    with pytest.raises(KeyError, match="the price of tea"):
        loop.result(LIMIT)
    assert LoopState.FAILED == loop.state
    assert "the price of tea" in job._tb


@pytest.mark.parametrize(
    "error", [ValueError("no"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()]
)
def test_whatever_ends_a_job_ends_it_visibly(
    jobs: BackgroundJobManager, error: BaseException, capsys: pytest.CaptureFixture[str]
):
    """It is dead, and says why; IPython's own would say "Running" for ever."""

    def die() -> None:
        raise error

    job = ended(jobs.new(die))
    assert [job] == jobs.dead
    jobs.traceback(job)
    assert type(error).__name__ in capsys.readouterr().out


def test_results_and_expressions(jobs: BackgroundJobManager):
    """As ever: by number, by job, with keywords, in the caller's namespace or in others."""
    twice = 2
    named = ended(jobs.new(lambda one, *, two: (one, two), 1, kw={"two": twice}))
    here = ended(jobs.new("twice * 21"))
    there = ended(jobs.new("twice * 21", {"twice": 3}))
    apart = ended(jobs.new("a + b", {"a": 1}, {"b": 2}))
    assert [(1, 2), 42, 63, 3] == [job.result for job in (named, here, there, apart)]
    assert 42 == jobs.result(1) == jobs[here].result == jobs[1].result
    with pytest.raises(TypeError, match="not int"):
        jobs.new(42)
    with pytest.raises(ValueError, match="at most two"):
        jobs.new("1", {}, {}, {})
    with pytest.raises(SyntaxError):
        jobs.new("not an expression")


def test_flush_takes_all_that_has_ended(
    jobs: BackgroundJobManager, capsys: pytest.CaptureFixture[str]
):
    """And says how many."""
    ended(jobs.new("1"))
    ended(jobs.new("1 / 0"))
    jobs.status()
    jobs.flush()
    assert {} == jobs.all
    assert "Flushing 1 Completed job.\nFlushing 1 Dead job.\n" in capsys.readouterr().out


def test_a_running_job_is_not_removed(jobs: BackgroundJobManager):
    gate = threading.Event()
    job = jobs.new(gate.wait, LIMIT)
    jobs.remove(0)
    assert [0] == list(jobs.all)
    gate.set()
    ended(job)


def test_native_loops_are_listed_too(
    manager: LoopManager, jobs: BackgroundJobManager, capsys: pytest.CaptureFixture[str]
):
    """By name, beside the jobs, in the group that they belong to."""
    native = manager.start(name="native")
    assert "Running jobs:\nnative : background loop, running\n\n" == printed(jobs, capsys)
    native.stop(LIMIT)
    assert "Completed jobs:\nnative : background loop, finished\n\n" == printed(jobs, capsys)


def test_nothing_is_patched_when_no_job_runs(jobs: BackgroundJobManager):
    """`Thread.start` and the event loop policy are as they were."""
    until(lambda: not hasattr(threading.Thread.start, "__wrapped__"))  # By an earlier job.
    before = (threading.Thread.start, vars(asyncio.get_event_loop_policy()).get("new_event_loop"))
    gate = threading.Event()
    job = jobs.new(gate.wait, LIMIT)
    assert before[0] is not threading.Thread.start
    gate.set()
    ended(job)
    until(lambda: threading.Thread.start is before[0])
    assert before[1] is vars(asyncio.get_event_loop_policy()).get("new_event_loop")


def test_threads_are_daemons(jobs: BackgroundJobManager):
    assert ended(jobs.new(lambda: threading.current_thread().daemon, daemon=False)).result is True


def test_it_is_ipythons_manager():
    """Whoever has one of those can be given one of ours."""
    from IPython.lib import backgroundjobs

    assert issubclass(bgw.BackgroundJobManager, backgroundjobs.BackgroundJobManager)


def test_a_job_knows_its_loops(manager: LoopManager, jobs: BackgroundJobManager):
    """And so does `adopt`: what is listed already is not listed twice."""
    run_loop = make_run_loop()
    job = jobs.new(run_loop, 4000, 2000)
    loop = the_loop(manager)
    until(lambda: [loop] == job.loops)
    assert loop is manager.adopt(run_loop)
    assert loop is manager.adopt(run_loop.loop)
    assert 1 == len(manager)


@pytest.mark.parametrize("remove", ["remove", "flush"])
def test_with_a_job_its_loops_go_too(manager: LoopManager, jobs: BackgroundJobManager, remove: str):
    """Removed is removed: from all lists, and from the panel."""
    job = jobs.new(make_run_loop(), 4000, 2000)
    the_loop(manager).request_stop()
    ended(job)
    getattr(jobs, remove)(*[job.num] if remove == "remove" else [])
    assert ({}, 0) == (jobs.all, len(manager))


def test_a_loop_that_was_started_again_stays(manager: LoopManager, jobs: BackgroundJobManager):
    """It is the newer job's then; the older one can be removed."""
    job = jobs.new(make_run_loop(), 4000, 2000)
    loop = the_loop(manager)
    loop.restart()
    until(lambda: has_both_tasks(loop))
    jobs.remove(job.num)
    assert [loop] == list(manager)
    again = jobs.all[1]
    assert ([], [loop]) == (job.loops, again.loops)
    loop.request_stop()
    ended(again)
    jobs.remove(1)
    assert ({}, 0) == (jobs.all, len(manager))
