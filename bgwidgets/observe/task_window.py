"""Which of a loop's tasks a window shows: filter, sort, cut out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

from bgwidgets.observe.ended_tasks import Entry
from bgwidgets.observe.kept_windows import WindowStandstill
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.letting_in import LettingIn
from bgwidgets.observe.look import Look
from bgwidgets.observe.words_of_many import WordsOfMany
from bgwidgets.snapshots import TaskSnapshot, TaskWindow, WindowRequest
from bgwidgets.states import TaskState

_UNFINISHED: Final = frozenset(state for state in TaskState if not state.has_ended)
Task = asyncio.Task[Any]


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
    work = LettingIn(others=not ledger.states.is_own_thread())
    look = ledger.look(stop=0 if request.ids and not request.sort else None)
    if request.ids:
        unfinished, ended = _of_these(ledger, look, request)
    else:
        unfinished, ended = _in_states(ledger, look, request.states)
    words = WordsOfMany(ledger, look, now)
    if request.filter:
        text = request.filter.casefold()
        unfinished, ended = (
            [entry for part in work.slices(entries) for entry in words.matching(part, text)]
            for entries in (unfinished, ended)
        )
    total = len(unfinished) + len(ended)
    if request.sort:
        entries = _sorted(unfinished, ended, request, words, work)
    else:
        entries = [*unfinished, *ended]
        if request.descending:
            entries.reverse()
        entries = entries[start:stop]
    rows = tuple(look.row(entry) for entry in entries)
    return TaskWindow(tasks=rows, start=start, total=total, as_of=now)


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
    unfinished: Iterable[Task] = filter(None, map(ledger.task_of, dict.fromkeys(request.ids)))
    ended = (entry for entry in look.ended if ledger.id_so_far(entry) in wanted)
    if request.sort:  # From which they come in the order of their births.
        those = frozenset(map(id, unfinished))
        unfinished = (task for task in look.unfinished if id(task) in those)
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


def _sorted(
    unfinished: Sequence[Entry],
    ended: Sequence[Entry],
    request: WindowRequest,
    words: WordsOfMany,
    work: LettingIn,
) -> list[Entry]:
    """Those in the window, of all these.

    Of equal keys the older comes first, or last when the order is turned round. Of those born in
    the same tenth of a second, the ones that still live are taken for the older.
    """
    entries = [*unfinished, *reversed(ended)]
    keys = [key for part in work.slices(entries) for key in words.keys(part, request.sort)]
    if request.sort == "age":
        entries.reverse()
        keys.reverse()
    start, stop, count = max(0, request.start), max(0, request.start, request.stop), len(entries)
    if not request.descending:
        return [entries[place] for place in work.sorted_places(keys, start, stop)]
    places = work.sorted_places(keys, max(0, count - stop), max(0, count - start))
    return [entries[place] for place in reversed(places)]
