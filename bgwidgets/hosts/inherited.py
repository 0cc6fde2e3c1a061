"""What a fork of the process is told of the loops that it has inherited handles of: none of their
threads has come along, and none is blocked here.
"""

from __future__ import annotations

from typing import Final

from bgwidgets.exceptions import LoopEnded
from bgwidgets.hosts.protocol import Leftovers

_ELSEWHERE: Final = "runs in the process that this one is a fork of"


def in_a_fork(loop_name: str) -> LoopEnded:
    """Why such a handle takes no work: nobody would ever do it."""
    return LoopEnded(f"{loop_name!r} {_ELSEWHERE}: start another loop here")


def left_in_a_fork(unfinished_tasks: tuple[str, ...]) -> Leftovers:
    """Why such a handle stops nothing. The tasks are those that the fork knows of."""
    return Leftovers(
        unfinished_tasks=unfinished_tasks,
        notes=(f"the loop {_ELSEWHERE}: it can be stopped there only",),
    )
