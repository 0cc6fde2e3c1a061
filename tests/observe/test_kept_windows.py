"""A window of tasks of which none has moved is not made anew; whatever happens to one, it is."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

from bgwidgets.observe.kept_windows import MOST_KEPT
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import ProgressSnapshot, TaskSnapshot, WindowRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    Rows = tuple[TaskSnapshot, ...]
    Work = Callable[[Callable[[], Rows]], Coroutine[Any, Any, None]]

BARS: dict[asyncio.Task[Any], tuple[ProgressSnapshot, ...]] = {}


def watched(work: Work) -> None:
    """Run `work` on a loop with a ledger; the argument gives the rows of a window of three."""

    async def main() -> None:
        ledger = Ledger(asyncio.get_running_loop(), bars=lambda task: BARS.get(task, ()))
        try:
            await work(lambda: task_window(ledger, WindowRequest(stop=3)).tasks)
        finally:
            ledger.close()
            BARS.clear()

    with asyncio.Runner() as runner:
        runner.run(main())


async def kept(rows: Callable[[], Rows]) -> Rows:
    """The rows, once they are kept: all that was born is in the book by then."""
    async with asyncio.timeout(10):
        while (found := rows()) is not rows():  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
    return found


def test_the_rows_of_tasks_that_go_on_waiting_are_the_same():
    """The very same, also of those that have ended."""

    async def work(rows: Callable[[], Rows]) -> None:
        task = asyncio.create_task(asyncio.sleep(90_000), name="a")
        asyncio.create_task(asyncio.sleep(0), name="b")  # noqa: RUF006 - it ends at once
        assert [row.name for row in await kept(rows)] == ["a", "b"]
        task.cancel()

    watched(work)


def test_they_are_others_once_something_has_happened_to_one_of_them():
    """Another name, a bar, another wait, a cancellation, an end, a birth."""

    async def work(rows: Callable[[], Rows]) -> None:
        wakes = asyncio.Event()

        async def wait_twice() -> None:
            await wakes.wait()
            await asyncio.sleep(90_000)

        task = asyncio.create_task(wait_twice())
        await kept(rows)
        task.set_name("renamed")
        assert rows()[0].name == "renamed"

        await kept(rows)
        BARS[task] = (ProgressSnapshot(done=3, total=9, started_at=1.0),)
        assert rows()[0].progress == BARS[task][0]
        BARS[task] = (ProgressSnapshot(done=4, total=9, started_at=1.0),)
        assert rows()[0].progress == BARS[task][0]
        BARS.clear()

        assert (await kept(rows))[0].waiting_on == "event"
        wakes.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (rows()[0].waiting_on or "").startswith("sleep")

        await kept(rows)
        other = asyncio.create_task(asyncio.sleep(90_000), name="born")
        assert [row.name for row in rows()] == ["renamed", "born"]

        await kept(rows)
        task.cancel()
        assert rows()[0].state == "cancelling"
        await asyncio.wait([task])
        assert [row.name for row in rows()] == ["born", "renamed"]
        other.cancel()

    watched(work)


def test_a_sleep_is_told_anew_when_the_words_for_it_change():
    """Though the task waits as it did."""

    async def work(rows: Callable[[], Rows]) -> None:
        task = asyncio.create_task(asyncio.sleep(8))
        before = await kept(rows)
        async with asyncio.timeout(5):
            while rows()[0].waiting_on == before[0].waiting_on:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.02)
        task.cancel()

    watched(work)


def test_a_window_that_is_kept_keeps_no_task():
    """It is garbage when nobody else holds it."""

    async def work(rows: Callable[[], Rows]) -> None:
        task = asyncio.create_task(asyncio.sleep(90_000))
        await kept(rows)
        find = weakref.ref(task)
        task.cancel()
        await asyncio.wait([task])
        del task
        async with asyncio.timeout(10):
            while find() is not None:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)

    watched(work)


def test_there_are_only_so_many():
    """However the table is scrolled."""

    async def main() -> None:
        ledger = Ledger(asyncio.get_running_loop())
        for start in range(3 * MOST_KEPT):
            task_window(ledger, WindowRequest(start=start, stop=start + 3))
        assert len(ledger.windows) <= MOST_KEPT
        ledger.close()

    asyncio.run(main())
