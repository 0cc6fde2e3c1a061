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
