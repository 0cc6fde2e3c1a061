"""When the watch ends, what the user has put in the place of ours stays."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

from bgwidgets.observe.generations import NURSERY
from bgwidgets.observe.ledger import Ledger
from tests.observe.conftest import Closed, counted, ends_later, turns


def plain_tasks(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """A factory of the user's own."""
    return asyncio.Task(work, loop=loop, **options)


def test_the_loop_is_as_it_was():
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        Ledger(loop).close()
        assert "create_task" not in vars(loop)


def test_a_create_task_of_the_users_stays_and_may_call_ours():
    """It makes tasks as ever, and nothing is kept of them."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ledger = Ledger(loop)
        ours = loop.create_task

        def create_task(work: Any, **options: Any) -> asyncio.Task[Any]:
            return ours(work, **options)

        loop.create_task = create_task  # type: ignore[method-assign, assignment]
        ledger.close()
        assert create_task == vars(loop)["create_task"]
        before = counted(ledger)

        async def main() -> list[weakref.ref[asyncio.Task[int]]]:
            tasks = [asyncio.create_task(ends_later()) for _ in range(3 * NURSERY)]
            await asyncio.wait(tasks)
            await turns()
            return [weakref.ref(task) for task in tasks]

        gone = runner.run(main())
        gc.collect()
        assert {None} == {task() for task in gone}
        assert before == counted(ledger)


def test_a_task_factory_of_the_users_stays():
    """Where a loop has no room for anything else, ours is one too."""
    with asyncio.Runner(loop_factory=Closed) as runner:
        loop = runner.get_loop()
        ledger = Ledger(loop)
        loop.set_task_factory(plain_tasks)
        ledger.close()
        assert plain_tasks is loop.get_task_factory()
    with asyncio.Runner(loop_factory=Closed) as runner:
        loop = runner.get_loop()
        Ledger(loop).close()
        assert loop.get_task_factory() is None
