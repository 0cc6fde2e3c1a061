"""A task that tells who asked it to be cancelled.

A class of its own, since a task in C lets nobody listen to its `cancel`. Waiting for such a task
takes asyncio's longer way, so where thousands are born in a moment plain ones are made instead.

A task that waits for another passes its cancellation on to it, and so from one to the next. While
one does, its thread has a `Walk`, which knows who passes on: nobody needs to look for that.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import get_ident
from types import FrameType
from typing import Any, Final, Protocol

from bgwidgets.observe.asyncio_internals import (
    GATHER_PASSES_ON,
    TASK_PASSES_ON,
    asked_by_gather,
    future_waited_for,
    gathered_by,
)
from bgwidgets.observe.weak_by_identity import WeakByIdentity

DEEP: Final = 20
"""So many tasks that wait for each other call each other's `cancel`, as asyncio's own do. What is
further in is cancelled one by one: our frames, which asyncio's own code in C has not, would soon be
too many."""

Task = asyncio.Task[Any]
Future = asyncio.Future[Any]


class Listener(Protocol):
    """Who is told when a task of one loop has taken note that it is to be cancelled; in whatever
    thread asks.
    """

    def is_cancelled(
        self, task: Task, future: Future | None, caller: FrameType, parent: Task | None
    ) -> None:
        """Somebody asked, in this frame; `parent` is being cancelled meanwhile. The `future` is
        what was asked in turn, if that can do what it likes.
        """

    def is_passed_on(self, task: Task, future: Future | None, parent: Task) -> None:
        """The parent asked, which was cancelled itself."""

    def all_are_told(self) -> None:
        """The first of those that pass it on has come back. All of them still are where they were
        when they were asked.
        """


_listeners: Final[WeakByIdentity[asyncio.AbstractEventLoop, weakref.ref[Listener]]] = (
    WeakByIdentity()
)
"""Weak on both sides: who listens holds the loop, which would otherwise live for ever."""


def listen(loop: asyncio.AbstractEventLoop, listener: Listener) -> None:
    """From now on tell it of each watched task of this loop that is to be cancelled, for as long as
    it lives.
    """
    _listeners[loop] = weakref.ref(listener)


class Walk:
    """Tasks that are being cancelled by one call, in one thread."""

    __slots__ = ("answers", "depth", "for_whom", "parent", "together", "told")

    def __init__(self) -> None:
        self.parent: Task | None = None
        """The innermost that asks others just now."""
        self.depth = 0
        self.answers: dict[Task, bool | Exception] = {}
        """What those have answered that were cancelled before anybody has asked them."""
        self.told: Listener | None = None
        """Who was told of tasks to which it was passed on."""
        self.together: dict[Task, int] | None = None
        """What a command of ours has cancelled so far; None where it is none."""
        self.for_whom: Listener | None = None
        """Whose command it is."""


_walks: Final[dict[int, Walk]] = {}
"""By the thread's number."""


@contextmanager
def together(listener: Listener) -> Iterator[dict[Task, int]]:
    """What is cancelled meanwhile in this thread, of the listener's loop, is put into this
    dictionary and told to nobody; and each watched task is cancelled once, be it that others pass
    theirs on to it.
    """
    walk, thread, cancelled = Walk(), get_ident(), dict[Task, int]()
    walk.together, walk.for_whom = cancelled, listener
    before = _walks.get(thread)
    try:
        _walks[thread] = walk
        yield cancelled
    finally:
        if before is None:
            _walks.pop(thread, None)
        else:
            _walks[thread] = before


def watched_task_class() -> type[Task]:
    """The class for tasks to be watched; another one where nest_asyncio has replaced asyncio's."""
    return _watched(asyncio.Task)


@cache
def _watched(base: type[Task]) -> type[Task]:
    cancel, plain = base.cancel, asyncio.Future

    class Task(base):  # type: ignore[misc, valid-type] # a class that is not known before
        """As asyncio's, whose name it also has in its repr."""

        __slots__ = ()

        # All in one, for each call that it makes is one that asyncio's `cancel` does not make, and
        # there is room for a thousand of them only.
        def cancel(self, msg: Any | None = None) -> bool:
            """As asyncio's."""
            walk = _walks.get(get_ident()) if _walks else None
            if walk is not None:
                if self in walk.answers:
                    return _answer(walk.answers.pop(self))
                if walk.together and self in walk.together:
                    return not self.done()
            future = future_waited_for(self)
            if future is None or type(future) is plain:  # Nobody else is asked.
                future, is_accepted = None, bool(cancel(self, msg))
            else:
                before, thread = walk, get_ident()
                parent = None if walk is None else walk.parent
                try:
                    if walk is None:
                        walk = _walks[thread] = Walk()
                    walk.parent = self
                    walk.depth += 1
                    if walk.depth > DEEP:
                        _cancel_all_below(self, Task, cancel, msg, walk)
                    is_accepted = bool(cancel(self, msg))
                finally:
                    if before is None:
                        _walks.pop(thread, None)
                        _is_over(walk)
                    else:
                        before.parent = parent
                        before.depth -= 1
                        if before.depth == DEEP:
                            before.answers.clear()
                walk = before
            if is_accepted:
                _tell(self, future, walk, sys._getframe(1))  # noqa: SLF001 - documented
            return is_accepted

    return Task


