"""What the runner of a loop waits for, where somebody else has started both, and how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bgwidgets.observe.asyncio_internals import is_what_its_runner_waits_for, peek_exception
from bgwidgets.observe.births import RunnersTask
from bgwidgets.states import LoopEvent


@dataclass(frozen=True, slots=True)
class MainEnd:
    """How it ended."""

    events: tuple[LoopEvent, ...]
    """What happened to the loop by that."""
    result: Any = None
    error: BaseException | None = None


class OwnersMain:
    """The main task of a loop, as far as it can be seen; another one at each run."""

    def __init__(self) -> None:
        self.task: asyncio.Task[Any] | None = None
        self._runners: RunnersTask | None = None

    def listen(
        self,
        runners: RunnersTask,
        changed: Callable[[asyncio.Task[Any] | None], None],
        closing: Callable[[], None],
    ) -> None:
        """Its runner tells of each run, and before it closes the loop; both in the loop's thread.

        `changed` is called with the task of the run that is about to begin.
        """

        def runs_again() -> None:
            self.task = runners.task
            changed(self.task)

        self._runners = runners
        self.task = runners.task
        runners.changed, runners.closing = runs_again, closing

    def forget(self) -> None:
        """Listen no more, or the loop would live for ever by it."""
        if self._runners is not None:
            self._runners.forget()

    def notes(self, task: asyncio.Task[Any]) -> bool:
        """Whether this is the main task. In the loop's thread."""
        if task is not self.task and not is_what_its_runner_waits_for(task):
            return False
        self.task = task
        return True

    def look_again(self, loop: asyncio.AbstractEventLoop) -> None:
        """Its owner may run it once more, and was not heard to do so. In the loop's thread."""
        if self.task is not None and self.task.done():
            tasks = asyncio.all_tasks(loop)
            self.task = next(filter(is_what_its_runner_waits_for, tasks), self.task)

    def end(self, *, was_cancelled: bool) -> MainEnd:
        """How it ended; `was_cancelled`: all tasks of the loop were, by a command."""
        main = self.task
        if main is None or not main.done():
            # Nobody knows how it fared: by what was done to the loop, then.
            if was_cancelled:
                return MainEnd((LoopEvent.MAIN_CANCELLED,))
            if main is None:
                return MainEnd((LoopEvent.MAIN_RETURNED,))
            # Somebody called `loop.stop()` under its runner.
            return MainEnd((LoopEvent.STOP_ASKED, LoopEvent.MAIN_RETURNED))
        if main.cancelled():
            return MainEnd((LoopEvent.MAIN_CANCELLED,))
        error = peek_exception(main)
        if error is None:
            return MainEnd((LoopEvent.MAIN_RETURNED,), result=main.result())
        return MainEnd((LoopEvent.MAIN_FAILED,), error=error)
