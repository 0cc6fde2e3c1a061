"""The clock that charts run on: nobody sets it, and it goes on while the machine is suspended.

What it says has a meaning only beside another time of it, or as a time of the day by that clock as
it is set now.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Final

SET_BY: Final = 1.0
"""Seconds by which the time of the day is another one if somebody has set it. It drifts by less."""


def _clock() -> Callable[[], float]:
    of_the_boot = getattr(time, "CLOCK_BOOTTIME", None)
    # Linux stops the other one while it is suspended; elsewhere there is but that.
    return time.monotonic if of_the_boot is None else partial(time.clock_gettime, of_the_boot)


now: Final = _clock()
"""Seconds since some moment. Any thread; it costs what `time.time()` does."""


class TimeOfDay:
    """From this clock to `time.time()`: always by the same amount, so that the same moment has the
    same time whenever it is asked for, until somebody sets that.
    """

    def __init__(self) -> None:
        self._ahead = time.time() - now()

    def ahead(self) -> float:
        """What is to be added. Any thread."""
        ahead = time.time() - now()
        if abs(ahead - self._ahead) > SET_BY:
            self._ahead = ahead
        return self._ahead
