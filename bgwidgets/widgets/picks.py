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
        self._through: object = None
        self.unfinished = 0
        """How many of the picked tasks have not ended, when last looked at."""

    def take(self, table: Table, ids: tuple[int, ...], loop_id: int | None) -> None:
        """These rows were picked, and no others; tasks are of that loop."""
        if table == "loops":
            self.loops = ids if len(ids) > 1 else ()
        else:
            self._tasks, self._tasks_of = ids, loop_id
            self.unfinished = len(ids)

    @property
    def state(self) -> object:
        """Another one whenever something of it has changed."""
        return self.loops, self._tasks, self._tasks_of, self._through, self.unfinished

    @property
    def of_loop(self) -> int | None:
        """The loop whose tasks are picked; None when none is."""
        return self._tasks_of if self._tasks else None

    def tasks(self, loop_id: int | None) -> tuple[int, ...]:
        """The tasks of that loop which are picked."""
        return self._tasks if loop_id == self._tasks_of else ()

    def look_through(self, filters: object) -> None:
        """Tasks are looked at through this filter; those that were picked through another are let
        go, for they may not be in sight any more.
        """
        if filters != self._through:
            self._through = filters
            self._tasks, self._tasks_of = (), None

    def targets(self, loop_id: int) -> tuple[int, ...]:
        """The loops that a command on this one is for."""
        return self.loops if loop_id in self.loops else (loop_id,)

    def notice(self, listed: Collection[int], selected: int | None) -> None:
        """Let go of loops that are gone, and of the tasks of one that is not selected any more."""
        self.take("loops", tuple(loop_id for loop_id in self.loops if loop_id in listed), None)
        if selected != self._tasks_of:
            self._tasks, self._tasks_of = (), None
