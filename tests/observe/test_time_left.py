"""How long a task still sleeps."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any, cast

import pytest

from bgwidgets.observe.await_chain import kind_of_wait, place_of
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_window import task_window
from bgwidgets.observe.wait_words import time_of
from bgwidgets.snapshots import WindowRequest
from tests.loop_factories import LoopFactory
from tests.observe.conftest import run, turns


class Clocked(asyncio.SelectorEventLoop):
    """A loop whose time stands still until it is told."""

    now = 1000.0

    def time(self) -> float:
        """As told."""
        return self.now


async def asleep(delay: float) -> asyncio.Task[None]:
    task = asyncio.create_task(asyncio.sleep(delay))
    await turns()
    return task


@pytest.mark.parametrize(
    ("delay", "gone", "expected"),
    [
        (12.3, 0.0, "12 s left"),
        (12.3, 8.0, "4.3 s left"),
        (12.3, 12.2, "0.1 s left"),
        (12.3, 99.0, "0.0 s left"),
        (9.96, 0.0, "10 s left"),
        (119.0, 0.0, "119 s left"),
        (120.0, 0.0, "2 min left"),
        (7199.0, 0.0, "120 min left"),
        (7200.0, 0.0, "2 h left"),
        (172800.0, 0.0, "2 d left"),
    ],
)
def test_how_long_still(delay: float, gone: float, expected: str):
    """By the loop's own time; to a tenth near the end, and coarser the longer it is.

    What should have ended, on a loop that is blocked, has nothing left.
    """

    async def watched(_: Any) -> str | None:
        task = await asleep(delay)
        loop.now += gone
        words = place_of(task)[0]
        task.cancel()
        return words

    loop = Clocked()
    assert f"sleep, {expected}" == run(watched, lambda: loop)


def test_a_row_that_is_kept_counts_down():
    """It is made anew when its words change, and not before."""

    async def watched(ledger: Ledger) -> list[str | None]:
        loop = cast("Clocked", asyncio.get_running_loop())
        task = await asleep(12.3)
        words = []
        for _ in range(4):
            row = next(row for row in task_window(ledger, WindowRequest()).tasks if row.waiting_on)
            words.append(row.waiting_on)
            loop.now += 0.7
        task.cancel()
        return words

    left = [f"sleep, {seconds} s left" for seconds in (12, 12, 11, 10)]
    assert left == run(watched, Clocked)


def test_on_every_loop(loop_factory: LoopFactory):
    """Also where the loop's clock must not be asked from another thread."""

    async def watched(_: Any) -> str | None:
        task = await asleep(600.0)
        words = await asyncio.to_thread(lambda: place_of(task)[0])
        task.cancel()
        return words

    assert "sleep, 10 min left" == run(watched, loop_factory)


@pytest.mark.parametrize("delay", [0, -1])
def test_until_the_next_turn(delay: float):
    """There is no time to tell."""

    async def watched(_: Any) -> str | None:
        task = asyncio.create_task(asyncio.sleep(delay))
        await asyncio.sleep(0)
        words = place_of(task)[0]
        await task
        return words

    assert "sleep" == run(watched)


def test_for_ever(loop_factory: LoopFactory):
    """Though uvloop makes a hundred years of it."""

    async def watched(_: Any) -> str | None:
        task = await asleep(math.inf)
        words = place_of(task)[0]
        task.cancel()
        return words

    assert "sleep, for ever" == run(watched, loop_factory)


def test_the_clock_of_a_loop_in_c_is_left_alone():
    """Reading uvloop's writes to the loop, at a moment when libuv may be looking at it."""

    class InC:
        """No loop of asyncio's own."""

        def time(self) -> float:
            """Must not be asked."""
            raise AssertionError

    before = time.monotonic()
    assert before <= time_of(cast("asyncio.AbstractEventLoop", InC())) <= time.monotonic()


def test_rows_in_the_order_of_what_they_wait_for_keep_their_places():
    """Sleepers come in the order of their birth, and do not change places as time goes by."""

    async def watched(ledger: Ledger) -> list[str]:
        tasks = [asyncio.create_task(asyncio.sleep(delay), name=f"{delay}") for delay in (5, 30, 4)]
        await turns()
        assert {"sleep"} == {kind_of_wait(task) for task in tasks}
        window = task_window(ledger, WindowRequest(sort="waiting_on"))
        for task in tasks:
            task.cancel()
        return [row.name for row in window.tasks if (row.waiting_on or "").startswith("sleep")]

    assert ["5", "30", "4"] == run(watched)
