"""How many threads run Python code, and so take turns at the GIL.

Only one runs at a time, and another one gets its turn after `sys.getswitchinterval()`. So in a
process with many of them every thread waits long at times, and no C code is to blame for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from opcode import opname
from types import CodeType
from typing import Final

from bgwidgets.observe.thread_frames import Place

Positions = Mapping[int, tuple[int, int]]

TURNS: Final = 10
"""How often one may be passed over: the GIL goes to whoever is quickest, in no order. Measured with
25 threads at work: half of the waits took over 0.18 seconds, one in ten 0.5, the longest 1.0."""


def positions_in(places: Mapping[int, Place]) -> Positions:
    """Where each thread is, by its number; keeps nothing of the code. Any thread."""
    return {number: (id(code), instruction) for number, (code, instruction) in places.items()}


def count_at_work(places: Mapping[int, Place], before: Positions) -> int:
    """How many threads run Python code, or would if they had the GIL. Any thread; does not block.

    That is: those that have moved since they were seen `before`, and those that wait where Python
    lets others have the GIL between two instructions. Who waits for anything else is in a call.
    """
    return sum(
        before.get(number, here) != here or _is_between(*places[number])
        for number, here in positions_in(places).items()
    )


def longest_wait(at_work: int) -> float:
    """Seconds that a thread may have to wait for the GIL while so many others want it too."""
    return TURNS * (at_work + 1) * sys.getswitchinterval()


def _is_between(code: CodeType, instruction: int) -> bool:
    if instruction < 0:
        return True  # It has not begun.
    name = opname[code.co_code[instruction]]
    return name == "RESUME" or "JUMP_BACKWARD" in name
