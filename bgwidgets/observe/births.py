"""Event loops as they begin to run, in threads that are watched and in those that they start.

While at least one thread is watched, the methods that run and close asyncio's and uvloop's loops,
`asyncio.Runner.run`, `asyncio.new_event_loop` and `Thread.start` are wrapped; after that they are
as they were. What is not seen: a loop that nest_asyncio runs, where the job itself applied it.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.asyncio_internals import classes_with, is_of_closing
from bgwidgets.replaced import Replaced


class RunnersTask:
    """What a loop's runner waits for, where that is known: another task at each run."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called in the thread that is about to run the loop once more."""
        self.closing: Callable[[], None] = lambda: None
        """Called in the thread that is about to close the loop."""

    def forget(self) -> None:
        """Nobody listens any more: call nothing, and hold nothing."""
        self.task = None
        self.changed = self.closing = lambda: None


class Watcher(Protocol):
    """Who watches a thread."""

    def born(self, loop: asyncio.AbstractEventLoop, runners_task: RunnersTask) -> None:
        """A loop is about to run for the first time. In the thread that runs it."""

    def wants(self, file: str) -> bool:
        """Whether a thread that code of this file starts is to be watched, too."""

    def is_expected(self, error: BaseException) -> bool:
        """Whether a thread that was started by a watched one may end by this without a word."""


class LoopBirths:
    """Tells of each loop that a watched thread, or one that it started, is about to run."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._watched: Final[WeakKeyDictionary[threading.Thread, Watcher]] = WeakKeyDictionary()
        self._known: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, RunnersTask]] = (
            WeakKeyDictionary()
        )
        self._replaced: Final = Replaced()

    def watch(self, thread: threading.Thread, watcher: Watcher) -> None:
        """Tell `watcher` of each loop, in the thread that is about to run it. Any thread."""
        with self._guard:
            self._watched[thread] = watcher
            self._wrap()

    def unwatch(self, thread: threading.Thread) -> None:
        """This thread is over; those that it started are still watched. Any thread."""
        with self._guard:
            self._watched.pop(thread, None)
            if not self._watched:
                self._replaced.undo()

    def _wrap(self) -> None:
        """Also what others, nest_asyncio say, have put in the place of ours since the last time."""
        for name, wrap in (
            ("run_until_complete", self._tells_of_its_task),
            ("run_forever", self._tells_of_its_loop),
            ("close", self._tells_of_its_close),
        ):
            for cls in classes_with(name, asyncio.BaseEventLoop):
                self._replaced.replace(cls, name, wrap)
            if (uvloop := sys.modules.get("uvloop")) is not None:
                self._replaced.replace(uvloop.Loop, name, wrap)
        self._replaced.replace(asyncio.Runner, "run", self._tells_of_its_runner)
        for module in (asyncio, asyncio.events):
            self._replaced.replace(module, "new_event_loop", self._looks_again)
        self._replaced.replace(threading.Thread, "start", self._watches_what_it_starts)

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

    def _tells_of_its_close(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def close(loop: asyncio.AbstractEventLoop) -> None:
            known = self._known.get(loop)
            if known is not None and not loop.is_closed():
                known.closing()
            original(loop)

        return close

    def _looks_again(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def new_event_loop() -> Any:
            loop = original()
            if threading.current_thread() in self._watched:
                with self._guard:
                    self._wrap()  # uvloop, say, may have been imported meanwhile.
            return loop

        return new_event_loop

    def _watches_what_it_starts(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def start(thread: threading.Thread) -> None:
            watcher = self._watched.get(threading.current_thread())
            starter = sys._getframe(1).f_code.co_filename  # noqa: SLF001 - documented
            if watcher is None or thread in self._watched or not watcher.wants(starter):
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
