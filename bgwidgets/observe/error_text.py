"""Exceptions as text, also those that are broken themselves."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Final

from bgwidgets.observe.names import name_of_type

LONGEST_LINE: Final = 300
LONGEST_TEXT: Final = 50_000


def one_line(error: BaseException) -> str:
    """The error's type and text in one line of bounded length. Never raises."""
    try:
        words = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001 - a user's __str__ may raise anything
        words = "(its text cannot be shown)"
    name = name_of_type(type(error))
    line = f"{name}: {words}" if words else name
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def at_a_glance(error: BaseException) -> str:
    """The same, but for an error whose text is the user's code to make: of that only the type.

    Such code may take any time, so it is for the error's own thread to run. Never raises or blocks.
    """
    return one_line(error) if _is_plain(error) else name_of_type(type(error))


def has_plain_traceback(error: BaseException) -> bool:
    """Whether its traceback can be had without running the user's code. Never raises or blocks."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if not _is_plain(each):
            return False
        if any(type(note) is not str for note in getattr(each, "__notes__", ())):
            return False
        links = (BaseException.__dict__[link].__get__(each) for link in _LINKS)
        waiting += [linked for linked in links if linked is not None]
    return True


def _is_plain(error: BaseException) -> bool:
    if issubclass(type(error), _LOOKS_FOR_NAMES):
        return False
    for cls in type.__dict__["__mro__"].__get__(type(error)):
        if any(cls is plain for plain in _PLAIN):
            break
        if not _ASKED_FOR.isdisjoint(type.__dict__["__dict__"].__get__(cls)):
            return False
    arguments = BaseException.__dict__["args"].__get__(error)
    return all(any(type(each) is plain for plain in _PLAIN_ARGUMENTS) for each in arguments)


_PLAIN: Final = (BaseException, KeyError)
"""Whose `__str__` shows the arguments, and nothing else."""
_LINKS: Final = ("__cause__", "__context__")
_ASKED_FOR: Final = frozenset(
    {
        *("__str__", "__getattribute__", "__getattr__", "__notes__", "__traceback__"),
        *("__suppress_context__", *_LINKS),
    }
)
"""What a class may have of its own of what an error's text and its traceback are made of."""
_LOOKS_FOR_NAMES: Final = (NameError, AttributeError, ImportError)
"""For their tracebacks Python asks the user's things whether they have a similar name."""
_PLAIN_ARGUMENTS: Final = (str, int, float, bool, type(None))


def full_text(error: BaseException) -> str:
    """The traceback as Python prints it, bounded in length. Never raises."""
    try:
        text = "".join(traceback.format_exception(error)).rstrip()
    except BaseException:  # noqa: BLE001 - printing a user's exception runs the user's code
        text = "".join(["Traceback (most recent call last):\n", *_frames(error), one_line(error)])
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]}\n  […]\n{text[-half:]}"


def traceback_of(error: BaseException) -> TracebackType | None:
    """Where an error was raised, whatever attribute its class has in that place. Never raises."""
    traceback: TracebackType | None = BaseException.__dict__["__traceback__"].__get__(error)
    return traceback


def _frames(error: BaseException) -> list[str]:
    try:
        return traceback.format_tb(traceback_of(error))
    except BaseException:  # noqa: BLE001 - the source is asked of a loader, which may be the user's
        return []
