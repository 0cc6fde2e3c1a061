"""What is still true of the tasks of a loop whose process is gone: that they have ended with it.

How far they came, and whether they would have failed, nobody knows; that they wait for something is
not true any more. All functions are pure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bgwidgets.snapshots import (
    LoopHistory,
    LoopSnapshot,
    ProgressSnapshot,
    TaskDetail,
    TaskSnapshot,
)
from bgwidgets.states import TaskState


def lost_row(row: TaskSnapshot, at: float) -> TaskSnapshot:
    """A task as it is since its process ended at that time."""
    if row.state.has_ended:
        return row
    return replace(row, **_lost(at), progress=_lost_bar(row.progress, at))


def lost_detail(detail: TaskDetail, at: float) -> TaskDetail:
    """The same in detail."""
    if detail.state is None or detail.state.has_ended:
        return detail
    # As of every task that has ended: no chain and no links.
    return replace(
        TaskDetail(id=detail.id, name=detail.name, coroutine=detail.coroutine),
        **_lost(at),
        created_at=detail.created_at,
        timings=detail.timings,
        where=detail.where,
        progress=tuple(bar for bar in (_lost_bar(each, at) for each in detail.progress) if bar),
    )


def lost_snapshot(loop: LoopSnapshot, at: float) -> LoopSnapshot:
    """What the loop's last snapshot says of its tasks."""
    counts = {state: count for state, count in loop.task_counts.items() if state.has_ended}
    if loop.unfinished_tasks:
        counts[TaskState.LOST] = counts.get(TaskState.LOST, 0) + loop.unfinished_tasks
    return replace(loop, task_counts=counts, progress=_lost_bar(loop.progress, at), open_bars=0)


def lost_history(history: LoopHistory, loop: LoopSnapshot) -> LoopHistory:
    """What has become of all tasks, as the loop's last snapshot counts them."""
    ends = {state: count for state, count in loop.task_counts.items() if state.has_ended and count}
    return replace(history, births=loop.total_tasks, ends=ends)


def _lost(at: float) -> dict[str, Any]:
    return {"state": TaskState.LOST, "ended_at": at, "waiting_on": None}


def _lost_bar(bar: ProgressSnapshot | None, at: float) -> ProgressSnapshot | None:
    if bar is None or bar.ended_at is not None:
        return bar
    return replace(bar, ended_at=at, left_open=True, rate=None, seconds_left=None)
