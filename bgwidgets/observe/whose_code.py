"""Whose code a line is: the one idea of "the user's own" for all that names a line.

A row's `where`, `blocked_by`, slow steps and warnings all look for the user's innermost line, since
that is where the user can change something; where there is none, an installed package's says more
than Python's own.
"""

from __future__ import annotations

import asyncio
import os
import re
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path
from typing import Final


class Whose(Enum):
    """Who has written a piece of code, as far as its file's name tells."""

    USERS = auto()
    INSTALLED = auto()
    """An installed package's."""
    LIBRARY = auto()
    """The standard library's."""
    ASYNCIOS = auto()
    """asyncio's, and this package's, whose functions have words of their own."""
    DEBUGGER = auto()


_LIBRARY: Final = f"{Path(os.__file__).parent}{os.sep}"
_OURS: Final = f"{Path(__file__).parents[1]}{os.sep}"
_ASYNCIOS: Final = (f"{Path(asyncio.__file__).parent}{os.sep}", _OURS)
_INSTALLED: Final = re.compile(r"[/\\](site|dist)-packages[/\\]")
_DEBUGGERS: Final = re.compile(r"[/\\](bdb|pdb)\.py$|pydevd")


@lru_cache(maxsize=4096)
def whose(filename: str) -> Whose:
    """Whose code is in a file; what is in no file, as a notebook's cell, is the user's."""
    if _DEBUGGERS.search(filename):
        return Whose.DEBUGGER
    if filename.startswith(_ASYNCIOS):
        return Whose.ASYNCIOS
    if _INSTALLED.search(filename):
        return Whose.INSTALLED
    if filename.startswith((_LIBRARY, "<frozen ")):
        return Whose.LIBRARY
    return Whose.USERS


def is_ours(filename: str) -> bool:
    """Whether it is this package's own, of which nobody wants to hear."""
    return filename.startswith(_OURS)
