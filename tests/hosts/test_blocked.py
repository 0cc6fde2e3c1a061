"""A loop that does not turn says so: since when, in which task, at which line."""

from __future__ import annotations

import asyncio
import ctypes
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

import bgwidgets as bgw
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.observe.functions_in_c import IN_C
from bgwidgets.observe.spell import MANY_SHORT_STEPS, NOBODYS_FAULT
from bgwidgets.snapshots import LoopSnapshot, SlowStep
from tests.hosts.conftest import LIMIT, MakeHost, for_ever, outcome_of, stop
from tests.loop_factories import LoopFactory
from tests.waiting import never_within, until

NAMED_WITHIN = 0.25
"""Seconds."""
ATTEMPTS = 5
"""One in time is enough: a machine with much else to do is late itself."""


def blocked(host: ThreadHost) -> LoopSnapshot:
    """The snapshot as soon as it says so."""
    return snapshot_where(host, lambda snapshot: snapshot.blocked)


def snapshot_where(host: ThreadHost, holds: Callable[[LoopSnapshot], object]) -> LoopSnapshot:
    """The first one of which that is so."""

    def find() -> LoopSnapshot | None:
        snapshot = host.snapshot()
        return snapshot if holds(snapshot) else None

    return until(find)


def blamed(host: ThreadHost) -> list[SlowStep]:
    return [step for step in host.snapshot().slow_steps if step.where != NOBODYS_FAULT]


class Block:
    """Blocks the loop in which it is called, until it is let go."""

    def __init__(self) -> None:
        self.began = 0.0
        self.took = 0.0
        self._is_over = False

    def let_go(self) -> None:
        """Any thread."""
        self._is_over = True

    async def spin(self) -> None:
        """In Python."""
        self.began = time.monotonic()
        while not self._is_over:
            pass
        self.took = time.monotonic() - self.began

    async def sleep(self) -> None:
        """In C code that lets others run."""
        await asyncio.sleep(0)
        self.began = time.monotonic()
        while not self._is_over:
            time.sleep(0.02)  # noqa: ASYNC251 - the subject
        self.took = time.monotonic() - self.began


@pytest.mark.parametrize("how", [Block.spin, Block.sleep], ids=["spin", "sleep"])
def test_it_is_named_within_a_quarter_of_a_second(
    start: MakeHost, loop_factory: LoopFactory, how: Callable[[Block], Any]
):
    """The task and the user's line; false again when it turns, and then it was a slow step."""
    host = start(for_ever, loop_factory=loop_factory)
    delays = []
    for _ in range(ATTEMPTS):
        block = Block()
        future = host.submit(how(block), "sprinter")
        try:
            # Of a machine with much else to do it is said that it is nobody's fault at first.
            seen = snapshot_where(host, lambda snapshot: " · " in (snapshot.blocked_by or ""))
            delays.append(time.monotonic() - block.began)
        finally:
            block.let_go()
        task, where = (seen.blocked_by or "").split(" · ")[:2]
        assert ("sprinter", "test_blocked.py", how.__name__) == (
            task,
            where.split(":")[0],
            where.split()[-1],
        )
        assert seen.blocked_for is not None
        assert 0.1 < seen.blocked_for
        outcome_of(future)
        until(lambda: host.snapshot().blocked is False)
        assert (None, None) == (host.snapshot().blocked_by, host.snapshot().blocked_for)
        if delays[-1] < NAMED_WITHIN:
            break
    assert min(delays) < NAMED_WITHIN
    step = blamed(host)[-1]
    assert "sprinter" == step.task
    assert f" {how.__name__}" in (step.where or "")
    # It began between two looks.
    assert step.seconds == pytest.approx(block.took, abs=0.1)


def test_what_blocks_before_anything_else_has_run_is_named(start: MakeHost):
    """The work's very first step."""
    gate = threading.Event()

    async def work() -> None:
        gate.wait(LIMIT)

    host = start(work)
    assert (blocked(host).blocked_by or "").startswith("work · test_blocked.py:")
    gate.set()


def test_a_function_in_c_that_the_loop_itself_calls_is_seen_to_block_it(
    start: MakeHost, loop_factory: LoopFactory
):
    """By its name, where the loop shows it; it is no task's. On uvloop only when a beat is due."""
    host, lock = start(for_ever, loop_factory=loop_factory), threading.Lock()
    until(lambda: host.snapshot().blocked is False)
    with lock:

        async def call() -> None:
            asyncio.get_running_loop().call_soon(lock.acquire, True, LIMIT)

        future = host.submit(call(), None)
        where = snapshot_where(host, lambda snapshot: snapshot.warnings).blocked_by
    outcome_of(future)
    until(lambda: host.snapshot().blocked is False)
    assert where == ("lock.acquire" if loop_factory is not uvloop.new_event_loop else IN_C)
    assert [(None, where)] == [(step.task, step.where) for step in blamed(host)]
    (warning,) = host.snapshot().warnings
    assert f"a callback keeps the loop from turning at {where}" == warning.text
    assert (None, where) == (warning.task, warning.where)


