"""Loops in threads, in processes and on a Dask worker: to start one, look at it, cancel a task, and
kill it; beside the standard library's processes, loky's and a bare Dask future.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from benchmarks.measure import Goal, Result, interleaved, ratio, rows_of
from benchmarks.peers import not_measured
from bgwidgets import BackgroundLoop, LoopManager
from bgwidgets.snapshots import WindowRequest

LIMIT: Final = 60.0
TASKS: Final = 1_000
SHOWN: Final = 50
"""Rows in a window, as a panel has them."""
LOOKS: Final = 100
START_GOAL: Final = 0.15
SNAPSHOT_GOAL: Final = 0.005
CANCEL_GOAL: Final = 0.005
KILL_GOAL: Final = 0.1
THREAD_HOST: Final = "thread"
THREAD: Final = "bgwidgets, thread"
PROCESS: Final = "bgwidgets, process"
DASK: Final = "bgwidgets, dask"
FUTURE: Final = "a Dask future"
SPAWNED: Final = "multiprocessing, spawn"
LOKY: Final = "loky"
SPAWN: Final = multiprocessing.get_context("spawn")


def pid() -> int:
    """The shortest function with a result that only its process can give."""
    return os.getpid()


async def nap() -> None:
    """What is cancelled."""
    await asyncio.sleep(3600)


async def many_naps() -> None:
    """What is looked at."""
    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            group.create_task(nap())


async def async_pid() -> int:
    """The same for a loop."""
    return pid()


def send_pid(connection: Any) -> None:
    """The same for a process that is started by hand, which then waits to be killed."""
    connection.send(pid())
    threading.Event().wait()


def run(rounds: int) -> list[Result]:
    """Four tables."""
    with one_worker() as client:
        return _run(rounds, client)


@contextmanager
def one_worker() -> Iterator[Any]:
    """A Dask client of one worker; None where Dask is missing."""
    if importlib.util.find_spec("distributed") is None:
        yield None
        return
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def _run(rounds: int, client: Any) -> list[Result]:
    manager = LoopManager()
    has_loky = importlib.util.find_spec(LOKY) is not None
    missing = [] if has_loky else [not_measured(LOKY, [LOKY])]
    starts: dict[str, Callable[[], tuple[float, float]]] = {
        THREAD: partial(_ours, manager, "thread"),
        PROCESS: partial(_ours, manager, "process"),
        SPAWNED: _spawned,
    }
    if has_loky:
        starts[LOKY] = _lokys
    if client is None:
        missing.append(not_measured(DASK, ["distributed"]))
    else:
        starts[DASK] = partial(_ours, manager, client)
        starts[FUTURE] = partial(_future, client)
    pairs = interleaved(starts, rounds, 1)
    started = {name: [pair[0] for pair in values] for name, values in pairs.items()}
    killed = {name: [pair[1] for pair in values] for name, values in pairs.items()}
    jobs = {
        THREAD: manager.start(many_naps, host="thread"),
        PROCESS: manager.start(many_naps, host="process"),
    }
    if client is not None:
        jobs[DASK] = manager.start(many_naps, host=client)
    for job in jobs.values():
        while job.task_window(stop=1).total <= TASKS:
            time.sleep(0.01)
    gc.collect()
    looked = interleaved({name: partial(_look, job) for name, job in jobs.items()}, rounds, 1)
    cancelled = interleaved({name: partial(_cancel, job) for name, job in jobs.items()}, rounds, 1)
    for job in jobs.values():
        job.stop(0)
    return [
        Result(
            "hosts: start, from the call until the first result is there",
            rounds,
            rows_of(started, SPAWNED),
            goals=[Goal("start of a process", _absolute(started), START_GOAL, "s")],
            notes=missing,
        ),
        Result(
            f"hosts: a window of {SHOWN} rows, of {TASKS:,} tasks",
            rounds,
            rows_of(looked, THREAD),
            goals=[Goal("a window of a process", _absolute(looked), SNAPSHOT_GOAL, "s")],
        ),
        Result(
            "hosts: cancel one task, until its end is known",
            rounds,
            rows_of(cancelled, THREAD),
            goals=[Goal("to cancel in a process", _absolute(cancelled), CANCEL_GOAL, "s")],
        ),
        Result(
            "hosts: end it, until it is gone (a thread: stop_loop(); a future: cancel())",
            rounds,
            rows_of(killed, SPAWNED),
            goals=[Goal("to kill a process", _absolute(killed), KILL_GOAL, "s")],
            notes=missing,
        ),
    ]


def _absolute(values: dict[str, list[float]]) -> Any:
    ones = {PROCESS: values[PROCESS], "one": [1.0] * len(values[PROCESS])}
    return ratio(ones, PROCESS, "one")


def _future(client: Any) -> tuple[float, float]:
    """It cannot be killed: a cancelled one runs on, and only its key is forgotten."""
    began = time.perf_counter()
    future = client.submit(pid, pure=False)
    future.result(LIMIT)
    up = time.perf_counter()
    future.cancel()
    return up - began, time.perf_counter() - up


def _ours(manager: LoopManager, host: Any) -> tuple[float, float]:
    began = time.perf_counter()
    job = manager.start(host=host)
    job.submit_call(async_pid).result(LIMIT)
    up = time.perf_counter()
    if host == THREAD_HOST:
        job.stop_loop()
    else:
        job.kill()
    job.wait(LIMIT)
    gone = time.perf_counter()
    job.remove()
    return up - began, gone - up


def _spawned() -> tuple[float, float]:
    began = time.perf_counter()
    ours, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=send_pid, args=(theirs,))
    process.start()
    ours.recv()
    up = time.perf_counter()
    process.kill()
    process.join(LIMIT)
    gone = time.perf_counter()
    ours.close()
    theirs.close()
    return up - began, gone - up


def _lokys() -> tuple[float, float]:
    import loky

    began = time.perf_counter()
    executor = loky.ProcessPoolExecutor(1)
    executor.submit(pid).result(LIMIT)
    up = time.perf_counter()
    executor.shutdown(kill_workers=True)
    return up - began, time.perf_counter() - up


def _look(job: BackgroundLoop) -> float:
    request = WindowRequest(stop=SHOWN)
    began = time.perf_counter()
    for _ in range(LOOKS):
        if len(job.window(request).tasks) != SHOWN:
            raise RuntimeError("rows are missing")
    return (time.perf_counter() - began) / LOOKS


def _cancel(job: BackgroundLoop) -> float:
    future = job.submit_call(nap, name="to be cancelled")
    while not (found := job.task_window(filter="to be cancelled", states=["pending"]).tasks):
        time.sleep(0.001)
    began = time.perf_counter()
    job.cancel_tasks(found[0].id)
    while not future.done():
        time.sleep(0)
    return time.perf_counter() - began
