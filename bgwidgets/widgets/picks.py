"""The rows that the user has picked, several at once, for the next command.

Used by the publisher's thread alone.
"""

from __future__ import annotations

from collections.abc import Collection

from bgwidgets.widgets.protocols import Table


class Picks:
    """Loops, and tasks of one loop. A single row is not picked: it is the selected one."""

    def __init__(self) -> None:
        self.loops: tuple[int, ...] = ()
        self._tasks: tuple[int, ...] = ()
        self._tasks_of: int | None = None

    def take(self, table: Table, ids: tuple[int, ...], loop_id: int | None) -> None:
        """These rows were picked, and no others; tasks are of that loop."""
        if table == "loops":
            self.loops = ids if len(ids) > 1 else ()
        else:
            self._tasks, self._tasks_of = ids, loop_id

    def tasks(self, loop_id: int | None) -> tuple[int, ...]:
        """The tasks of that loop which are picked."""
        return self._tasks if loop_id == self._tasks_of else ()

    def targets(self, loop_id: int) -> tuple[int, ...]:
        """The loops that a command on this one is for."""
        return self.loops if loop_id in self.loops else (loop_id,)

    def notice(self, listed: Collection[int], selected: int | None) -> None:
        """Let go of loops that are gone, and of the tasks of one that is not selected any more."""
        self.take("loops", tuple(loop_id for loop_id in self.loops if loop_id in listed), None)
        if selected != self._tasks_of:
            self._tasks, self._tasks_of = (), None
