"""Finds a loop that was started elsewhere, and the thread that runs it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bgwidgets.observe.births import RunnersTask
from bgwidgets.observe.discovery import thread_of

APPEARS_WITHIN: Final = 5.0
"""Seconds in which a function must come to carry its loop."""
LOOK_EVERY: Final = 0.02
"""Seconds between two looks at whether a loop has appeared, or still runs."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A loop, and the attributes of the function that carried it when it was found."""

    loop: asyncio.AbstractEventLoop
    attributes: Mapping[str, Any] = field(default_factory=dict)
    runners_task: RunnersTask | None = None
    """What its runner waits for, where that is told."""


FindLoop = Callable[[], Carried | None]


def find_one_that_runs(find_loop: FindLoop) -> tuple[Carried, threading.Thread | None]:
    """With its thread; without, where it is blocked and only code of its own could tell. Raises
    TimeoutError, and what `find_loop` raises. Blocks.
    """
    found, owner = _running(find_loop)
    # What else the function carries may have been read just before this run put it there.
    again = find_loop()
    return (again if again is not None and again.loop is found.loop else found), owner


def _running(find_loop: FindLoop) -> tuple[Carried, threading.Thread | None]:
    deadline = time.monotonic() + APPEARS_WITHIN
    pause = threading.Event()
    while True:
        if (found := find_loop()) is not None and found.loop.is_running():
            owner = thread_of(found.loop)
            if owner is not None or found.loop.is_running():  # Else it ended in this moment.
                return found, owner
        if time.monotonic() > deadline:
            what = "no event loop appeared" if found is None else "its loop did not run"
            raise TimeoutError(f"{what} within {APPEARS_WITHIN:g} s")
        pause.wait(LOOK_EVERY)
