"""How a stream gets a `write` of ours without becoming another object, and loses it again.

A stream whose class is written in Python, as ipykernel's, becomes one of a class below its own, in
which `write` is looked up for each call. Others replace `write` on the stream, too, and that must
go on to work: IPython (seen: 9.5 to 9.18) does so for the time of each cell, to keep a history of
what it writes, and then puts back what it had found. What they put there is for all but the loops.

A stream of a class written in C gets an attribute, and one that takes none gets a stand-in.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

Write = Callable[[str], Any]


class Mine(threading.local):
    """How the calling thread writes, as far as it is known."""

    is_known = False
    write: Write | None = None
    """None: as ever, unless a context says otherwise."""


class Ways(Protocol):
    """Who tells a hook how to write."""

    mine: Mine
    """Looked at first, for that is quick."""

    def write_here(self) -> Write | None:
        """How the calling code writes; None: as ever."""

    def is_routed_here(self) -> bool:
        """Whether what the calling code writes is kept from the stream itself."""


class Hook(Protocol):
    """What was put into a stream."""

    stream: Any
    """As it is to be found in `sys`."""
    original: Write
    """Writes as if there were no hook."""

    @property
    def is_in_place(self) -> bool:
        """Whether it is still there."""

    def put_back(self) -> None:
        """Take it out. What somebody has put over it leads to the original from now on."""


def hook(name: str, stream: Any, ways: Ways) -> Hook:
    """Put a hook into the stream of this name, in the way in which it can be done."""
    for kind in (_InAClass, _InAttributes):
        with contextlib.suppress(AttributeError, TypeError):
            return kind(stream, ways)
    return _InAPlace(name, stream, ways)


class _InAClass:
    """The stream is of a class of ours, which is below its own."""

    def __init__(self, stream: Any, ways: Ways) -> None:
        """Raises TypeError where its class cannot be another one, or it takes no attributes."""
        vars(stream)
        self.stream = stream
        self._class: Final = type(stream)
        self.original: Write = stream.write

        mine = ways.mine

        def get_write(_: Any) -> Write:
            return mine.write or ways.write_here() or self.original

        def set_write(stream: Any, write: Write) -> None:
            vars(stream)["write"] = write
            self.original = write

        def delete_write(stream: Any) -> None:
            del vars(stream)["write"]
            self.original = self._class.write.__get__(stream)

        def flush(_: Any) -> None:
            # ipykernel's waits for another thread, which would hold up the loop for nothing.
            if not ways.is_routed_here():
                self._class.flush(stream)

        members = {"write": property(get_write, set_write, delete_write), "flush": flush}
        members |= {"__slots__": (), "__module__": self._class.__module__}
        stream.__class__ = self._ours = type(self._class.__name__, (self._class,), members)

    @property
    def is_in_place(self) -> bool:
        return type(self.stream) is self._ours

    def put_back(self) -> None:
        if self.is_in_place:
            self.stream.__class__ = self._class


class _InAttributes:
    """The stream has our functions as attributes, which hide its methods."""

    def __init__(self, stream: Any, ways: Ways) -> None:
        """Raises AttributeError or TypeError where it takes none."""
        self.stream = stream
        self.original: Write = stream.write
        flush = stream.flush
        self._before: Final = {name: vars(stream).get(name) for name in ("write", "flush")}

        def routed_write(text: str, /) -> Any:
            return (ways.write_here() or self.original)(text)

        def routed_flush() -> None:
            if not ways.is_routed_here():
                flush()

        self._ours: Final = {"write": routed_write, "flush": routed_flush}
        for name, function in self._ours.items():
            setattr(stream, name, function)

    @property
    def is_in_place(self) -> bool:
        return vars(self.stream).get("write") is self._ours["write"]

    def put_back(self) -> None:
        for name, function in self._ours.items():
            if vars(self.stream).get(name) is not function:
                continue
            if self._before[name] is None:
                delattr(self.stream, name)
            else:
                setattr(self.stream, name, self._before[name])


class _InAPlace:
    """Something stands in the place of the stream."""

    def __init__(self, name: str, stream: Any, ways: Ways) -> None:
        self.original: Write = stream.write
        self._name: Final = name
        self._stream: Final = stream
        self.stream = _StandIn(stream, ways)
        setattr(sys, name, self.stream)

    @property
    def is_in_place(self) -> bool:
        return getattr(sys, self._name, None) is self.stream

    def put_back(self) -> None:
        if self.is_in_place:
            setattr(sys, self._name, self._stream)


class _StandIn:
    """Stands for a stream that takes no attributes."""

    def __init__(self, stream: Any, ways: Ways) -> None:
        self._stream: Final = stream
        self._ways: Final = ways

    def write(self, text: str, /) -> Any:
        """To the loop of who calls, or to the stream."""
        return (self._ways.write_here() or self._stream.write)(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """As every stream's."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """The stream, if it was written to."""
        if not self._ways.is_routed_here():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
