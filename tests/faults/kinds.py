"""The four kinds of loop on which something goes wrong, as the loop's main task or as another."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bgwidgets import BackgroundLoop, LoopManager, current
from tests.faults.faults import Fault, for_ever
from tests.waiting import until

STARTS_WITHIN = 30.0


class Kind(StrEnum):
    """Where the loop runs."""

    NATIVE = "native"
    ADOPTED = "adopted"
    PROCESS = "process"
    DASK = "dask"

    @property
    def has_a_process(self) -> bool:
        """Of its own, which can be killed."""
        return self in {Kind.PROCESS, Kind.DASK}


class Place(StrEnum):
    """As what the fault runs."""

    MAIN = "main"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Subject:
    """A loop on which something is about to go wrong."""

    job: BackgroundLoop
    futures: list[Future[Any]]
    """Of its other tasks, for which somebody waits in a thread."""
    has_gone: Callable[[], bool]
    """Whether what carried the loop is no more."""
    fault_name: str
    """What the task is called that goes wrong."""


async def polite() -> None:
    """A main task that ends by its loop's stop event."""
    job = current()
    assert job is not None
    await job.stop_event.wait()


Work = Callable[[str], Coroutine[Any, Any, Any]]


def set_up(
    manager: LoopManager, kind: Kind, place: Place, fault: Fault, path: str, client: Any = None
) -> Subject:
    """The loop runs, and so does the task, which waits for its `go`."""
    if kind is Kind.ADOPTED:
        return _adopted(manager, place, fault, path)
    host = {Kind.NATIVE: "thread", Kind.PROCESS: "process", Kind.DASK: client}[kind]
    work = fault.for_ever if fault.for_ever is not None and kind.has_a_process else fault.work
    if place is Place.MAIN:
        name = f"job-{path}{fault.task_name or ''}"
        job = manager.start(work, path, name=None if fault.is_nameless else name, host=host)
        futures = [job.submit_call(for_ever)]
        fault_name = job.name
    else:
        job = manager.start(polite, name=f"job-{path}", host=host)
        fault_name = fault.task_name or "fault"
        futures = [job.submit_call(work, path, name=fault_name), job.submit_call(for_ever)]
    _wait_until_up(job)
    if kind.has_a_process:
        pid = until(lambda: job.snapshot().pid)
        return Subject(job, futures, lambda: not _is_process(pid), fault_name)
    thread = _thread(job.snapshot().thread_name)
    return Subject(job, futures, lambda: not thread.is_alive(), fault_name)


def _wait_until_up(job: BackgroundLoop) -> None:
    """Several Pythons may start at the same time, on a machine that has other things to do."""
    deadline = time.monotonic() + STARTS_WITHIN
    while job.state != "running":
        assert time.monotonic() < deadline, job
        time.sleep(0.01)


def _is_process(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _thread(name: str | None) -> threading.Thread:
    (thread,) = (each for each in threading.enumerate() if each.name == name)
    return thread


def _adopted(manager: LoopManager, place: Place, fault: Fault, path: str) -> Subject:
    """Somebody else's thread runs it until its main task has ended, and closes nothing."""
    event = asyncio.Event()
    loop: Future[asyncio.AbstractEventLoop] = Future()
    other: Future[asyncio.Task[Any]] = Future()

    async def wait_for_event() -> None:
        await event.wait()

    def own() -> None:
        mine = asyncio.new_event_loop()
        main = mine.create_task(
            fault.work(path) if place is Place.MAIN else wait_for_event(),
            name=(fault.task_name if place is Place.MAIN else None) or f"job-{path}",
        )
        if place is Place.OTHER:
            task = mine.create_task(fault.work(path), name=fault.task_name or "fault")
            other.set_result(task)
        loop.set_result(mine)
        try:
            mine.run_until_complete(main)
        except BaseException:  # noqa: BLE001 - whatever came of it: it is the owner's, who knows
            return

    owner = threading.Thread(target=own, name=f"owner-{path}", daemon=True)
    owner.start()
    job = manager.adopt(loop.result(5), stop_event=event, name=f"job-{path}")
    until(lambda: job.state == "running" and job.tasks)
    futures = [job.submit(for_ever())]
    is_main = place is Place.MAIN
    fault_name = fault.task_name or (f"job-{path}" if is_main else "fault")
    return Subject(job, futures, lambda: not owner.is_alive(), fault_name)
