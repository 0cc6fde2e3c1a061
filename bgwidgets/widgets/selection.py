"""Which loop the buttons act on, what they can do for it, and what is said about it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from bgwidgets.fork_locks import free_in_forks
from bgwidgets.snapshots import LoopSnapshot, TaskSnapshot
from bgwidgets.widgets.protocols import Action
from bgwidgets.widgets.rows import silent_since

LONGEST_NAME: Final = 24
"""Of a loop or a thread, where more is to be said in the same line: the loop's row has the rest."""


class Choice:
    """Tells a loop that somebody chose from one that the panel follows by itself.

    Both arrive as a new value of the trait `selected`, also from two threads at once.
    """

    def __init__(self) -> None:
        self.loop_id: int | None = None
        self._lock: Final = free_in_forks(threading.Lock())
        self._following_thread: int | None = None

    def follow(self, select: Callable[[], None]) -> None:
        """Call `select`, whose new value is nobody's choice. One thread at a time: the
        publisher's, from the moment that there is one.
        """
        self._following_thread = threading.get_ident()
        try:
            select()
        finally:
            self._following_thread = None

    def is_following(self) -> bool:
        """Whether the value that is being set in this thread is nobody's choice."""
        return self._following_thread == threading.get_ident()

    def take(self, loop_id: int | None) -> None:
        """A value was set, in this thread: a choice, unless `follow` is setting it here."""
        if self.is_following():
            # What an observer of that value sets next is a choice again.
            self._following_thread = None
        else:
            with self._lock:
                self.loop_id = loop_id

    def drop(self, loop_id: int) -> None:
        """Forget the choice of a loop that is gone, unless another was chosen since."""
        with self._lock:
            if self.loop_id == loop_id:
                self.loop_id = None


class LastActedOn:
    """The loop that the last command was for. Where nobody has chosen one, it stays selected until
    a newer loop has come: a second click must not stop another loop that nobody meant.
    """

    def __init__(self) -> None:
        self._loop_id: int | None = None
        self._newest = 0

    def note(self, loop_id: int, loops: Sequence[LoopSnapshot]) -> None:
        """A command is given, while these are listed."""
        self._loop_id, self._newest = loop_id, max((loop.id for loop in loops), default=0)

    @property
    def state(self) -> object:
        """Another one whenever something of it has changed."""
        return self._loop_id, self._newest

    def among(self, loops: Sequence[LoopSnapshot]) -> int | None:
        """Its id, as long as it stays selected."""
        if any(loop.id > self._newest for loop in loops):
            self._loop_id = None
        return self._loop_id


def loop_to_select(loops: Sequence[LoopSnapshot], chosen: int | None) -> LoopSnapshot | None:
    """The chosen loop while it is listed; otherwise the newest unfinished, or else the newest.

    `chosen` may also be the one that was acted on last. A loop that failed is to be seen, so an
    ended loop is followed when no other is left.
    """
    for loop in loops:
        if loop.id == chosen:
            return loop
    unfinished = [loop for loop in loops if not loop.state.has_ended]
    return next(reversed(unfinished or loops), None)


def possible_actions(loop: LoopSnapshot | None, loops: Sequence[LoopSnapshot]) -> frozenset[Action]:
    """The buttons that would do something when `loop` is selected.

    Cancel tasks does not depend on how many tasks there are just now: it would flicker.
    """
    actions = set()
    if loop is not None:
        if not loop.protected:  # Where it cannot be done, the click is answered with the reason.
            actions.add(Action.RESTART)
        if not loop.state.has_ended and not loop.protected:
            actions |= {Action.STOP_LOOP, Action.CANCEL_TASKS}
            if not loop.stop_requested and loop.why_no_stop_event is None:
                actions.add(Action.STOP_EVENT)
            if loop.can_be_killed:
                actions.add(Action.KILL)
    if any(listed.state.has_ended for listed in loops):
        actions.add(Action.REMOVE_FINISHED)
    if any(can_be_stopped(listed) for listed in loops):
        actions.add(Action.STOP_ALL)
    return frozenset(actions)


def unfinished(tasks: Sequence[TaskSnapshot]) -> tuple[int, ...]:
    """The ids of those that have not ended."""
    return tuple(task.id for task in tasks if not task.state.has_ended)


def can_be_stopped(loop: LoopSnapshot) -> bool:
    """Whether Stop all is for this loop, too."""
    return not (loop.state.has_ended or loop.protected)


def why_impossible(action: Action, loop: LoopSnapshot | None) -> str | None:
    """Why a button does nothing for `loop`, where more is to be said than that there is nothing."""
    if loop is None or loop.state.has_ended or not action.is_for_a_loop:
        return None
    if action is Action.KILL:
        return None  # It is not to be seen then.
    if loop.protected:
        return loop.why_protected
    return loop.why_no_stop_event if action is Action.STOP_EVENT else None


def why_limited(loop: LoopSnapshot | None) -> str | None:
    """Why some buttons are grey for a loop that runs."""
    if loop is None or loop.state.has_ended:
        return None
    if loop.protected:
        return f"protected: {loop.why_protected}" if loop.why_protected else None
    return f"no stop event: {loop.why_no_stop_event}" if loop.why_no_stop_event else None


def about(loop: LoopSnapshot | None) -> str:
    """The selected loop in one line: "race · run 1 · started 12:03:41 · thread bgw-race", or why
    some buttons are grey for it.
    """
    if loop is None:
        return ""
    # There is room for two short lines: what cannot be seen elsewhere goes before what can.
    name = _shortened(loop.name)
    if (why := why_limited(loop)) is not None:
        return f"{name} · {why}"
    parts = [name] if name.strip() else []
    if (since := silent_since(loop)) is not None:
        parts.append(f"no answer since {clock_time(since, loop.as_of)}")
    parts.append(f"run {loop.run_number}")
    if loop.started_at is not None:
        parts.append(f"started {clock_time(loop.started_at, loop.as_of)}")
    if loop.thread_name is not None:
        parts.append(f"thread {_shortened(loop.thread_name)}")
    if loop.host != "thread" and loop.pid is not None:
        parts.append(f"pid {loop.pid}")
    if loop.protected:
        parts.append("protected")
    return " · ".join(parts)


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def clock_time(moment: float, now: float) -> str:
    """The time of day where the kernel runs, with the date when that was another day."""
    then = time.localtime(moment)
    is_today = then[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M:%S" if is_today else "%Y-%m-%d %H:%M", then)
