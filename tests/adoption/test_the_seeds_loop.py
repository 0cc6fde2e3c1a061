"""The seed's own function, unchanged, in a thread of somebody else's, adopted by its attributes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState
from tests.adoption.conftest import LIMIT, Owner, has_both_tasks, make_run_loop, until


@pytest.mark.parametrize(
    ("stop", "expected", "raised"),
    [
        pytest.param(BackgroundLoop.request_stop, LoopState.FINISHED, None, id="stop event"),
        pytest.param(BackgroundLoop.stop_loop, LoopState.STOPPED, RuntimeError, id="stop loop"),
        pytest.param(
            BackgroundLoop.cancel_tasks,
            LoopState.CANCELLED,
            asyncio.CancelledError,
            id="cancel tasks",
        ),
    ],
)
def test_the_three_stops(
    manager: LoopManager,
    stop: Callable[[BackgroundLoop], None],
    expected: LoopState,
    raised: type[BaseException] | None,
):
    """Each in its state; nothing is pending, the loop is closed, and only the owner's own
    exception comes to the owner.
    """
    run_loop = make_run_loop()
    owner = Owner(run_loop)
    job = manager.adopt(run_loop)
    states = [job.state]
    owner.start()
    until(lambda: has_both_tasks(job))
    states.append(job.state)
    assert [LoopState.STARTING, LoopState.RUNNING] == states
    assert {"stopper": True, "sprinter": False} == {t.coroutine: t.is_main for t in job.tasks}

    stop(job)

    assert expected == job.wait(LIMIT)
    owner.join()
    assert raised is (type(owner.error) if owner.error else None)
    assert run_loop.loop.is_closed()
    assert run_loop.task1.cancelled()
    assert all(task.state.has_ended for task in job.tasks)


def test_the_stop_event_is_found_beside_the_loop(manager: LoopManager):
    """On the function; to set the handle's is to set the seed's, and the other way round."""
    run_loop = make_run_loop()
    owner = Owner(run_loop)
    owner.start()
    job = manager.adopt(run_loop)
    until(lambda: has_both_tasks(job))
    assert not job.snapshot().stop_requested
    run_loop.loop.call_soon_threadsafe(run_loop.stopx.set)
    until(lambda: job.snapshot().stop_requested)
    assert LoopState.FINISHED == job.wait(LIMIT)


def test_two_runs_at_once_have_two_rows_and_two_events(manager: LoopManager):
    """The second run overwrites the function's attributes; what was read before stays apart."""
    run_loop = make_run_loop()
    first, second = Owner(run_loop), Owner(run_loop)
    first.start()
    one = manager.adopt(run_loop)
    until(lambda: has_both_tasks(one))
    loop = run_loop.loop
    second.start()
    until(lambda: run_loop.loop is not loop)
    other = manager.adopt(run_loop)
    until(lambda: has_both_tasks(other))
    assert ["run_loop", "run_loop-2"] == [job.name for job in manager]

    one.request_stop()

    assert LoopState.FINISHED == one.wait(LIMIT)
    assert LoopState.RUNNING == other.state
    assert not other.stop_event.is_set()
    other.request_stop()
    assert LoopState.FINISHED == other.wait(LIMIT)


def test_a_loop_that_ends_by_itself_is_finished(manager: LoopManager):
    """And what it left behind is cancelled."""
    run_loop = make_run_loop()
    owner = Owner(run_loop, 4000, 5)
    job = manager.adopt(run_loop)
    owner.start()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert run_loop.task1.cancelled()


def test_a_function_without_a_loop_fails_in_the_end(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """It says what was waited for, and for how long."""
    monkeypatch.setattr("bgwidgets.hosts.finding.APPEARS_WITHIN", 0.05)
    job = manager.adopt(make_run_loop())
    assert LoopState.FAILED == job.wait(LIMIT)
    with pytest.raises(TimeoutError, match=r"no event loop appeared within 0\.05 s"):
        job.result(LIMIT)


def test_it_cannot_be_restarted(manager: LoopManager):
    """Who started it, and with what arguments, is not known."""
    run_loop = make_run_loop()
    owner = Owner(run_loop)
    owner.start()
    job = manager.adopt(run_loop)
    until(lambda: has_both_tasks(job))
    with pytest.raises(bgw.CannotRestart, match="start it there again"):
        job.restart()
    assert LoopState.RUNNING == job.state


def test_the_ladder_brings_it_down(manager: LoopManager):
    """As one of our own."""
    run_loop = make_run_loop()
    owner = Owner(run_loop)
    owner.start()
    job = manager.adopt(run_loop)
    until(lambda: has_both_tasks(job))
    report = job.stop(grace=LIMIT)
    assert (LoopState.FINISHED, ("stop_event",)) == (report.outcome, report.steps)
