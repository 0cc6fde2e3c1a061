"""The stop that cannot hang: every step has a limit, and what does not end is named.

The order: the caller has closed the gate to new work; then cancel and wait, again and again until
the limit, for a cancel handler may start new tasks; then the asynchronous generators. The worker
threads and the loop itself are the caller's (`loop.shutdown_default_executor()` is never called:
it waits for threads that may never return).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import time
import traceback
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from bgwidgets.exceptions import LoopInterrupted
from bgwidgets.hosts.left_tasks import LateBirths, let_go_of_all
from bgwidgets.observe.asyncio_internals import let_go_of
from bgwidgets.observe.weak_by_identity import WeakByIdentity

AT_THE_END_LIMIT: Final = 5.0
"""Seconds that tasks get to clean up when the main task has ended by itself."""
STOP_LIMIT: Final = 1.0
"""Seconds that tasks get to clean up from the moment at which a stop was asked for."""
LAST_CALL: Final = 0.3
"""Seconds before the limit at which a task that swallowed its CancelledError, or still cleans up,
gets another one."""
CANCEL_AGAIN_AFTER: Final = 0.5
"""Seconds in which a second call to cancel a task does not disturb what the first one set off."""
LOOK_AGAIN_AFTER: Final = 0.1
"""Seconds after which new tasks are looked for."""
ROUNDS_AT_ONCE: Final = 5
"""So often what others have started in their `finally` is cancelled as soon as it is seen; after
that at longer and longer distances."""
GENERATORS_LIMIT: Final = 0.5
"""Seconds that asynchronous generators get for their `finally`."""
THROWN_OUT_AT_MOST: Final = 100_000
"""Times without a turn. So many callbacks of one turn may raise SystemExit, each of which throws
the loop out; a `run_forever` that does nothing else comes to it in less than a second."""

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]
Cancel = Callable[[Iterable[asyncio.Task[Any]]], None]
"""Cancels these, and notes in whose name."""


class Ending:
    """Brings the tasks of one loop to an end. In the loop's thread only."""

    def __init__(self, loop: asyncio.AbstractEventLoop, spawn: Spawn, cancel: Cancel) -> None:
        """`spawn` makes a task that `asyncio.all_tasks()` does not show."""
        self._loop: Final = loop
        self._spawn: Final = spawn
        self._cancel: Final = cancel
        self._cancelled_at: Final[WeakByIdentity[asyncio.Task[Any], float]] = WeakByIdentity()
        self._ends_by = float("inf")
        self._late: LateBirths | None = None
        self.has_begun = False

    def cancel_all(self, *, again_after: float = CANCEL_AGAIN_AFTER) -> None:
        """Cancel every task, but not those that were cancelled a moment ago."""
        now = time.monotonic()
        tasks = [
            task
            for task in asyncio.all_tasks(self._loop)
            if (at := self._cancelled_at.get(task)) is None or now - at >= again_after
        ]
        for task in tasks:
            self._cancelled_at[task] = now
        self._cancel(tasks)

    def hurry(self) -> None:
        """A stop was asked for: it is over soon."""
        self._ends_by = min(self._ends_by, time.monotonic() + STOP_LIMIT)

    def begin(self, closing: Callable[[], None], over: Callable[[str | None], None]) -> None:
        """Begin, once. `closing` is called before the generators are closed, `over` at the end,
        with what there is to say.
        """
        if self.has_begun:
            return
        self.has_begun = True
        self._ends_by = min(self._ends_by, time.monotonic() + AT_THE_END_LIMIT)
        self._spawn(self._end(closing, over))
        # At once: what has not begun need not begin.
        self.cancel_all()

    async def _end(self, closing: Callable[[], None], over: Callable[[str | None], None]) -> None:
        note = None
        try:
            await self._cancel_until_nothing_is_left()
            closing()
            self._late = LateBirths(self._loop)
            note = await self._close_generators()
        finally:
            over(note)

    def left(self) -> set[asyncio.Task[Any]]:
        """All that has not ended, let go of. When the loop runs no more."""
        late, self._late = self._late, None
        return let_go_of_all(self._loop, late)

    async def _cancel_until_nothing_is_left(self) -> None:
        is_last_call = False
        for rounds in itertools.count(1):
            tasks = asyncio.all_tasks(self._loop)
            if not tasks:
                return
            # Asked again and again, for a stop may be asked for meanwhile.
            left = self._ends_by - time.monotonic()
            if left <= 0:
                return
            if left <= LAST_CALL and not is_last_call:
                is_last_call = True
                self.cancel_all(again_after=LAST_CALL)
            await asyncio.wait(tasks, timeout=min(left, LOOK_AGAIN_AFTER))
            if (late := rounds - ROUNDS_AT_ONCE) > 0 and asyncio.all_tasks(self._loop) - tasks:
                # Who starts two in its own place would have millions in a second.
                left = max(0.0, self._ends_by - time.monotonic())
                await asyncio.sleep(min(left, LOOK_AGAIN_AFTER * 2 ** min(late, 10)))
            self.cancel_all(again_after=float("inf"))

    async def _close_generators(self) -> str | None:
        """Not under `asyncio.wait_for`, which waits for the end of what it cancels: a generator may
        swallow that too.
        """
        closing = self._spawn(self._loop.shutdown_asyncgens())
        with _but_for_generators_at_work(self._loop):
            await asyncio.wait({closing}, timeout=GENERATORS_LIMIT)
        if closing.done():
            return None
        closing.cancel()
        let_go_of(closing)
        return f"an asynchronous generator did not close within {GENERATORS_LIMIT} s"


