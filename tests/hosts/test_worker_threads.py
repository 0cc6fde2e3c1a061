"""An executor whose threads never hold anything up."""

from __future__ import annotations

import concurrent.futures
import contextvars
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bgwidgets.belonging import current_loop_id, works_for
from bgwidgets.hosts.worker_threads import MOST_THREADS, WorkerThreads
from bgwidgets.identifiers import new_id
from tests.hosts.conftest import AT_ONCE, LIMIT

MakeWorkers = Callable[..., WorkerThreads]


@pytest.fixture
def make_workers(gate: threading.Event) -> Iterator[MakeWorkers]:
    """`make_workers(most_threads)`: shut down at the end, and every thread gone."""
    made: list[WorkerThreads] = []

    def make(most_threads: int = 3, loop_id: int = 7) -> WorkerThreads:
        made.append(WorkerThreads("bgw-test", loop_id, most_threads))
        return made[-1]

    yield make
    gate.set()
    for workers in made:
        workers.shutdown()


def wait_until_idle(workers: WorkerThreads) -> None:
    """A future is resolved a moment before its thread is free again."""
    deadline = time.monotonic() + LIMIT
    while workers.busy_threads():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_results_and_arguments(make_workers: MakeWorkers):
    workers = make_workers()
    assert {"a": 1, "b": 2} == workers.submit(dict, [("a", 1)], b=2).result(LIMIT)
    assert [0, 1, 4] == list(workers.map(lambda number: number * number, range(3)))


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit])
def test_an_error_is_the_callers(make_workers: MakeWorkers, error: type[BaseException]):
    """Whatever it is; the thread goes on to the next job."""
    workers = make_workers(1)

    def fail() -> None:
        raise error("a")

    assert error is type(workers.submit(fail).exception(LIMIT))
    assert 1 == workers.submit(int, "1").result(LIMIT)


def test_there_are_never_more_threads_than_allowed(
    make_workers: MakeWorkers, gate: threading.Event
):
    """The rest waits its turn; the threads are daemons, and numbered."""
    workers = make_workers(3)
    begun = threading.Semaphore(0)
    names: list[str] = []

    def block() -> bool:
        names.append(threading.current_thread().name)
        begun.release()
        gate.wait(LIMIT)
        return threading.current_thread().daemon

    futures = [workers.submit(block) for _ in range(10)]
    for _ in range(3):
        assert begun.acquire(timeout=LIMIT)
    expected = tuple(f"bgw-test-worker-{number}" for number in (1, 2, 3))
    assert expected == workers.busy_threads() == tuple(sorted(names))
    gate.set()
    assert [True] * 10 == [future.result(LIMIT) for future in futures]
    assert set(expected) == set(names)
    wait_until_idle(workers)


def test_an_idle_thread_is_used_again(make_workers: MakeWorkers):
    workers = make_workers(3)
    names = set()
    for _ in range(20):
        names.add(workers.submit(lambda: threading.current_thread().name).result(LIMIT))
        wait_until_idle(workers)
    assert {"bgw-test-worker-1"} == names


def test_jobs_that_need_each_other_all_get_a_thread(make_workers: MakeWorkers):
    """A thread is idle only as long as no job is on its way to it."""
    for _ in range(50):
        workers = make_workers(4)
        meet = threading.Barrier(4)
        futures = [workers.submit(meet.wait, LIMIT) for _ in range(4)]
        assert {0, 1, 2, 3} == {future.result(LIMIT) for future in futures}
        workers.shutdown(wait=False)


def test_each_thread_belongs_to_the_loop(make_workers: MakeWorkers):
    """As long as it lives, whatever context the job brings along."""

    def look() -> tuple[int | None, int | None, bool, bool]:
        in_context = contextvars.Context().run(current_loop_id)
        return current_loop_id(), in_context, works_for(loop_id), works_for(loop_id + 1)

    loop_id = new_id()
    workers = make_workers(2, loop_id)
    assert (loop_id, loop_id, True, False) == workers.submit(look).result(LIMIT)
    assert not works_for(loop_id)


