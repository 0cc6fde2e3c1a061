"""Warnings of what keeps a loop from turning: a call that does not return, or code that never
yields.

Which of the two it is shows only in time. A loop is blocked after 0.15 seconds, and that is said
then, once a spell. When a second has gone by and the task was seen at work in asynchronous code of
its own, in at least a quarter of all looks, with no other function below or in another place than
before, it is a task that never yields: this is said in the place of the other, which is taken back.
So of one spell there is one warning in the end. The quarter is so little because a look often falls
right behind a short call of a function in C, where it cannot be told from a long one. Many short
calls are known by the coroutine's being in another place than at the last look. One that spends
nearly all of its time in the same call, made again and again, cannot be told from one long call,
and is said to be blocked; on Python 3.11 also one with a single call in its loop, for a thread lets
others run only there.
"""

from __future__ import annotations

import asyncio
import re
import weakref
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.names import name_of, name_of_coroutine
from bgwidgets.observe.spell import Culprit, Spell
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.snapshots import WarningKind

NEVER_YIELDS_AFTER: Final = 1.0
"""Seconds in asynchronous code of its own after which a task counts as one that never yields."""
IN_ITS_OWN_CODE: Final = 0.25
"""Part of the looks that must have seen it there."""

_LINE: Final = re.compile(r":\d+ ")

Task = asyncio.Task[Any]


class _Told(NamedTuple):
    spell: weakref.ref[Spell]
    step: int
    kind: WarningKind
    what: str


class BlockWarnings:
    """One loop's. In the watchdog's thread."""

    def __init__(
        self, kept: WarningsKept, concerns: Callable[[Task | None], bool] = lambda _: True
    ) -> None:
        """Only what a task does that this loop's watch `concerns` is told: on the kernel's loop, a
        cell that takes its time is no reason for a warning.
        """
        self._kept: Final = kept
        self._concerns: Final = concerns
        self._told: _Told | None = None

    def look(self, spell: Spell) -> None:
        """The loop does not answer. Does not block."""
        culprit = spell.culprit()
        if culprit is None or not self._concerns(culprit.task):
            return
        kind = _kind_of(culprit)
        told = self._told
        if told is not None and told.spell() is spell:
            turned_out = (told.kind, kind) == (WarningKind.BLOCKED, WarningKind.NEVER_YIELDS)
            if not turned_out or told.step != culprit.step:
                return
            self._kept.take_back(told.kind, told.what)
        what = _what(culprit)
        self._told = _Told(weakref.ref(spell), culprit.step, kind, what)
        self._tell(kind, what, culprit)

    def _tell(self, kind: WarningKind, what: str, culprit: Culprit) -> None:
        name = None if culprit.task is None else name_of(culprit.task)
        who = "a callback" if name is None else f"task {name!r}"
        does = (
            "keeps the loop from turning"
            if kind is WarningKind.BLOCKED
            else "runs on without ever letting the loop turn"
        )
        where = culprit.where
        self._kept.add(
            kind,
            what,
            lambda: Told(f"{who} {does} at {where}", name, where.partition(" · ")[0]),
        )


def _kind_of(culprit: Culprit) -> WarningKind:
    never_yields = (
        culprit.task is not None
        and culprit.seconds >= NEVER_YIELDS_AFTER
        and culprit.in_its_own_code >= IN_ITS_OWN_CODE
    )
    return WarningKind.NEVER_YIELDS if never_yields else WarningKind.BLOCKED


def _what(culprit: Culprit) -> str:
    """The task's code and the function; not the line, of which a loop in Python has many."""
    coroutine = "" if culprit.task is None else name_of_coroutine(coroutine_of(culprit.task))
    return f"{coroutine} {_LINE.sub(' ', culprit.where.partition(' · ')[0])}"
