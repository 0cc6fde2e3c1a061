"""An event loop in whose name code may run that is to come to nothing.

What is closed where no event loop runs is told so by a RuntimeError at each of its awaits. Code
that goes on past all errors, as a bare `except:` in a loop does, would go round without a pause.
With this one as the running loop it waits instead, and can be left alone.

Yet what has been waited on, as a queue or an event, knows its loop and refuses any other; and work
may have kept its loop, which is closed and refuses everything. So this one also takes the place of
a loop that was, under that loop's own name.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context
from typing import Any, Final, NoReturn

from bgwidgets.observe.asyncio_internals import pending_task


class TurnsNoMore(RuntimeError):
    """Raised where a loop that never turns is to be run."""


class LoopThatNeverTurns:
    """Takes everything and does nothing of it, without a word: no callback is called, no future
    resolved, no task begun, no thread or socket opened. Only to be run it refuses.

    It has every method of an event loop, but is none that `discover()` would find.
    """

    def __init__(self, stands_for: asyncio.AbstractEventLoop | None = None) -> None:
        """What is made here belongs to the loop for which this one stands; or to this one."""
        self._loop: Final[Any] = self if stands_for is None else stands_for

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """All methods but the few below."""
        if inspect.iscoroutinefunction(getattr(asyncio.AbstractEventLoop, name)):
            return self._wait_for_ever
        return _do_nothing

    def is_running(self) -> bool:
        """It never is."""
        return False

    def is_closed(self) -> bool:
        """Nor this: it takes everything."""
        return False

    def get_debug(self) -> bool:
        """Nothing more is said of what becomes of it."""
        return False

    def time(self) -> float:
        """As on other loops."""
        return time.monotonic()

    def run_until_complete(self, future: object) -> NoReturn:
        """As asyncio refuses it while a loop runs here: it would wait for ever."""
        if inspect.iscoroutine(future):
            future.close()
        raise TurnsNoMore("this event loop has ended, and turns no more")

    run_forever = functools.partialmethod(run_until_complete, None)

    def create_future(self) -> asyncio.Future[Any]:
        """One that stays pending."""
        return asyncio.Future(loop=self._loop)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, **_kwargs: object
    ) -> asyncio.Task[Any]:
        """One that stays pending; nobody is told that it never began."""
        return pending_task(self._loop, coro, name)

    def run_in_executor(self, *_args: object) -> asyncio.Future[Any]:
        """A future that stays pending; nothing is called."""
        return self.create_future()

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """The handle of what is never called."""
        return asyncio.Handle(callback, args, self._loop, context)

    call_soon_threadsafe = call_soon

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """The handle of what is never called."""
        return asyncio.TimerHandle(when, callback, args, self._loop, context)

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """The handle of what is never called."""
        return self.call_at(self.time() + delay, callback, *args, context=context)

    async def _wait_for_ever(self, *_args: object, **_kwargs: object) -> None:
        await self.create_future()


def _do_nothing(*_args: object, **_kwargs: object) -> None:
    """In the place of what has a loop do something, or asks for what it has not."""


_TELLS_HOW_IT_IS: Final = {"is_running", "is_closed"}
_REPLACED: Final = [
    name
    for name, method in vars(asyncio.AbstractEventLoop).items()
    if callable(method) and not name.startswith("_") and name not in _TELLS_HOW_IT_IS
]


@contextmanager
def never_turns(loop: asyncio.AbstractEventLoop | None) -> Iterator[Any]:
    """In here this loop, which turns no more, is one that never turns for whatever the calling
    thread asks of it; for all others it is what it was. The loop itself; another one where there is
    none, it turns again, or has no place for another method.
    """
    if loop is None or loop.is_running() or not hasattr(loop, "__dict__"):
        yield LoopThatNeverTurns()
        return
    stand_in, own = LoopThatNeverTurns(loop), vars(loop)
    before = {name: own[name] for name in _REPLACED if name in own}
    for name in _REPLACED:
        own[name] = _here_alone(getattr(stand_in, name), getattr(loop, name, _do_nothing))
    try:
        yield loop
    finally:
        for name in _REPLACED:
            own.pop(name, None)
        own.update(before)


def _here_alone(instead: Callable[..., Any], own: Callable[..., Any]) -> Callable[..., Any]:
    here = threading.get_ident()

    @functools.wraps(own)
    def method(*args: Any, **kwargs: Any) -> Any:
        return (instead if threading.get_ident() == here else own)(*args, **kwargs)

    return method
