"""What the detail tabs show, as the plain data that travels to the page.

Pure functions. A tab's contents are named parts, of which only those travel that changed; the
page's script has the same shapes as its typedefs. All of them together stay below 16 kB: what does
not fit is left out, and counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bgwidgets.output.terminal import without_colours
from bgwidgets.plain_text import as_shown
from bgwidgets.snapshots import (
    AwaitFrame,
    LoopHistory,
    LoopSnapshot,
    LoopWarning,
    SlowStep,
    TaskCancellation,
    TaskDetail,
    TaskFailure,
    TaskLink,
    TaskTimings,
)
from bgwidgets.states import TaskState
from bgwidgets.widgets.cleaning import clean
from bgwidgets.widgets.progress_words import bar_lines
from bgwidgets.widgets.protocols import DetailTab
from bgwidgets.widgets.selection import clock_time

Part = Any
"""Plain JSON."""
Parts = Mapping[str, Part]

ROOM_FOR_BARS: Final = 1500
ROOM_FOR_FRAMES: Final = 6500
ROOM_FOR_LINKS: Final = 3000
"""In each direction."""
ROOM_FOR_TRACEBACK: Final = 12_500
ROOM_FOR_WARNINGS: Final = 3500
ROOM_FOR_FAILURES: Final = 6500
ROOM_FOR_A_FAILURES_TRACEBACK: Final = 2000
ROOM_KEPT_FOR_ROWS: Final = 2000
"""Of the room for failures: their tracebacks must leave it to those that have none."""
ROOM_FOR_CANCELLATIONS: Final = 2800
ROOM_FOR_SLOW_STEPS: Final = 1600
ROOM_FOR_NOTES: Final = 900
"""Bytes of JSON."""
LONGEST_PATH: Final = 160


@dataclass(frozen=True, slots=True)
class DetailSubject:
    """What a detail tab is about."""

    loop_id: int
    task_id: int | None
    """None while no task is current."""
    tab: DetailTab


def nothing(why: str) -> Parts:
    """There is nothing to show, and that is why."""
    return {"nothing": why}


NO_SUCH_LOOP: Final = nothing("That loop is not listed any more")
NO_TASK: Final = nothing("No task is selected: choose one under Tasks, or press Enter on its row")
NO_SUCH_TASK: Final = nothing("Nothing is kept of that task any more: it ended too long ago")
NO_ERROR: Final = nothing("Nothing has failed")
NO_TIMINGS: Final = nothing("This loop was started without timings=True")


def chain_parts(task: TaskDetail, now: float) -> Parts:
    """Where a task waits: the frames, the tasks that it waits for, and those that wait for it."""
    frames = [_frame(frame) for frame in task.chain]
    mark = _users_place(task)
    if mark is not None:
        frames[mark]["mark"] = True
    frames, left_out = _both_ends(frames, ROOM_FOR_FRAMES)
    if task.frames_left_out or left_out:
        frames.insert(len(frames) // 2, {"more": task.frames_left_out + left_out})
    return {
        "task": _about(task, now),
        "bars": _fitting(bar_lines(task.progress), ROOM_FOR_BARS),
        "waiting": clean(task.waiting_on) if task.waiting_on else None,
        "frames": frames,
        # Apart from the frames, which stay the same while the time runs out.
        "timeout": _first_timeout(task.chain),
        "waits_for": _tree(task.waits_for, task.waits_for_left_out),
        "waited_by": _tree(task.waited_by, task.waited_by_left_out),
    }


def error_parts(loop: LoopSnapshot, task: TaskDetail | None, now: float) -> Parts:
    """Why the task failed, else why the loop did."""
    if task is not None and task.state is TaskState.FAILED:
        return {
            "of": {"kind": "task", "name": clean(task.name), "at": _clock(task.ended_at, now)},
            "error": clean(task.error or ""),
            "traceback": _cut_text(task.traceback, ROOM_FOR_TRACEBACK),
        }
    if loop.error is None:
        return NO_ERROR
    return {
        "of": {"kind": "loop", "name": clean(loop.name), "at": _clock(loop.ended_at, now)},
        "error": clean(loop.error_line or ""),
        "traceback": _cut_text(loop.error, ROOM_FOR_TRACEBACK),
    }


def timings_parts(task: TaskDetail, now: float) -> Parts:
    """How a task has spent its time."""
    if task.timings is None:
        return NO_TIMINGS
    return {"task": _about(task, now), "timings": _timings(task.timings, now)}


def history_parts(loop: LoopSnapshot, history: LoopHistory, now: float) -> Parts:
    """What has become of a loop's tasks, and what else happened on it; the latest first.

    Each kind of event is one part.
    """
    warnings = (_warning(warning, now) for warning in reversed(loop.warnings))
    cancellations = (_cancellation(each, now) for each in history.cancellations)
    slow_steps = (_slow_step(step, now) for step in reversed(loop.slow_steps))
    notes = ({"text": clean(note)} for note in reversed(loop.notes))
    return {
        "loop": clean(loop.name),
        "births": history.births,
        "ends": {
            state.value: history.ends.get(state, 0)
            for state in TaskState
            if state.has_ended and (state is not TaskState.LOST or history.ends.get(state))
        },
        "warnings": _fitting(warnings, ROOM_FOR_WARNINGS),
        "failures": _failures(history.failures, now),
        "cancellations": _fitting(cancellations, ROOM_FOR_CANCELLATIONS),
        "slow_steps": _fitting(slow_steps, ROOM_FOR_SLOW_STEPS),
        "notes": _fitting(notes, ROOM_FOR_NOTES),
    }


# What the parts are made of


def _about(task: TaskDetail, now: float) -> Part:
    return {
        "name": clean(task.name),
        "coroutine": clean(task.coroutine),
        "state": task.state.value if task.state else None,
        "born": _clock(task.created_at, now),
        "ended": _clock(task.ended_at, now),
    }


def _frame(frame: AwaitFrame) -> dict[str, Part]:
    path = frame.path if len(frame.path) <= LONGEST_PATH else f"…{frame.path[-LONGEST_PATH:]}"
    return {
        "function": clean(frame.function),
        "file": clean(frame.file),
        "path": clean(path),
        "line": frame.line,
        "text": clean(frame.source_line),
    }


def _users_place(task: TaskDetail) -> int | None:
    """Which frame is the innermost of the user's; None when the chain does not go through it."""
    for place, frame in reversed(list(enumerate(task.chain))):
        if task.where is not None and task.where.startswith(f"{frame.file}:{frame.line} "):
            return place
    return None


