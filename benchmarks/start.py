"""From the call of `start()` to a running loop, and from a stop to a closed loop."""

from __future__ import annotations

import asyncio
import threading
import time
from functools import partial
from typing import Final

from benchmarks.measure import Goal, Result, interleaved, ratio, rows_of
from bgwidgets import LoopManager

LIMIT: Final = 30.0
GOAL: Final = 2.0


async def wait_for_ever() -> None:
    """What the loops run."""
    await asyncio.Event().wait()


class BareThread:
    """The least that one could write by hand: a thread, an event loop, a signal when it turns."""

    def __init__(self, *, with_task: bool) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._with_task = with_task
        self._turns = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        self._loop = asyncio.new_event_loop()
        if self._with_task:
            self._task = self._loop.create_task(wait_for_ever())
        self._loop.call_soon(self._turns.set)
        self._loop.run_forever()
        self._loop.close()

    def start(self) -> None:
        """Return when the loop turns."""
        self._thread.start()
        self._turns.wait(LIMIT)

    def stop(self) -> None:
        """Cancel the task, and return when the loop is closed."""
        loop, task = self._loop, self._task
        if loop is None:
            raise RuntimeError("start it first")

        def cancel_and_stop() -> None:
            if task is None:
                loop.stop()
            else:
                task.add_done_callback(lambda _: loop.stop())
                task.cancel()

        loop.call_soon_threadsafe(cancel_and_stop)
        self._thread.join(LIMIT)


def run(rounds: int) -> list[Result]:
    """Start and stop, for an empty loop and for one with a main task."""
    manager = LoopManager()
    stops: dict[str, list[float]] = {}

    def bare(*, with_task: bool) -> float:
        thread = BareThread(with_task=with_task)
        began = time.perf_counter()
        thread.start()
        started = time.perf_counter()
        thread.stop()
        stops.setdefault("bare thread", []).append(time.perf_counter() - started)
        return started - began

    def ours(*, with_task: bool) -> float:
        began = time.perf_counter()
        job = manager.start(wait_for_ever if with_task else None)
        started = time.perf_counter()
        job.stop_loop()
        job.wait(LIMIT)
        stops.setdefault("bgwidgets", []).append(time.perf_counter() - started)
        job.remove()
        return started - began

    results = []
    for with_task, what in ((False, "an empty loop"), (True, "a loop with a main task")):
        stops.clear()
        seconds = interleaved(
            {
                "bare thread": partial(bare, with_task=with_task),
                "bgwidgets": partial(ours, with_task=with_task),
            },
            rounds,
        )
        measured = ratio(seconds, "bgwidgets", "bare thread")
        results.append(
            Result(
                f"start: {what}, from the call until it turns",
                rounds,
                rows_of(seconds, "bare thread"),
                goals=[Goal(f"start of {what}, time over a bare thread's", measured, GOAL, "x")],
            )
        )
        results.append(
            Result(
                f"stop: {what}, from stop_loop() until it is closed",
                rounds,
                rows_of({name: took[-rounds:] for name, took in stops.items()}, "bare thread"),
            )
        )
    return results
