"""The stop event of a loop that was started elsewhere: an `asyncio.Event` of somebody else's."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Collection, Iterable, Mapping
from types import FrameType
from typing import Any

from bgwidgets.hosts.call_in_loop import call_in_loop
from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.error_text import one_line
from bgwidgets.observe.names import peek
from bgwidgets.stop_event import StopEvent


class ForeignStopEvent(StopEvent):
    """A `StopEvent` that stands for an `asyncio.Event` of one loop: set the one, set the other.

    Where nobody is known to listen, `why_missing` says so, and setting it does nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event: asyncio.Event | None = None
        self.why_missing: str | None = "the loop is not known yet"

    def bind(self, loop: asyncio.AbstractEventLoop, events: Collection[asyncio.Event]) -> None:
        """From now on stand for the only one of these events. Any thread; does not block."""
        self._loop = loop
        self._event = next(iter(events)) if len(events) == 1 else None
        found = f"{len(events)} asyncio.Events were" if events else "no asyncio.Event was"
        self.why_missing = (
            None
            if self._event is not None
            else f"{found} found among the arguments of its tasks: name it with"
            " adopt(..., stop_event=event)"
        )
        if self._flag.is_set():
            self.set()

    def search(
        self,
        loop: asyncio.AbstractEventLoop,
        attributes: Mapping[str, Any],
        tasks: Iterable[asyncio.Task[Any]],
    ) -> None:
        """Stand for the event among a function's attributes, or else among its tasks' arguments.
        In the loop's thread.
        """
        try:
            events = _beside(loop, attributes) or _among_arguments(tasks)
        except Exception as error:  # noqa: BLE001 - what it looks through is the user's
            self._could_not_be_found(error)
        else:
            self.bind(loop, events)

    def search_again(self, loop: asyncio.AbstractEventLoop) -> None:
        """Stand for the event of the loop's next run, on which nobody has called `set()` yet; if
        there is one. In the loop's thread.
        """
        try:
            events = _among_arguments(asyncio.all_tasks(loop))
        except Exception as error:  # noqa: BLE001 - as above
            self._could_not_be_found(error)
            return
        if len(events) == 1:
            if self._event is not None and self._event is not events[0]:
                self._flag.clear()
            self.bind(loop, events)

    def _could_not_be_found(self, error: Exception) -> None:
        self.why_missing = (
            "among the arguments of its tasks it could not be looked for"
            f" ({one_line(error)}): name it with adopt(..., stop_event=event)"
        )

    def is_set(self) -> bool:
        """Whether the event is set, by whomever. Any thread; does not block."""
        return self._event.is_set() if self._event is not None else super().is_set()

    def set(self) -> None:
        """Set the event in its own loop, where its waiters wake at once. Any thread."""
        super().set()
        self._in_its_loop("set")

    def clear(self) -> None:
        """Unset the event. Any thread; does not block."""
        super().clear()
        self._in_its_loop("clear")

    def _in_its_loop(self, method: str) -> None:
        if self._loop is None or self._event is None:
            return
        # Where the loop is closed, nobody waits for it any more.
        call_in_loop(self._loop, getattr(self._event, method))


def _beside(loop: asyncio.AbstractEventLoop, attributes: Mapping[str, Any]) -> list[asyncio.Event]:
    """The `asyncio.Event` among a function's attributes, one of which is this very loop."""
    if not any(value is loop for value in attributes.values()):
        return []
    events = _distinct(attributes.values())
    return events if len(events) == 1 else []


def _among_arguments(tasks: Iterable[asyncio.Task[Any]]) -> list[asyncio.Event]:
    """Each `asyncio.Event` among the arguments of these tasks' coroutines. In their loop."""
    return _distinct(value for task in tasks for value in _arguments(coroutine_of(task)))


def _arguments(coroutine: Any) -> list[Any]:
    frame = peek(coroutine, "cr_frame")
    if type(frame) is not FrameType:
        return []
    names, variable, keywords = inspect.getargs(frame.f_code)
    values = frame.f_locals
    more, options = values.get(variable or ""), values.get(keywords or "")
    # Whatever the function has made of them by now.
    return [
        *(values[name] for name in names if name in values),
        *(more if type(more) is tuple else ()),
        *(options.values() if type(options) is dict else ()),
    ]


def _distinct(values: Iterable[Any]) -> list[asyncio.Event]:
    # `isinstance` would ask each for its `__class__`, and that may be a user's property.
    events = {id(value): value for value in values if issubclass(type(value), asyncio.Event)}
    return list(events.values())