def test_the_default_is_that_of_the_standard_library():
    assert ThreadPoolExecutor()._max_workers == MOST_THREADS


def test_nothing_is_taken_after_a_shutdown(make_workers: MakeWorkers):
    """A second shutdown is no harm."""
    workers = make_workers()
    assert 1 == workers.submit(int, "1").result(LIMIT)
    workers.shutdown()
    workers.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        workers.submit(int, "1")


def test_a_shutdown_lets_what_was_submitted_run(make_workers: MakeWorkers, gate: threading.Event):
    """And waits for it only when told to."""
    workers = make_workers(1)
    futures = [workers.submit(gate.wait, LIMIT), workers.submit(gate.wait, LIMIT)]
    workers.shutdown(wait=False)
    assert not any(future.done() for future in futures)
    gate.set()
    workers.shutdown(wait=True)
    assert [True, True] == [future.result(0) for future in futures]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("bgw-test")]


def test_a_shutdown_drops_what_has_not_begun_when_told(
    make_workers: MakeWorkers, gate: threading.Event
):
    """All who wait for it are told, also for one that its owner had cancelled already."""
    workers = make_workers(1)
    begun = threading.Event()

    def block() -> bool:
        begun.set()
        return gate.wait(LIMIT)

    running = workers.submit(block)
    assert begun.wait(LIMIT)
    waiting = [workers.submit(int, "1") for _ in range(5)]
    assert waiting[0].cancel()
    assert not running.cancel()
    workers.shutdown(wait=False, cancel_futures=True)
    workers.shutdown(wait=False, cancel_futures=True)
    assert not concurrent.futures.wait(waiting, LIMIT).not_done
    assert {True} == {future.cancelled() for future in waiting}
    assert ("bgw-test-worker-1",) == workers.busy_threads()
    gate.set()
    assert running.result(LIMIT) is True


def test_a_job_that_was_cancelled_before_it_began_never_runs(
    make_workers: MakeWorkers, gate: threading.Event
):
    workers = make_workers(1)
    ran: list[Any] = []
    first = workers.submit(gate.wait, LIMIT)
    dropped = workers.submit(ran.append, "dropped")
    last = workers.submit(ran.append, "last")
    assert dropped.cancel()
    gate.set()
    last.result(LIMIT)
    assert first.result(LIMIT)
    assert not concurrent.futures.wait([dropped], LIMIT).not_done
    assert ["last"] == ran


def test_an_idle_thread_keeps_nothing_alive(make_workers: MakeWorkers):
    """Neither the job's arguments nor its result, nor what it raised: also with no collector."""

    class Thing:
        """Something that can be counted."""

    def fail(_: Thing) -> None:
        raise ValueError

    workers = make_workers(1)
    gc.disable()
    try:
        jobs: list[Callable[[Thing], Any]] = [id, lambda thing: [thing], fail]
        for job in jobs:
            thing = Thing()
            is_alive = weakref.ref(thing)
            concurrent.futures.wait([workers.submit(job, thing)], LIMIT)
            wait_until_idle(workers)
            del thing
            # A watchdog of another test's loop may just look at every thread's frames.
            deadline = time.monotonic() + AT_ONCE
            while is_alive() is not None:
                assert time.monotonic() < deadline, job
                time.sleep(0.001)
    finally:
        gc.enable()


def test_a_thread_that_cannot_be_had_leaves_the_executor_whole(
    make_workers: MakeWorkers, monkeypatch: pytest.MonkeyPatch
):
    """The caller gets the error, and shutting down does not wait for what never was."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    workers = make_workers(1)
    ran: list[Any] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            workers.submit(ran.append, "refused")
    assert 1 == workers.submit(int, "1").result(LIMIT)
    workers.shutdown(wait=True)
    assert [] == ran
