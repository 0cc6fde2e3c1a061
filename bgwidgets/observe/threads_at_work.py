"""How many threads run Python code, and so take turns at the GIL.

Only one runs at a time, and another one gets its turn after `sys.getswitchinterval()`. So in a
process with many of them every thread waits long at times, and no C code is to blame for it.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from opcode import opname
from types import CodeType
from typing import Final, NamedTuple

from bgwidgets.observe.thread_frames import Place


class Position(NamedTuple):
    """Where a thread was at a look."""

    code: int
    instruction: int
    moved_at: float
    """When it was first seen somewhere else than at the look before; long ago if it never was."""


Positions = Mapping[int, Position]

RECENTLY: Final = 1.0
"""Seconds. A thread that runs Python code is seen to move only now and then: it has to wait for the
GIL most of the time, often right behind a call, and in a short loop always at the same one."""
TURNS: Final = 10
"""How often one may be passed over: the GIL goes to whoever is quickest, in no order. Measured with
25 threads at work: half of the waits took over 0.18 seconds, one in ten 0.5, the longest 1.0."""


def positions_in(places: Mapping[int, Place], before: Positions, now: float) -> Positions:
    """Where each thread is, by its number, and since when, for all that was seen `before`. Keeps
    nothing of the code. Any thread; does not block.
    """
    return {
        number: Position(id(place[0]), place[1], _moved_at(before.get(number), place, now))
        for number, place in places.items()
    }


def count_at_work(places: Mapping[int, Place], positions: Positions, since: float) -> int:
    """How many threads run Python code, or would if they had the GIL. Any thread; does not block.

    That is: those that have moved since then, and those that wait where Python lets others have the
    GIL between two instructions. Who waits for anything else is in a call.
    """
    return sum(
        position.moved_at >= since or _is_between(*places[number])
        for number, position in positions.items()
    )


def longest_wait(at_work: int) -> float:
    """Seconds that a thread may have to wait for the GIL while so many others want it too."""
    return TURNS * (at_work + 1) * sys.getswitchinterval()


def _moved_at(before: Position | None, place: Place, now: float) -> float:
    if before is None:
        return -math.inf
    is_there_still = before[:2] == (id(place[0]), place[1])
    return before.moved_at if is_there_still else now


def _is_between(code: CodeType, instruction: int) -> bool:
    if instruction < 0:
        return True  # It has not begun.
    name = opname[code.co_code[instruction]]
    return name == "RESUME" or "JUMP_BACKWARD" in name
