"""Exceptions that nobody will ever ask for: asyncio says so when such a task is destroyed.

It says it to `loop.call_exception_handler`. That is wrapped on the classes of loops, for as long as
at least one loop is watched, and passes everything on: what asyncio logs, or hands to a handler of
the user's, stays as it is. Not on the loop itself: a second attribute there makes all of the loop
slower on Python 3.13. Nor by `set_exception_handler`, which is the user's own to call.
A task is destroyed by whoever had it last, the panel for one: what is said of it is its loop's all
the same. It may be long after the loop's end, for a task in a circle of references when the garbage
collector comes round, in whatever thread: so a loop that has ended gets a method of its own, which
costs it nothing any more. It is the loop that carries it, and no table of ours, because the
collector clears weak references before it has tasks complain.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from types import MethodType
from typing import Any, Final
from weakref import ref

from bgwidgets.belonging import has_a_thread, speaks_for
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.asyncio_internals import classes_with, coroutine_of, is_task
from bgwidgets.observe.blame import raised_at
from bgwidgets.observe.error_text import one_line
from bgwidgets.observe.names import name_of, name_of_coroutine, name_of_type
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.observe.weak_by_identity import WeakByIdentity
from bgwidgets.replaced import Replaced
from bgwidgets.snapshots import WarningKind

_NEVER_RETRIEVED: Final = "exception was never retrieved"
"""How the message ends by which asyncio tells of it."""

_log: Final = logging.getLogger(__name__)


def tell_of_lost(
    kept: WarningsKept, error: BaseException, name: str | None, coroutine: str
) -> None:
    """This error of a task of that name is lost. Any thread; does not block."""
    kept.add(
        WarningKind.EXCEPTION_NEVER_RETRIEVED,
        f"{coroutine or raised_at(error)} {name_of_type(type(error))}",
        lambda: Told(
            f"{'a future' if name is None else f'task {name!r}'} failed, and nobody asked why:"
            f" {one_line(error)}",
            name,
            raised_at(error),
        ),
    )


class LostExceptions:
    """Listens to what watched loops are told. Any thread may call everything; nothing blocks."""

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.RLock())
        self._watched: Final[
            WeakByIdentity[asyncio.AbstractEventLoop, tuple[WarningsKept, int]]
        ] = WeakByIdentity()
        self._replaced: Final = Replaced()
        self._telling: Final = threading.local()

    def watch(self, loop: asyncio.AbstractEventLoop, kept: WarningsKept, loop_id: int) -> None:
        """Keep what asyncio tells this loop of."""
        with self._guard:
            self._watched[loop] = kept, loop_id
            for cls in classes_with("call_exception_handler", asyncio.BaseEventLoop):
                self._replaced.replace(cls, "call_exception_handler", self._listens)
            if not isinstance(loop, asyncio.BaseEventLoop):
                self._replaced.replace(type(loop), "call_exception_handler", self._listens)

    def unwatch(self, loop: asyncio.AbstractEventLoop, output: object) -> None:
        """The loop has ended. While anybody has its output, what it is told still belongs there."""
        with self._guard:
            watch = self._watched.pop(loop)
            if not self._watched:
                self._replaced.undo()
        if watch is not None and has_a_thread(watch[1]):
            with contextlib.suppress(AttributeError):  # A loop in C may have no room for it.
                hears = self._hears_of_ended(*watch, output)
                loop.call_exception_handler = MethodType(hears, loop)  # type: ignore[method-assign]

    def _hears_of_ended(
        self, kept: WarningsKept, loop_id: int, output: object
    ) -> Callable[[asyncio.AbstractEventLoop, Any], None]:
        find_kept, find_output = ref(kept), ref(output)
        del kept, output

        def call_exception_handler(loop: asyncio.AbstractEventLoop, context: Any) -> None:
            if (kept := find_kept()) is not None:
                self._note(kept, context)
            with speaks_for(loop_id) if find_output() is not None else contextlib.nullcontext():
                type(loop).call_exception_handler(loop, context)

        return call_exception_handler

    def _listens(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def call_exception_handler(loop: asyncio.AbstractEventLoop, context: Any) -> None:
            # A class may pass it on to the one above it, which is wrapped as well.
            outer = getattr(self._telling, "context", None)
            if outer is context:
                original(loop, context)
                return
            self._telling.context = context
            try:
                loop_id = None
                if (watch := self._watched.get(loop)) is not None:
                    self._note(watch[0], context)
                    loop_id = watch[1] if has_a_thread(watch[1]) else None
                if loop_id is None:
                    original(loop, context)
                    return
                with speaks_for(loop_id):
                    original(loop, context)
            finally:
                self._telling.context = outer

        return call_exception_handler

    def _note(self, kept: WarningsKept, context: Any) -> None:
        try:
            error, future = context.get("exception"), context.get("future")
            if not str(context.get("message", "")).endswith(_NEVER_RETRIEVED) or error is None:
                return
            is_of_task = is_task(future)
            tell_of_lost(
                kept,
                error,
                name_of(future) if is_of_task else None,
                name_of_coroutine(coroutine_of(future)) if is_of_task else "",
            )
        except Exception:  # noqa: BLE001 - what is the user's own must be told to the user all the same
            _log.exception("an exception that was never retrieved could not be told of")


lost_exceptions: Final = LostExceptions()
"""This process's."""
