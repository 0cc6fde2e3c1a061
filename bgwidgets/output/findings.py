"""All that the work of one run of a loop shows of itself: its bars, its metrics, its figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from bgwidgets.belonging import current_loop_id, stop_event_of_worker
from bgwidgets.output.bars import Bars
from bgwidgets.output.figures import Figures
from bgwidgets.output.metrics import Metrics

_of_loop: Final[WeakValueDictionary[int, Findings]] = WeakValueDictionary()
"""Those of each loop's last run, for as long as its host is there."""


class Findings:
    """Those of one run. Any thread may call everything."""

    def __init__(
        self,
        loop_id: int,
        stop_event: object,
        tell_of_figure: Callable[[str, str], None],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell_of_figure` is called with a figure's name and why it could not be drawn; `changed`
        after each change of what is told, unless a bar is open.
        """
        self._stop_event: Final = stop_event
        self.bars: Final = Bars(changed)
        self.metrics: Final = Metrics(changed)
        self.figures: Final = Figures(loop_id, tell_of_figure, changed)
        _of_loop[loop_id] = self

    def are_this_workers(self, loop_id: int) -> bool:
        """Whether the calling thread may add to them: one that was given up in an earlier run of
        the loop may not.
        """
        own = stop_event_of_worker(loop_id)
        return own is None or own is self._stop_event

    def told(self) -> dict[str, Any]:
        """The fields of the loop's snapshot. Does not block."""
        return self.bars.told() | {"metrics": len(self.metrics), "figures": len(self.figures)}

    def close(self) -> None:
        """The run is over: bars are open no more, figures are drawn for the last time."""
        self.bars.close()
        self.metrics.close()
        self.figures.close()


def findings_of(loop_id: int | None) -> Findings | None:
    """Where the calling code adds what it shows as that loop's; None where nobody looks at it any
    more.
    """
    findings = _of_loop.get(loop_id or 0)
    if findings is None or loop_id is None or not findings.are_this_workers(loop_id):
        return None
    return findings


def findings_here() -> Findings | None:
    """Those of the run to which the calling code belongs. Any thread; does not block."""
    return findings_of(current_loop_id())
