"""How a stream gets a `write` of ours without becoming another object, and loses it again.

A stream whose class is written in Python, as ipykernel's, becomes one of a class below its own, in
which `write` is looked up for each call. Others replace `write` on the stream, too, and that must
go on to work: IPython (seen: 9.5 to 9.18) does so for the time of each cell, to keep a history of
what it writes, and then puts back what it had found. What they put there is for all but the loops.
What code on a loop puts there is for its thread alone: a cell that came upon it would write into
the loop's log.

A stream of a class written in C gets an attribute, and one that takes none gets a stand-in.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any, Final, Protocol

Write = Callable[[str], Any]


class _AsFoundOut:
    """An attribute that is found out at each look, until there is one in its place."""

    def __init__(self, name: str) -> None:
        self._name: Final = name

    def __get__(self, mine: Mine, owner: object = None) -> Write:
        return mine.find_out(self._name)


class Mine(threading.local):
    """How the calling thread writes: quickly, where that was set."""

    write: Any = _AsFoundOut("write")
    """For now."""
    own: Any = _AsFoundOut("own")
    """The same, whatever code on a loop has put in its place."""
    to_keep: Any = _AsFoundOut("to_keep")
    """The same for who may keep it, and call it in another thread: what a loop's thread finds is
    for itself, what others find looks once more who calls."""

    def __init__(self, find_out: Callable[[str], Write]) -> None:
        """`find_out` is called with the attribute in whatever thread has none of its own."""
        self.find_out = find_out
        self.is_outside = False
        """Whether it is known that this thread belongs to no loop."""
        self.is_cells = False
        """Whether it is even known that nothing it ever runs is a loop's."""

    def forget(self) -> None:
        """Let the calling thread find out once more."""
        for name in ("write", "own", "to_keep"):
            vars(self).pop(name, None)
        self.is_outside = self.is_cells = False


ORIGINAL: Final = "original_of_bgwidgets"
"""The attribute in which what is handed out to be kept has the `write` that it stands for."""


def without_ours(write: Write) -> Write:
    """What was there, where somebody puts back what he was handed out."""
    return getattr(write, ORIGINAL, write)


class Ways(Protocol):
    """Who tells a hook how to write."""

    mine: Mine
    """What `write` leads to."""

    def replaced(self, write: Write) -> None:
        """Others have put this in the place of the stream's own `write`; `mine` is a new one."""

    def replaced_on_a_loop(self, write: Write | None) -> bool:
        """Where the calling thread is a loop's, it writes with this from now on, or again with its
        own, and True is returned.
        """

    def is_flushed_here(self) -> bool:
        """Whether what the calling code writes is kept from the stream itself, and flushed in its
        own way.
        """


class Hook(Protocol):
    """What was put into a stream."""

    stream: Any
    """As it is to be found in `sys`."""

    @property
    def is_in_place(self) -> bool:
        """Whether it is still there."""

    def put_back(self) -> None:
        """Take it out. What somebody has put over it leads to the original from now on."""


def hook(name: str, stream: Any, ways: Ways) -> Hook:
    """Put a hook into the stream of this name, in the way in which it can be done."""
    if type(stream) is StandIn:
        return _InAStandIn(stream, ways)
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

        def set_write(stream: Any, write: Write) -> None:
            if ways.replaced_on_a_loop(write):
                return
            vars(stream)["write"] = write = without_ours(write)
            renew(write)

        def delete_write(stream: Any) -> None:
            if ways.replaced_on_a_loop(None):
                return
            del vars(stream)["write"]
            renew(self._class.write.__get__(stream))

        def renew(write: Write) -> None:
            ways.replaced(write)
            self._ours.of_bgwidgets = ways.mine  # type: ignore[attr-defined]

        def flush(_: Any) -> None:
            # ipykernel's waits for another thread, which would hold up the loop for nothing.
            if not ways.is_flushed_here():
                self._class.flush(stream)

        # No Python code runs to look `write` up on a loop's thread, where it is done for each call.
        write = property(attrgetter("of_bgwidgets.to_keep"), set_write, delete_write)
        members = {"write": write, "flush": flush, "of_bgwidgets": ways.mine}
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
        flush, mine = stream.flush, ways.mine
        self._before: Final = {name: vars(stream).get(name) for name in ("write", "flush")}

        def routed_write(text: str, /) -> Any:
            return mine.write(text)

        def routed_flush() -> None:
            if not ways.is_flushed_here():
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


class StandIn:
    """Stands for a stream, and does whatever that does."""

    def __init__(self, stream: Any) -> None:
        """`stream` may be None, as `sys.stdout` may: then what is written goes nowhere."""
        self.leads_to = stream

    def write(self, text: str, /) -> Any:
        """To the stream."""
        return len(text) if self.leads_to is None else self.leads_to.write(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """As every stream's."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """The stream."""
        if self.leads_to is not None:
            self.leads_to.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.leads_to, name)


class _RoutedStandIn(StandIn):
    """One that is routed: a class for all, for there may be one for each `redirect_stdout`."""

    of_bgwidgets: Mine
    ways_of_bgwidgets: Ways

    def _set_write(self, write: Write) -> None:
        if self.ways_of_bgwidgets.replaced_on_a_loop(write):
            return
        vars(self)["write"] = write = without_ours(write)
        self._renew(write)

    def _delete_write(self) -> None:
        if self.ways_of_bgwidgets.replaced_on_a_loop(None):
            return
        del vars(self)["write"]
        self._renew(partial(StandIn.write, self))

    def _renew(self, write: Write) -> None:
        self.ways_of_bgwidgets.replaced(write)
        self.of_bgwidgets = self.ways_of_bgwidgets.mine

    write = property(attrgetter("of_bgwidgets.to_keep"), _set_write, _delete_write)

    def flush(self) -> None:
        """The stream, if it was written to."""
        if not self.ways_of_bgwidgets.is_flushed_here():
            super().flush()


class _InAStandIn:
    """What stands in the place of a stream is routed."""

    def __init__(self, stream: StandIn, ways: Ways) -> None:
        self.stream: Any = stream
        vars(stream).update(of_bgwidgets=ways.mine, ways_of_bgwidgets=ways)
        stream.__class__ = _RoutedStandIn

    @property
    def is_in_place(self) -> bool:
        return type(self.stream) is _RoutedStandIn

    def put_back(self) -> None:
        self.stream.__class__ = StandIn


class _InAPlace(_InAStandIn):
    """Something stands in the place of the stream."""

    def __init__(self, name: str, stream: Any, ways: Ways) -> None:
        self._name: Final = name
        super().__init__(StandIn(stream), ways)
        setattr(sys, name, self.stream)

    @property
    def is_in_place(self) -> bool:
        return getattr(sys, self._name, None) is self.stream

    def put_back(self) -> None:
        if self.is_in_place:
            setattr(sys, self._name, self.stream.leads_to)
        super().put_back()