def _first_timeout(chain: Iterable[AwaitFrame]) -> Part:
    """The timeout that runs out first: in how many whole seconds, and in which function."""
    known = [(frame.timeout, frame.function) for frame in chain if frame.timeout is not None]
    if not known:
        return None
    seconds, function = min(known)
    return {"seconds": round(seconds), "function": clean(function)}


def _tree(links: Sequence[TaskLink], left_out: int) -> list[Part]:
    """A tree as lines that know their depth."""
    kept, rest = _fit(list(_lines_of(links, left_out, 0)), ROOM_FOR_LINKS)
    untold = sum(line.get("more", 1) for line in rest)
    return [*kept, {"depth": 0, "more": untold}] if untold else kept


def _lines_of(links: Sequence[TaskLink], left_out: int, depth: int) -> Iterator[dict[str, Part]]:
    for link in links:
        yield {
            "depth": depth,
            "name": clean(link.name),
            "coroutine": clean(link.coroutine),
            "waiting": clean(link.waiting_on) if link.waiting_on else None,
            "where": clean(link.where) if link.where else None,
            "repeated": link.is_repeated,
        }
        yield from _lines_of(link.links, link.left_out, depth + 1)
    if left_out:
        yield {"depth": depth, "more": left_out}


def _timings(timings: TaskTimings, now: float) -> Part:
    return {
        "polls": timings.polls,
        "busy": timings.busy,
        "scheduled": timings.scheduled,
        "idle": timings.idle,
        "slowest": timings.slowest_step,
        "slowest_at": _clock(timings.slowest_step_at, now),
        "slowest_where": clean(timings.slowest_step_where) if timings.slowest_step_where else None,
        "histogram": [list(each) for each in timings.histogram],
    }


