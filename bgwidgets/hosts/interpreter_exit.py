"""A call just before the interpreter ends, early enough to stop loops in order.

`atexit` comes after all that waits for threads, and may come too late for a kernel that Jupyter
allows a short time only. So the hook that `concurrent.futures` itself uses is taken:
`threading._register_atexit`, private, seen on CPython 3.11 to 3.13. Where it is missing, `atexit`
has to do.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 - its own hook must be there first, to be called last
import threading
from collections.abc import Callable


def call_before_exit(function: Callable[[], None]) -> None:
    """Call `function` in the main thread when the interpreter begins to end. It must be quick."""
    register = getattr(threading, "_register_atexit", None) or atexit.register
    register(function)
