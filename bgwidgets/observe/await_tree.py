"""One task in detail: its whole await chain, which tasks it waits for and which wait for it."""

from __future__ import annotations

import asyncio
import linecache
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from types import MethodType
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import WAITS_FOR_ITS_TASK, coroutine_of, is_active
from bgwidgets.observe.await_chain import file_label, place_of
from bgwidgets.observe.names import name_of as name_of_task
from bgwidgets.observe.names import name_of_coroutine, peek
from bgwidgets.observe.suspended import (
    LONGEST_CHAIN,
    Step,
    held_by,
    is_asyncios,
    line_of,
    name_of,
    steps_of,
)
from bgwidgets.observe.wait_edges import Task, tasks_waited_for, tasks_waiting_for
from bgwidgets.observe.wait_words import seconds_left, time_of
from bgwidgets.snapshots import AwaitFrame, TaskDetail, TaskLink

IdOf = Callable[[Task], int | None]
"""The number by which a task is known; None when it is known by none."""
Neighbours = Callable[[Task], list[Task]]

LONGEST_FRAMES: Final = LONGEST_CHAIN
"""Of a longer chain both ends are told."""
DEEPEST_CHAIN: Final = 10_000
"""A recursion that is deeper than this has its innermost frames left out, and not counted."""
DEEPEST_TREE: Final = 10
WIDEST_TREE: Final = 50
"""Tasks beside each other."""
LARGEST_TREE: Final = 500
LONGEST_LINE: Final = 300


def describe(task: Task, id_of: IdOf) -> TaskDetail:
    """All that can be said of where a task waits, at this moment.

    Any thread, while the task's loop runs; the loop is not disturbed, and what it changes meanwhile
    may show in one part and not yet in another. Reads the source files that the chain goes through
    when Python has not read them yet, so it is better not called in a loop's own thread. Costs some
    microseconds for each frame and task that it tells, and half a one for each that it leaves out.
    """
    waiting_on, where = _place_of(task)
    chain, frames_left_out = _chain_of(task)
    waits_for, waits_for_left_out = _Tree(tasks_waited_for, id_of).around(task)
    waited_by, waited_by_left_out = _Tree(tasks_waiting_for, id_of).around(task)
    return TaskDetail(
        id=id_of(task),
        name=name_of_task(task),
        coroutine=name_of_coroutine(coroutine_of(task)),
        waiting_on=waiting_on,
        where=where,
        chain=chain,
        frames_left_out=frames_left_out,
        waits_for=waits_for,
        waits_for_left_out=waits_for_left_out,
        waited_by=waited_by,
        waited_by_left_out=waited_by_left_out,
    )


def _place_of(task: Task) -> tuple[str | None, str | None]:
    return (None, None) if task.done() else place_of(task)


# The chain


def _chain_of(task: Task) -> tuple[tuple[AwaitFrame, ...], int]:
    """The frames, and how many are left out in the middle."""
    steps, _ = steps_of(coroutine_of(task), DEEPEST_CHAIN)
    half = LONGEST_FRAMES // 2
    left_out = max(0, len(steps) - LONGEST_FRAMES)
    if left_out:
        steps = steps[:half] + steps[-half:]
    loop = task.get_loop()
    for file in {step.code.co_filename for step in steps}:
        linecache.checkcache(file)
    return tuple(_frame_of(step, loop) for step in steps), left_out


def _frame_of(step: Step, loop: asyncio.AbstractEventLoop) -> AwaitFrame:
    file, line = step.code.co_filename, line_of(step)
    text = ""  # Of what is compiled, it is not known at which line it waits.
    if step.frame is not None:
        # A module out of a zip archive tells its own lines, and IPython has told its cells'.
        text = linecache.getline(file, line, step.frame.f_globals).strip()
    return AwaitFrame(
        function=name_of(step).rsplit("<locals>.", 1)[-1],
        file=file_label(file),
        path=file,
        line=line,
        source_line=text[:LONGEST_LINE],
        timeout=_timeout_of(step, loop),
    )


def _timeout_of(step: Step, loop: asyncio.AbstractEventLoop) -> float | None:
    """Seconds until the first of its timeouts runs out; None without one, or if none ever will."""
    if loop.is_closed():
        return None
    if is_asyncios(step) and name_of(step) in WAITS_FOR_ITS_TASK:
        left = seconds_left(step, loop)  # Until Python 3.11 `wait_for` has a timer of its own.
        if left is not None:
            return left
    timeouts = (scope for scope in _scopes_of(step) if issubclass(type(scope), asyncio.Timeout))
    ends = [timeout.when() for timeout in timeouts if is_active(timeout)]
    known = [end for end in ends if end is not None]
    return max(0.0, min(known) - time_of(loop)) if known else None


def _scopes_of(step: Step) -> Iterator[Any]:
    """What it is inside of by `async with`, with much that its variables hold beside that."""
    for held in held_by(step):
        scope = _scope(held)
        yield scope
        if issubclass(type(scope), AsyncExitStack):
            exits = peek(scope, "_exit_callbacks")
            for _, leave in exits.copy() if type(exits) is deque else ():
                yield _scope(leave)


def _scope(held: Any) -> Any:
    # `async with` keeps the scope's `__aexit__`, and from Python 3.14 on the scope; an exit stack
    # keeps the former.
    return held.__self__ if type(held) is MethodType else held


# The trees


class _Tree:
    """What is around one task in one direction, each task with what is behind it only once."""

    def __init__(self, neighbours: Neighbours, id_of: IdOf) -> None:
        self._neighbours: Final = neighbours
        self._id_of: Final = id_of
        self._told: Final[set[Task]] = set()

    def around(self, task: Task) -> tuple[tuple[TaskLink, ...], int]:
        """The links to a task's neighbours, and how many are left out."""
        self._told.add(task)
        return self._links(task, DEEPEST_TREE)

    def _links(self, task: Task, depth: int) -> tuple[tuple[TaskLink, ...], int]:
        neighbours = self._neighbours(task)
        links = []
        for neighbour in neighbours[:WIDEST_TREE] if depth else ():
            if len(self._told) >= LARGEST_TREE:
                break
            links.append(self._link(neighbour, depth))
        return tuple(links), len(neighbours) - len(links)

    def _link(self, task: Task, depth: int) -> TaskLink:
        is_repeated = task in self._told
        self._told.add(task)
        links, left_out = ((), 0) if is_repeated else self._links(task, depth - 1)
        waiting_on, where = _place_of(task)
        return TaskLink(
            id=self._id_of(task),
            name=name_of_task(task),
            coroutine=name_of_coroutine(coroutine_of(task)),
            waiting_on=waiting_on,
            where=where,
            is_repeated=is_repeated,
            links=links,
            left_out=left_out,
        )
