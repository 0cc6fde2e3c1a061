"""`interrupt()`: the task that blocks a loop is broken out of it; the others go on."""

from __future__ import annotations

import asyncio
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from bgwidgets import output
from bgwidgets.commands import InterruptLoop
from bgwidgets.exceptions import CannotInterrupt, LoopInterrupted
from bgwidgets.hosts.thread import ThreadHost
from bgwidgets.observe import interrupt as interruption
from bgwidgets.observe.interrupt import raise_in_task
from bgwidgets.observe.spell import MANY_SHORT_STEPS, NOBODYS_FAULT, Spell
from tests.hosts.conftest import LIMIT, MakeHost, end_of, for_ever, outcome_of, stop
from tests.loop_factories import LoopFactory
from tests.waiting import until

BROKEN_WITHIN = 0.5
"""Seconds."""
ROUNDS = 200


async def spin() -> None:
    """For ever."""
    while True:
        pass


async def spin_past_errors() -> None:
    """As it is written too often."""
    while True:
        try:
            while True:
                pass
        except Exception:  # noqa: BLE001, S110 - the subject
            pass


class Ticker:
    """A task that shows that the loop turns."""

    def __init__(self) -> None:
        self.ticks = 0

    async def run(self) -> None:
        """For ever."""
        while True:
            self.ticks += 1
            await asyncio.sleep(0.001)

    def goes_on(self) -> None:
        """Waits for its next tick."""
        before = self.ticks
        until(lambda: self.ticks > before + 1)


def is_blocked_by_one_step(host: ThreadHost) -> None:
    """And that is known: the loop may have been blocked for a moment longer."""
    until(lambda: (host.snapshot().blocked_by or MANY_SHORT_STEPS) != MANY_SHORT_STEPS)


def interrupt(host: ThreadHost) -> None:
    """As soon as it is known what blocks the loop. On a busy machine a step that was over soon may
    have seemed to block it, so that this is tried again.
    """

    def is_done() -> bool:
        is_blocked_by_one_step(host)
        try:
            host.command(InterruptLoop(host.loop_id))
        except CannotInterrupt as error:
            if "has just come back by itself" in str(error):
                return False
            raise
        return True

    until(is_done)


@pytest.mark.parametrize("work", [spin, spin_past_errors])
def test_a_task_that_spins_is_broken_out_and_the_others_go_on(
    start: MakeHost, loop_factory: LoopFactory, work: Any
):
    """It ends failed, with the interruption as its error."""
    host, ticker = start(for_ever, loop_factory=loop_factory), Ticker()
    host.submit(ticker.run(), "ticker")
    future = host.submit(work(), "spinner")
    is_blocked_by_one_step(host)
    asked_at = time.monotonic()
    host.command(InterruptLoop(host.loop_id))
    assert isinstance(outcome_of(future), LoopInterrupted)
    assert time.monotonic() - asked_at < BROKEN_WITHIN
    ticker.goes_on()
    assert "running" == host.state


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_what_comes_up_late_comes_up_on_the_tasks_way_out(
    start: MakeHost, loop_factory: LoopFactory
):
    """And not in the loop's own code, where the task would have run on to: from C code that nothing
    follows by which Python looks for exceptions.
    """
    host, blocked, ticker = start(for_ever, loop_factory=loop_factory), threading.Lock(), Ticker()
    host.submit(ticker.run(), "ticker")

    async def block() -> str:
        for _ in iter(blocked.acquire, True):
            pass
        return "came back"

    with blocked:
        future = host.submit(block(), "blocker")
        interrupt(host)
    assert isinstance(outcome_of(future), LoopInterrupted)
    ticker.goes_on()
    (note,) = host.snapshot().notes
    assert note.startswith("interrupted at ")


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring came with Python 3.12")
def test_the_number_of_a_tool_is_given_back(start: MakeHost, loop_factory: LoopFactory):
    """When the last of those who were interrupted has come out: a profiler may want it."""
    hosts = [start(for_ever, name=name, loop_factory=loop_factory) for name in ("one", "two")]
    tickers = [Ticker(), Ticker()]
    for host, ticker in zip(hosts, tickers, strict=True):
        host.submit(ticker.run(), "ticker")
    futures = [host.submit(spin(), "spinner") for host in hosts]
    for host, future, ticker in zip(hosts, futures, tickers, strict=True):
        interrupt(host)
        outcome_of(future)
        ticker.goes_on()
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    until(lambda: monitoring.get_tool(interruption._TOOL) is None)


