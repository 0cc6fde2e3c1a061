"""Event loops as they are made and begin to run, in threads that are watched and in theirs.

While at least one thread is watched, the event loop policy's `new_event_loop` (which
`asyncio.new_event_loop`, `asyncio.run` and `asyncio.Runner` all go through) and `Thread.start` are
wrapped; after that they are as they were. A loop that its caller makes by its class is not seen.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from bgwidgets.observe.asyncio_internals import event_loop_policy

Born = Callable[[asyncio.AbstractEventLoop, asyncio.Task[Any] | None], None]
"""Called with the loop, and with the task that its runner waits for where there is one."""


class LoopBirths:
    """Tells of each loop that a watched thread, or one that it started, is about to run."""

    def __init__(self) -> None:
        self._guard: Final = threading.RLock()
        self._watched: Final[WeakKeyDictionary[threading.Thread, Born]] = WeakKeyDictionary()
        self._watches = 0
        self._undo: list[Callable[[], None]] = []

    def watch(self, thread: threading.Thread, born: Born) -> None:
        """Call `born` for each loop, in the thread that is about to run it. Any thread."""
        with self._guard:
            self._watched[thread] = born
            self._watches += 1
            if self._watches == 1:
                self._wrap()

    def unwatch(self, thread: threading.Thread) -> None:
        """This thread is over; those that it started are still watched. Any thread."""
        with self._guard:
            if self._watched.pop(thread, None) is None:
                return
            self._watches -= 1
            if self._watches == 0:
                for undo in self._undo:
                    undo()
                self._undo.clear()

    def _wrap(self) -> None:
        policy: Any = event_loop_policy()
        make, start = policy.new_event_loop, threading.Thread.start

        def new_event_loop() -> asyncio.AbstractEventLoop:
            loop: asyncio.AbstractEventLoop = make()
            if (born := self._watched.get(threading.current_thread())) is not None:
                _tell_before_it_runs(loop, born)
            return loop

        def start_watched(thread: threading.Thread) -> None:
            born = self._watched.get(threading.current_thread())
            if born is not None:
                # Not counted: it is watched for as long as somebody else is.
                self._watched[thread] = born
            start(thread)

        policy.new_event_loop = new_event_loop
        threading.Thread.start = start_watched  # type: ignore[method-assign, assignment]
        self._undo = [
            lambda: delattr(policy, "new_event_loop"),
            lambda: setattr(threading.Thread, "start", start),
        ]


def _tell_before_it_runs(loop: asyncio.AbstractEventLoop, born: Born) -> None:
    run_forever, run_until_complete = loop.run_forever, loop.run_until_complete
    is_told = False

    def tell(main: asyncio.Task[Any] | None) -> None:
        nonlocal is_told
        if not is_told:
            is_told = True
            born(loop, main)

    def tell_and_run_forever() -> None:
        tell(None)
        run_forever()

    def tell_and_run_until_complete(future: Any) -> Any:
        # A task already here, so that it can be told what the runner waits for; and not left to
        # `run_forever`, for that is not called where nest_asyncio has replaced this method.
        awaited = asyncio.ensure_future(future, loop=loop)
        tell(awaited if isinstance(awaited, asyncio.Task) else None)
        return run_until_complete(awaited)

    try:
        loop.run_forever = tell_and_run_forever  # type: ignore[method-assign]
        loop.run_until_complete = tell_and_run_until_complete  # type: ignore[method-assign]
    except AttributeError:
        born(loop, None)  # A loop in C has no room for this: it is told of when it is made.
