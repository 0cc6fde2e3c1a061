"""Warnings of what a loop left behind when it ended: unfinished tasks, and busy worker threads."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import threading
from collections.abc import Callable, Iterable
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.await_chain import place_of
from bgwidgets.observe.blame import users_line_in
from bgwidgets.observe.names import name_of, peek
from bgwidgets.observe.thread_frames import Stack, stacks_of
from bgwidgets.observe.wait_words import WORKER_THREAD
from bgwidgets.observe.warnings_kept import Told, WarningsKept
from bgwidgets.snapshots import WarningKind

LONGEST_NAME: Final = 200
_IN_A_THREAD: Final = (WORKER_THREAD, None)
"""Where such a task waits: in no line of the user's."""
_EXECUTORS_FILE: Final = concurrent.futures.thread.ThreadPoolExecutor.submit.__code__.co_filename


def tell_of_pending(
    kept: WarningsKept,
    tasks: Iterable[asyncio.Task[Any]],
    coroutine_named: Callable[[asyncio.Task[Any]], str],
) -> None:
    """The loop has ended, and these tasks have not. When the loop runs no more.

    Not of one that stands for a plain function: that cannot be cancelled, and is told of with its
    thread.
    """
    places: dict[object, tuple[str | None, str | None]] = {}
    for task in tasks:
        coroutine = coroutine_named(task)
        # One look for each kind: there may be a hundred thousand. A plain function's, which runs
        # in a coroutine of ours, may have the name of another.
        kind = coroutine, id(peek(coroutine_of(task), "cr_code"))
        if kind not in places:
            places[kind] = place_of(task)
        if places[kind] != _IN_A_THREAD:
            _tell_of_one(kept, name_of(task), coroutine, places[kind][1])


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
    all_threads = list(threads)
    stacks = _stacks_of(all_threads)
    for thread in all_threads:
        stack = stacks.get(thread.ident or 0)
        if known_busy or _runs_a_job(stack):
            _tell_of_thread(kept, thread.name[:LONGEST_NAME], users_line_in(stack))


def names_at_work(
    threads: Iterable[threading.Thread], known_busy: set[threading.Thread]
) -> tuple[str, ...]:
    """Those that are `known_busy`, and of an executor's other threads those that run a job now. Any
    thread; does not block.
    """
    others = [thread for thread in threads if thread not in known_busy]
    stacks = _stacks_of(others)
    busy = [thread for thread in others if _runs_a_job(stacks.get(thread.ident or 0))]
    return tuple(sorted(thread.name[:LONGEST_NAME] for thread in (*busy, *known_busy)))


def _stacks_of(threads: list[threading.Thread]) -> dict[int, Stack]:
    return stacks_of(thread.ident for thread in threads if thread.ident is not None)


def _runs_a_job(stack: Stack | None) -> bool:
    """Whether a thread of the standard library's executor is not just waiting for the next job."""
    return stack is not None and any(
        code.co_name == "run" and code.co_filename == _EXECUTORS_FILE for code, _ in stack.places
    )


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
