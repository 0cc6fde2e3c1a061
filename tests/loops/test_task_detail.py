"""One task in detail, through the handle."""

from __future__ import annotations

import asyncio

import pytest

from bgwidgets import LoopManager, TaskState, UnknownTask
from tests.loops.conftest import LIMIT


async def child() -> None:
    await asyncio.Event().wait()


async def parent() -> None:
    await asyncio.create_task(child(), name="child")


def test_the_chain_and_who_waits_for_whom(manager: LoopManager):
    """With source lines; ids lead from one task to the other."""
    job = manager.start(parent)
    while [task.waiting_on for task in job.tasks] != ["event", "task child"]:
        assert job.state == "running"
    by_name = {task.name: task.id for task in job.tasks}
    detail = job.task_detail(by_name["parent"])
    assert detail.chain[-1].source_line == 'await asyncio.create_task(child(), name="child")'
    assert [("child", by_name["child"])] == [(link.name, link.id) for link in detail.waits_for]
    detail = job.task_detail(by_name["child"])
    assert ["parent"] == [link.name for link in detail.waited_by]
    assert ("event", True) == (detail.waiting_on, "test_task_detail.py" in str(detail.where))


def test_a_task_that_is_not_there_is_refused(manager: LoopManager):
    """One that never was, and one that ended before a thousand others did."""
    job = manager.start(parent)
    with pytest.raises(UnknownTask, match="no task 999999999, or not any more"):
        job.task_detail(999_999_999)
    forgotten = next(task.id for task in job.tasks if task.is_main)
    job.stop_loop()
    job.wait(LIMIT)
    assert TaskState.CANCELLED is job.task_detail(forgotten).state