def _answer(answer: bool | Exception) -> bool:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _is_over(walk: Walk | None) -> None:
    if walk is not None and walk.told is not None:
        try:
            walk.told.all_are_told()
        except Exception:  # noqa: BLE001 - as below
            return


def _tell(task: Task, future: Future | None, walk: Walk | None, caller: FrameType | None) -> None:
    """Without a caller it is the walk that has asked, for its parent."""
    try:
        listens = _listeners.get(task.get_loop())
        listener = None if listens is None else listens()
        if listener is None:
            return
        if walk is None and caller is not None:
            listener.is_cancelled(task, future, caller, None)
        elif walk is not None and walk.together is not None and walk.for_whom is listener:
            walk.together[task] = walk.together.get(task, 0) + 1
        elif walk is not None and walk.parent is not None and _is_passed_on(walk, task, caller):
            walk.told = listener
            listener.is_passed_on(task, future, walk.parent)
        elif walk is not None and caller is not None:
            listener.is_cancelled(task, future, caller, walk.parent)
    except Exception:  # noqa: BLE001 - whoever cancels must not suffer for what listens
        # Where asyncio alone had room enough, there is no RecursionError; and it asks nothing of a
        # user's future or name. The task is to end, if it is not known who wants it.
        return


def _is_passed_on(walk: Walk, task: Task, caller: FrameType | None) -> bool:
    """Whether the walk's parent waits for this task, or for what gathers it, and between them is
    neither anybody's code nor a task that tells nobody.
    """
    if walk.parent is None or caller is None:
        return walk.parent is not None
    asked: object = task
    frame: FrameType | None = caller
    while frame is not None and frame.f_code is GATHER_PASSES_ON:
        gather, child = asked_by_gather(frame)
        if child is not asked:
            return False
        asked, frame = gather, frame.f_back
    if frame is not None and frame.f_code is TASK_PASSES_ON:
        frame = frame.f_back
    is_ours = frame is None or frame.f_code.co_filename == __file__
    return is_ours and asked is future_waited_for(walk.parent)


def _cancel_all_below(task: Task, kind: type[Task], cancel: Any, msg: Any, walk: Walk) -> None:
    """Cancel the innermost, and then each that waits for it, which asks the next one in and gets
    its answer.
    """
    for each, parent in _below(task, kind, walk.together or {}):
        walk.parent = each
        try:
            walk.answers[each] = is_accepted = bool(cancel(each, msg))
        except Exception as error:  # noqa: BLE001 - raised to the one that asks, as it would be
            walk.answers[each] = error
            continue
        finally:
            walk.parent = parent
        if is_accepted:
            _tell(each, future_waited_for(each), walk, None)
    walk.parent = task


def _below(task: Task, kind: type[Task], have_answered: Container[Task]) -> list[tuple[Task, Task]]:
    """Each task of this kind that this one would ask, or one that it asks, with the one that does;
    in the order in which asyncio would be done with them. Not those that have an answer already.

    Raises RecursionError where they wait for each other in a circle, as asyncio does, which for
    that goes round until there is no room any more.
    """
    done: dict[Task, Task] = {}
    path, asked = [task], [iter(_asked_by(task, kind))]
    on_path = {task}
    while path:
        child = next(asked[-1], None)
        if child is None:
            asked.pop()
            on_path.remove(child := path.pop())
            if path:
                done[child] = path[-1]
        elif child in on_path:
            raise RecursionError(f"{len(path)} tasks wait for each other in a circle")
        elif child not in done and child not in have_answered:
            path.append(child)
            on_path.add(child)
            asked.append(iter(_asked_by(child, kind)))
    return list(done.items())


def _asked_by(task: Task, kind: type[Task]) -> Sequence[Task]:
    future = future_waited_for(task)
    if future is None or type(future) is asyncio.Future:
        return ()
    asked = (future,) if type(future) is kind else gathered_by(future)
    if asked is None or future.done():
        return ()
    # Not one that has a `cancel` of its own. A task in C shows no `__dict__`, though it has one.
    cancel = kind.cancel
    return [
        each
        for each in asked
        if type(each) is kind and getattr(each.cancel, "__func__", None) is cancel
    ]
