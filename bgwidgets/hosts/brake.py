"""What goes on past one error after the other is let on a few times a second only.

A `while True` around a `try` with a bare `except:` takes the whole processor when what it tries
fails at once, and nothing from outside can end it. It may go on, but at next to no cost.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

MANY: Final = 10_000
"""So many errors are no matter: clean-up that handles some goes on as fast as it can."""
PAUSE: Final = 0.2
"""Seconds for each that comes after these."""


@contextmanager
def braked() -> Iterator[None]:
    """In here the calling thread is slowed down so. Whoever traces it, as a debugger does, is not
    told of what happens in here.
    """
    errors = 0

    def note(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal errors
        frame.f_trace_lines = False
        if event == "exception":
            errors += 1
            if errors > MANY:
                time.sleep(PAUSE)
        return note

    before = sys.gettrace()
    sys.settrace(note)
    try:
        yield
    finally:
        sys.settrace(before)
