"""The stop event: an asyncio.Event in use, and safe from every thread."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from types import FrameType
from typing import Any

import pytest
import uvloop

from bgwidgets import StopEvent, WouldDeadlock
from bgwidgets.belonging import enter_loop_thread, leave_loop_thread

LIMIT = 10.0
FAR_AWAY = 3600.0
AT_ONCE = 1.0
"""Seconds that are long for a wake-up, and nothing beside a timer that is FAR_AWAY."""

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
RunInThread = Callable[..., Future[Any]]


@pytest.fixture
def run_in_thread() -> Iterator[RunInThread]:
    """`run_in_thread(coroutine, loop_factory)`: on a loop of its own in a thread of its own."""
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(10))

        def run(coroutine: Any, loop_factory: LoopFactory = asyncio.new_event_loop) -> Future[Any]:
            def body() -> Any:
                with asyncio.Runner(loop_factory=loop_factory) as runner:
                    return runner.run(coroutine)

            return pool.submit(body)

        yield run


async def wait_beside_a_timer(event: StopEvent, waits: threading.Barrier) -> float:
    """Returns when it was woken, in a loop with nothing else to do for an hour."""
    loop = asyncio.get_running_loop()
    timer = loop.call_later(FAR_AWAY, loop.stop)
    # A turn later it does wait, and the loop sleeps in its selector.
    loop.call_soon(waits.wait, LIMIT)
    assert await event.wait()
    woken = time.monotonic()
    timer.cancel()
    return woken


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_set_wakes_a_waiter_in_an_idle_loop_at_once(
    run_in_thread: RunInThread, loop_factory: LoopFactory
):
    """From another thread, and however far the loop's next timer is: the seed's event never did."""
    event, waits = StopEvent(), threading.Barrier(2)
    waiter = run_in_thread(wait_beside_a_timer(event, waits), loop_factory)
    waits.wait(LIMIT)
    assert not waiter.done()
    began = time.monotonic()
    event.set()
    assert waiter.result(LIMIT) - began < AT_ONCE


def test_one_event_serves_many_loops_and_plain_threads(run_in_thread: RunInThread):
    event, waits = StopEvent(), threading.Barrier(6)
    waiters = [run_in_thread(wait_beside_a_timer(event, waits)) for _ in range(5)]
    waits.wait(LIMIT)
    with ThreadPoolExecutor(2) as threads:
        plain = [threads.submit(event.wait_sync, LIMIT) for _ in range(2)]
        event.set()
        assert [True, True] == [future.result(LIMIT) for future in plain]
    for waiter in waiters:
        waiter.result(LIMIT)


def test_many_tasks_of_a_loop_may_wait(run_in_thread: RunInThread):
    event, wait = StopEvent(), threading.Event()

    async def main() -> list[bool]:
        tasks = [asyncio.create_task(event.wait()) for _ in range(1_000)]
        asyncio.get_running_loop().call_soon(wait.set)
        return await asyncio.gather(*tasks)

    result = run_in_thread(main())
    assert wait.wait(LIMIT)
    event.set()
    assert [True] * 1_000 == result.result(LIMIT)


def test_waiting_for_a_set_event_takes_no_turn():
    """As with `asyncio.Event`: nobody else runs in between."""

    async def main() -> list[str]:
        event = StopEvent()
        order: list[str] = []
        event.set()
        asyncio.get_running_loop().call_soon(order.append, "another")
        await event.wait()
        order.append("this")
        return list(order)

    assert ["this"] == asyncio.run(main())


def test_set_and_clear_may_come_twice():
    """`is_set()` says how it is now."""
    event = StopEvent()
    seen = [event.is_set()]
    for step in (event.set, event.set, event.clear, event.clear, event.set):
        step()
        seen.append(event.is_set())
    assert [False, True, True, False, False, True] == seen
    assert "<StopEvent set>" == repr(event)
    event.clear()
    assert "<StopEvent unset>" == repr(event)


def test_after_clear_one_waits_again():
    """A waiter that was woken stays woken, though the event is cleared before it can run."""

    async def main() -> tuple[bool, bool]:
        event = StopEvent()
        early = asyncio.create_task(event.wait())
        await asyncio.sleep(0)
        event.set()
        event.clear()
        await asyncio.wait({early}, timeout=LIMIT)
        late = asyncio.create_task(event.wait())
        for _ in range(5):
            await asyncio.sleep(0)
        was_done = late.done()
        event.set()
        await asyncio.wait({late}, timeout=LIMIT)
        return was_done, late.result()

    assert (False, True) == asyncio.run(main())


def test_a_cancelled_waiter_is_forgotten():
    """The others are woken as before, and nothing of it is kept."""

    async def main() -> None:
        event = StopEvent()
        cancelled, other = (asyncio.create_task(event.wait()) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait({cancelled}, timeout=LIMIT)
        assert cancelled.cancelled()
        assert 1 == len(event._waiters)
        event.set()
        assert await other
        assert not event._waiters

    asyncio.run(main())


def test_a_waiter_that_is_cancelled_while_it_is_woken_is_cancelled():
    """And the wake-up that comes too late does no harm."""

    async def main() -> None:
        event = StopEvent()
        waiter = asyncio.create_task(event.wait())
        await asyncio.sleep(0)
        event.set()
        waiter.cancel()
        await asyncio.wait({waiter}, timeout=LIMIT)
        assert waiter.cancelled()

    asyncio.run(main())


@pytest.mark.parametrize("new_event_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_waiter_whose_loop_is_closed_does_not_keep_the_others_asleep(
    new_event_loop: LoopFactory,
):
    """Nor does it make `set()` raise."""
    event, closed = StopEvent(), new_event_loop()
    waiting = event.wait()

    async def give_up() -> None:
        # By hand, as no task: a task would complain that it was destroyed.
        waiting.send(None)

    closed.run_until_complete(give_up())
    closed.close()

    async def main() -> bool:
        other = asyncio.create_task(event.wait())
        await asyncio.sleep(0)
        event.set()
        return await other

    assert asyncio.run(main())
    waiting.close()


def test_wait_sync_returns_when_its_time_is_over():
    """False then; True as soon as the event is set."""
    event = StopEvent()
    assert event.wait_sync(0) is False
    assert event.wait_sync(0.01) is False
    event.set()
    assert event.wait_sync() is True
    assert event.wait_sync(0) is True


def test_wait_sync_is_refused_in_a_loops_own_thread():
    """Where it would wait for itself; when the event is set it waits for nothing."""
    event = StopEvent()
    enter_loop_thread(1)
    try:
        with pytest.raises(WouldDeadlock, match=r"use `await stop_event\.wait\(\)` here"):
            event.wait_sync(LIMIT)
        event.set()
        assert event.wait_sync()
    finally:
        leave_loop_thread(1)
    event.clear()
    assert event.wait_sync(0) is False


def test_a_waiter_may_be_destroyed_while_the_event_is_busy():
    """Garbage is collected at any moment, also while the event's own lock is held."""
    event = StopEvent()

    class Busy(set[Any]):
        """Collects garbage where a list of the waiters is made, as Python may."""

        def __iter__(self) -> Iterator[Any]:
            gc.collect()
            return super().__iter__()

    loop = asyncio.new_event_loop()

    async def start(waiting: Any) -> None:
        waiting.send(None)

    def leave_a_waiter_as_garbage() -> None:
        waiting = event.wait()
        loop.run_until_complete(start(waiting))
        cycle: list[Any] = [waiting]
        cycle.append(cycle)

    gc.disable()
    try:
        leave_a_waiter_as_garbage()
        event._waiters = Busy(event._waiters)  # type: ignore[misc]
        setting = threading.Thread(target=event.set, daemon=True)
        setting.start()
        setting.join(AT_ONCE)
    finally:
        gc.enable()
        loop.close()
    assert not setting.is_alive()


def test_a_signal_handler_may_set_it_in_the_middle_of_another_set():
    """Wherever it comes: it does not wait for the one that it has interrupted."""
    event, places = StopEvent(), list[int]()
    is_amid = False

    def handler(frame: FrameType, kind: str, _: object) -> Any:
        nonlocal is_amid
        if not frame.f_code.co_filename.endswith(("event.py", "threading.py")):
            return None  # What is collected as garbage meanwhile is not meant.
        if kind == "line" and not is_amid:
            is_amid = True
            places.append(frame.f_lineno)
            event.set()
            is_amid = False
        return handler

    def set_it() -> None:
        before = sys.gettrace()
        sys.settrace(handler)
        try:
            event.set()
        finally:
            sys.settrace(before)

    waiter = threading.Thread(target=event.wait_sync, args=(LIMIT,))
    waiter.start()
    setter = threading.Thread(target=set_it, daemon=True)
    setter.start()
    setter.join(LIMIT)
    assert not setter.is_alive()
    waiter.join(AT_ONCE)
    assert (False, True) == (waiter.is_alive(), len(places) > 5)
