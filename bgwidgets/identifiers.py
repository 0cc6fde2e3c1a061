"""The numbers that name loops and tasks: each is given once in a kernel and never again."""

from __future__ import annotations

import itertools
from typing import Final

# One count for all loops and tasks of the process. `next` on it is a single step of C code, so
# threads never get the same number.
_numbers: Final = itertools.count(1)


def new_id() -> int:
    """A number that nothing else in this process has or had. Any thread; does not block.

    `id(task)` would not do: it is used again as soon as the task is gone.
    """
    return next(_numbers)
