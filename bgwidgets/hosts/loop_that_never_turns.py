"""An event loop in whose name code may run that is to come to nothing.

What is closed where no event loop runs is told so by a RuntimeError at each of its awaits. Code
that goes on past all errors, as a bare `except:` in a loop does, would go round without a pause.
With this one as the running loop it waits instead, and can be left alone.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any

from bgwidgets.observe.asyncio_internals import pending_task


class LoopThatNeverTurns:
    """Takes everything and does nothing of it, without a word: no callback is called, no future
    resolved, no task begun, no thread or socket opened.

    It has every method of an event loop, but is none that `discover()` would find.
    """

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

    def create_future(self) -> asyncio.Future[Any]:
        """One that stays pending."""
        return asyncio.Future(loop=self)  # type: ignore[arg-type]  # In asyncio's eyes it is one.

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, **_kwargs: object
    ) -> asyncio.Task[Any]:
        """One that stays pending; nobody is told that it never began."""
        return pending_task(self, coro, name)

    def run_in_executor(self, *_args: object) -> asyncio.Future[Any]:
        """A future that stays pending; nothing is called."""
        return self.create_future()

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """The handle of what is never called."""
        return asyncio.Handle(callback, args, self, context)  # type: ignore[arg-type]

    call_soon_threadsafe = call_soon

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """The handle of what is never called."""
        return asyncio.TimerHandle(when, callback, args, self, context)  # type: ignore[arg-type]

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
