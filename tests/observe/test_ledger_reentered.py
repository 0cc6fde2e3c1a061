"""The ledger beside code of the user's that is called where nobody expects it."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from bgwidgets.observe.consistent_copy import Unsettled
from bgwidgets.observe.generations import NURSERY
from bgwidgets.observe.ledger import Ledger
from bgwidgets.states import TaskState
from tests.conftest import Complaints
from tests.observe.conftest import run, turns

MANY = 3 * NURSERY


class Choosy(Exception):
    """An error that is compared by its code, whatever the other one is."""

    code = 404

    def __eq__(self, other: object) -> bool:
        return bool(self.code == other.code)  # type: ignore[attr-defined] # as users write it

    __hash__ = Exception.__hash__


class Agreeable(Exception):
    """An error that is equal to everything, and false."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = Exception.__hash__

    def __len__(self) -> int:
        return 0


@pytest.mark.parametrize("error", [Choosy(), Agreeable()])
def test_an_error_that_compares_itself_with_anything(error: Exception, complaints: Complaints):
    """It is a failure as any other, and making tasks goes on."""

    async def fail() -> None:
        raise error

    async def nothing() -> None:
        pass

    async def watched(ledger: Ledger) -> None:
        await asyncio.wait({asyncio.create_task(fail())})
        for _ in range(MANY):
            await asyncio.create_task(nothing())
        ledger.settle()
        counts = ledger.counts()
        assert (1, MANY) == (counts[TaskState.FAILED], counts[TaskState.FINISHED])
        assert 1 == len(ledger.history().failures)

    run(watched)
    assert all(said.startswith("Task exception was never") for said in complaints.take())


def test_a_finalizer_that_makes_a_task():
    """It may come at any moment, also while the ledger looks at its tasks: each is counted once."""
    made = 0

    async def nothing() -> None:
        pass

    def make() -> asyncio.Task[None]:
        nonlocal made
        made += 1
        return asyncio.create_task(nothing())

    class Closing:
        """In a circle, so that the garbage collector ends it."""

        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            kept.append(make())

    kept: list[asyncio.Task[Any]] = []

    async def watched(ledger: Ledger) -> None:
        for _ in range(20 * NURSERY):
            Closing()
            await make()
        gc.collect()
        await turns()
        ledger.settle()
        assert made == ledger.counts()[TaskState.FINISHED]

    before = gc.get_threshold()
    gc.set_threshold(50, 2, 2)
    try:
        run(watched)
    finally:
        gc.set_threshold(*before)


def test_an_error_whose_text_asks_for_the_tasks():
    """Its code runs before anything is moved, so it gets an answer, each time."""
    answers: list[int] = []

    async def watched(ledger: Ledger) -> None:
        class Curious(Exception):
            """Says how many tasks there are."""

            def __str__(self) -> str:
                answers.append(sum(ledger.counts().values()))
                return "curious"

        async def fail(turn: int) -> None:
            await turns(turn)
            raise Curious

        tasks = [asyncio.create_task(fail(turn)) for turn in range(3)]
        await asyncio.wait(tasks)
        ledger.settle()
        assert [True] * 3 == [isinstance(task.exception(), Curious) for task in tasks]
        assert {4} == set(answers)

    run(watched)


def test_while_a_full_nursery_is_swept_nothing_is_told_that_may_be_wrong():
    """As at a tick, which does not come here."""
    told = list[dict[TaskState, int]]()

    def bars(_: asyncio.Task[Any]) -> tuple[Any, ...]:
        told.append(ledgers[0].counts())  # In the midst of it.
        return ()

    async def watched(ledger: Ledger) -> None:
        ledgers.append(ledger)
        timer = ledger._generations._timer
        assert timer is not None
        timer.cancel()
        ledger._bars = bars  # type: ignore[misc] # for the test
        for _ in range(MANY):
            await asyncio.create_task(turns(1))
        ledger._bars = lambda _: ()  # type: ignore[misc]
        assert told
        assert [] == [counts for counts in told if counts]

    ledgers = list[Ledger]()
    run(watched)


def test_in_the_midst_of_a_change_nothing_is_told_that_may_be_wrong():
    """To a signal handler, say. The counts are unknown then, and everything else says so."""

    async def watched(ledger: Ledger) -> None:
        with ledger._generations._moving():
            assert {} == ledger.counts()
            assert ledger.stamp() is None
            with pytest.raises(Unsettled, match="ask later"):
                ledger.unfinished()
        assert 1 == len(ledger.unfinished())

    run(watched)
