"""Exceptions that do not tell what everybody asks of an exception."""

from __future__ import annotations

import asyncio
from typing import Any, Final, NoReturn


class _Nameless(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in {"__qualname__", "__name__", "__module__"}:
            raise ValueError("no name today")
        return super().__getattribute__(name)


class NoName(Exception, metaclass=_Nameless):
    """Its class does not tell what it is called."""


class NoTraceback(Exception):
    """Does not tell where it was raised."""

    @property
    def __traceback__(self) -> NoReturn:  # type: ignore[override] # so that it can fail
        """Fail."""
        raise ValueError("no traceback today")


class NoAttributes(Exception):
    """Tells nothing at all."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise ValueError("nothing today")


class NoClass(Exception):
    """Does not tell what it is."""

    @property  # type: ignore[misc] # so that it can fail
    def __class__(self) -> NoReturn:  # type: ignore[override] # the same
        """Fail."""
        raise ValueError("no class today")


HOSTILE_ERRORS: Final[tuple[type[Exception], ...]] = (NoName, NoTraceback, NoAttributes, NoClass)
NAMES: Final = ("NoName", "NoTraceback", "NoAttributes", "NoClass")
"""What these are called, for not all of them tell."""
TASKS_ARE_IN_C: Final = asyncio.Task.__module__ == "_asyncio"
"""Those in Python, which nest_asyncio puts in their place, ask errors and futures themselves for
more than they need to, and cannot end where these do not tell.
"""
RAISED_BY_TASKS: Final = HOSTILE_ERRORS if TASKS_ARE_IN_C else (NoName,)
"""With which a task can end."""
