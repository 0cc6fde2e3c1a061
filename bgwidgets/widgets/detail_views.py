"""What each open detail tab has been told, and so what it must be told next.

A page that shows no detail tab has no view here, and costs nothing. Everything here is used by the
publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

from bgwidgets.widgets.detail_parts import DetailSubject, Parts
from bgwidgets.widgets.open_tabs import OpenTab, OpenTabs
from bgwidgets.widgets.protocols import Message


class DetailView(OpenTab[DetailSubject]):
    """One page's open detail tab."""

    def __init__(self, name: str, subject: DetailSubject) -> None:
        super().__init__(name, subject)
        self._told: Parts = {}

    def changes(self, parts: Parts) -> Parts | None:
        """The parts that it does not know, with None for those that are gone; None without any."""
        changed = {
            name: part
            for name, part in parts.items()
            if name not in self._told or self._told[name] != part
        }
        changed |= dict.fromkeys(self._told.keys() - parts.keys())
        return changed or None

    def message(self, changes: Parts, parts: Parts, turn: int) -> Message:
        """The message that tells it; what was told is known from now on."""
        is_full = self.awaits_all
        self.seq += 1
        self.turn = turn
        self._told = parts
        return {
            "type": "detail",
            "view": self.name,
            "seq": self.seq,
            "full": is_full,
            "tab": self.subject.tab,
            "loop": self.subject.loop_id,
            "task": self.subject.task_id,
            "parts": changes,
        }


class DetailViews(OpenTabs[DetailSubject, DetailView]):
    """All detail tabs that are open, one for each page at most."""

    def __init__(self) -> None:
        super().__init__(DetailView)
