"""The event loops that run in this process, whoever started them.

Looked for on demand only: the collector looks at every object of the process.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Final

from bgwidgets.observe.asyncio_internals import running_loop_here, thread_id_of
from bgwidgets.observe.kernels_own import why_kernels

ANSWER_WITHIN: Final = 0.2
"""Seconds that loops which do not tell their thread otherwise get to answer, all together."""


@dataclass(frozen=True, slots=True)
class FoundLoop:
    """A running event loop, and the thread in which it turns where that is known."""

    loop: asyncio.AbstractEventLoop
    thread: threading.Thread | None

    @property
    def why_protected(self) -> str | None:
        """Why nobody may stop it; None when it is not the kernel's."""
        return why_kernels(self.thread)


def running_loops() -> list[FoundLoop]:
    """Every running event loop of this process. Any thread; blocks for at most 0.2 s, and for as
    long as a look at all objects takes.
    """
    loops = [loop for loop in _all_loops() if _is_running(loop)]
    numbers = {id(loop): thread_id_of(loop) for loop in loops}
    numbers |= _asked([loop for loop in loops if numbers[id(loop)] is None])
    threads = {thread.ident: thread for thread in threading.enumerate()}
    return [FoundLoop(loop, threads.get(numbers[id(loop)])) for loop in loops]


def _all_loops() -> list[asyncio.AbstractEventLoop]:
    """An instance refers to its class, so the collector finds them, and holds nothing else: what
    another thread is in the midst of making, a tuple say, nobody else may hold.
    """
    classes: list[type] = [asyncio.AbstractEventLoop]
    for known in classes:
        classes += type.__subclasses__(known)
    # Not `isinstance`: that would run a user's `__class__` property.
    return [
        thing
        for thing in gc.get_referrers(*classes)
        if issubclass(type(thing), asyncio.AbstractEventLoop)
    ]


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Not one that cannot tell: another thread may be in the midst of making it."""
    try:
        return loop.is_running()
    except Exception:  # noqa: BLE001 - or somebody has broken it
        return False


def thread_of(loop: asyncio.AbstractEventLoop) -> threading.Thread | None:
    """The thread in which a loop turns; None when it does not, or does not answer in time."""
    number = thread_id_of(loop)
    if number is None and loop.is_running():
        number = _asked([loop])[id(loop)]
    threads = {thread.ident: thread for thread in threading.enumerate()}
    return threads.get(number) if number is not None else None


def _asked(loops: list[asyncio.AbstractEventLoop]) -> dict[int, int | None]:
    """Ask loops for their threads' numbers; a loop that is blocked gives no answer."""
    answers: dict[int, Future[int]] = {}
    for loop in loops:
        answer: Future[int] = Future()
        answers[id(loop)] = answer
        # It may be closed in this moment; or somebody has broken it.
        with contextlib.suppress(Exception):
            loop.call_soon_threadsafe(_answer, answer)
    # Asked in a thread of its own loop, it could not answer; but then it is this very one.
    own = running_loop_here()
    if id(own) in answers:
        _answer(answers[id(own)])
    wait(list(answers.values()), ANSWER_WITHIN)
    return {key: answer.result() if answer.done() else None for key, answer in answers.items()}


def _answer(answer: Future[int]) -> None:
    if not answer.done():
        answer.set_result(threading.get_ident())