def test_the_notes_tell_of_it_ever_after(start: MakeHost):
    """When, in which task, at which line, and that the state may be inconsistent."""
    host = start(for_ever)
    future = host.submit(spin(), "spinner")
    interrupt(host)
    outcome_of(future)
    (note,) = host.snapshot().notes
    assert note.startswith("interrupted at ")
    assert " in spinner · test_interrupt.py:" in note
    assert note.endswith(": the loop's state may be inconsistent")
    assert (note,) == stop(host).leftovers.notes


def test_a_step_that_goes_on_and_is_interrupted_again_is_told_with_a_count(start: MakeHost):
    """As often as it came up in it, wherever that was."""
    host, times, caught = start(for_ever), 3, list[type[BaseException]]()
    begun = threading.Semaphore(0)

    async def stubborn() -> None:
        while len(caught) < times:
            try:
                begun.release()
                await spin()
            except LoopInterrupted as error:
                caught.append(type(error))

    future = host.submit(stubborn(), "stubborn")
    for _ in range(times):
        assert begun.acquire(timeout=LIMIT)
        interrupt(host)
    outcome_of(future)
    assert [LoopInterrupted] * times == caught
    (note,) = host.snapshot().notes
    assert note.startswith("interrupted 3 times, first at ")
    assert " in stubborn · test_interrupt.py:" in note


def test_who_asks_again_before_it_comes_up_is_told_once(start: MakeHost):
    """It comes up when C code has returned, and is one interruption."""
    host, lock = start(for_ever), threading.Lock()

    async def block() -> None:
        with lock:
            pass
        await asyncio.sleep(0)

    with lock:
        future = host.submit(block(), "blocker")
        for _ in range(3):
            interrupt(host)
    assert isinstance(outcome_of(future), LoopInterrupted)
    (note,) = host.snapshot().notes
    assert note.startswith("interrupted at ")
    # The next one is another.
    future = host.submit(spin(), "spinner")
    interrupt(host)
    outcome_of(future)
    assert ["blocker", "spinner"] == [
        note.partition(" in ")[2].partition(" · ")[0] for note in host.snapshot().notes
    ]


def test_the_main_task_fails_like_any_other(start: MakeHost):
    """And its loop with it."""
    host = start(spin)
    interrupt(host)
    end = end_of(host)
    assert "failed" == end.state
    assert isinstance(end.exception, LoopInterrupted)


def test_sleeping_c_code_is_left_when_it_returns(start: MakeHost):
    """At that very line: what comes after it does not run."""
    host, after = start(for_ever), list[str]()

    async def sleep() -> None:
        time.sleep(0.5)  # noqa: ASYNC251 - the subject
        after.append("the call")

    future = host.submit(sleep(), None)
    interrupt(host)
    assert isinstance(outcome_of(future), LoopInterrupted)
    assert [] == after


def test_a_loop_that_is_not_blocked_is_let_be(start: MakeHost):
    """Neither an idle nor a busy one; it is said what to do instead."""
    host, ticker = start(for_ever), Ticker()
    host.submit(ticker.run(), None)
    with pytest.raises(CannotInterrupt, match=r"not blocked by a task .* use cancel_tasks\(\)"):
        host.command(InterruptLoop(host.loop_id))
    ticker.goes_on()
    assert () == host.snapshot().notes


def test_a_callback_that_blocks_is_let_be(start: MakeHost, gate: threading.Event):
    """It is no task: the exception would come up in the loop's own code."""
    host = start(for_ever)

    async def call() -> None:
        asyncio.get_running_loop().call_soon(gate.wait, LIMIT)

    host.submit(call(), None)
    is_blocked_by_one_step(host)
    with pytest.raises(CannotInterrupt, match="blocked by a callback and by no task"):
        host.command(InterruptLoop(host.loop_id))


