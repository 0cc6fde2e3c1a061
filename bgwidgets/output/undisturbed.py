"""Steps that a stop of the cell must not break off in the middle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from bgwidgets.own_thread import OwnThread

LIMIT: Final = 1.0
"""Seconds after which the main thread waits no more for a step that goes on."""


def undisturbed(step: Callable[[], None]) -> None:
    """Run this to its end. Blocks, in the main thread for a second at most.

    A KeyboardInterrupt comes in the main thread, between any two steps of any function: so what is
    not to be left half done is done in another one, while the main thread waits.
    """
    if threading.current_thread() is not threading.main_thread():
        step()
        return
    done = threading.Event()

    def run() -> None:
        try:
            step()
        finally:
            done.set()

    thread = OwnThread(run, "bgw-undisturbed")
    try:
        thread.start()
    except RuntimeError:  # There are too many threads, or the interpreter is about to end.
        step()
        return
    done.wait(LIMIT)
