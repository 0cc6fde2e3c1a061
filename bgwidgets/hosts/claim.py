"""Who sees to something that is to be done once, where several threads may come to it."""

from __future__ import annotations

import threading
from typing import Final


class Claim:
    """Goes to the first who takes it, for good. Any thread; does not block."""

    def __init__(self) -> None:
        self._lock: Final = threading.Lock()
        """Held, and never released, by the one who has it."""

    def take(self) -> bool:
        """Whether it is the caller's now. It never is a second time."""
        return self._lock.acquire(blocking=False)
