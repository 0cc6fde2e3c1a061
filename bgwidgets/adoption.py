"""What can be adopted, and what is made of it: how to find the loop, its name, why it is protected.

Knows of the event loops that were found in this process, so that each has one id for ever.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from bgwidgets.belonging import loop_id_of
from bgwidgets.exceptions import InvalidWork, ProtectedLoop, UnknownLoop
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.adopted import AdoptedHost, adopted_as
from bgwidgets.hosts.finding import Carried, FindLoop
from bgwidgets.identifiers import new_id
from bgwidgets.observe.discovery import FoundLoop, running_loops, thread_of
from bgwidgets.snapshots import LoopSnapshot
from bgwidgets.states import LoopState
from bgwidgets.work import own_name

NOT_OURS: Final = "it was not started here: adopt it with protected=False to command it"


@dataclass(frozen=True, slots=True)
class Adoption:
    """A loop that can be adopted."""

    find_loop: FindLoop
    name: str
    why_protected: str | None
    is_kernels: bool = False
    own_id: int | None = None
    """The id of the background loop that it is already."""
    found_id: int | None = None
    """The id that it has in `discover()`, and keeps."""


class FoundLoops:
    """The running event loops of this process, each with an id of its own. Any thread."""

    def __init__(self) -> None:
        self._ids: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, int]] = WeakKeyDictionary()
        self._guard: Final = free_in_forks(threading.Lock())

    def look(self) -> list[tuple[FoundLoop, LoopSnapshot]]:
        """Every loop that is not ours. Blocks for a moment: see `running_loops`."""
        return [
            (found, self._snapshot(found))
            for found in running_loops()
            if loop_id_of(found.thread.ident if found.thread else None) is None
            and adopted_as(found.loop) is None
        ]

    def id_of(self, loop: asyncio.AbstractEventLoop) -> int:
        """The number that a loop has here, also as a background loop once it is adopted."""
        with self._guard:
            return self._ids.setdefault(loop, new_id())

    def find(self, loop_id: int) -> FoundLoop:
        """The loop that was once found with this id. Raises `UnknownLoop` when it is gone."""
        with self._guard:
            loops = [loop for loop, number in self._ids.items() if number == loop_id]
        if not loops:
            raise UnknownLoop(f"the loop {loop_id} is gone: look again with discover()")
        if loops[0].is_closed():
            raise UnknownLoop(f"the loop {loop_id} is closed: look again with discover()")
        return FoundLoop(loops[0], thread_of(loops[0]))

    def snapshot(self, loop_id: int) -> LoopSnapshot:
        """The loop that was once found with this id, as it stands. Raises `UnknownLoop`."""
        return self._snapshot(self.find(loop_id))

    def _snapshot(self, found: FoundLoop) -> LoopSnapshot:
        thread = found.thread
        return LoopSnapshot(
            id=self.id_of(found.loop),
            name=thread.name if thread else type(found.loop).__name__,
            host=AdoptedHost.kind,
            state=LoopState.RUNNING,
            protected=True,
            why_protected=found.why_protected or NOT_OURS,
            belongs_to_kernel=found.why_protected is not None,
            thread_name=thread.name if thread else None,
            native_thread_id=thread.native_id if thread else None,
            as_of=time.time(),
        )


def check_adoption(target: object, protected: bool | None, found: FoundLoops) -> Adoption:
    """Find out what `target` is. Raises `InvalidWork`, `UnknownLoop` or `ProtectedLoop`."""
    if isinstance(target, LoopSnapshot):
        one = found.find(target.id)
        why = one.why_protected or (NOT_OURS if protected is None else None)
        return replace(_adoption(one, why, protected), found_id=target.id)
    if isinstance(target, asyncio.AbstractEventLoop):
        if target.is_closed():
            raise InvalidWork("this event loop is closed: adopt one that runs, or is about to")
        one = FoundLoop(target, thread_of(target))
        adoption = _adoption(one, one.why_protected, protected)
        return replace(adoption, found_id=found.id_of(target))
    if callable(target) and hasattr(target, "__dict__"):
        name = own_name(target, "__name__") or type(target).__name__
        find = _finder(target)
        carried = find()
        if carried is not None and carried.loop.is_running():
            one = FoundLoop(carried.loop, thread_of(carried.loop))
            adoption = _adoption(one, one.why_protected, protected)
            return replace(adoption, find_loop=find, name=name)
        return Adoption(find, name, NOT_OURS if protected else None)
    raise InvalidWork(
        f"{type(target).__name__} cannot be adopted: pass an event loop, a function that carries"
        " its loop as an attribute, or a snapshot from discover()"
    )


def _adoption(found: FoundLoop, why: str | None, protected: bool | None) -> Adoption:
    if protected is False and found.why_protected is not None:
        raise ProtectedLoop(f"this loop stays protected: {found.why_protected}")
    thread = found.thread
    name = thread.name if thread else type(found.loop).__name__
    if protected:
        why = why or NOT_OURS
    own = adopted_as(found.loop) or loop_id_of(thread.ident if thread else None)
    return Adoption(
        lambda: Carried(found.loop),
        name,
        why,
        is_kernels=found.why_protected is not None,
        own_id=own,
    )


def _finder(function: Any) -> Callable[[], Carried | None]:
    def find() -> Carried | None:
        attributes = dict(vars(function))
        for value in attributes.values():
            # A closed one is left over from an earlier run: the next will take its place.
            # Not by `isinstance`, which asks each for its `__class__`: a user's property may raise.
            is_loop = issubclass(type(value), asyncio.AbstractEventLoop)
            if is_loop and not value.is_closed():
                return Carried(value, attributes)
        return None

    return find
