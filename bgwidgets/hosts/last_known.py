"""What is known of a loop that is somewhere else, and how old that is.

Nobody has to wait for it: it is there also while the loop's process does not answer, and when that
is gone.
"""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Final

from bgwidgets.exceptions import UnknownTask
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.lost_tasks import lost_detail, lost_history, lost_row, lost_snapshot
from bgwidgets.hosts.messages import Record, Told
from bgwidgets.hosts.news import Mirror, News
from bgwidgets.hosts.rows_window import rows_window
from bgwidgets.snapshots import (
    FigureSnapshot,
    LoopHistory,
    LoopSnapshot,
    MetricSnapshot,
    TaskDetail,
    TaskSnapshot,
    TaskWindow,
    WindowRequest,
)

MOST_WINDOWS: Final = 8


class LastKnown:
    """Of one run of one loop. Any thread may call everything; nothing blocks."""

    def __init__(self, blank: LoopSnapshot) -> None:
        """`blank` is how the loop stands before anything was heard of it."""
        # Reentrant: a signal handler may look in the middle of a look.
        self._guard: Final = free_in_forks(threading.RLock())
        self.snapshot = blank
        self.changes = 0
        """Grows with each snapshot that tells something new."""
        self.heard_at: float | None = None
        self._windows: Final[dict[WindowRequest, TaskWindow]] = {}
        self._details: Final[dict[int, TaskDetail]] = {}
        self._rows: tuple[TaskSnapshot, ...] | None = None
        self.history = LoopHistory(births=0, ends={})
        self._metrics: Final = Mirror()
        self._figures: Final = Mirror()
        self._record: Record | None = None

    @property
    def metrics_answer(self) -> int:
        """The number of the last answer with metrics."""
        return self._metrics.number

    @property
    def figures_answer(self) -> int:
        """The same for the figures."""
        return self._figures.number

    @property
    def metrics(self) -> dict[str, MetricSnapshot]:
        """What the work has measured, by name."""
        return dict(self._metrics.items if self._record is None else self._record.metrics)

    @property
    def figures(self) -> dict[str, FigureSnapshot]:
        """What it has plotted, by name."""
        return dict(self._figures.items if self._record is None else self._record.figures)

    @property
    def as_of(self) -> float:
        """When it was so, by the clock of this process."""
        return self.snapshot.as_of if self.heard_at is None else self.heard_at

    @property
    def none_has_ended(self) -> bool:
        """Whether it has had tasks, and all of them were unfinished."""
        counts = self.snapshot.task_counts
        has_any = any(counts.values())
        return has_any and not any(count for state, count in counts.items() if state.has_ended)

    def told(self, message: Told) -> bool:
        """How it stands now. Whether that is something new."""
        self.heard_at = min(message.as_of, time.time())
        if message.snapshot is None:
            return False
        self.snapshot = message.snapshot
        self.changes += 1
        return True

    def keep_window(self, request: WindowRequest, window: TaskWindow) -> None:
        """It answered this."""
        with self._guard:
            if self._rows is not None:
                return  # It has ended since.
            self._windows.pop(request, None)
            self._windows[request] = window
            if len(self._windows) > MOST_WINDOWS:
                del self._windows[next(iter(self._windows))]

    def keep_detail(self, task_id: int, detail: TaskDetail) -> None:
        """It answered this."""
        with self._guard:
            if self._rows is not None:
                return  # It has ended since.
            self._details.pop(task_id, None)
            self._details[task_id] = detail
            if len(self._details) > MOST_WINDOWS:
                del self._details[next(iter(self._details))]

    def keep_history(self, history: LoopHistory) -> None:
        """It answered this."""
        self.history = history

    def keep_metrics(self, news: News | None) -> None:
        """It answered this. In the listening thread."""
        self._metrics.take(news)

    def keep_figures(self, news: News | None) -> None:
        """It answered this. In the listening thread."""
        self._figures.take(news)

    def ended(self, record: Record) -> None:
        """The run is over, and this is all that will ever be known of it."""
        with self._guard:
            self._windows.clear()
            self._details.clear()
            self._details.update(record.details)
            self._rows = record.rows
        self.history = record.history
        self._record = record
        self.told(Told(record.snapshot, time.time()))

    def lost(self, at: float) -> None:
        """The loop's process ended at that time, and told nothing any more."""
        with self._guard:
            self._rows = tuple(lost_row(row, at) for row in self._known_rows())
            self._windows.clear()
            for task_id, detail in self._details.items():
                self._details[task_id] = lost_detail(detail, at)
        self.snapshot = lost_snapshot(self.snapshot, at)
        self.history = lost_history(self.history, self.snapshot)
        self.changes += 1

    def window(self, request: WindowRequest) -> TaskWindow:
        """The tasks as they were known last."""
        with self._guard:
            if self._rows is None and request in self._windows:
                return self._windows[request]
            rows = self._known_rows()
        return rows_window(rows, request, self.as_of)

    def detail(self, loop_name: str, task_id: int) -> TaskDetail:
        """One task as it was known last. Raises `UnknownTask`."""
        with self._guard:
            if (detail := self._details.get(task_id)) is not None:
                return detail
            row = next((row for row in self._known_rows() if row.id == task_id), None)
        if row is None:
            raise UnknownTask(
                f"{loop_name!r} has no task {task_id!r}, or it is not known any more, or its"
                " process does not answer: the ids are in job.tasks"
            )
        failures = (each for each in self.history.failures if each.id == task_id)
        failure = next(failures, None)
        detail = TaskDetail(
            id=row.id,
            name=row.name,
            coroutine=row.coroutine,
            state=row.state,
            created_at=row.created_at,
            ended_at=row.ended_at,
            error=row.error,
            waiting_on=row.waiting_on,
            where=row.where,
        )
        return detail if failure is None else replace(detail, traceback=failure.traceback)

    def _known_rows(self) -> tuple[TaskSnapshot, ...]:
        if self._rows is not None:
            return self._rows
        widest = max(self._windows.values(), key=lambda window: len(window.tasks), default=None)
        return () if widest is None else widest.tasks
