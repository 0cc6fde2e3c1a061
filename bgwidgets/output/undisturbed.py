"""Steps that a stop of the cell must not break off in the middle."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import FrameType

from bgwidgets.fork_locks import free_in_forks
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
    heard: list[tuple[int, FrameType | None]] = []

    def note(number: int, frame: FrameType | None) -> None:
        heard.append((number, frame))

    usual = signal.getsignal(signal.SIGINT)
    if usual is None:  # Somebody has set it from C, and it could not be put back.
        step()
        return
    try:
        signal.signal(signal.SIGINT, note)  # Raises what came before; then nothing has begun.
    except ValueError:  # Not in the main interpreter.
        step()
        return
    try:
        step()
    finally:
        signal.signal(signal.SIGINT, usual)
    if heard and callable(usual):
        usual(*heard[-1])
    elif heard:
        signal.raise_signal(signal.SIGINT)


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
