"""A window over what was last seen of a loop's tasks."""

from __future__ import annotations

from bgwidgets import TaskSnapshot, TaskState
from bgwidgets.hosts.rows_window import rows_window
from bgwidgets.snapshots import WindowRequest


def seen(name: str, created_at: float, ended_at: float | None, state: TaskState) -> TaskSnapshot:
    return TaskSnapshot(
        id=int(created_at),
        name=name,
        coroutine="work",
        state=state,
        created_at=created_at,
        ended_at=ended_at,
    )


def test_by_age_where_not_every_end_is_known():
    """What has ended at an unknown time is not taken to live on."""
    rows = [
        seen("unknown", 1, None, TaskState.FINISHED),
        seen("short", 2, 3, TaskState.FINISHED),
        seen("lives", 4, None, TaskState.PENDING),
    ]
    window = rows_window(rows, WindowRequest(sort="age", descending=True), as_of=10)
    assert ["lives", "short", "unknown"] == [task.name for task in window.tasks]


def test_what_is_shown_as_an_escape_is_found_by_it():
    """As somebody reads it, who does not know what is behind it."""
    rows = [
        seen("\x1b[31mred", 1, None, TaskState.PENDING),
        seen("red", 2, None, TaskState.PENDING),
    ]
    window = rows_window(rows, WindowRequest(filter=r"\X1B[", stop=9), as_of=10)
    assert ["\x1b[31mred"] == [task.name for task in window.tasks]
