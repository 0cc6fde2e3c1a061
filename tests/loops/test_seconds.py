"""Every call that is given seconds: what is no number is refused, and no number is too great."""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
import math
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
import traitlets

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager
from tests.loops.conftest import LIMIT

Call = Callable[[LoopManager, BackgroundLoop, Any], object]

GRACES: dict[str, Call] = {
    "BackgroundLoop.stop": lambda _, job, grace: job.stop(grace),
    "BackgroundLoop.stop_async": lambda _, job, grace: asyncio.run(job.stop_async(grace)),
    "BackgroundLoop.restart": lambda _, job, grace: job.restart(grace),
    "LoopManager.stop_all": lambda manager, _, grace: manager.stop_all(grace),
}
TIMEOUTS: dict[str, Callable[[Future[None], BackgroundLoop, Any], object]] = {
    "BackgroundLoop.wait": lambda _, job, timeout: job.wait(timeout),
    "BackgroundLoop.wait_async": lambda _, job, timeout: asyncio.run(job.wait_async(timeout)),
    "BackgroundLoop.result": lambda _, job, timeout: job.result(timeout),
    "BackgroundLoop.exception": lambda _, job, timeout: job.exception(timeout),
    "StopEvent.wait_sync": lambda _, job, timeout: _unless_over(job.stop_event.wait_sync(timeout)),
    "LoopFuture.result": lambda future, _, timeout: future.result(timeout),
    "LoopFuture.exception": lambda future, _, timeout: future.exception(timeout),
}
INTERVALS = {"panel", "ControlPanel"}
NO_NUMBERS = [math.nan, "3", True, [], 1j]
NO_LIMITS = [math.inf, 1e10, pytest.param(10**400, id="huge"), threading.TIMEOUT_MAX * 1.01]


async def until_asked() -> None:
    me = bgw.current()
    assert me is not None
    await me.stop_event.wait()


async def until_all_were_asked() -> None:
    """So that what was submitted ends before the loop does."""
    await until_asked()
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


def _unless_over(is_set: bool) -> None:
    if not is_set:
        raise TimeoutError


@pytest.fixture
def job(manager: LoopManager) -> BackgroundLoop:
    return manager.start(until_all_were_asked)


@pytest.fixture
def future(job: BackgroundLoop) -> Future[None]:
    """Of a coroutine on that loop, which ends when it does."""
    return job.submit(until_asked())


@pytest.mark.parametrize("grace", [*NO_NUMBERS, -1, -0.001, None])
@pytest.mark.parametrize("call", GRACES)
def test_a_grace_that_is_none_is_refused(
    manager: LoopManager, job: BackgroundLoop, call: str, grace: Any
):
    """And nothing is done."""
    with pytest.raises(ValueError, match="grace is a number of seconds, at least 0, not"):
        GRACES[call](manager, job, grace)
    assert not job.stop_event.is_set()


@pytest.mark.parametrize("grace", NO_LIMITS)
@pytest.mark.parametrize("call", GRACES)
def test_a_grace_without_end(manager: LoopManager, job: BackgroundLoop, call: str, grace: float):
    """It is as long as the loop takes."""
    first_stop_event = job.stop_event
    GRACES[call](manager, job, grace)
    assert first_stop_event.is_set()


@pytest.mark.parametrize("timeout", NO_NUMBERS)
@pytest.mark.parametrize("call", TIMEOUTS)
def test_a_timeout_that_is_none_is_refused(
    future: Future[None], job: BackgroundLoop, call: str, timeout: Any
):
    """Whether there is anything to wait for or not."""
    with pytest.raises(ValueError, match="timeout is a number of seconds, or None for no limit"):
        TIMEOUTS[call](future, job, timeout)


@pytest.mark.parametrize("timeout", [*NO_LIMITS, None])
@pytest.mark.parametrize("call", TIMEOUTS)
def test_a_timeout_without_end(
    future: Future[None], job: BackgroundLoop, call: str, timeout: float | None
):
    """One waits until there is something."""
    later = threading.Timer(0.05, job.request_stop)
    later.start()
    TIMEOUTS[call](future, job, timeout)
    later.join(LIMIT)
    assert job.stop_event.is_set()


@pytest.mark.parametrize("timeout", [-1, 0, -math.inf])
@pytest.mark.parametrize("call", TIMEOUTS)
def test_what_is_left_of_a_time_that_is_over(
    future: Future[None], job: BackgroundLoop, call: str, timeout: float
):
    """One only looks."""
    with pytest.raises(TimeoutError):
        TIMEOUTS[call](future, job, timeout)


@pytest.mark.parametrize("interval", [math.nan, "three", [], None, math.inf, 1e10, -1])
def test_a_panels_interval(manager: LoopManager, interval: Any):
    """It is between a fifth of a second and an hour."""
    with pytest.raises(traitlets.TraitError):
        bgw.panel(manager, interval=interval)


def test_these_are_all_that_are_given_seconds():
    """The tables above leave out none."""
    found = set()
    for name in bgw.__all__:
        public = getattr(bgw, name)
        if dataclasses.is_dataclass(public):
            continue  # It tells of seconds, and is given none by callers.
        members = vars(public) if inspect.isclass(public) else {}
        callables = {name: public} | {f"{name}.{key}": value for key, value in members.items()}
        for label, function in callables.items():
            if not callable(function) or label.rpartition(".")[2].startswith("_"):
                continue
            try:
                parameters = inspect.signature(function).parameters
            except ValueError:
                continue
            if {"grace", "timeout", "interval"} & set(parameters):
                found.add(label)
    submitted = {"LoopFuture.result", "LoopFuture.exception"}
    assert {*GRACES, *TIMEOUTS, *INTERVALS} - submitted == found