@contextmanager
def _but_for_generators_at_work(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """The loop's exception handler hears nothing of generators that a task is in the midst of: they
    cannot be closed, and the task is named among what is left.
    """
    before = loop.get_exception_handler()

    def hears(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> object:
        if getattr(context.get("asyncgen"), "ag_running", False):
            return None
        if before is None:
            return loop.default_exception_handler(context)
        return before(loop, context)

    loop.set_exception_handler(hears)
    try:
        yield
    finally:
        if loop.get_exception_handler() is hears:  # A generator's `finally` may set another.
            loop.set_exception_handler(before)


def run_until_closing(
    loop: asyncio.AbstractEventLoop, is_closing: Callable[[], bool], note: Callable[[str], None]
) -> Exception | None:
    """Run the loop until it is stopped on purpose. Blocks: it is the body of the loop's thread.

    A task that raises SystemExit or KeyboardInterrupt, or calls `loop.stop()`, throws the loop out
    of its `run_forever`; it is let back in, and the others do not notice. Returns the error when
    the loop itself is broken: also when it was thrown out so often without a turn that nothing can
    be running in it. A fork of this process ends with such an error: to tidy up there
    would take file descriptors away from the loop.
    """
    process = os.getpid()
    thrown_out, awaits_turn = 0, False

    def turns() -> None:
        nonlocal thrown_out, awaits_turn
        thrown_out, awaits_turn = 0, False

    while True:
        try:
            if thrown_out and not awaits_turn:
                awaits_turn = True
                loop.call_soon(turns)
            loop.run_forever()
        except Exception as error:  # noqa: BLE001 - tasks' own never come this far
            return error
        except LoopInterrupted:
            what = "an interruption came late, in the loop's own code, and a callback may be lost"
        except BaseException as error:  # noqa: BLE001 - a task's, which has it as its exception
            if os.getpid() != process:
                _end_fork(error)
            what = f"{type(error).__name__} in a task"
        else:
            what = "loop.stop() was called by the loop's own code"
        if is_closing():
            return None
        note(f"{what}: the loop went on")
        thrown_out += 1
        if thrown_out >= THROWN_OUT_AT_MOST:
            return RuntimeError(f"the loop does not turn: {what}, {thrown_out:,} times in a row")


def _end_fork(error: BaseException) -> NoReturn:
    """End this process as Python does for such an error, but at once, as `multiprocessing` does."""
    code: object = 1
    if isinstance(error, SystemExit):
        code = error.code or 0
    else:
        traceback.print_exception(error)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # A user may have closed or replaced it.
            stream.flush()
    os._exit(code & 0xFF if isinstance(code, int) else 1)
