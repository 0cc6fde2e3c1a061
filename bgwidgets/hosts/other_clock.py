"""The clock of another machine: what it tells is brought to the time of this one.

Two machines' clocks may be minutes apart, and an age is the difference of two times of one clock.
On one machine, and where the clocks are set as they should be, nothing is changed.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from bgwidgets.hosts.messages import Answer, FromChild, Measured, Outcome, Told

ALL_THE_SAME: Final = 0.1
"""Seconds by which clocks may differ without anybody seeing it."""
MOMENTS: Final = frozenset(
    {"at", "as_of", "created_at", "started_at", "ended_at", "drawn_at", "slowest_step_at"}
)
"""The fields of snapshots and messages that hold a time of the day,"""
SERIES: Final = "times"
"""and the one that holds many."""


class OtherClock:
    """That of one child. For the thread that listens to it."""

    def __init__(self, asked_at: float) -> None:
        """All that the child tells is later than `asked_at`, by the clock of this process."""
        self._asked_at: Final = asked_at
        self._behind: float | None = None
        """Seconds by which the other clock is behind ours; None as long as that is not known."""

    def ours(self, message: FromChild) -> FromChild:
        """The same message with all times as they are here."""
        if not isinstance(message, Told | Answer | Measured | Outcome):
            return message
        if self._behind is None and (told_at := _told_at(message)) is not None:
            now = time.time()
            could_be = self._asked_at - ALL_THE_SAME <= told_at <= now + ALL_THE_SAME
            self._behind = 0.0 if could_be else now - told_at
        return later(message, self._behind) if self._behind else message


def _told_at(message: Told | Answer | Measured | Outcome) -> float | None:
    match message:
        case Told(as_of=as_of):
            return as_of
        case Outcome(record=record):
            return record.snapshot.as_of if record is not None else None
    return None


def later(value: Any, by: float) -> Any:
    """The same value, or one like it in which all times are so many seconds later. Pure."""
    if isinstance(value, tuple):
        items = [later(item, by) for item in value]
        return tuple(items) if _is_other(items, value) else value
    if isinstance(value, Mapping):
        items = [later(item, by) for item in value.values()]
        return dict(zip(value, items, strict=True)) if _is_other(items, value.values()) else value
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if field.name in MOMENTS and item is not None:
            changes[field.name] = item + by
        elif field.name == SERIES:
            changes[field.name] = tuple(each + by for each in item)
        elif (new := later(item, by)) is not item:
            changes[field.name] = new
    return replace(value, **changes) if changes else value


def _is_other(new: Any, old: Any) -> bool:
    return any(one is not other for one, other in zip(new, old, strict=True))
