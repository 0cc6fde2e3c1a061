"""The ledger is written in the loop's thread and read from any."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from bgwidgets.observe import consistent_copy
from bgwidgets.observe.ledger import Ledger
from bgwidgets.states import TaskState
from tests.loop_factories import LoopFactory
from tests.observe.conftest import (
    LIMIT,
    ends_at_once,
    ends_later,
    fails,
    for_ever,
    run,
    running_beside,
)


def test_reading_from_other_threads_while_tasks_come_and_go(loop_factory: LoopFactory):
    """Never raises, never shows a task that is not whole; the counts of the ended only grow."""
    enough = threading.Event()

    async def churn(ledger: Ledger) -> None:
        del ledger
        waiting: list[asyncio.Task[Any]] = []
        while True:
            waiting += [asyncio.create_task(for_ever()) for _ in range(5)]
            done = [asyncio.create_task(work()) for work in (ends_at_once, ends_later, fails) * 5]
            for task in waiting[:-50]:
                task.cancel()
            del waiting[:-50]
            await asyncio.gather(*done, return_exceptions=True)

    problems: list[str] = []

    def read(ledger: Ledger) -> None:
        last = 0
        while not enough.is_set():
            counts = ledger.counts()
            ended = sum(count for state, count in counts.items() if state.has_ended)
            if ended < last or min(counts.values()) < 0:
                problems.append(f"{ended} ended after {last}")
            last = ended
            look = ledger.look()
            for entry in (*look.unfinished, *look.ended[:20]):
                row = look.row(entry)
                if row.state is TaskState.FAILED and row.error is None:
                    problems.append(f"failed, and nobody knows why: {row}")

    def try_to_read(ledger: Ledger) -> None:
        try:
            read(ledger)
        except BaseException as error:  # noqa: BLE001 - shown in the test's own thread
            problems.append(repr(error))

    with running_beside(churn, loop_factory) as ledger:
        readers = [threading.Thread(target=try_to_read, args=(ledger,)) for _ in range(2)]
        for reader in readers:
            reader.start()
        enough.wait(0.5)
        enough.set()
        for reader in readers:
            reader.join(LIMIT)
        assert ledger.counts()[TaskState.FINISHED] > 100
    assert [] == problems[:3]


def test_what_was_moved_while_it_was_copied_is_copied_again():
    """Whole moves in between, of which nothing shows at the end but their number."""

    async def watched(ledger: Ledger) -> None:
        generations, copies = ledger._generations, list[int]()

        def copy() -> int:
            copies.append(len(copies))
            if len(copies) < 3:
                with generations._moving():
                    pass
            return copies[-1]

        loop = asyncio.get_running_loop()
        assert 2 == consistent_copy.consistent_copy(loop, generations, copy)
        assert [0, 1, 2] == copies

    run(watched)


def test_a_reader_waits_until_what_is_being_moved_has_arrived(monkeypatch: pytest.MonkeyPatch):
    """And where that takes very long, it says that it does not know."""

    async def watched(ledger: Ledger) -> None:
        with ThreadPoolExecutor(1) as reader:
            with ledger._generations._moving():
                counts = reader.submit(ledger.counts)
                assert not wait({counts}, 0.05).done
            assert {TaskState.RUNNING: 1} == {
                state: count for state, count in counts.result(LIMIT).items() if count
            }
            monkeypatch.setattr(consistent_copy, "WITHIN", 0.01)
            with (
                ledger._generations._moving(),
                pytest.raises(consistent_copy.Unsettled, match="ask again"),
            ):
                reader.submit(ledger.unfinished).result(LIMIT)

    run(watched)