def test_a_short_slow_step_is_remembered(start: MakeHost):
    """One that was over before the loop counted as blocked; a quick one is not."""
    host = start(for_ever)

    async def step(seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - the subject

    for _ in range(ATTEMPTS):
        outcome_of(host.submit(step(0.03), "quick"))
        outcome_of(host.submit(step(0.14), "slow"))
        if blamed(host):
            break
    assert {"slow"} == {step.task for step in blamed(host)}
    assert " step · time.sleep" in (blamed(host)[0].where or "")


def test_many_short_steps_blame_none_of_them(start: MakeHost):
    """The loop is late all the same."""
    host = start(for_ever)
    is_over = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def short() -> None:
        ends_at = time.perf_counter() + 2e-4
        while time.perf_counter() < ends_at:
            pass

    async def storm() -> None:
        loop = asyncio.get_running_loop()
        loops.append(loop)
        while not is_over.is_set():
            for _ in range(2_000):
                loop.call_soon(short)
            await asyncio.sleep(0)

    future = host.submit(storm(), "storm")
    said: set[str | None] = set()

    def many_are_seen() -> bool:
        said.add(host.snapshot().blocked_by)
        return MANY_SHORT_STEPS in said

    until(many_are_seen)
    # On a busy machine it may be that no thread can run for a while.
    assert said <= {None, NOBODYS_FAULT, MANY_SHORT_STEPS}
    is_over.set()
    outcome_of(future)
    assert "short" not in {(step.where or "").split(" ")[1] for step in blamed(host)}


def test_c_code_that_holds_the_gil_blames_no_one(start: MakeHost, loop_factory: LoopFactory):
    """Nobody could look while it ran."""
    host = start(for_ever, loop_factory=loop_factory)
    library = ctypes.PyDLL(None)  # whose functions keep the GIL

    async def hold() -> None:
        library.usleep(400_000)

    outcome_of(host.submit(hold(), "holder"))
    step = until(lambda: host.snapshot().slow_steps)[0]
    assert (None, NOBODYS_FAULT) == (step.task, step.where)
    assert 0.2 < step.seconds
    assert "holder" not in {step.task for step in host.snapshot().slow_steps}


def test_the_lag_is_known_and_its_last_minute(start: MakeHost):
    """While it is blocked it grows; the minute keeps it when it is over."""
    host = start(for_ever)
    snapshot = snapshot_where(host, lambda snapshot: snapshot.lag is not None)
    assert 60 == len(snapshot.lag_history)
    block = Block()
    future = host.submit(block.spin(), None)
    until(lambda: (host.snapshot().lag or 0) > 0.2)
    assert max(lag or 0 for lag in host.snapshot().lag_history[-2:]) > 0.2
    block.let_go()
    outcome_of(future)
    until(lambda: (host.snapshot().lag or 0) < 0.2)
    assert max(lag or 0 for lag in host.snapshot().lag_history) > 0.2


def test_what_a_run_nested_in_a_task_does_is_no_block():
    """The loop turns meanwhile, for all that the outer task does not come back."""
    begun = threading.Event()

    async def inner() -> None:
        begun.set()
        await asyncio.sleep(3600)

    async def outer() -> None:
        asyncio.run(inner())

    with bgw.start(outer, nested=True) as job:
        assert begun.wait(LIMIT)
        never_within(0.4, lambda: job.snapshot().blocked)


def test_what_blocks_in_a_nested_run_is_named():
    """With the inner task."""
    block = Block()

    async def outer() -> None:
        loop = asyncio.get_running_loop()
        loop.run_until_complete(loop.create_task(block.spin(), name="inner"))

    with bgw.start(outer, nested=True) as job:
        words = until(lambda: job.snapshot().blocked_by)
        block.let_go()
        job.wait(LIMIT)
    assert words.startswith("inner · test_blocked.py:")


def test_an_ended_loop_is_neither_late_nor_blocked(start: MakeHost):
    """What was slow stays known, also of a loop that ended blocked for a while."""
    host = start(for_ever)
    block = Block()
    host.submit(block.spin(), "last")
    blocked(host)
    block.let_go()
    stop(host)
    snapshot = host.snapshot()
    assert (None, None, None, None) == (
        snapshot.blocked,
        snapshot.blocked_by,
        snapshot.blocked_for,
        snapshot.lag,
    )
    assert ["last"] == [step.task for step in blamed(host)]


def test_at_most_twenty_slow_steps_are_kept(start: MakeHost):
    host = start(for_ever)

    async def record() -> None:
        for number in range(30):
            watch = host._agent._liveness._heartbeat
            assert watch is not None
            watch._keep(SlowStep(at=float(number), seconds=1.0))

    outcome_of(host.submit(record(), None))
    assert [float(n) for n in range(10, 30)] == [s.at for s in host.snapshot().slow_steps]
