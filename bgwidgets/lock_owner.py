"""Whether it is the calling thread that holds a lock."""

from __future__ import annotations

from typing import Any


def is_held_here(lock: Any) -> bool:
    """Whether the calling thread holds this `threading.RLock`. Does not block.

    `_is_owned` is private, and what `threading.Condition` asks: seen in Python 3.11 to 3.13. Where
    it is missing, nobody knows, and it is taken not to.
    """
    is_owned = getattr(lock, "_is_owned", None)
    return is_owned is not None and bool(is_owned())
