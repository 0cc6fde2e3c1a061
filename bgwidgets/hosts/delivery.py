"""The work as it comes to a child process: known by its name at once, and unpacked a little later.

Unpacking imports the user's modules, which may take seconds, and may fail. Meanwhile the loop is
`starting`, and the kernel hears so.
"""

from __future__ import annotations

import asyncio
from typing import Any

from bgwidgets.hosts.crossing import unpack
from bgwidgets.hosts.messages import Begin
from bgwidgets.work import Work, WorkKind


class Delivery:
    """What is to be run, to be called with no arguments."""

    def __init__(self, begin: Begin) -> None:
        self.__name__ = begin.work_name
        self.__qualname__ = begin.qualified_name
        self._parcel = begin.parcel
        self._kind = begin.kind
        self._function: Any = None
        self._args: tuple[Any, ...] = ()
        self._kwargs: dict[str, Any] = {}
        self._loop_factory: Any = None

    def as_work(self) -> Work:
        """The work; not to be called before it is unpacked."""
        if self._kind is WorkKind.NOTHING:
            return Work(self._kind)
        return Work(self._kind, self)

    def unpack(self) -> None:
        """Unpack it. Raises whatever the user's modules raise when they are imported."""
        function, *values, loop_factory, count, names = unpack(self._parcel)
        self._parcel = b""
        self._function, self._loop_factory = function, loop_factory
        self._args = tuple(values[:count])
        self._kwargs = dict(zip(names, values[count:], strict=True))

    def __call__(self) -> Any:
        """What the user's function returns."""
        return self._function(*self._args, **self._kwargs)

    def new_loop(self) -> asyncio.AbstractEventLoop:
        """What the user's loop factory returns."""
        loop: asyncio.AbstractEventLoop = self._loop_factory()
        return loop
