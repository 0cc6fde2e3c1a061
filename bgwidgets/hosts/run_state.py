"""What every host of this process keeps of its run: the state, and which task ids it knows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from bgwidgets.exceptions import UnknownTask
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_detail import task_detail
from bgwidgets.snapshots import TaskDetail
from bgwidgets.states import LoopEvent, LoopLife, LoopState


class RunState:
    """The life of one run, told of from any thread."""

    def __init__(
        self,
        changed: Callable[[], None],
        happened: Callable[[LoopEvent], None] = lambda _: None,
    ) -> None:
        """`changed` is called after each change, in the thread that told of it; before that
        `happened` with each event, in the order of the events.
        """
        self._changed: Final = changed
        self._tell_event: Final = happened
        # Reentrant: a signal handler, or a user's `__del__`, may come in between.
        self._guard: Final = free_in_forks(threading.RLock())
        self._life = LoopLife()

    @property
    def state(self) -> LoopState:
        """The state now. Any thread; does not block."""
        return self._life.state

    def happened(self, event: LoopEvent) -> None:
        """Go on to what follows from this event. Any thread; does not block."""
        with self._guard:
            before = self._life
            after = before.after(event)
            while self._life is not before:  # A handler in this very thread was faster.
                before = self._life
                after = before.after(event)
            self._life = after
            self._tell_event(event)
        if after != before:
            self._changed()

    def ends_by(self, event: LoopEvent) -> None:
        """It ends by this event, unless it has ended; as lost where that cannot be, as when what
        broke has kept others from being told. Any thread; does not block.
        """
        if self.state.has_ended:
            return
        try:
            self.happened(event)
        finally:
            if not self.state.has_ended:
                self.happened(LoopEvent.HOST_LOST)


def refuse_unknown(loop_name: str, ledger: Ledger | None, task_ids: tuple[int, ...]) -> None:
    """Raise `UnknownTask` unless the loop's ledger knows every one of these tasks."""
    unknown = [repr(number) for number in task_ids if not (ledger and ledger.knows(number))]
    if unknown:
        raise UnknownTask(
            f"{loop_name!r} has no task {', '.join(unknown)}: the ids are in job.tasks."
            " Nothing was cancelled"
        )


def detail_of(loop_name: str, ledger: Ledger | None, task_id: int) -> TaskDetail:
    """One task in detail, unfinished or among the last that ended. Raises `UnknownTask`."""
    detail = task_detail(ledger, task_id) if ledger is not None else None
    if detail is None:
        raise UnknownTask(
            f"{loop_name!r} has no task {task_id!r}, or not any more: the ids are in job.tasks"
        )
    return detail
