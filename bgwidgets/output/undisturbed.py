"""Steps that a stop of the cell must not break off in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import FrameType
from typing import Any, Final

from bgwidgets.fork_locks import call_in_forks, free_in_forks
from bgwidgets.own_thread import OwnThread


def undisturbed(step: Callable[[], None]) -> None:
    """Run this to its end, and only then let a Ctrl-C be heard that came meanwhile. For what takes
    no time: a KeyboardInterrupt would come between any two of its steps.

    It comes by the handler of its signal, and in the main thread alone: so that is another one for
    as long as it takes.
    """
    if threading.current_thread() is not threading.main_thread():
        step()
        return
    usual = signal.getsignal(signal.SIGINT)
    if usual is None:  # Somebody has set it from C, and it could not be put back.
        step()
        return
    later = _Later(usual)
    try:
        signal.signal(signal.SIGINT, later)  # Raises what came before; then nothing has begun.
    except ValueError:  # Not in the main interpreter.
        step()
        return
    try:
        step()
    finally:
        signal.signal(signal.SIGINT, usual)
    if later.heard and callable(usual):
        usual(*later.heard[-1])
    elif later.heard:
        signal.raise_signal(signal.SIGINT)


class _Later:
    """A handler that only notes what it hears."""

    def __init__(self, usual: Any) -> None:
        self.usual: Final = usual
        """The one in whose place it is,"""
        self.thread: Final = threading.get_ident()
        """until the end of a step in this thread."""
        self.heard: Final[list[tuple[int, FrameType | None]]] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.heard.append((number, frame))


def _hear_in_fork() -> None:
    """Where another thread has forked amid a step: its end does not come along."""
    found = usual = signal.getsignal(signal.SIGINT)
    while isinstance(usual, _Later) and usual.thread != threading.get_ident():
        usual = usual.usual
    if usual is not found:
        signal.signal(signal.SIGINT, usual)


call_in_forks(_hear_in_fork)


def to_its_end(step: Callable[[], None]) -> None:
    """Run this to its end, also when a Ctrl-C ends the waiting for it: in a thread of its own. For
    what may take its time. Raises what it raises. Blocks.
    """
    if threading.current_thread() is not threading.main_thread():
        step()
        return
    done: Future[None] = free_in_forks(Future())

    def run() -> None:
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - who waits gets it, whatever it is
            done.set_exception(error)
        else:
            done.set_result(None)

    OwnThread(run, "bgw-to-its-end").start()
    done.result()