@pytest.mark.parametrize("words", [NOBODYS_FAULT, None])
def test_while_nobody_knows_what_blocks_a_loop_it_is_let_be(
    start: MakeHost, gate: threading.Event, monkeypatch: pytest.MonkeyPatch, words: str | None
):
    """As right after a time in which nobody could look."""
    host = start(for_ever)

    async def work() -> None:
        gate.wait(LIMIT)

    host.submit(work(), None)
    is_blocked_by_one_step(host)
    monkeypatch.setattr(Spell, "is_one_step", lambda _: False)
    monkeypatch.setattr(Spell, "blocked_by", lambda _: words)
    with pytest.raises(CannotInterrupt, match="nobody knows yet what keeps it"):
        host.command(InterruptLoop(host.loop_id))
    assert () == host.snapshot().notes


def test_many_short_steps_are_let_be(start: MakeHost):
    """Any of them would be the wrong one."""
    host, is_over = start(for_ever), threading.Event()

    async def short() -> None:
        ends_at = time.monotonic() + 0.04
        while time.monotonic() < ends_at and not is_over.is_set():
            pass

    async def many() -> None:
        await asyncio.gather(*(short() for _ in range(200)))

    future = host.submit(many(), None)
    until(lambda: host.snapshot().blocked_by == MANY_SHORT_STEPS)
    with pytest.raises(CannotInterrupt, match="many short steps"):
        host.command(InterruptLoop(host.loop_id))
    is_over.set()
    assert outcome_of(future) is None
    assert () == host.snapshot().notes
    assert "blocked" not in {warning.kind for warning in host.snapshot().warnings}


def test_before_the_start_and_after_the_end(new_host: MakeHost):
    """There is nothing to interrupt, and an ended loop takes every command."""
    host = new_host(for_ever)
    with pytest.raises(CannotInterrupt):
        host.command(InterruptLoop(host.loop_id))
    host.start()
    stop(host)
    host.command(InterruptLoop(host.loop_id))
    assert () == host.snapshot().notes


def test_the_loop_survives_an_interruption_at_the_very_end_of_a_block(
    start: MakeHost, loop_factory: LoopFactory
):
    """Whether the task was broken out of it or came back in time: the loop turns on."""
    host, ticker, dice = start(for_ever, loop_factory=loop_factory), Ticker(), random.Random(0)  # noqa: S311 - the same each time
    host.submit(ticker.run(), "ticker")
    seen: dict[str, Any] = {}
    outcomes: set[str] = set()
    for _ in range(ROUNDS):
        begun = threading.Event()

        async def block(begun: threading.Event = begun) -> str:
            seen["loop"], seen["thread"] = asyncio.get_running_loop(), threading.get_ident()
            seen["task"] = asyncio.current_task()
            seen["ends_at"] = time.perf_counter() + 0.012
            begun.set()
            while time.perf_counter() < seen["ends_at"]:
                pass
            return "came back"

        future = host.submit(block(), None)
        assert begun.wait(LIMIT)
        # From well before the end to a little after.
        fires_at = seen["ends_at"] - dice.uniform(0.0, 0.009)
        while time.perf_counter() < fires_at:
            time.sleep(0)
        raise_in_task(seen["loop"], seen["thread"], seen["task"])
        outcome = outcome_of(future)
        outcomes.add(outcome if isinstance(outcome, str) else type(outcome).__name__)
        ticker.goes_on()
    assert {"came back", "LoopInterrupted"} == outcomes
    assert "running" == host.state


_NOTES_SLOWLY = """
def note(lines):
    begun_at = perf_counter()
    begun.set()
    while perf_counter() < begun_at + SECONDS:
        pass
    lines.append("whole")
"""


