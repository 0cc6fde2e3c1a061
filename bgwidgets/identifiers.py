"""The numbers that name loops and tasks: each is given once in a kernel and never again."""

from __future__ import annotations

import itertools
from typing import Final

# One count for all loops and tasks of the process. `next` on it is a single step of C code, so
# threads never get the same number. In a list, for a child process goes on from elsewhere.
_numbers: Final = [itertools.count(1)]
_ranges: Final = itertools.count(1)

RANGE: Final = 1 << 33
"""How many numbers a child process may give. A page's numbers are exact up to 2**53, so there is
room for a million children."""


def new_id() -> int:
    """A number that nothing else in this process has or had. Any thread; does not block.

    `id(task)` would not do: it is used again as soon as the task is gone.
    """
    return next(_numbers[0])


def reserve_ids() -> int:
    """The first of a range of numbers that only one child process will give. Any thread."""
    return next(_ranges) * RANGE


def go_on_from(first: int) -> None:
    """Give numbers from this one on: in a child process, before it gives any."""
    _numbers[0] = itertools.count(first)
