"""One task in detail, whether it has ended or not."""

from __future__ import annotations

from dataclasses import replace

from bgwidgets.observe.await_tree import describe
from bgwidgets.observe.ended_tasks import EndedTask, Entry
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.look import Look
from bgwidgets.observe.timings import timing_of
from bgwidgets.snapshots import TaskDetail, TaskTimings


def task_detail(ledger: Ledger, task_id: int) -> TaskDetail | None:
    """All that is known of the task of that id; None when it is not known, or not any more.

    Any thread; reads source files, so better not in the loop's own.
    """
    look = ledger.look(stop=0)  # First: what is found afterwards may leave the book at any time.
    entry = ledger.entry_of(task_id)
    if entry is None:
        return None
    if type(entry) is EndedTask or entry.done():
        return _of_ended(ledger, look, entry, task_id)
    # A number is what commands go by: only for what is in the book. On the kernel's loop that
    # are the user's tasks, for whom tasks of the kernel's may wait.
    detail = describe(entry, lambda each: ledger.id_of(each) if look.holds(each) else None)
    state = ledger.states.state(entry)
    if state.has_ended:  # It did, in this moment.
        return _of_ended(ledger, look, entry, task_id)
    return replace(
        detail,
        id=task_id,
        state=state,
        created_at=look.created_at(entry),
        timings=_timings_of(entry),
        progress=ledger.progress(entry),
    )


def _of_ended(ledger: Ledger, look: Look, entry: Entry, task_id: int) -> TaskDetail:
    row = look.row(entry)
    failure = ledger.failure(entry)
    return TaskDetail(
        id=task_id,
        name=row.name,
        coroutine=row.coroutine,
        state=row.state,
        created_at=row.created_at,
        ended_at=row.ended_at,
        error=row.error,
        traceback=failure.text() if failure is not None else None,
        timings=_timings_of(entry),
        progress=ledger.progress(entry),
    )


def _timings_of(entry: Entry) -> TaskTimings | None:
    if type(entry) is EndedTask:
        timing, has_ended = entry.timing, True
    else:
        timing, has_ended = timing_of(entry), entry.done()
    return timing.as_value(has_ended=has_ended) if timing is not None else None