def test_a_line_that_is_being_noted_is_noted_to_its_end(start: MakeHost, loop_factory: LoopFactory):
    """Only then does the interruption come up, so that nothing is lost of what was printed."""
    host, ticker, lines = start(for_ever, loop_factory=loop_factory), Ticker(), list[str]()
    # Half of the time for which it is waited at least.
    seconds = interruption.TRIES * interruption.UNDISTURBED / 2
    begun = threading.Event()
    names: dict[str, Any] = {"begun": begun, "perf_counter": time.perf_counter, "SECONDS": seconds}
    file = Path(output.__file__).with_name("made_by_a_test.py")
    exec(compile(_NOTES_SLOWLY, str(file), "exec"), names)  # noqa: S102 - its own
    seen: dict[str, Any] = {}

    async def prints() -> None:
        seen["loop"], seen["thread"] = asyncio.get_running_loop(), threading.get_ident()
        seen["task"] = asyncio.current_task()
        names["note"](lines)
        await spin()

    host.submit(ticker.run(), "ticker")
    future = host.submit(prints(), None)
    assert begun.wait(LIMIT)
    raise_in_task(seen["loop"], seen["thread"], seen["task"])
    assert isinstance(outcome_of(future), LoopInterrupted)
    assert ["whole"] == lines
    ticker.goes_on()


def test_a_task_that_has_come_back_is_let_be(start: MakeHost):
    """It is the current one still, while asyncio tells those who wait for it."""
    host, fired = start(for_ever), list[bool | None]()

    async def work() -> str:
        await asyncio.sleep(0)  # By now somebody waits for it.
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        call_soon = loop.call_soon

        def tell(*args: Any, **options: Any) -> asyncio.Handle:
            loop.call_soon = call_soon  # type: ignore[method-assign]
            assert asyncio.current_task() is task
            assert task is not None
            fired.append(raise_in_task(loop, threading.get_ident(), task))
            return call_soon(*args, **options)

        loop.call_soon = tell  # type: ignore[method-assign, assignment]
        return "came back"

    assert "came back" == outcome_of(host.submit(work(), None))
    assert [False] == fired


def test_what_is_not_known_of_an_interruption_is_said(
    start: MakeHost, monkeypatch: pytest.MonkeyPatch
):
    """The task has left its code in the very moment: the exception is taken back."""
    looks = iter([True, False])
    monkeypatch.setattr(interruption, "_is_in", lambda *_: next(looks))
    host, over = start(for_ever), threading.Event()

    async def block() -> str:
        over.wait(LIMIT)  # An exception that was not taken back comes up right behind it.
        return "came back"

    future = host.submit(block(), None)
    interrupt(host)
    over.set()
    assert "came back" == outcome_of(future)
    (note,) = host.snapshot().notes
    assert note.startswith("perhaps interrupted, as it came back by itself, at ")


def test_one_that_is_taken_back_holds_up_nobody_who_is_traced(
    start: MakeHost, monkeypatch: pytest.MonkeyPatch
):
    """On Python 3.11 a thread under a debugger would go round for ever at its next call."""
    looks = iter([True, False])
    monkeypatch.setattr(interruption, "_is_in", lambda *_: next(looks))
    host, over, went_on = start(for_ever), threading.Event(), threading.Event()

    async def block() -> None:
        over.wait(LIMIT)

    def work_traced() -> None:
        sys.settrace(lambda *_: None)
        try:
            went_on.set()
        finally:
            sys.settrace(None)

    future = host.submit(block(), None)
    interrupt(host)
    traced = threading.Thread(target=work_traced, daemon=True)
    traced.start()
    assert went_on.wait(LIMIT)
    traced.join(LIMIT)
    over.set()
    assert outcome_of(future) is None


def test_one_that_comes_up_in_the_loops_own_code_does_not_end_it(start: MakeHost):
    """The loop is let back in, and says so."""
    host, ticker = start(for_ever), Ticker()
    host.submit(ticker.run(), None)
    host.submit(_raise_outside_of_tasks(), None)
    until(lambda: host.snapshot().notes)
    assert ("an interruption came late, in the loop's own code, and a callback may be lost") in (
        host.snapshot().notes[0]
    )
    ticker.goes_on()


async def _raise_outside_of_tasks() -> None:
    loop = asyncio.get_running_loop()
    selector = loop._selector  # type: ignore[attr-defined]
    select = selector.select

    def interrupted(_timeout: float | None) -> Any:
        selector.select = select
        raise LoopInterrupted

    selector.select = interrupted
