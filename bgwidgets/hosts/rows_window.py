"""A window over tasks of which there are only snapshots: as `observe.task_window` over a ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from bgwidgets.plain_text import is_read_in
from bgwidgets.snapshots import TaskSnapshot, TaskWindow, WindowRequest
from bgwidgets.states import TaskState

_STATE_ORDER: Final = {state: number for number, state in enumerate(TaskState)}


def rows_window(rows: Sequence[TaskSnapshot], request: WindowRequest, as_of: float) -> TaskWindow:
    """The rows that are asked for, of all that there are in their natural order. Pure."""
    start, stop = max(0, request.start), max(0, request.start, request.stop)
    found = [row for row in rows if not request.states or row.state in request.states]
    if request.ids:
        wanted = frozenset(request.ids)
        found = [row for row in found if row.id in wanted]
    if request.filter:
        text = request.filter.casefold()
        found = [row for row in found if _matches(row, text)]
    if request.sort:
        # In the order of their birth first: those of equal keys keep it, or have it turned round.
        is_turned = request.descending is not (request.sort == "age")
        found.sort(key=lambda row: (row.created_at or 0.0, row.id), reverse=is_turned)
        found.sort(key=_sort_key(request.sort, as_of), reverse=request.descending)
    elif request.descending:
        found.reverse()
    shown = tuple(found[start:stop])
    return TaskWindow(tasks=shown, start=start, total=len(found), as_of=as_of)


def _matches(row: TaskSnapshot, text: str) -> bool:
    return any(
        is_read_in(text, each.casefold())
        for each in (row.name, row.coroutine, row.state, row.error or "")
    )


def _sort_key(sort: str, now: float) -> Callable[[TaskSnapshot], Any]:
    keys: dict[str, Callable[[TaskSnapshot], Any]] = {
        "name": lambda row: row.name.casefold(),
        "coroutine": lambda row: row.coroutine.casefold(),
        "state": lambda row: _STATE_ORDER[row.state],
        "waiting_on": lambda row: row.waiting_on or row.error or "",
        "age": lambda row: _age(row, now),
        "created_at": lambda row: row.created_at or 0.0,
    }
    return keys[sort]


def _age(row: TaskSnapshot, now: float) -> float:
    """The least that it can be, where it is not known of one that has ended."""
    if row.ended_at is None and row.state.has_ended:
        return 0.0
    return min(now, row.ended_at or now) - (row.created_at or 0.0)
