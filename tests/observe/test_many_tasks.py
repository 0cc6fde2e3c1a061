"""A loop of very many tasks: none is lost, and looking at a few of them costs little."""

from __future__ import annotations

import asyncio
import time

import pytest

from bgwidgets.observe.generations import TICK
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.seen_times import LOOKED_AT_ONE_BY_ONE
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import WindowRequest
from bgwidgets.states import TaskState
from tests.conftest import Complaints
from tests.observe.conftest import run, turns

MANY = LOOKED_AT_ONE_BY_ONE + 1_000


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 2, ["main", "0"]),
        (4_000, 4_002, ["3999", "4000"]),
        (MANY, MANY + 3, [str(MANY - 1), "young"]),
        (MANY + 1, MANY + 2, ["young"]),
        (MANY + 2, MANY + 9, []),
    ],
)
def test_of_very_many_only_the_window_is_copied(start: int, stop: int, expected: list[str]):
    """The lasting, then the young."""

    async def watched(ledger: Ledger) -> None:
        main, event = asyncio.current_task(), asyncio.Event()
        assert main is not None
        main.set_name("main")
        ledger.settle()
        kept = [asyncio.create_task(event.wait(), name=str(number)) for number in range(MANY)]
        await turns()
        ledger.settle()
        kept.append(asyncio.create_task(event.wait(), name="young"))
        try:
            window = task_window(ledger, WindowRequest(start=start, stop=stop))
            assert (expected, MANY + 2) == ([task.name for task in window.tasks], window.total)
            assert MANY + 2 == sum(ledger.counts().values())
            assert 1 == ledger.counts()[TaskState.RUNNING]
        finally:
            event.set()
            await asyncio.wait(kept)

    run(watched)


def test_ends_that_were_told_are_not_taken_back_when_there_are_very_many():
    """So many more come that they are not looked at one by one any more."""

    async def watched(ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        first, others = loop.create_future(), loop.create_future()

        async def waits(future: asyncio.Future[None]) -> None:
            await future

        for future, number in ((first, 300), (others, LOOKED_AT_ONE_BY_ONE - 310)):
            for _ in range(number):
                asyncio.create_task(waits(future))  # noqa: RUF006 - the ledger holds it
        await turns()
        ledger.settle()
        told = list[tuple[int, int]]()

        def tell() -> None:
            counts = ledger.counts()
            finished = counts[TaskState.FINISHED]
            told.append((finished, sum(counts.values()) - finished))

        def tell_twice() -> None:
            tell()
            for _ in range(20):
                asyncio.create_task(waits(others))  # noqa: RUF006
            ledger.settle()
            tell()

        first.set_result(None)
        loop.call_soon(tell_twice)  # After they have ended, before their callbacks.
        await turns()
        tell()
        left = 1 + LOOKED_AT_ONE_BY_ONE - 310  # And this one here.
        assert [(300, left), (300, left + 20), (300, left + 20)] == told
        others.set_result(None)
        await turns()

    run(watched)


def test_those_that_last_are_entered_in_slices(complaints: Complaints):
    """Also when the next ones come while the last ones are being entered."""

    async def watched(ledger: Ledger) -> None:
        event, kept = asyncio.Event(), list[asyncio.Task[bool]]()
        end = time.monotonic() + 4 * TICK
        while time.monotonic() < end:
            kept += [asyncio.create_task(event.wait()) for _ in range(500)]
            await asyncio.sleep(0)
        ledger.settle()
        assert all(map(ledger.is_lasting, kept))
        event.set()
        await asyncio.wait(kept)
        assert len(kept) == ledger.counts()[TaskState.FINISHED]

    run(watched)
    assert [] == complaints.take()


def test_very_many_that_do_not_tell_are_not_asked_one_by_one():
    """Those of a factory do not say that they are to be cancelled; a look at each would be dear."""

    class Curious(asyncio.Task[bool]):
        """Counts how often it is asked."""

        asked = 0

        def cancelling(self) -> int:
            Curious.asked += 1
            return super().cancelling()

    async def watched(ledger: Ledger) -> None:
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.set_task_factory(
            lambda loop, work, **more: Curious(work, loop=loop, **more)  # type: ignore[arg-type]
        )
        kept = [asyncio.create_task(event.wait()) for _ in range(MANY)]
        await turns()
        ledger.settle()
        Curious.asked = 0
        assert MANY == ledger.counts()[TaskState.PENDING]
        assert 0 == Curious.asked
        event.set()
        await asyncio.wait(kept)

    run(watched)
