"""The thread of the cells is asked whether it comes to anything."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from bgwidgets.widgets.cells import CellWatch

LIMIT = 5.0


def in_a_thread(ask: Callable[[], bool]) -> bool:
    """As the publisher asks."""
    answers: list[bool] = []
    thread = threading.Thread(target=lambda: answers.append(ask()))
    thread.start()
    thread.join(LIMIT)
    return answers[0]


def test_a_thread_that_is_busy_is_told_from_one_that_is_not():
    """It is busy when it has not come to the question before this one."""

    async def cells() -> list[bool]:
        watch = CellWatch(lambda _: None)
        answers = [in_a_thread(watch.waits), in_a_thread(watch.waits)]
        await asyncio.sleep(0)
        answers += [in_a_thread(watch.waits)]
        await asyncio.sleep(0)
        watch.close()
        return answers

    assert asyncio.run(cells()) == [False, True, False]


def test_what_cannot_be_asked_is_not_said_to_be_busy():
    """A watch that was made where no loop runs, and one whose loop is closed."""
    assert [CellWatch(lambda _: None).waits() for _ in range(2)] == [False, False]

    async def cells() -> CellWatch:
        return CellWatch(lambda _: None)

    watch = asyncio.run(cells())
    assert [watch.waits(), watch.waits()] == [False, False]
