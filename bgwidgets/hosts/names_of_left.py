"""The names of the tasks that a loop has left, for its report."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

MOST_NAMED: Final = 10_000
"""As many are named; to name some hundred thousand would take longer than a stop may take."""


def names_of_left(
    tasks: Sequence[asyncio.Task[Any]], name: Callable[[asyncio.Task[Any]], str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names, and a note of how many more there are, if any."""
    more = len(tasks) - MOST_NAMED
    notes = (more_left(more),) if more > 0 else ()
    return tuple(map(name, tasks[:MOST_NAMED])), notes


def more_left(count: int) -> str:
    """What the note says of so many."""
    return f"{count:,} more tasks are left, which are not named here"
