"""Event loops as they begin to run, in threads that are watched and in those that they start.

While at least one thread is watched, the methods that run asyncio's own loops,
`asyncio.Runner.run`, `asyncio.new_event_loop` (of uvloop too) and `Thread.start` are wrapped; after
that they are as they were. A loop in C lets nobody in before it runs, so it is told of when it is
made; one that is made by its class, as `uvloop.Loop()`, and run without a Runner, is not seen.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from bgwidgets.observe.asyncio_internals import classes_with, is_of_closing


class RunnersTask:
    """What a loop's runner waits for, where that is known: another task at each run."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called in the thread that is about to run the loop once more."""


class Watcher(Protocol):
    """Who watches a thread."""

    def born(self, loop: asyncio.AbstractEventLoop, runners_task: RunnersTask) -> None:
        """A loop is about to run for the first time. In the thread that runs it."""

    def is_expected(self, error: BaseException) -> bool:
        """Whether a thread that was started by a watched one may end by this without a word."""


class LoopBirths:
    """Tells of each loop that a watched thread, or one that it started, is about to run."""

    def __init__(self) -> None:
        self._guard: Final = threading.RLock()
        self._watched: Final[WeakKeyDictionary[threading.Thread, Watcher]] = WeakKeyDictionary()
        self._known: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, RunnersTask]] = (
            WeakKeyDictionary()
        )
        self._undo: list[Callable[[], None]] = []

    def watch(self, thread: threading.Thread, watcher: Watcher) -> None:
        """Tell `watcher` of each loop, in the thread that is about to run it. Any thread."""
        with self._guard:
            self._watched[thread] = watcher
            if not self._undo:
                self._wrap()

    def unwatch(self, thread: threading.Thread) -> None:
        """This thread is over; those that it started are still watched. Any thread."""
        with self._guard:
            self._watched.pop(thread, None)
            if not self._watched:
                for undo in self._undo:
                    undo()
                self._undo.clear()

    def _wrap(self) -> None:
        for cls in classes_with("run_until_complete", asyncio.BaseEventLoop):
            self._replace(cls, "run_until_complete", self._tells_of_its_task)
        for cls in classes_with("run_forever", asyncio.BaseEventLoop):
            self._replace(cls, "run_forever", self._tells_of_its_loop)
        self._replace(asyncio.Runner, "run", self._tells_of_its_runner)
        makers = [asyncio, asyncio.events, sys.modules.get("uvloop")]
        for module in makers:
            if module is not None:
                self._replace(module, "new_event_loop", self._tells_of_what_it_made)
        self._replace(threading.Thread, "start", self._watches_what_it_starts)

    def _replace(
        self, owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        original = vars(owner)[name]
        ours = functools.wraps(original)(wrap(original))
        setattr(owner, name, ours)

        def undo() -> None:
            # Where somebody else has wrapped ours meanwhile, it stays, and passes every call on.
            if vars(owner).get(name) is ours:
                setattr(owner, name, original)

        self._undo.append(undo)

    def _tell(self, loop: asyncio.AbstractEventLoop, task: Any) -> None:
        watcher = self._watched.get(threading.current_thread())
        if watcher is None or loop.is_running():
            return
        known = self._known.get(loop)
        if known is None:
            self._known[loop] = known = RunnersTask()
            known.task = task if isinstance(task, asyncio.Task) else None
            watcher.born(loop, known)
        elif isinstance(task, asyncio.Task) and not is_of_closing(task):
            known.task = task
            known.changed()

    def _tells_of_its_task(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run_until_complete(loop: asyncio.AbstractEventLoop, future: Any) -> Any:
            if threading.current_thread() in self._watched and not loop.is_running():
                # A task already here, so that it can be told what the runner waits for.
                future = asyncio.ensure_future(future, loop=loop)
                self._tell(loop, future)
            return original(loop, future)

        return run_until_complete

    def _tells_of_its_loop(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run_forever(loop: asyncio.AbstractEventLoop) -> None:
            self._tell(loop, None)
            original(loop)

        return run_forever

    def _tells_of_its_runner(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def run(runner: asyncio.Runner, coro: Any, **options: Any) -> Any:
            if threading.current_thread() in self._watched:
                loop = runner.get_loop()
                if not isinstance(loop, asyncio.BaseEventLoop):
                    self._tell(loop, None)
            return original(runner, coro, **options)

        return run

    def _tells_of_what_it_made(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def new_event_loop() -> Any:
            loop = original()
            if not isinstance(loop, asyncio.BaseEventLoop):
                self._tell(loop, None)
            return loop

        return new_event_loop

    def _watches_what_it_starts(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def start(thread: threading.Thread) -> None:
            watcher = self._watched.get(threading.current_thread())
            if watcher is None or thread in self._watched:
                original(thread)
                return
            thread.run = _ending_quietly(thread.run, watcher, self.unwatch)  # type: ignore[method-assign]
            self.watch(thread, watcher)
            try:
                original(thread)
            except BaseException:
                self.unwatch(thread)
                raise

        return start


def _ending_quietly(
    run: Callable[[], None], watcher: Watcher, is_over: Callable[[threading.Thread], None]
) -> Callable[[], None]:
    def run_and_tell() -> None:
        try:
            run()
        except BaseException as error:
            if not watcher.is_expected(error):
                raise
        finally:
            is_over(threading.current_thread())

    return run_and_tell
