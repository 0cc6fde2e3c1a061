"""The cell that runs, as the page is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

TOLD_AFTER: Final = 0.3
"""Seconds. Nobody clicks into a cell that is shorter, and each would cost two messages."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that runs. `began_at`: by the kernel's clock, where that is known."""

    number: int
    began_at: float | None


@dataclass(frozen=True, slots=True)
class KernelState:
    """What the page is told of the thread of the cells; None of all that is not known."""

    word: Literal["busy", "idle"] | None = None
    cell: int | None = None
    busy_since: float | None = None


class BusyCell:
    """Which cell runs. Times are seconds of the publisher's clock."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Nobody tells any more."""
        self._cell: Cell | None = None
        self._noticed_at = 0.0
        self._until_told = KernelState()
        self._waits = False

    @property
    def number(self) -> int | None:
        """The number of the cell that runs; None where none does, for all that is known."""
        return None if self._cell is None else self._cell.number

    def take(self, cell: Cell | None, now: float) -> None:
        """Another cell runs, or none."""
        if cell is None or self._until_told.word or self._cell is not None:
            self._until_told = KernelState("idle")
        self._cell = cell
        self._noticed_at = now

    def thread_waits(self, *, waits: bool) -> None:
        """Whether the thread of the cells does not come to what it is asked, cell or not."""
        self._waits = waits

    def told(self, now: float) -> KernelState:
        """What the page is to know."""
        cell = self._cell
        if cell is None or now < self._noticed_at + TOLD_AFTER:
            is_held_up = self._waits and self._until_told.word == "idle"
            return KernelState("busy") if is_held_up else self._until_told
        return KernelState("busy", cell.number, cell.began_at)

    def next_change(self, now: float) -> float | None:
        """When the page is to know something else, if nothing happens."""
        moment = self._noticed_at + TOLD_AFTER
        return moment if self._cell is not None and moment > now else None
