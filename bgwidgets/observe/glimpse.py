"""What a loop is seen at in one moment: where its thread is, and whose step that is.

Between any two steps of Python other threads may run, and the loop with them. So a stack that is
read in the one and a task that is read in the next may be of two different steps, and one task's
line would be told under another one's name. Here all is read in one step of C code.
"""

from __future__ import annotations

import asyncio
import time
import weakref
from itertools import chain
from operator import call
from typing import Any, NamedTuple

from bgwidgets.observe.asyncio_internals import glance_at
from bgwidgets.observe.thread_frames import Stack, stack_with


class Glimpse(NamedTuple):
    """Of one moment. Holds nothing that is the user's."""

    at: float
    """By `time.monotonic()`."""
    stack: Stack
    task: weakref.ref[asyncio.Task[Any]] | None
    """The current one; None where a callback runs that is none's."""
    next: weakref.ref[Any] | None
    """What the loop will run after what it runs now: it stays the same until then."""


def glimpse_of(loop: asyncio.AbstractEventLoop, thread: int) -> Glimpse | None:
    """Of a loop that runs in this thread; None where that has ended. Any thread; does not block."""
    besides: Any = chain(map(call, (time.monotonic,)), glance_at(loop))
    stack, (at, task, following) = stack_with(thread, besides)
    return None if stack is None else Glimpse(at, stack, task, following)
