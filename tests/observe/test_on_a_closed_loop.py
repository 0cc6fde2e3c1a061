"""What is left on a loop that was closed is waiting for nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_detail import task_detail
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import TaskDetail, TaskSnapshot, WindowRequest
from tests.loop_factories import LoopFactory

ENDED = "its loop has ended"


async def in_time() -> None:
    """Wait in two timeouts, each in a way of its own."""
    async with asyncio.timeout(60):
        await asyncio.wait_for(asyncio.sleep(60), 50)


def left_behind(
    wait: Callable[[], Awaitable[object]], factory: LoopFactory
) -> tuple[list[TaskSnapshot], TaskDetail | None]:
    """The row of a task that waits, then since its loop was closed, twice; and its details."""

    async def work() -> None:
        await wait()

    loop = factory()
    ledger = Ledger(loop)
    try:
        work_left = loop.create_task(work())
        for _ in range(4):
            loop.run_until_complete(asyncio.sleep(0))
        rows = [row_of(ledger)]
        loop.close()
        rows += [row_of(ledger), row_of(ledger)]
        assert not work_left.done()
        return rows, task_detail(ledger, rows[0].id)
    finally:
        ledger.close()
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
        loop.close()


def row_of(ledger: Ledger) -> TaskSnapshot:
    rows = task_window(ledger, WindowRequest()).tasks
    return next(row for row in rows if "work" in row.coroutine)


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (lambda: asyncio.sleep(600), "sleep, 10 min left"),
        (lambda: asyncio.sleep(90_000), "sleep, 25 h left"),
        (lambda: asyncio.Event().wait(), "event"),
        (lambda: asyncio.get_running_loop().create_future(), "future"),
    ],
    ids=["sleep", "long sleep", "event", "future"],
)
def test_its_loop_has_ended(
    wait: Callable[[], Awaitable[object]], words: str, loop_factory: LoopFactory
):
    """Also where its row would not have changed for hours; how long still, is not said."""
    rows, detail = left_behind(wait, loop_factory)
    assert [words, ENDED, ENDED] == [row.waiting_on for row in rows]
    assert len({row.where for row in rows}) == 1
    assert detail is not None
    assert detail.waiting_on == ENDED


def test_no_timeout_runs_out_any_more(loop_factory: LoopFactory):
    """Neither that of a scope nor that of `wait_for`."""
    rows, detail = left_behind(in_time, loop_factory)
    assert rows[-1].waiting_on == ENDED
    assert detail is not None
    assert detail.chain
    assert {frame.timeout for frame in detail.chain} == {None}
