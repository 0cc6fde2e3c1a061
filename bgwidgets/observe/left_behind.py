"""Warnings of what a loop left behind when it ended: unfinished tasks, and busy worker threads."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import threading
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any, Final

from bgwidgets.observe.await_chain import place_of
from bgwidgets.observe.blame import users_line_in
from bgwidgets.observe.names import name_of
from bgwidgets.observe.thread_frames import frames_of_other_threads
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.snapshots import WarningKind

LONGEST_NAME: Final = 200
_EXECUTORS_FILE: Final = concurrent.futures.thread.ThreadPoolExecutor.submit.__code__.co_filename


def tell_of_pending(
    kept: WarningsKept,
    tasks: Iterable[asyncio.Task[Any]],
    coroutine_of: Callable[[asyncio.Task[Any]], str],
) -> None:
    """The loop has ended, and these tasks have not. When the loop runs no more."""
    places: dict[str, str | None] = {}
    for task in tasks:
        coroutine = coroutine_of(task)
        # One look for each kind: there may be a hundred thousand.
        if coroutine not in places:
            places[coroutine] = place_of(task)[1]
        _tell_of_one(kept, name_of(task), coroutine, places[coroutine])


def _tell_of_one(kept: WarningsKept, name: str, coroutine: str, where: str | None) -> None:
    kept.add(
        WarningKind.PENDING_AT_STOP,
        coroutine,
        lambda: Told(f"task {name!r} had not ended when its loop did{_at(where)}", name, where),
    )


def tell_of_threads(
    kept: WarningsKept, threads: Iterable[threading.Thread], *, known_busy: bool
) -> None:
    """The loop has ended, and these of its worker threads are alive. Any thread; does not block.

    Those that are not `known_busy` are so if they run a job.
    """
    frames = frames_of_other_threads()
    for thread in threads:
        frame = frames.get(thread.ident or 0)
        if known_busy or _runs_a_job(frame):
            _tell_of_thread(kept, thread.name[:LONGEST_NAME], users_line_in(frame))


def names_at_work(threads: Iterable[threading.Thread]) -> tuple[str, ...]:
    """Those of an executor's threads that run a job now. Any thread; does not block."""
    frames = frames_of_other_threads()
    busy = [thread for thread in threads if _runs_a_job(frames.get(thread.ident or 0))]
    return tuple(sorted(thread.name[:LONGEST_NAME] for thread in busy))


def _runs_a_job(frame: FrameType | None) -> bool:
    """Whether a thread of the standard library's executor is not just waiting for the next job."""
    while frame is not None:
        code = frame.f_code
        if code.co_name == "run" and code.co_filename == _EXECUTORS_FILE:
            return True
        frame = frame.f_back
    return False


def _tell_of_thread(kept: WarningsKept, name: str, where: str | None) -> None:
    kept.add(
        WarningKind.THREADS_LEFT_BEHIND,
        where or "",
        lambda: Told(
            f"thread {name!r} was still at work when its loop ended{_at(where)}", where=where
        ),
    )


def _at(where: str | None) -> str:
    return "" if where is None else f", at {where}"
