"""Which of a loop's tasks a window shows: filter, sort, cut out."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.observe.ledger import Ledger, TaskRecord
from bgwidgets.snapshots import TaskWindow, WindowRequest
from bgwidgets.states import TaskState

_STATE_ORDER: Final = {state: number for number, state in enumerate(TaskState)}


def task_window(ledger: Ledger, request: WindowRequest) -> TaskWindow:
    """The tasks that were asked for. Any thread; does not block the loop.

    Only the rows in the window are looked at closely, unless they are to be sorted by what they
    wait on.
    """
    now = time.time()
    unfinished, ended = ledger.all()
    records = [*unfinished, *ended]
    if request.filter:
        records = [record for record in records if _matches(record, request.filter.casefold())]
    if request.sort:
        records.sort(key=_sort_key(request.sort, now), reverse=request.descending)
    elif request.descending:
        records.reverse()
    start = max(0, request.start)
    rows = tuple(record.snapshot() for record in records[start : max(start, request.stop)])
    return TaskWindow(tasks=rows, start=start, total=len(records), as_of=now)


def _matches(record: TaskRecord, text: str) -> bool:
    return (
        text in record.name().casefold()
        or text in record.coroutine().casefold()
        or text in record.state()
        or text in (record.error() or "").casefold()
    )


def _sort_key(sort: str, now: float) -> Callable[[TaskRecord], Any]:
    """Of equal keys the older comes first, or last when the order is turned round."""
    keys: dict[str, Callable[[TaskRecord], Any]] = {
        "name": lambda record: record.name().casefold(),
        "coroutine": lambda record: record.coroutine().casefold(),
        "state": lambda record: _STATE_ORDER[record.state()],
        "waiting_on": lambda record: record.place()[0] or record.error() or "",
        "age": lambda record: (record.ended_at or now) - record.created_at,
        "created_at": lambda record: record.created_at,
    }
    key = keys[sort]
    return lambda record: (key(record), record.id)
