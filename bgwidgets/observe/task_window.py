"""Which of a loop's tasks a window shows: filter, sort, cut out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from bgwidgets.observe.ended_tasks import EndedTask, Entry
from bgwidgets.observe.kept_windows import WindowStandstill
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.look import Look
from bgwidgets.snapshots import TaskSnapshot, TaskWindow, WindowRequest
from bgwidgets.states import TaskState

_UNFINISHED: Final = frozenset(state for state in TaskState if not state.has_ended)
_STATE_ORDER: Final = {state: number for number, state in enumerate(TaskState)}


def task_window(ledger: Ledger, request: WindowRequest) -> TaskWindow:
    """The tasks that were asked for. Any thread; does not block the loop.

    Only the rows in the window are looked at closely, unless all are to be sorted or filtered.
    """
    now = time.time()
    start, stop = max(0, request.start), max(0, request.start, request.stop)
    asks_for_all = request.states or request.filter or request.sort or request.descending
    if not (asks_for_all or request.ids):
        rows, total = _in_their_order(ledger, start, stop)
        return TaskWindow(tasks=rows, start=start, total=total, as_of=now)
    look = ledger.look(stop=0 if request.ids and not request.sort else None)
    if request.ids:
        unfinished, ended = _of_these(ledger, look, request)
    else:
        unfinished, ended = _in_states(ledger, look, request.states)
    entries = _filtered_and_sorted(ledger, look, [*unfinished, *ended], request, now)
    rows = tuple(look.row(entry) for entry in entries[start:stop])
    return TaskWindow(tasks=rows, start=start, total=len(entries), as_of=now)


def window_standstill(ledger: Ledger, window: TaskWindow) -> WindowStandstill | None:
    """What holds as long as this window shows what is to be seen there; None where nobody knows,
    for not all of its tasks wait, or they are sorted. Any thread; does not block.
    """
    return ledger.windows.standstill(window.tasks, window.total)


def _in_their_order(ledger: Ledger, start: int, stop: int) -> tuple[tuple[TaskSnapshot, ...], int]:
    """Some of the tasks as the book has them, and how many there are."""
    kept = ledger.windows.get((start, stop))
    if kept is not None:
        return kept
    stamp = ledger.windows.stamp()  # Before the look: it may only be too old.
    look = ledger.look(start, stop)
    count = look.unfinished_count
    total = count + len(look.ended)
    shown: list[Entry] = [*look.unfinished_between(start, stop)]
    shown += look.ended[max(0, start - count) : max(0, stop - count)]
    rows = tuple(look.row(entry) for entry in shown)
    ledger.windows.keep((start, stop), stamp, shown, rows, total)
    return rows, total


def _of_these(
    ledger: Ledger, look: Look, request: WindowRequest
) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """Those that are asked for by their number, as far as they are still known."""
    wanted, states = frozenset(request.ids), frozenset(request.states or TaskState)
    unfinished = filter(None, map(ledger.task_of, dict.fromkeys(request.ids)))
    ended = (entry for entry in look.ended if ledger.id_so_far(entry) in wanted)
    return (
        [entry for entry in unfinished if ledger.states.state(entry) in states],
        [entry for entry in ended if ledger.states.state(entry) in states],
    )


def _in_states(
    ledger: Ledger, look: Look, states: tuple[TaskState, ...]
) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """The unfinished and the ended that are in one of these states, or all."""
    if not states:
        return look.unfinished, look.ended
    wanted = frozenset(states)
    unfinished: Sequence[Entry] = ()
    if wanted >= _UNFINISHED:  # All of them, and there may be a hundred thousand.
        unfinished = look.unfinished
    elif _UNFINISHED & wanted:
        unfinished = [entry for entry in look.unfinished if ledger.states.state(entry) in wanted]
    return unfinished, [entry for entry in look.ended if ledger.states.state(entry) in wanted]


def _filtered_and_sorted(
    ledger: Ledger, look: Look, entries: list[Entry], request: WindowRequest, now: float
) -> list[Entry]:
    if request.filter:
        text = request.filter.casefold()
        entries = [entry for entry in entries if _matches(ledger, entry, text)]
    if request.sort:
        in_order: list[Entry] = [*look.unfinished, *reversed(look.ended)]
        ages = {entry: place for place, entry in enumerate(in_order)}
        key = _sort_key(ledger, look, request.sort, now, in_order)
        # Of equal keys the older comes first, or last when the order is turned round. Of those born
        # in the same tenth of a second, the ones that still live are taken for the older.
        sign = -1 if request.sort == "age" else 1
        entries.sort(key=lambda entry: (key(entry), sign * ages[entry]), reverse=request.descending)
    elif request.descending:
        entries.reverse()
    return entries


def _matches(ledger: Ledger, entry: Entry, text: str) -> bool:
    return (
        text in ledger.name(entry).casefold()
        or text in ledger.coroutine(entry).casefold()
        or text in ledger.states.state(entry)
        or text in (ledger.states.error(entry) or "").casefold()
    )


def _sort_key(
    ledger: Ledger, look: Look, sort: str, now: float, in_order: list[Entry]
) -> Callable[[Entry], Any]:
    births = _births(look, in_order) if sort in {"age", "created_at"} else {}

    def age(entry: Entry) -> float:
        if (ended_at := look.ended_at(entry)) is None and look.has_ended(entry):
            return 0.0  # The least that it can be, where nobody knows.
        return min(now, ended_at or now) - births[entry]

    keys: dict[str, Callable[[Entry], Any]] = {
        "name": lambda entry: ledger.name(entry).casefold(),
        "coroutine": lambda entry: ledger.coroutine(entry).casefold(),
        "state": lambda entry: _STATE_ORDER[ledger.states.state(entry)],
        "waiting_on": lambda entry: (
            ledger.states.kind_of_wait(entry) or ledger.states.error(entry) or ""
        ),
        "age": age,
        "created_at": births.__getitem__,
    }
    return keys[sort]


def _births(look: Look, in_order: list[Entry]) -> dict[Entry, float]:
    """When these were born. Where nobody knows, they are taken for as old as the one before; and
    those that were found alive, which come first, for older than all others.
    """
    births: dict[Entry, float] = {}
    last = 0.0
    for entry in in_order:
        created = entry.created_at if type(entry) is EndedTask else look.created_at(entry)
        births[entry] = last = last if created is None else created
    return births
