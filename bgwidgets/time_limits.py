"""The seconds that callers give: checked before anybody waits, and as `threading` can take them.

It takes no more than `threading.TIMEOUT_MAX` (292 years), and no infinity: that is no limit, then.
"""

from __future__ import annotations

import threading
from numbers import Real


def check_grace(grace: float) -> float | None:
    """The seconds that a loop gets to end by itself; None for as many as it takes.

    Raises ValueError for what is no number, or below zero.
    """
    if not _is_number(grace) or grace < 0:
        raise ValueError(f"grace is a number of seconds, at least 0, not {grace!r}")
    return _unless_unlimited(grace)


def check_timeout(timeout: float | None) -> float | None:
    """The seconds that somebody waits at most; None for as long as it takes.

    What is left of a time that is over is below zero: who waits so long only looks. Raises
    ValueError for what is no number.
    """
    if timeout is None:
        return None
    if not _is_number(timeout):
        raise ValueError(f"timeout is a number of seconds, or None for no limit, not {timeout!r}")
    return _unless_unlimited(max(0.0, timeout))


def _is_number(value: object) -> bool:
    """Not True either: who says that means something else."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and value == value  # noqa: PLR0124 - which nan does not


def _unless_unlimited(seconds: float) -> float | None:
    return float(seconds) if seconds <= threading.TIMEOUT_MAX else None
