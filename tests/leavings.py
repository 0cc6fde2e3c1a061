"""What a great number of something leaves behind: threads, file descriptors, memory."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable

import psutil

from tests.waiting import until

WARM_UP = 10
"""As many come before one measures: caches are filled, modules loaded."""
BYTES_EACH = 300
"""What may be left of each, on an average: somebody's list or table that has grown."""
SOME_BYTES = 40_000


def expect_nothing_left_of(make_and_end: Callable[[], None], times: int) -> None:
    """Do it so often: there are as many threads and file descriptors as before, and the memory that
    is in use has not grown by more than what little noise there is.
    """
    process = psutil.Process()
    tracemalloc.start()
    try:
        for _ in range(WARM_UP):
            make_and_end()
        gc.collect()
        threads, files = process.num_threads(), process.num_fds()
        bytes_before, _ = tracemalloc.get_traced_memory()
        for _ in range(times):
            make_and_end()
        until(lambda: process.num_threads() <= threads)
        until(lambda: process.num_fds() <= files)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - bytes_before
    finally:
        tracemalloc.stop()
    assert grown < SOME_BYTES + BYTES_EACH * times, f"{grown / times:.0f} bytes left of each"
