"""What the tables show, as the plain data that travels to the page.

Pure functions. The page's script has the same shapes as its typedefs LoopRow and TaskRow. Text is
sent as text; what is done here is to keep it short, and to make it text that JSON can carry.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from bgwidgets.snapshots import LoopSnapshot, SortKey, TaskSnapshot
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.busy_cell import KernelState
from bgwidgets.widgets.cleaning import clean, sendable
from bgwidgets.widgets.progress_words import bar_in_row
from bgwidgets.widgets.protocols import Found

Row = Mapping[str, Any]

_MILLISECOND: Final = 0.001
_LEVELS_A_DECADE: Final = 3
_HIGHEST_LEVEL: Final = 12
MOST_FOUND: Final = 100
"""Loops in this kernel that are shown."""

LOOP_COLUMNS: Final = frozenset({"name", "host", "state", "tasks", "lag", "age", "note"})
"""The columns that loops can be sorted by, as the page calls them."""
TASK_COLUMNS: Final[Mapping[str, SortKey]] = {
    "name": "name",
    "state": "state",
    "coroutine": "coroutine",
    "waiting": "waiting_on",
    "age": "age",
}
"""The same for tasks, with the keys by which loops know them."""
STATE_CHIPS: Final[Mapping[str, tuple[TaskState, ...]]] = {
    "running": (TaskState.PENDING, TaskState.RUNNING, TaskState.CANCELLING),
    "failed": (TaskState.FAILED,),
    "cancelled": (TaskState.CANCELLED,),
    "finished": (TaskState.FINISHED,),
}
"""What tasks can be picked by: "running" are all that have not ended, as in the loops' table."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows are asked for, as a range of their places."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Sorting:
    """How a table is sorted: by a column, as the page calls it, or in its own order."""

    column: str = ""
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a table shows at one moment, seen through a window."""

    head: Mapping[str, Any]
    start: int = 0
    """The place of the first of `rows` in the whole table."""
    total: int = 0
    rows: Sequence[Row] = ()


def loop_row(loop: LoopSnapshot) -> Row:
    """One line of the table of loops."""
    return {
        "id": loop.id,
        "name": clean(loop.name),
        "host": clean(loop.host),
        "state": loop.state.value,
        "stop_requested": loop.stop_requested,
        "unresponsive": silent_since(loop) or bool(loop.unresponsive),
        "blocked_since": blocked_since(loop),
        "protected": loop.protected,
        "unfinished": loop.unfinished_tasks,
        "total": loop.total_tasks,
        "counts": _counts(loop.task_counts),
        "lag": rounded_lag(loop.lag),
        "spark": sparkline(loop.lag_history),
        "started": loop.started_at,
        "ended": loop.ended_at,
        "note": note(loop) or None,
        "bar": bar_of_loop(loop),
    }


def task_row(task: TaskSnapshot) -> Row:
    """One line of the table of tasks."""
    return {
        "id": task.id,
        "name": clean(task.name),
        "main": task.is_main,
        "state": task.state.value,
        "coroutine": clean(task.coroutine),
        "waiting": waiting(task),
        "created": began_of(task),
        "ended": task.ended_at,
        "error": clean(task.error) if task.error else None,
        "bar": bar_in_row(task.progress),
    }


def began_of(task: TaskSnapshot) -> float | None:
    """From when on a task's age is told; None where it is not known. Without a time of its end, one
    that has ended would grow older and older.
    """
    has_known_age = task.ended_at is not None or not task.state.has_ended
    return task.created_at if has_known_age else None


def found_message(found: Found, clock: str) -> Row:
    """The loops in this kernel, first those for which there is something to do."""
    rows = [_found_row(loop, found) for loop in found.loops]
    return {
        "type": "found",
        "at": clock,
        "left_out": max(0, len(rows) - MOST_FOUND),
        "rows": sorted(rows, key=lambda row: _ROLE_ORDER[row["role"]])[:MOST_FOUND],
    }


_ROLE_ORDER: Final = {"adopt": 0, "watch": 1, "kernel": 2, "listed": 3}


def _found_row(loop: LoopSnapshot, found: Found) -> Row:
    """Of the kernel's loops a user has tasks on that of the cells alone; to watch another is to
    watch nothing.
    """
    if loop.id in found.listed:
        what, role = "in the list above", "listed"
    elif not loop.belongs_to_kernel:
        what, role = "it was not started here", "adopt"
    else:
        what = loop.why_protected or ""
        is_cells = found.cells_thread is not None and loop.native_thread_id == found.cells_thread
        role = "watch" if is_cells else "kernel"
    return {"id": loop.id, "name": clean(loop.name), "what": clean(what), "role": role}


def bar_of_loop(loop: LoopSnapshot) -> Row | None:
    """It shares its place with the note. A bar that has ended gives way to one, and every bar to
    why the loop failed.
    """
    if loop.error_line or (loop.open_bars == 0 and note(loop)):
        return None
    return bar_in_row(loop.progress, loop.open_bars - 1)


def note(loop: LoopSnapshot) -> str:
    """Why the loop failed, in short; else what blocks it; else the last line that it printed."""
    return clean(loop.error_line or loop.blocked_by or _last_line(loop.last_output))


def blocked_since(loop: LoopSnapshot) -> float | None:
    """When a blocked loop has last turned, to a fifth of a second: the page counts on from it."""
    if not loop.blocked or loop.blocked_for is None:
        return None
    return round(5 * (loop.as_of - loop.blocked_for)) / 5


def silent_since(loop: LoopSnapshot) -> float | None:
    """When a loop that does not answer was last heard of, to a fifth of a second: the page counts
    on from it. None of one that answers; and of one in this process, which is seen as it is.
    """
    if not loop.unresponsive or loop.adopted:
        return None
    return round(5 * loop.as_of) / 5


def rounded_lag(lag: float | None) -> float | None:
    """Seconds to two digits, and 0 below a millisecond: what nobody needs to see change."""
    if lag is None:
        return None
    return float(f"{lag:.2g}") if lag >= _MILLISECOND else 0.0


def sparkline(history: Sequence[float | None]) -> str:
    """A digit for each second, on a logarithmic scale: 0 is a millisecond or less, 3 ten of them, c
    ten seconds or more; a space where nothing is known, none at the beginning.
    """
    return "".join(map(_level, history)).lstrip()


def _level(lag: float | None) -> str:
    if lag is None:
        return " "
    level = _LEVELS_A_DECADE * math.log10(max(lag, _MILLISECOND) / _MILLISECOND)
    return f"{min(round(level), _HIGHEST_LEVEL):x}"


def waiting(task: TaskSnapshot) -> str | None:
    """What the task waits on and where: "sleep · race.py:12"; None when there is nothing to say.

    The function after the place stays away: the column beside it says nearly the same.
    """
    if task.state.has_ended:
        return None
    words = task.waiting_on
    place = re.sub(r"(:\d+) .*", r"\1", task.where) if task.where else None
    if words is None and place and task.state is not TaskState.PENDING:
        words = task.state.value
    parts = [part for part in (words, place) if part]
    return clean(" · ".join(parts)) if parts else None


def sorted_loops(loops: Iterable[LoopSnapshot], sorting: Sorting) -> list[LoopSnapshot]:
    """The loops in the order that is asked for; `loops` come oldest first.

    Their own order has the newest on top, where a loop appears that was just started, and moves no
    row for any other reason. It decides among equals too. What is not known comes last both ways.
    """
    newest_first = list(loops)[::-1]
    if not sorting.column:
        return newest_first
    now = max((loop.as_of for loop in newest_first), default=0.0)
    keys: Mapping[str, Callable[[LoopSnapshot], Any]] = _LOOP_KEYS | {"age": partial(_age, now=now)}
    key = keys[sorting.column]
    known = [loop for loop in newest_first if key(loop) is not None]
    unknown = [loop for loop in newest_first if key(loop) is None]
    return sorted(known, key=key, reverse=sorting.descending) + unknown


def _failures(loop: LoopSnapshot) -> int:
    """How many of its tasks failed; a loop that failed before it had one counts for one."""
    return max(loop.task_counts.get(TaskState.FAILED, 0), loop.state is LoopState.FAILED)


def _word_for(loop: LoopSnapshot) -> str:
    """The state of a loop, or what is laid over it, in the words of its row."""
    if loop.state.has_ended or loop.state is LoopState.STOPPING:
        return loop.state.value
    if blocked_since(loop) is not None:
        return "blocked"
    if loop.unresponsive:
        return "unresponsive"
    is_asked = loop.state is LoopState.RUNNING and loop.stop_requested
    return "stop asked" if is_asked else loop.state.value


def _counts_of_all(loops: Sequence[LoopSnapshot]) -> dict[str, int]:
    counts = Counter[TaskState]()
    for loop in loops:
        counts.update(loop.task_counts)
    return {state.value: counts[state] for state in TaskState if counts[state]}


def loops_contents(
    loops: Sequence[LoopSnapshot],
    sorting: Sorting,
    window: Window,
    *,
    row_of: Callable[[LoopSnapshot], Row] = loop_row,
    selected: int | None,
    filter_text: str,
    picked: Sequence[int] = (),
    interval: float,
    paused: bool,
    kernel: KernelState,
) -> Contents:
    """The table of loops through a window; `loops` come oldest first."""
    shown = sorted_loops(loops, sorting)[window.start : window.stop]
    return Contents(
        head={
            "loops": len(loops),
            "tasks": sum(loop.total_tasks for loop in loops),
            "failed": sum(map(_failures, loops)),
            "counts": _counts_of_all(loops),
            "loop_counts": Counter(map(_word_for, loops)),
            "selected": selected,
            "picked": list(picked),
            "sort": [sorting.column, sorting.descending],
            "filter": sendable(filter_text),
            "interval": interval,
            "paused": paused,
            "kernel": kernel.word,
            "cell": kernel.cell,
            "busy_since": kernel.busy_since,
        },
        start=window.start,
        total=len(loops),
        rows=[row_of(loop) for loop in shown],
    )


def tasks_head(
    loop: LoopSnapshot | None,
    sorting: Sorting,
    *,
    filter_text: str,
    chips: Sequence[str] = (),
    picked: Sequence[int] = (),
    paused: bool,
) -> dict[str, Any]:
    """What is said of all tasks of the selected loop together."""
    return {
        "loop": loop.id if loop else None,
        "loop_name": clean(loop.name) if loop else None,
        "loop_ended": loop.ended_at if loop else None,
        "unfinished": loop.unfinished_tasks if loop else 0,
        "counts": _counts(loop.task_counts if loop else {}),
        "sort": [sorting.column, sorting.descending],
        "filter": sendable(filter_text),
        "chips": list(chips),
        "picked": list(picked),
        "filtered": bool(filter_text or chips),
        "paused": paused,
        "has_error": bool(loop and loop.error),
        "timings": bool(loop and loop.timings),
        "plots": bool(loop and (loop.metrics or loop.figures)),
    }


def _last_line(text: str | None) -> str:
    return text.rstrip().rpartition("\n")[2].strip() if text else ""


def _counts(counts: Mapping[TaskState, int]) -> dict[str, int]:
    """Of lost tasks, which few loops have, only where there are any."""
    return {
        state.value: counts.get(state, 0)
        for state in TaskState
        if state is not TaskState.LOST or counts.get(state)
    }


def _age(loop: LoopSnapshot, now: float) -> float | None:
    """At the same moment for all: a loop that has not changed may have an old snapshot."""
    if loop.started_at is None:
        return None
    return (now if loop.ended_at is None else loop.ended_at) - loop.started_at


def _natural(text: str) -> list[str | int]:
    """So that race-2 comes before race-10. Text and numbers alternate, hence can be compared."""
    parts = re.split(r"([0-9]+)", clean(text).casefold())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


_STATE_ORDER: Final = {state: place for place, state in enumerate(LoopState)}

_LOOP_KEYS: Final[dict[str, Callable[[LoopSnapshot], Any]]] = {
    "name": lambda loop: _natural(loop.name),
    "host": lambda loop: loop.host.casefold(),
    "state": lambda loop: _STATE_ORDER[loop.state],
    "tasks": lambda loop: (loop.unfinished_tasks, loop.total_tasks),
    "lag": lambda loop: loop.lag,
    "note": lambda loop: note(loop).casefold() or None,
}
