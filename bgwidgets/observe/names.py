"""What tasks and coroutines are called.

A task, its name and what it runs may be of classes of the user's, which answer in their own way or
not at all. So a task is asked by asyncio's methods and a name is cut by `str`'s, and what cannot be
found out is told as unknown. Any thread may call everything; nothing blocks or raises.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import own_name_of

LONGEST_NAME: Final = 200
NO_NAME: Final = "(a task without a name)"


def name_of(task: asyncio.Task[Any]) -> str:
    """A task's name now, cut to a bounded length."""
    try:
        return _cut(own_name_of(task))
    except Exception:  # noqa: BLE001 - a task in name only
        return NO_NAME


def name_of_coroutine(coroutine: object) -> str:
    """The qualified name of what a task runs, short enough to be shown; empty when unknown."""
    if coroutine is None:
        return ""
    name = peek(coroutine, "__qualname__")
    if name is None or not issubclass(type(name), str):
        name = name_of_type(type(coroutine))
    return short_name(name)


def short_name(name: str) -> str:
    """Of a qualified name what tells which function it is, and not where that was defined, cut to a
    bounded length.
    """
    return _cut(str.rsplit(name, "<locals>.", 1)[-1])


def peek(thing: object, attribute: str) -> Any:
    """An attribute of something that may be the user's; None where it has none, or raises."""
    try:
        return getattr(thing, attribute, None)
    except Exception:  # noqa: BLE001 - a property of the user's may raise anything
        return None


def name_of_type(kind: type) -> str:
    """A class's qualified name, cut to a bounded length, whatever its metaclass would answer."""
    return _cut(type.__dict__["__qualname__"].__get__(kind))


def _cut(name: str) -> str:
    # A name may be of a class of its own: this makes a plain one of it, and runs none of its code.
    return str.__getitem__(name, slice(0, LONGEST_NAME))
