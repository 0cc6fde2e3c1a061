"""The ledger is written in the loop's thread and read from any."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from bgwidgets.observe import consistent_copy
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_detail import task_detail
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import WindowRequest
from bgwidgets.states import TaskState
from tests.loop_factories import LoopFactory
from tests.observe.conftest import (
    LIMIT,
    ends_at_once,
    ends_later,
    fails,
    for_ever,
    rows,
    run,
    running_beside,
)
from tests.waiting import until


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


def test_the_text_of_an_error_is_made_in_the_loops_thread(loop_factory: LoopFactory):
    """It is a user's code, which may take any time: nobody else waits for it, or runs it."""
    asked, go_on = threading.Event(), threading.Event()
    asked_in: list[threading.Thread] = []

    class Slow(Exception):
        def __str__(self) -> str:
            asked_in.append(threading.current_thread())
            asked.set()
            assert go_on.wait(LIMIT)
            return "its text"

    async def fail() -> None:
        raise Slow

    async def watched(ledger: Ledger) -> None:
        del ledger
        failing = asyncio.create_task(fail(), name="victim")
        await asyncio.wait({failing})
        assert isinstance(failing.exception(), Slow)
        await for_ever()

    def told(ledger: Ledger) -> tuple[str | None, str]:
        window = task_window(ledger, WindowRequest(filter="slow", sort="waiting_on", stop=9))
        (row,) = window.tasks
        detail = task_detail(ledger, row.id)
        assert detail is not None
        (failure,) = ledger.history().failures
        assert row.error == detail.error
        return row.error, failure.error

    with running_beside(watched, loop_factory) as ledger:
        try:
            assert asked.wait(LIMIT)
            assert ("Slow", "Slow") == tuple(
                each and each.rpartition(".")[2] for each in told(ledger)
            )
        finally:
            go_on.set()
        until(lambda: str(told(ledger)[0]).endswith("Slow: its text"))
        assert told(ledger)[1].endswith("Slow: its text")
    assert threading.current_thread() not in asked_in


def test_the_text_of_a_plain_error_is_told_at_once():
    """Nothing of the user's is run for it."""
    asked, go_on = threading.Event(), threading.Event()

    class Own(Exception):
        """Without a text of its own."""

    async def fail() -> None:
        raise Own("its text")

    async def watched(ledger: Ledger) -> None:
        del ledger
        failing = asyncio.create_task(fail(), name="victim")
        await asyncio.wait({failing})
        assert failing.exception() is not None
        asked.set()
        assert go_on.wait(LIMIT)
        await for_ever()

    with running_beside(watched) as ledger:
        try:
            assert asked.wait(LIMIT)
            (row,) = (row for row in rows(ledger) if row.name == "victim")
            assert str(row.error).endswith("Own: its text")
        finally:
            go_on.set()


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
