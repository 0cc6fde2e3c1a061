"""One task in detail, through the handle."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import CancelledError
from dataclasses import replace

import pytest

from bgwidgets import BackgroundLoop, LoopManager, TaskState, UnknownTask
from tests.loops.conftest import LIMIT
from tests.waiting import until


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
    """With where its ids are to be found."""
    job = manager.start(parent)
    with pytest.raises(UnknownTask, match=r"no task 999999999, or not any more: .+ job\.tasks"):
        job.task_detail(999_999_999)


async def fails() -> None:
    raise KeyError("broke")


def tasks_by_name(job: BackgroundLoop) -> dict[str, int]:
    return {task.name: task.id for task in job.tasks}


def test_a_task_that_waits_says_so(manager: LoopManager):
    """Its state and when it was made; nothing of an end."""
    before = time.time()
    job = manager.start(parent)
    detail = job.task_detail(tasks_by_name(job)["parent"])
    assert TaskState.PENDING is detail.state
    assert detail.created_at is not None
    assert before <= detail.created_at <= time.time()
    assert (None, None, None) == (detail.ended_at, detail.error, detail.traceback)


def test_how_a_task_ended(manager: LoopManager):
    """From its very end on, by the same id: while it is held, and when only its record is kept."""
    job = manager.start()
    names = ("returns", "fails", "waits")
    coroutines = (asyncio.sleep(0), fails(), asyncio.sleep(3600))
    futures = [job.submit(each, name=name) for each, name in zip(coroutines, names, strict=True)]
    futures[0].result(LIMIT)
    assert isinstance(futures[1].exception(LIMIT), KeyError)
    until(lambda: "waits" in tasks_by_name(job))
    ids = tasks_by_name(job)
    job.cancel_tasks(ids["waits"])
    with pytest.raises(CancelledError):
        futures[2].result(LIMIT)
    told = [job.task_detail(ids[name]) for name in names]
    job.stop(0)  # Now they are records.
    for early, late in zip(told, [job.task_detail(ids[name]) for name in names], strict=True):
        assert early.ended_at is not None
        assert late.ended_at == pytest.approx(early.ended_at, abs=1)
        assert replace(early, created_at=None, ended_at=None) == replace(
            late, created_at=None, ended_at=None
        )
    assert ["finished", "failed", "cancelled"] == [detail.state for detail in told]
    assert [None, "KeyError: 'broke'", None] == [detail.error for detail in told]
    assert [False, True, False] == [
        'raise KeyError("broke")' in str(detail.traceback) for detail in told
    ]
    assert {()} == {(*each.chain, *each.waits_for, *each.waited_by) for each in told}


def test_a_failure_leads_to_its_task(manager: LoopManager):
    """By the id that both have, and it is told once."""
    job = manager.start()
    for _ in range(3):
        job.submit(fails(), name="failing").exception(LIMIT)
    early = [failure.id for failure in job.history().failures]
    job.stop(0)
    late = [failure.id for failure in job.history().failures]
    assert 3 == len(set(early))
    assert early == late == [task.id for task in job.tasks if task.name == "failing"]
    for failure in job.history().failures:
        assert failure.id is not None
        detail = job.task_detail(failure.id)
        assert (failure.error, failure.traceback) == (detail.error, detail.traceback)


def test_a_task_is_forgotten_after_a_thousand_others(manager: LoopManager):
    """Then its id is one that was never there."""
    job = manager.start()
    job.submit(fails(), name="early").exception(LIMIT)
    early = tasks_by_name(job)["early"]
    assert TaskState.FAILED is job.task_detail(early).state

    async def many() -> None:
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(1_100)))

    job.submit(many()).result(LIMIT)
    job.stop(0)
    with pytest.raises(UnknownTask):
        job.task_detail(early)
    assert [early] == [failure.id for failure in job.history().failures]
