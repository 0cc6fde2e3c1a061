"""On behalf of which task the calling code runs, also in a worker thread.

A context variable would not do: `asyncio.to_thread` runs its function in a context of its own, a
copy made before anybody of ours is asked.
"""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Final, Protocol
from weakref import ReferenceType, ref

from bgwidgets.belonging import loop_id_of_thread

TaskRef = ReferenceType[asyncio.Task[Any]]


class _Here(threading.local):
    task: TaskRef | None = None


_here: Final = _Here()


def task_here() -> asyncio.Task[Any] | None:
    """The task that is calling, or for which this worker thread runs. Any thread; does not block.

    None in a callback, in threads that nobody knows, and when the task is gone.
    """
    if loop_id_of_thread() is None:
        return None if _here.task is None else _here.task()
    try:
        return asyncio.current_task()
    except RuntimeError:  # Its loop does not turn, at this moment.
        return None


def ref_here() -> TaskRef | None:
    """As `task_here`, for who hands work on to another thread and keeps nothing alive."""
    task = task_here()
    return None if task is None else ref(task)


def work_for(task: TaskRef | None) -> None:
    """From now on the calling thread runs for this task; None: for nobody."""
    _here.task = task


class TasksNow(Protocol):
    """Which task runs on a loop: asked at each print, so it may be a bare dict."""

    def __getitem__(self, loop: Any, /) -> Any:
        """The task; None or a KeyError where there is none."""


class _WorkedFor:
    """The task for which the calling worker thread runs, whatever the loop: `task_here` for those
    who know that they are in one.
    """

    def __getitem__(self, _: object) -> asyncio.Task[Any] | None:
        task = _here.task
        return None if task is None else task()


tasks_worked_for: Final[TasksNow] = _WorkedFor()
