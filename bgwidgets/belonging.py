"""Which background loop the calling code belongs to.

Two sources, for neither is enough alone: a loop's own thread and its worker threads are known by
their numbers, and what they hand on to others by a context variable. The thread comes first,
because a task that another loop's code has submitted brings along that other loop's variable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from bgwidgets.fork_locks import call_in_forks

_loop_of_thread: Final[dict[int, tuple[int, threading.Thread]]] = {}
"""By the thread's number, and with the thread itself: the system gives the number to another one as
soon as this one has ended."""
_guest_of_thread: Final[dict[int, tuple[int, threading.Thread]]] = {}
"""A loop that turns in a thread whose code does not belong to it: a protected one."""
_loop_of_worker: Final[dict[int, int]] = {}
_stop_event_of_worker: Final[dict[int, Any]] = {}
_loop_spoken_for: Final[dict[int, int]] = {}
"""By the thread's number: a loop of which something is told in that thread at this moment."""
_loop_of_context: Final[ContextVar[int | None]] = ContextVar("bgwidgets_loop", default=None)


_listeners: Final[list[Callable[[int], None]]] = []
"""Called with a loop's id when a thread has become its own or its worker, or is so no more."""


def on_move(listener: Callable[[int], None]) -> None:
    """Have it called with a loop's id when it has changed which threads belong to that loop: in the
    very thread, but where a loop that was adopted has left one.
    """
    _listeners.append(listener)


def _tell(loop_id: int) -> None:
    for listener in _listeners:
        listener(loop_id)


def enter_loop_thread(loop_id: int) -> None:
    """From now on the calling thread is this loop's own."""
    _loop_of_thread[threading.get_ident()] = (loop_id, threading.current_thread())
    _tell(loop_id)


def turns_in_this_thread(loop_id: int) -> None:
    """From now on this loop turns in the calling thread, whose code does not belong to it."""
    _guest_of_thread[threading.get_ident()] = (loop_id, threading.current_thread())


def leave_loop_thread(loop_id: int) -> None:
    """The calling thread is not this loop's own any more."""
    if _own(_loop_of_thread) == loop_id:
        _loop_of_thread.pop(threading.get_ident(), None)
        _tell(loop_id)


def leave_thread(number: int, loop_id: int) -> None:
    """The thread of that number is this loop's no more. Any thread: the loop is not ours to end."""
    for loops in (_loop_of_thread, _guest_of_thread):
        if number in loops and loops[number][0] == loop_id:
            loops.pop(number, None)
            _tell(loop_id)


def has_a_thread(loop_id: int) -> bool:
    """Whether some thread is this loop's own; a protected loop has none. Any thread."""
    return any(own == loop_id for own, _ in list(_loop_of_thread.values()))


@contextmanager
def speaks_for(loop_id: int) -> Iterator[None]:
    """What the calling thread says in here belongs to this loop, whosever thread it is."""
    number = threading.get_ident()
    if loop_id_by_thread() == loop_id:
        yield
        return
    before = _loop_spoken_for.get(number)
    _loop_spoken_for[number] = loop_id
    _tell(loop_id)
    try:
        yield
    finally:
        if before is None:
            del _loop_spoken_for[number]
        else:
            _loop_spoken_for[number] = before
        _tell(loop_id)


def enter_worker_thread(loop_id: int, stop_event: object) -> None:
    """From now on the calling thread runs blocking functions for one run of this loop."""
    _loop_of_worker[threading.get_ident()] = loop_id
    _stop_event_of_worker[threading.get_ident()] = stop_event
    enter_context(loop_id)
    _tell(loop_id)


def leave_worker_thread() -> None:
    """The calling thread runs no loop's functions any more."""
    loop_id = _loop_of_worker.pop(threading.get_ident(), None)
    _stop_event_of_worker.pop(threading.get_ident(), None)
    if loop_id is not None:
        _tell(loop_id)


def stop_event_of_worker(loop_id: int) -> Any:
    """The stop event of the run that the calling thread works for; None if it is no worker of this
    loop. A restart gives the loop another event, but an abandoned thread keeps the one it had.
    """
    number = threading.get_ident()
    return _stop_event_of_worker.get(number) if _loop_of_worker.get(number) == loop_id else None


def enter_context(loop_id: int) -> None:
    """Code that runs in the current context belongs to this loop."""
    _loop_of_context.set(loop_id)


def loop_id_of_thread() -> int | None:
    """The loop whose own thread is calling. Any thread; does not block."""
    return _own(_loop_of_thread)


def would_wait_for_itself(loop_id: int) -> bool:
    """Whether this loop turns in the calling thread. Any thread; does not block."""
    return loop_id in {_own(_loop_of_thread), _own(_guest_of_thread)}


def loop_id_of(number: int | None) -> int | None:
    """The loop whose own thread has this number. Any thread; does not block."""
    loop_id, thread = _loop_of_thread.get(number or 0, (None, None))
    return loop_id if thread is not None and thread.is_alive() else None


def works_for(loop_id: int) -> bool:
    """Whether the calling thread is this loop's own or one of its worker threads."""
    is_worker = _loop_of_worker.get(threading.get_ident()) == loop_id
    return is_worker or would_wait_for_itself(loop_id)


def current_loop_id() -> int | None:
    """The loop to which the calling task or worker thread belongs. Any thread; does not block."""
    own = loop_id_by_thread()
    return loop_id_by_context() if own is None else own


def loop_id_by_thread() -> int | None:
    """The loop whose own thread, or whose worker, is calling. It stays so until `on_move`
    tells otherwise, whatever the thread runs.
    """
    number = threading.get_ident()
    if (spoken_for := _loop_spoken_for.get(number)) is not None:
        return spoken_for
    own = _own(_loop_of_thread)
    return _loop_of_worker.get(number) if own is None else own


loop_id_by_context: Final = _loop_of_context.get
"""The loop whose context the calling code runs in; only for threads that are no loop's."""


def _own(loops: dict[int, tuple[int, threading.Thread]]) -> int | None:
    loop_id, thread = loops.get(threading.get_ident(), (None, None))
    return loop_id if thread is threading.current_thread() else None


def _forget_all() -> None:
    """In a fork there is no loop and no thread of one, though the thread that forked was one: what
    it writes is nobody's there, or it would be lost with the copy of that loop's output.
    """
    known = (_loop_of_thread, _guest_of_thread, _loop_of_worker, _loop_spoken_for)
    gone = {loop_id for loop_id, _ in (*_loop_of_thread.values(), *_guest_of_thread.values())}
    gone |= {*_loop_of_worker.values(), *_loop_spoken_for.values()}
    for each in (*known, _stop_event_of_worker):
        each.clear()
    _loop_of_context.set(None)
    for loop_id in gone:
        _tell(loop_id)


call_in_forks(_forget_all)
