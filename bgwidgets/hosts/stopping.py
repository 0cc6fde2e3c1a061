"""The stop that cannot hang: every step has a limit, and what does not end is named.

The order: the caller has closed the gate to new work; then cancel and wait, again and again until
the limit, for a cancel handler may start new tasks; then the asynchronous generators. The worker
threads and the loop itself are the caller's (`loop.shutdown_default_executor()` is never called:
it waits for threads that may never return).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import let_go_of

AT_THE_END_LIMIT: Final = 5.0
"""Seconds that tasks get to clean up when the main task has ended by itself."""
STOP_LIMIT: Final = 1.0
"""Seconds that tasks get to clean up from the moment at which a stop was asked for."""
CANCEL_AGAIN_AFTER: Final = 0.5
"""Seconds after which a task that swallowed its CancelledError gets another one. A cancel handler
that takes less is not disturbed."""
LOOK_AGAIN_AFTER: Final = 0.1
"""Seconds after which new tasks are looked for."""
GENERATORS_LIMIT: Final = 0.5
"""Seconds that asynchronous generators get for their `finally`."""

Spawn = Callable[[Coroutine[Any, Any, Any]], asyncio.Task[Any]]


class Cancellation:
    """Cancels every task of a loop, and those that they start meanwhile. In the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._cancelled_at: Final[dict[asyncio.Task[Any], float]] = {}

    def cancel_all(self) -> None:
        """Cancel what is to be cancelled, for the first time or again."""
        now = time.monotonic()
        for task in asyncio.all_tasks(self._loop):
            if now - self._cancelled_at.get(task, float("-inf")) >= CANCEL_AGAIN_AFTER:
                self._cancelled_at[task] = now
                task.cancel()

    async def wait(self, seconds_left: Callable[[], float]) -> None:
        """After a first `cancel_all()`: cancel until nothing is left or the time is over.

        `seconds_left` is asked again and again: a stop that is asked for meanwhile shortens it.
        """
        while (tasks := asyncio.all_tasks(self._loop)) and (left := seconds_left()) > 0:
            await asyncio.wait(tasks, timeout=min(left, LOOK_AGAIN_AFTER))
            self.cancel_all()


async def close_generators(spawn: Spawn) -> str | None:
    """Close the running loop's asynchronous generators; says what went wrong, if anything did.

    Not under `asyncio.wait_for`, which waits for the end of what it cancels: a generator may
    swallow that too.
    """
    closing = spawn(asyncio.get_running_loop().shutdown_asyncgens())
    await asyncio.wait({closing}, timeout=GENERATORS_LIMIT)
    if closing.done():
        return None
    closing.cancel()
    let_go_of(closing)
    return f"an asynchronous generator did not close within {GENERATORS_LIMIT} s"


def run_until_closing(
    loop: asyncio.AbstractEventLoop, is_closing: Callable[[], bool], note: Callable[[str], None]
) -> Exception | None:
    """Run the loop until it is stopped on purpose. Blocks: it is the body of the loop's thread.

    A task that raises SystemExit or KeyboardInterrupt, or calls `loop.stop()`, throws the loop out
    of its `run_forever`; it is let back in, and the others do not notice. Returns the error when
    the loop itself is broken.
    """
    while True:
        try:
            loop.run_forever()
        except Exception as error:  # noqa: BLE001 - tasks' own never come this far
            return error
        except BaseException as error:  # noqa: BLE001 - a task's, which has it as its exception
            what = f"{type(error).__name__} in a task"
        else:
            what = "loop.stop() was called by the loop's own code"
        if is_closing():
            return None
        note(f"{what}: the loop went on")
