"""A task that tells who asked it to be cancelled.

A class of its own, since a task in C lets nobody listen to its `cancel`. Waiting for such a task
takes asyncio's longer way, so where thousands are born in a moment plain ones are made instead.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Final
from weakref import WeakKeyDictionary, WeakMethod

from bgwidgets.observe.asyncio_internals import future_waited_for

Asked = Callable[[asyncio.Task[Any]], None]
"""Called in whatever thread asks, when a task has taken note that it is to be cancelled."""

_listeners: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, WeakMethod[Asked]]] = (
    WeakKeyDictionary()
)
"""Weak on both sides: who listens holds the loop, which would otherwise live for ever."""


def listen(loop: asyncio.AbstractEventLoop, asked: Asked) -> None:
    """From now on call the method `asked` for each watched task of this loop that is to be
    cancelled, for as long as its object lives.
    """
    _listeners[loop] = WeakMethod(asked)


def listener_of(loop: asyncio.AbstractEventLoop) -> Asked | None:
    """Who listens to the tasks of this loop. Any thread; does not block."""
    listener = _listeners.get(loop)
    return None if listener is None else listener()


class _Walk(threading.local):
    """What the tasks have answered that are being cancelled in this thread, from within."""

    answers: dict[asyncio.Task[Any], bool | Exception] | None = None


_walk: Final = _Walk()


def _chain(task: asyncio.Task[Any], kind: type[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """The task, the one it waits for, the one that waits for, and so on: as far as these are of
    this kind. Raises RecursionError where they wait for each other in a circle, as asyncio does,
    which for that goes round until there is no room any more.
    """
    chain, seen = [task], {task}
    while type(waited_for := future_waited_for(chain[-1])) is kind:
        if "cancel" in getattr(waited_for, "__dict__", ()):  # It has one of its own.
            break
        if waited_for in seen:
            raise RecursionError(f"{len(chain)} tasks wait for each other in a circle")
        chain.append(waited_for)
        seen.add(waited_for)
    return chain


def cancel_from_within(
    chain: Sequence[asyncio.Task[Any]],
    msg: Any | None,
    cancel: Callable[[asyncio.Task[Any], Any | None], bool],
) -> bool:
    """Cancel the innermost, and then each that waits for it, which asks the next one in and gets
    its answer: by themselves they would call each other, and our frames, which asyncio's own code
    in C has not, would soon be too many.
    """
    before, answers = _walk.answers, dict[asyncio.Task[Any], bool | Exception]()
    _walk.answers = answers
    try:
        for place in range(len(chain) - 1, 0, -1):
            parent = chain[place - 1]  # noqa: F841 - `askers` looks at this variable
            try:
                answers[chain[place]] = cancel(chain[place], msg)
            except Exception as error:  # noqa: BLE001 - raised to the one that asks, as it would be
                answers[chain[place]] = error
        return cancel(chain[0], msg)
    finally:
        _walk.answers = before


def watched_task_class() -> type[asyncio.Task[Any]]:
    """The class for tasks to be watched; another one where nest_asyncio has replaced asyncio's."""
    return _watched(asyncio.Task)


@cache
def _watched(base: type[asyncio.Task[Any]]) -> type[asyncio.Task[Any]]:
    cancel = base.cancel

    class Task(base):  # type: ignore[misc, valid-type] # a class that is not known before
        """As asyncio's, whose name it also has in its repr."""

        __slots__ = ()

        def cancel(self, msg: Any | None = None) -> bool:
            """As asyncio's."""
            answers = _walk.answers
            if answers and self in answers:
                answer = answers.pop(self)
                if isinstance(answer, Exception):
                    raise answer
                return answer
            chain = _chain(self, Task)
            if len(chain) > 1:
                return cancel_from_within(chain, msg, cancel_one)
            return cancel_one(self, msg)

    def cancel_one(task: asyncio.Task[Any], msg: Any | None) -> bool:
        is_accepted = bool(cancel(task, msg))
        if is_accepted:
            asked = listener_of(task.get_loop())
            if asked is not None:
                asked(task)
        return is_accepted

    return Task