def _warning(warning: LoopWarning, now: float) -> Part:
    return {
        "at": _clock(warning.at, now),
        "text": clean(warning.text),
        "advice": clean(warning.advice),
        "where": clean(warning.where) if warning.where else None,
        "count": warning.count,
    }


def _failures(failures: Sequence[TaskFailure], now: float) -> list[Part]:
    """The latest come with their traceback, as long as there is room."""
    rows = []
    room = ROOM_FOR_FAILURES - ROOM_KEPT_FOR_ROWS
    for failure in failures:
        traceback = _cut_text(failure.traceback, ROOM_FOR_A_FAILURES_TRACEBACK)
        room -= _size(traceback)
        rows.append(
            {
                "at": _clock(failure.at, now),
                "name": clean(failure.name),
                "coroutine": clean(failure.coroutine),
                "error": clean(failure.error),
                "traceback": traceback if room >= 0 else None,
            }
        )
    return _fitting(rows, ROOM_FOR_FAILURES)


def _cancellation(cancellation: TaskCancellation, now: float) -> Part:
    return {
        "at": _clock(cancellation.at, now),
        "name": clean(cancellation.name),
        "asked_by": clean(cancellation.asked_by),
        "where": clean(cancellation.where) if cancellation.where else None,
    }


def _slow_step(step: SlowStep, now: float) -> Part:
    return {
        "at": _clock(step.at, now),
        "seconds": round(step.seconds, 3),
        "task": clean(step.task) if step.task else None,
        "where": clean(step.where) if step.where else None,
    }


def _clock(moment: float | None, now: float) -> str | None:
    return None if moment is None else clock_time(moment, now)


# What does not fit


def _size(part: Part) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode("utf-8", "replace"))


def _fit(rows: list[Part], room: int) -> tuple[list[Part], list[Part]]:
    """The first rows, as many as there is room for, and the rest."""
    for place, row in enumerate(rows):
        room -= _size(row) + 2
        if room < 0:
            return rows[:place], rows[place:]
    return rows, []


def _fitting(rows: Iterable[Part], room: int) -> list[Part]:
    """The first rows, as many as there is room for; then how many more there are."""
    kept, rest = _fit(list(rows), room)
    return [*kept, {"more": len(rest)}] if rest else kept


def _both_ends(rows: list[Part], room: int) -> tuple[list[Part], int]:
    """The first and the last rows, as many as there is room for, and how many are left out."""
    tail, head = len(rows), 0
    while head < tail:
        takes_last = len(rows) - tail <= head  # By turns; where it waits now comes first.
        room -= _size(rows[tail - 1 if takes_last else head]) + 2
        if room < 0:
            break
        if takes_last:
            tail -= 1
        else:
            head += 1
    return rows[:head] + rows[tail:], tail - head


def _cut_text(text: str | None, room: int) -> str | None:
    """Both ends of a long text, and how much is left out between them."""
    if text is None:
        return None
    # Colours are for terminals, and the lines of some end as Windows' do.
    text = as_shown(without_colours(text).replace("\r\n", "\n"))
    text = clean(text, longest=len(text))
    kept = text
    while (size := _size(kept)) > room:
        half = int(len(kept) * room / size * 0.49)
        left_out = len(text) - 2 * half
        kept = f"{text[:half]}\n[… {left_out:,} characters left out …]\n{text[-half:]}"
    return kept
