"""Exceptions as text, also those that are broken themselves."""

from __future__ import annotations

import traceback
from typing import Final

LONGEST_LINE: Final = 300
LONGEST_TEXT: Final = 50_000


def one_line(error: BaseException) -> str:
    """The error's type and text in one line of bounded length. Never raises."""
    try:
        words = " ".join(str(error).split())
    except BaseException:  # noqa: BLE001 - a user's __str__ may raise anything
        words = "(its text cannot be shown)"
    name = type(error).__qualname__
    line = f"{name}: {words}" if words else name
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def full_text(error: BaseException) -> str:
    """The traceback as Python prints it, bounded in length. Never raises."""
    try:
        text = "".join(traceback.format_exception(error)).rstrip()
    except BaseException:  # noqa: BLE001 - printing a user's exception runs the user's code
        frames = traceback.format_tb(error.__traceback__)
        text = "".join(["Traceback (most recent call last):\n", *frames, one_line(error)])
    if len(text) <= LONGEST_TEXT:
        return text
    half = LONGEST_TEXT // 2
    return f"{text[:half]}\n  […]\n{text[-half:]}"
