"""What one run of a loop is to be warned of, for every host of this process: gathered from those
who notice it, while the loop runs and at its end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import threads_of_default_executor
from bgwidgets.observe.block_warnings import BlockWarnings
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.left_behind import names_at_work, tell_of_pending, tell_of_threads
from bgwidgets.observe.lost_exceptions import lost_exceptions, tell_of_lost
from bgwidgets.observe.unawaited import unawaited_coroutines
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.snapshots import WarningKind

Task = asyncio.Task[Any]
_log: Final = logging.getLogger(__name__)


class LoopWarnings:
    """The warnings of one run."""

    def __init__(
        self,
        loop_id: int,
        concerns: Callable[[Task | None], bool] = lambda _: True,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """Of what blocks the loop, only what `concerns` this watch is told. `changed` is called
        after each change, on any thread.
        """
        self._loop_id: Final = loop_id
        self.kept: Final = WarningsKept(changed)
        self.lost: Final = partial(tell_of_lost, self.kept)
        """To be called when nobody can ask any more why a submitted coroutine failed."""
        self.blocked: Final = BlockWarnings(self.kept, concerns)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ledger: Ledger | None = None
        self._threads: set[threading.Thread] = set()
        """Those of the loop's executor, at work or not, where that is the standard library's."""
        self.pool_threads: Final[set[threading.Thread]] = set()
        """Those of pools that are not ours, while they work for the loop: see `pool_threads`."""

    def output_not_written(self, path: str, why: str) -> None:
        """The file of its output cannot be written any more. Any thread."""
        told = Told(text=f"{path} cannot be written any more: {why}", where=path)
        self.kept.add(WarningKind.OUTPUT_NOT_WRITTEN, path, lambda: told)

    def output_written(self) -> None:
        """Another file can be written, or none is to be. Any thread."""
        self.kept.forget_all(WarningKind.OUTPUT_NOT_WRITTEN)

    def figure_not_drawn(self, name: str, error: str) -> None:
        """To be called with the figure's name and what matplotlib said. Any thread."""
        told = Told(text=f"figure {name!r} could not be drawn: {error}")
        self.kept.add(WarningKind.FIGURE_NOT_DRAWN, name, lambda: told)

    def begin(self, loop: asyncio.AbstractEventLoop, ledger: Ledger) -> None:
        """Notice what goes wrong from now on. In the loop's thread."""
        self._loop, self._ledger = loop, ledger
        lost_exceptions.watch(loop, self.kept, self._loop_id)
        unawaited_coroutines.watch(self._loop_id, self.kept)

    def look(self) -> None:
        """Look at what must be looked for. In the loop's thread, or when it is about to close."""
        with _keeping_nothing_up():
            if self._ledger is not None:
                self._ledger.judge_cancelled()
            if self._loop is not None:
                # The loop lets go of them when it is closed.
                self._threads = threads_of_default_executor(self._loop) or self._threads

    def at_the_end(self, unfinished: Iterable[Task], busy_threads: Iterable[str] = ()) -> None:
        """The loop runs no more, and this is left of it. `busy_threads` are those of its
        `WorkerThreads`.
        """
        if self._ledger is None:
            return
        with _keeping_nothing_up():
            self._ledger.judge_cancelled(at_the_end=True)
            tell_of_pending(self.kept, unfinished, self._ledger.coroutine)
            names = set(busy_threads)
            busy = {thread for thread in threading.enumerate() if thread.name in names}
            busy |= self.pool_threads
            tell_of_threads(self.kept, busy, known_busy=True)
            tell_of_threads(self.kept, self._threads - busy, known_busy=False)

    def pool_threads_at_work(self) -> tuple[str, ...]:
        """The names of the `pool_threads` of this moment. Any thread."""
        return names_at_work((), self.pool_threads.copy())

    def threads_at_work(self) -> tuple[str, ...]:
        """The same, and those of the loop's executor that run a job. Any thread."""
        if self._loop is not None:
            self._threads = threads_of_default_executor(self._loop) or self._threads
        return names_at_work(self._threads.copy(), self.pool_threads.copy())

    def end(self, output: object) -> None:
        """Notice nothing any more, and let go of the loop; what was noticed stays. Any thread.

        What asyncio has still to say of its tasks goes to its output, as long as anybody has that.
        """
        unawaited_coroutines.unwatch(self._loop_id)
        if self._loop is not None:
            lost_exceptions.unwatch(self._loop, output)
        self._loop, self._threads = None, set()

    def told(self) -> dict[str, Any]:
        """The fields of the loop's snapshot for the warnings. Any thread; does not block."""
        swallow = self._ledger.tasks_that_swallow() if self._ledger else 0
        return {"warnings": self.kept.all(), "tasks_that_swallow": swallow}


@contextmanager
def _keeping_nothing_up() -> Iterator[None]:
    """What is looked at is the user's and may be broken: no reason for a loop not to end."""
    try:
        yield
    except Exception:  # noqa: BLE001 - whatever it is, it is logged
        _log.exception("what a loop is to be warned of could not be found out")
