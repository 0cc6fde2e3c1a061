"""The metrics of one run of a loop, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.output.clock import TimeOfDay
from bgwidgets.output.series import Series
from bgwidgets.plain_text import plain_text
from bgwidgets.snapshots import MetricSnapshot

MOST_NAMES: Final = 100
"""Of one loop: a name for each item would be a mistake, and fill the memory."""
LONGEST_NAME: Final = 200


class Metrics:
    """All metrics of one run. Any thread may call everything."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called when there is one more. It must return at once."""
        self._changed: Final = changed
        self._guard: Final = free_in_forks(threading.Lock())
        self._series: Final[dict[str, Series]] = {}
        self.at_hand: Final[dict[str, Series]] = {}
        """For the run's own threads; empty when it is over, for the thread may go on to another."""
        self._is_over = False
        self._time_of_day: Final = TimeOfDay()

    def __len__(self) -> int:
        return len(self._series)

    def series(self, name: str) -> Series:
        """That of a name. Raises ValueError when there are too many, TypeError for other names."""
        if not isinstance(name, str):
            raise TypeError(f"a metric's name is a text, not {name!r}: metric('loss', 0.3)")
        found = self._series.get(name)
        return self._new_series(name) if found is None else found

    def _new_series(self, name: str) -> Series:
        if not name.strip() or len(name) > LONGEST_NAME:
            raise ValueError(f"a metric's name has 1 to {LONGEST_NAME} characters, not {name!r}")
        name = plain_text(name)
        with self._guard:
            if name not in self._series and len(self._series) >= MOST_NAMES:
                raise ValueError(
                    f"{name!r} would be one metric more than the {MOST_NAMES} that a loop can have:"
                    " give the same name to what belongs in the same chart"
                )
            found = self._series.setdefault(name, Series())
            if not self._is_over:
                self.at_hand[name] = found
        self._changed()
        return found

    def as_values(self) -> dict[str, MetricSnapshot]:
        """What there is to show, by name, in the order in which the names came."""
        ahead = self._time_of_day.ahead()
        return {name: series.as_value(name, ahead) for name, series in list(self._series.items())}

    def close(self) -> None:
        """The run is over: its threads may belong to another one next."""
        with self._guard:
            self._is_over = True
            self.at_hand.clear()
