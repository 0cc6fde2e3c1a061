"""What a loop's tasks are sorted and filtered by, of many at a time.

Of a hundred thousand most are plain: their names are asked for in one step of C code, what they run
is cut to size once for all that run the same, and how they stand is looked at only where the text
could be found there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import repeat
from types import CoroutineType
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import all_done, coroutine_of
from bgwidgets.observe.ended_tasks import EndedTask, Entry
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.look import Look
from bgwidgets.observe.names import LONGEST_NAME, name_of_coroutine
from bgwidgets.plain_text import is_read_in
from bgwidgets.states import TaskState

_STATE_ORDER: Final = {state: number for number, state in enumerate(TaskState)}
_SHORT: Final = slice(0, LONGEST_NAME)


class WordsOfMany:
    """Those of one loop at one moment. Any thread; does not block."""

    def __init__(self, ledger: Ledger, look: Look, now: float) -> None:
        self._ledger: Final = ledger
        self._look: Final = look
        self._now: Final = now
        self._are_plain: Final = ledger.tells_all_by_itself()
        self._folded: Final[dict[str, str]] = {}
        """What coroutines are called, without regard to case, by what they call themselves."""
        self._birth = 0.0

    def matching(self, entries: Sequence[Entry], text: str) -> list[Entry]:
        """Those in which this text is to be read, which has no capital letters."""
        states = {state for state in TaskState if text in state}
        state_of = self._ledger.states.state
        return [
            entry
            for entry, name, has_ended in zip(
                entries, self._names(entries), self._are_over(entries), strict=True
            )
            if text in name
            or (not name.isprintable() and is_read_in(text, name))
            or is_read_in(text, self._coroutine(entry))
            or (states and state_of(entry) in states)
            or (has_ended and is_read_in(text, self._error(entry).casefold()))
        ]

    def keys(self, entries: Sequence[Entry], sort: str) -> list[Any]:
        """By what these are sorted; they are asked for in the order of their births."""
        states = self._ledger.states
        match sort:
            case "name":
                return self._names(entries)
            case "coroutine":
                return [self._coroutine(entry) for entry in entries]
            case "state":
                return [_STATE_ORDER[states.state(entry)] for entry in entries]
            case "waiting_on":
                return [states.kind_of_wait(entry) or self._error(entry) for entry in entries]
            case "age":
                return self._ages(entries)
        return self._births(entries)

    def _names(self, entries: Sequence[Entry]) -> list[str]:
        if self._are_plain:
            try:
                names = list(map(asyncio.Task.get_name, entries))  # type: ignore[arg-type]
            except (TypeError, AttributeError):  # Records among them, or tasks of another kind.
                pass
            else:
                # A name may be of a class of its own: this makes a plain one of it.
                cut = map(str.__getitem__, names, repeat(_SHORT))
                return list(map(str.casefold, cut))
        return [self._ledger.name(entry).casefold() for entry in entries]

    def _coroutine(self, entry: Entry) -> str:
        if self._are_plain and type(entry) is not EndedTask:
            coroutine = coroutine_of(entry)
            if type(coroutine) is CoroutineType and type(coroutine.__qualname__) is str:
                found = self._folded.get(coroutine.__qualname__)
                if found is None:
                    found = name_of_coroutine(coroutine).casefold()
                    self._folded[coroutine.__qualname__] = found
                return found
        return self._ledger.coroutine(entry).casefold()

    def _error(self, entry: Entry) -> str:
        return self._ledger.states.error(entry) or ""

    def _are_over(self, entries: Sequence[Entry]) -> list[bool]:
        try:
            return list(map(asyncio.Task.done, entries))  # type: ignore[arg-type]
        except (TypeError, AttributeError):
            return [type(entry) is EndedTask or all_done([entry])[0] for entry in entries]

    def _births(self, entries: Sequence[Entry]) -> list[float]:
        """Where nobody knows when one was born, it is taken for as old as the one before; and those
        that were found alive, which come first, for older than all others.
        """
        births = []
        for entry in entries:
            created = entry.created_at if type(entry) is EndedTask else self._look.created_at(entry)
            if created is not None:
                self._birth = created
            births.append(self._birth)
        return births

    def _ages(self, entries: Sequence[Entry]) -> list[float]:
        """Of those that have ended and nobody knows when, the least that they can be."""
        ages = []
        births = self._births(entries)
        for entry, birth, is_over in zip(entries, births, self._are_over(entries), strict=True):
            end = self._look.ended_at(entry) if is_over else self._now
            ages.append(0.0 if end is None else min(self._now, end) - birth)
        return ages
