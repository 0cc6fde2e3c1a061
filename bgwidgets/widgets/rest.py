"""How things stood when the pages knew everything: as long as they do, a refresh is one look."""

from __future__ import annotations

from dataclasses import dataclass

from bgwidgets.widgets.busy_cell import KernelState
from bgwidgets.widgets.showing import Shown


@dataclass(slots=True)
class Rest:
    """Whatever is asked for ends it, and so does each difference from what stands here."""

    until: float
    """When there is something to do in any case, if only to give a sign of life."""
    look_at: float
    """When the next look is due."""
    interval: float
    shown: Shown
    kernel: KernelState
    button_changes: int
