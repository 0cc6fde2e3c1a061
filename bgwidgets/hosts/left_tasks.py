"""The tasks that are left when a loop turns no more, among them those born in its last moments."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import let_go_of
from bgwidgets.observe.task_births import TaskBirths


class LateBirths:
    """Holds what is born when the book is closed.

    asyncio holds its tasks weakly. One that waits for something that nobody else knows is garbage,
    and when the collector destroys it, its `finally` may start the next two.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Hold what is born on this loop from now on. In the loop's thread."""
        self._tasks: Final[list[asyncio.Task[Any]]] = []
        self._births: Final = TaskBirths(
            loop,
            self._tasks,
            limit=[sys.maxsize],
            is_full=lambda: None,
            lists=None,
            ended_at_birth=lambda _task, _coroutine: None,
            timings=None,
        )

    def close(self) -> list[asyncio.Task[Any]]:
        """What was born, and hold nothing any more. When the loop runs no more."""
        self._births.close()
        tasks = self._tasks.copy()
        self._tasks.clear()
        return tasks


def let_go_of_all(
    loop: asyncio.AbstractEventLoop, late: LateBirths | None
) -> set[asyncio.Task[Any]]:
    """All that has not ended; nobody is told when it is destroyed. When the loop runs no more."""
    born_late = late.close() if late is not None else []
    left = {task for task in (*asyncio.all_tasks(loop), *born_late) if not task.done()}
    for task in left:
        let_go_of(task)
    return left
