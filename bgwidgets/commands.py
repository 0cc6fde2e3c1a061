"""What goes from everyone to a loop: frozen values that ask for something.

Beside them only the work itself, its result and its futures cross to a host. Plain data, so a
command crosses a pipe or Dask as it crosses a thread.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for something to be ended, and from which line."""

    who: str
    """"task sprinter", "thread MainThread", "button Cancel tasks", "parent race"."""
    where: str | None = None
    """The innermost line of code that is neither asyncio's nor ours: "race.py:12 main"."""


NOBODY_KNOWS: Final = Asker("unknown")
END_OF_THE_LOOP: Final = Asker("end of the loop")


@dataclass(frozen=True, slots=True)
class SetStopEvent:
    """Set the loop's stop event."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class StopLoop:
    """End the loop now: cancel what is left, close it."""

    loop_id: int
    by: Asker | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class CancelTasks:
    """Cancel some of the loop's tasks; with no ids, all that are unfinished."""

    loop_id: int
    task_ids: tuple[int, ...] | None = None
    by: Asker | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class InterruptLoop:
    """Break the task that blocks the loop out of running Python code."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class KillLoop:
    """End the process that carries the loop, whatever it does."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class RestartLoop:
    """Stop the loop if it runs, and run its work again."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class AdoptLoop:
    """List a loop that was found by `discover()`, under the id that it has there."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class RemoveLoop:
    """Take a loop that has ended off the list."""

    loop_id: int


@dataclass(frozen=True, slots=True)
class RemoveFinished:
    """Take every loop that has ended off the list."""


HostCommand = SetStopEvent | StopLoop | CancelTasks | InterruptLoop | KillLoop
"""What a host obeys."""
Command = HostCommand | RestartLoop | AdoptLoop | RemoveLoop | RemoveFinished
"""What the manager executes."""
