"""Copies of a book that another thread writes in.

Nobody locks: a reader copies with single steps of C code, which other threads see as a whole. Where
it takes several steps, and the writer has moved something between two of them, it copies again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeVar

from bgwidgets.observe.asyncio_internals import running_loop_here
from bgwidgets.observe.generations import Generations

WITHIN: Final = 1.0
"""Seconds. What a writer does in one go takes microseconds, and runs nothing of the user's: so much
is needed only where the system lets its thread stand still in the midst of it."""
_AGAIN_AFTER: Final = 0.0005
"""Seconds; not 0, after which this thread would have the interpreter again before the other has
noticed that it may go on."""

T = TypeVar("T")


class Unsettled(RuntimeError):
    """Raised when a loop's tasks cannot be told at this moment, for they are just being moved."""


def consistent_copy(
    loop: asyncio.AbstractEventLoop, generations: Generations, copy: Callable[[], T]
) -> T:
    """What `copy` makes of tasks none of which was being moved meanwhile. Any thread.

    Blocks for a moment at most, while the loop's thread moves some. Raises `Unsettled` where that
    is not over within a second; and at once where it never would be: when this is called, in the
    loop's thread, by what has come up in the midst of it, a finalizer or a signal handler.
    """
    give_up_at = time.monotonic() + WITHIN
    while True:
        before = generations.changes
        if before % 2 == 0:
            try:
                found = copy()
            except RuntimeError:  # "changed size during iteration", by the other thread
                continue
            if generations.changes == before:
                return found
        elif running_loop_here() is loop:
            raise Unsettled(
                "this loop's tasks cannot be told by a finalizer or a signal handler that has come"
                " up while they are moved: ask later, by loop.call_soon"
            )
        if time.monotonic() > give_up_at:
            raise Unsettled("the loop's thread stands still while it moves its tasks: ask again")
        time.sleep(_AGAIN_AFTER)


def listed(kept: deque[T]) -> list[T]:
    """A copy of what the other thread may be adding to. Any thread; does not block."""
    while True:
        try:
            return list(kept)
        except RuntimeError:  # "mutated during iteration", by the other thread
            continue
