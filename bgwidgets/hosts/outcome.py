"""What a child process sends home when its loop has ended: the result, and all there is to show."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Final

from bgwidgets.exceptions import CannotCross, UnknownTask
from bgwidgets.hosts.agent import Agent
from bgwidgets.hosts.crossing import PackedError, pack, pack_error
from bgwidgets.hosts.messages import Outcome, Record
from bgwidgets.hosts.protocol import Leftovers, LoopEnd
from bgwidgets.observe.error_text import one_line
from bgwidgets.output.figures import DRAWING_LIMIT
from bgwidgets.snapshots import TaskDetail, TaskSnapshot, WindowRequest
from bgwidgets.states import LoopState

MOST_ROWS: Final = 11_000
MOST_DETAILS: Final = 200
DETAILS_LIMIT: Final = 0.2
"""Seconds for the details of the last tasks; those that take longer are done without."""


def outcome(agent: Agent) -> Outcome:
    """All that is worth to be kept of the run. When the loop is closed; blocks for seconds at most,
    as long as the last pictures take to be drawn.
    """
    end = agent.ended.result(0)
    agent.findings.figures.wait_until_drawn(DRAWING_LIMIT)
    result, error = _packed(end)
    return Outcome(
        state=end.state,
        ended_at=end.ended_at,
        result=result,
        error=error,
        leftovers=_leftovers(end.leftovers),
        record=_record(agent),
    )


def in_short(whole: Outcome, error: Exception) -> Outcome:
    """The end and the result, without what there is to show, where that cannot be pickled."""
    note = f"what there was to show of its tasks could not be brought here: {one_line(error)}"
    return replace(whole, leftovers=Leftovers(notes=(note,)), record=None)


def _packed(end: LoopEnd) -> tuple[bytes | None, PackedError | None]:
    if end.exception is not None:
        return None, pack_error(end.exception)
    if end.state is not LoopState.FINISHED:
        return None, None
    try:
        return pack(end.result, "the result"), None
    except CannotCross as error:
        return None, pack_error(error.with_traceback(None))
    except BaseException as why:  # noqa: BLE001 - pickling runs the user's code, which may exit
        text = f"the result cannot be brought to another process: {one_line(why)}"
        return None, pack_error(CannotCross(text))


def _leftovers(left: Leftovers) -> Leftovers:
    """Threads do not outlive the process."""
    lost = tuple(
        f"thread {name} ended with its process, in the middle of a function"
        for name in left.threads_left
    )
    return Leftovers(unfinished_tasks=left.unfinished_tasks, notes=(*left.notes, *lost))


def _record(agent: Agent) -> Record:
    rows = agent.task_window(WindowRequest(stop=MOST_ROWS)).tasks
    return Record(
        snapshot=agent.snapshot(),
        rows=rows,
        details=_details(agent, rows),
        history=agent.history(),
        metrics=agent.findings.metrics.as_values(),
        figures=agent.findings.figures.look(),
    )


def _details(agent: Agent, rows: tuple[TaskSnapshot, ...]) -> dict[int, TaskDetail]:
    until = time.monotonic() + DETAILS_LIMIT
    details: dict[int, TaskDetail] = {}
    for row in [row for row in rows if row.state.has_ended][:MOST_DETAILS]:
        if time.monotonic() > until:
            break
        try:
            details[row.id] = agent.task_detail(row.id)
        except UnknownTask:
            continue  # It was the oldest that is kept, and one more has ended.
    return details
