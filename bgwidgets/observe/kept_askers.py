"""Who asks for cancellations, found once for all that the same lines ask for.

Who cancels thousands does it in a loop, be it `gather` or a task group that does it for them. So
what the stack has told is kept, with the code that was seen there: the same instructions of the
same functions, called by the same task, are the same asker.
"""

from __future__ import annotations

import asyncio
import weakref
from dataclasses import dataclass
from threading import get_ident
from types import CodeType, FrameType
from typing import Any, Final

from bgwidgets.commands import Asker
from bgwidgets.observe.askers import Seen, find_asker
from bgwidgets.observe.asyncio_internals import running_loop_here
from bgwidgets.observe.names import name_of

Task = asyncio.Task[Any]


@dataclass(slots=True)  # Whose fields are quicker to read than a tuple's.
class _Kept:
    """The last answer. It holds no task alive, and no frame."""

    asker: Asker
    thread: int
    current: weakref.ref[Task] | None
    """The task that was running; None in a callback of the loop."""
    name: str
    path: tuple[tuple[CodeType, int], ...]
    group: weakref.ref[asyncio.TaskGroup] | None
    place_of_group: int


class KeptAskers:
    """Those of one loop's tasks. Any thread; nothing blocks."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._kept: _Kept | None = None

    def find(self, task: Task, caller: FrameType, parent: Task | None) -> Asker | None:
        """As `find_asker`."""
        kept = self._kept
        if kept is not None and parent is None and self._is_the_same(kept, task, caller):
            return kept.asker
        seen = find_asker(task, caller, parent)
        self._kept = self._to_keep(seen, task) if parent is None else None
        return seen.asker

    def _is_the_same(self, kept: _Kept, task: Task, caller: FrameType) -> bool:
        frame: FrameType | None = caller
        for code, instruction in kept.path:
            if frame is None or frame.f_code is not code or frame.f_lasti != instruction:
                return False
            frame = frame.f_back
        if kept.thread != get_ident() or (
            kept.group is not None and not _is_of_group(kept, caller)
        ):
            return False
        current = asyncio.current_task(self._loop)
        if current is None or kept.current is None:
            return current is None and kept.current is None and self._runs_here()
        is_the_one = kept.current() is current and current is not task
        return is_the_one and name_of(current) == kept.name

    def _runs_here(self) -> bool:
        return running_loop_here() is self._loop

    def _to_keep(self, seen: Seen, task: Task) -> _Kept | None:
        if seen.asker is None or not seen.path or not self._runs_here():
            return None
        current = asyncio.current_task(self._loop)
        if current is task:  # It asks for its own end, and for others' in another name.
            return None
        return _Kept(
            seen.asker,
            get_ident(),
            weakref.ref(current) if current is not None else None,
            name_of(current) if current is not None else "",
            seen.path,
            weakref.ref(seen.group) if seen.group is not None else None,
            seen.place_of_group,
        )


def _is_of_group(kept: _Kept, caller: FrameType) -> bool:
    group, frame = kept.group() if kept.group is not None else None, caller
    for _ in range(kept.place_of_group):
        if frame.f_back is None:
            return False
        frame = frame.f_back
    return group is not None and frame.f_locals.get("self") is group
