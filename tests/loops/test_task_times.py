"""When tasks were born and have ended, as the handle tells it, also of a loop that was blocked."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, TaskSnapshot
from tests.loops.conftest import LIMIT
from tests.waiting import until

EXACT = 0.1
"""Seconds, as README has it,"""
A_LITTLE = 0.05
"""and for the test's own look at the clock."""
BLOCKED_FOR = 0.6
"""Seconds: several times as long as a time may be off."""


class Life:
    """When a task began and ended, by its own account."""

    def __init__(self) -> None:
        self.born: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    async def live(self) -> None:
        """Begin, let others run, and end."""
        name = getattr(asyncio.current_task(), "get_name", str)()
        self.born[name] = time.time()
        await asyncio.sleep(0)
        self.ended[name] = time.time()


def blocked(manager: LoopManager, life: Life, **options: Any) -> list[TaskSnapshot]:
    """One task before a block and one after it, both of which end soon; and one that lasts."""
    goes_on = threading.Event()

    async def main() -> None:
        await asyncio.create_task(life.live(), name="before")
        goes_on.wait(LIMIT)
        life.born["lasts"] = time.time()
        lasts = asyncio.create_task(asyncio.Event().wait(), name="lasts")
        await asyncio.create_task(life.live(), name="after")
        await asyncio.wait({lasts})

    job = manager.start(main, **options)
    until(lambda: (job.snapshot().blocked_for or 0) > BLOCKED_FOR)
    goes_on.set()
    until(lambda: "after" in life.ended)
    held = names(job)
    until(lambda: all(ended_at_all(job)))
    return [*held, *names(job)]


def names(job: BackgroundLoop) -> list[TaskSnapshot]:
    return [task for task in job.tasks if task.name in {"before", "after", "lasts"}]


def ended_at_all(job: BackgroundLoop) -> list[bool]:
    return [task.state.has_ended for task in job.tasks if task.name in {"before", "after"}]


@pytest.mark.parametrize("timings", [False, True])
def test_a_block_makes_no_task_older(manager: LoopManager, timings: bool):
    """Neither who came before it nor who came after it, while they are held and later on."""
    life = Life()
    shown = blocked(manager, life, timings=timings)
    assert {"before", "after", "lasts"} == {task.name for task in shown}
    for task in shown:
        assert task.created_at == pytest.approx(life.born[task.name], abs=EXACT + A_LITTLE)
        if task.state.has_ended:
            assert task.ended_at == pytest.approx(life.ended[task.name], abs=EXACT + A_LITTLE)
