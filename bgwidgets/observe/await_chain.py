"""Where a task waits, and on what, in words: what a row of the panel shows of it."""

from __future__ import annotations

import asyncio
from types import MethodType
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.notebook_cells import cell_label, is_cell
from bgwidgets.observe.suspended import (
    Step,
    Wait,
    held_by,
    is_asyncios,
    line_of,
    steps_of,
    users_innermost,
    wait_of,
)
from bgwidgets.observe.wait_edges import made_by_wait_for
from bgwidgets.observe.wait_words import kind_of, words_until
from bgwidgets.observe.whose_code import is_ours

_DEEPEST: Final = 3
"""How many `wait_for` inside of each other are looked through."""


def place_of(task: asyncio.Task[Any]) -> tuple[str | None, str | None]:
    """What a task waits on, and the innermost line of the user's code: ("lock", "a.py:3 main").

    The words are None when it does not wait, "unknown" when it waits and for what cannot be seen;
    the place is a package's where no code of the user's is there, and asyncio's where only that is.
    Any thread; does not block.
    """
    return place_until(task)[:2]


def where_of(task: asyncio.Task[Any]) -> str | None:
    """The innermost line of the user's code alone, as above. Any thread; does not block."""
    step = _innermost(task)[2]
    return _line_in_words(step) if step is not None else None


def place_until(task: asyncio.Task[Any]) -> tuple[str | None, str | None, float | None]:
    """The same, and until which time of the loop it stays so as long as the task waits for the same
    future; None where that is not known.
    """
    innermost, wait, step = _innermost(task)
    where = _line_in_words(step) if step is not None else None
    words, until = words_until(wait, innermost)
    # A task that was made for it goes on without this one's taking notice.
    return words, where, until if innermost is task else None


def line_that_holds(task: asyncio.Task[Any], scope: object) -> str | None:
    """Where the user's code is that has entered `scope` by `async with`, a timeout or a task group,
    in a suspended task: "a.py:3 main". None where it is not to be seen. Any thread; does not block.
    """
    outside: list[Step] = []
    for step in steps_of(coroutine_of(task))[0]:
        outside.append(step)
        if any(_is_of(held, scope) for held in held_by(step)):
            users = users_innermost([each for each in outside if not is_asyncios(each)])
            return _line_in_words(users) if users is not None else None
    return None


def _is_of(held: object, scope: object) -> bool:
    # `async with` keeps the scope's `__aexit__`, and from Python 3.14 on the scope.
    return held is scope or (type(held) is MethodType and held.__self__ is scope)


def _line_in_words(step: Step) -> str:
    return f"{file_label(step.code.co_filename)}:{line_of(step)} {step.code.co_name}"


def kind_of_wait(task: asyncio.Task[Any]) -> str | None:
    """What a task waits on, without what changes all the time: "sleep", and not how long still.

    Any thread; does not block.
    """
    task, wait, _ = _innermost(task)
    return kind_of(wait, task)


def _innermost(task: asyncio.Task[Any]) -> tuple[asyncio.Task[Any], Wait, Step | None]:
    """Where a task waits, be it in the tasks that `wait_for` made of what it was given; and the
    step whose line is to be told.
    """
    wait = wait_of(coroutine_of(task))
    users, asyncios = [wait.users], next(iter(wait.inner), None)
    for _ in range(_DEEPEST):
        made = made_by_wait_for(wait, task) if wait.inner else None
        if made is None:
            break
        task, wait = made, wait_of(coroutine_of(made))
        users.append(wait.users)
    step = users_innermost([step for step in users if step is not None])
    if step is None and asyncios is not None and _can_be_told(asyncios):
        step = asyncios
    return task, wait, step


def _can_be_told(step: Step) -> bool:
    # Compiled code has no lines; and what we call in asyncio is not the user's either.
    return step.frame is not None and not is_ours(step.code.co_filename)


def file_label(filename: str) -> str:
    """A file's short name; for a notebook's cell "In[3]", as the notebook itself calls it.

    Where the cell's number is not known (no IPython here, or an old cell), it is "cell".
    """
    if is_cell(filename):
        return cell_label(filename)
    return filename.replace("\\", "/").rsplit("/", 1)[-1]
