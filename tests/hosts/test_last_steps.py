"""One of a run's last steps fails, by an error of whatever kind: the end comes all the same."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, LoopState
from bgwidgets.hosts import adopted, agent
from bgwidgets.hosts.liveness import Liveness
from bgwidgets.hosts.loop_warnings import LoopWarnings
from bgwidgets.hosts.more_work import MoreWork
from bgwidgets.hosts.run_state import RunState
from bgwidgets.hosts.submissions import Submissions
from bgwidgets.output.findings import Findings
from bgwidgets.output.log import OutputLog
from bgwidgets.states import LoopEvent
from tests import child_work
from tests.hosts.conftest import LIMIT, for_ever
from tests.waiting import until

Start = Callable[[LoopManager], BackgroundLoop]

HERE = [
    (Liveness, "end"),
    (LoopWarnings, "at_the_end"),
    (LoopWarnings, "end"),
    (OutputLog, "end"),
    (Findings, "close"),
    (Submissions, "fail_the_rest"),
    (RunState, "happened"),
]
"""Where what a loop in this process needs for its end may break."""
IN_A_PROCESS = [
    (OutputLog, "rest"),
    (RunState, "happened"),
    (MoreWork, "finish"),
]
"""The same of what is here of a loop in another one."""


def ours(manager: LoopManager) -> BackgroundLoop:
    return manager.start(for_ever, name="work")


def theirs(manager: LoopManager) -> BackgroundLoop:
    loop = asyncio.new_event_loop()

    def own() -> None:
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            loop.run_until_complete(for_ever())

    threading.Thread(target=own, name="owner", daemon=True).start()
    return manager.adopt(loop, name="work")


def break_once(monkeypatch: pytest.MonkeyPatch, where: Any, what: str) -> list[str]:
    """What has failed so far; nothing that happens before the last steps does."""
    works = getattr(where, what)
    failed: list[str] = []

    def fail(*args: Any, **options: Any) -> Any:
        is_too_early = what == "happened" and LoopEvent.CLOSED not in args
        if failed or is_too_early:
            return works(*args, **options)
        failed.append(threading.current_thread().name)
        if what != "happened":  # Or what the step lets go of would stay for the tests that follow.
            works(*args, **options)
        raise SystemError("not today")

    monkeypatch.setattr(where, what, fail)
    return failed


def expect_an_end(job: BackgroundLoop) -> None:
    job.stop_loop()
    assert job.wait(LIMIT).has_ended
    (said,) = (note for note in job.snapshot().notes if "not today" in note)
    assert said.endswith(": SystemError: not today")
    assert said in job.stop(0).notes


@pytest.mark.parametrize(
    ("start", "where", "what"),
    [
        *((ours, *each) for each in (*HERE, (agent, "names_of_left"))),
        *((theirs, *each) for each in (*HERE, (adopted, "names_of_left"))),
    ],
)
def test_whoever_waits_hears_of_the_end_and_of_what_broke(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, start: Start, where: Any, what: str
):
    """Once. And no thread of the loop's stays behind."""
    job = start(manager)
    until(lambda: job.tasks and job.tasks[0].waiting_on)
    failed = break_once(monkeypatch, where, what)
    expect_an_end(job)
    (thread,) = failed
    until(lambda: thread not in {each.name for each in threading.enumerate()})


@pytest.mark.parametrize(("where", "what"), IN_A_PROCESS)
def test_so_does_who_waits_for_a_loop_in_a_process(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, where: Any, what: str
):
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: job.state is LoopState.RUNNING)
    failed = break_once(monkeypatch, where, what)
    expect_an_end(job)
    assert 1 == len(failed)
