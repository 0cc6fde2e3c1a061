"""What a loop takes of a Dask worker's resources is its own until it has ended, and no longer."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import distributed
import pytest

from bgwidgets import BackgroundLoop, DaskHost, LoopManager, LoopState
from bgwidgets.hosts import dask_link, dask_place
from bgwidgets.hosts.dask_room import Room
from bgwidgets.hosts.dask_start import ask_for_room
from tests import child_work
from tests.hosts.conftest import LIMIT
from tests.hosts.dask_cluster import Cluster, client_of, running_cluster
from tests.processes import StartedProcesses
from tests.waiting import until

pytestmark = [pytest.mark.timeout(180)]

ALL = 5.0
"""What each worker has of ROOM."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    processes = StartedProcesses()
    with running_cluster(processes, tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster
    processes.expect_none()


@pytest.fixture
def client(cluster: Cluster) -> Iterator[distributed.Client]:
    with client_of(cluster) as client:
        yield client


@pytest.fixture
def manager(client: distributed.Client) -> Iterator[LoopManager]:
    """All is given back in the end."""
    manager = LoopManager()
    yield manager
    for loop in manager:
        loop.kill()
        assert loop.wait(LIMIT).has_ended
    until(lambda: [ALL, ALL] == free(client))
    until(lambda: not any(client.processing().values()))


def free(client: distributed.Client) -> list[float]:
    """How much of ROOM each worker has left."""

    def look(dask_worker: Any) -> float:
        return float(dask_worker.state.available_resources["ROOM"])

    return list(client.run(look).values())


def waiting(client: distributed.Client) -> int:
    """How many tasks wait for what another has."""

    def look(dask_worker: Any) -> int:
        return len(dask_worker.state.constrained)

    return sum(client.run(look).values())


def actors(client: distributed.Client) -> int:
    """How many the workers keep."""

    def look(dask_worker: Any) -> int:
        return len(dask_worker.state.actors)

    return sum(client.run(look).values())


def runs(job: BackgroundLoop) -> bool:
    return job.state is LoopState.RUNNING


def test_a_loop_holds_its_resources_until_it_has_ended_however_it_ends(
    manager: LoopManager, client: distributed.Client
):
    """One runs at a time; the worker's one thread stays free for tasks."""
    first, *_ = client.scheduler_info(n_workers=-1)["workers"]
    most = DaskHost(client, workers=[first], resources={"ROOM": 3})
    rest = DaskHost(client, workers=[first], resources={"ROOM": 2})
    beside = manager.start(child_work.for_ever, host=rest)
    until(lambda: runs(beside))
    jobs = [manager.start(child_work.for_ever, host=most, name=name) for name in "abcd"]
    for end in (BackgroundLoop.stop_loop, BackgroundLoop.kill, murder, BackgroundLoop.stop_loop):
        job = the_one_that_runs(jobs, client)
        jobs.remove(job)
        assert [LoopState.STARTING] * len(jobs) == [other.state for other in jobs]
        assert 3 == client.submit(sum, [1, 2], workers=[first], pure=False).result(LIMIT)
        end(job)
        assert job.wait(LIMIT).has_ended


def the_one_that_runs(jobs: list[BackgroundLoop], client: distributed.Client) -> BackgroundLoop:
    """As soon as all the others wait for it."""
    until(lambda: any(map(runs, jobs)) and len(jobs) - 1 == waiting(client))
    (job,) = filter(runs, jobs)
    return job


def murder(job: BackgroundLoop) -> None:
    pid = until(lambda: job.snapshot().pid)
    os.kill(pid, signal.SIGKILL)


def test_a_loop_does_not_wait_behind_another_where_a_worker_has_room(
    manager: LoopManager, client: distributed.Client
):
    """Dask prefers the worker with fewer actors, whatever is taken of it."""
    first, second = client.scheduler_info(n_workers=-1)["workers"]
    on_second = DaskHost(client, workers=second)
    beside = [manager.start(child_work.for_ever, host=on_second, name=name) for name in "ab"]
    until(lambda: all(map(runs, beside)))
    where = DaskHost(client, workers=[first, second], resources={"ROOM": ALL})
    for name in ("first", "second"):
        job = manager.start(child_work.for_ever, host=where, name=name)
        until(lambda: all(map(runs, manager)))
        assert () == job.snapshot().notes


def test_a_loop_that_waits_takes_what_another_worker_has_to_spare_later(
    manager: LoopManager, client: distributed.Client, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dask_place, "LOOKS_AT_LEAST_EVERY", dask_place.LOOKS_FIRST)
    all_of_it = {"ROOM": ALL}
    jobs = {
        worker: manager.start(
            child_work.for_ever, host=DaskHost(client, workers=worker, resources=all_of_it)
        )
        for worker in client.scheduler_info(n_workers=-1)["workers"]
    }
    until(lambda: all(map(runs, jobs.values())))
    late = manager.start(child_work.for_ever, host=DaskHost(client, resources=all_of_it))
    until(lambda: late.snapshot().notes)
    assert ["it waits for a Dask worker that has ROOM: 5 to spare, and a free thread"] == [
        *late.snapshot().notes
    ]
    (there,) = (
        worker
        for worker, keys in client.processing().items()
        if any(key.startswith("ChildKeeper") for key in keys)
    )
    (job,) = (job for worker, job in jobs.items() if worker != there)
    job.kill()
    until(lambda: runs(late))
    assert () == late.snapshot().notes
    assert runs(jobs[there])


def test_a_client_that_is_closed_gives_back_what_its_loops_had(
    manager: LoopManager, client: distributed.Client, cluster: Cluster
):
    with distributed.Client(cluster.address, set_as_default=False) as other:
        jobs = [
            LoopManager().start(
                child_work.for_ever, host=DaskHost(other, workers=[worker], resources={"ROOM": 5})
            )
            for worker in client.scheduler_info(n_workers=-1)["workers"]
        ]
        until(lambda: all(map(runs, jobs)))
        next_one = manager.start(
            child_work.answer, host=DaskHost(client, resources={"ROOM": 1}), name="next"
        )
        until(lambda: waiting(client))
        assert LoopState.STARTING == next_one.state
    assert 42 == next_one.result(LIMIT)
    assert {LoopState.LOST} == {job.wait(LIMIT) for job in jobs}


@pytest.fixture
def no_garbage_collection() -> Iterator[None]:
    """None in the kernel, which may have to wait for it for very long."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collection")
def test_a_worker_keeps_nothing_of_a_loop_that_has_ended(
    manager: LoopManager, client: distributed.Client
):
    where = DaskHost(client, resources={"ROOM": 1})
    finished = manager.start(child_work.answer, host=where)
    killed, stopped = (manager.start(child_work.for_ever, host=where) for _ in range(2))
    until(lambda: finished.state.has_ended and runs(killed) and runs(stopped))
    killed.kill()
    stopped.stop_loop()
    until(lambda: [] == [loop for loop in manager if not loop.state.has_ended])
    until(lambda: not actors(client))
    until(lambda: [ALL, ALL] == free(client))


@pytest.fixture
def late_answers(client: distributed.Client) -> Iterator[None]:
    """The workers start children, and do not say so before the end of the test."""

    async def hold_back(dask_worker: Any) -> None:
        from bgwidgets.hosts.dask_worker import ChildKeeper

        begin, dask_worker.children = ChildKeeper.begin, 0
        dask_worker.may_answer = asyncio.Event()

        async def begin_and_answer_late(keeper: ChildKeeper, name: str) -> int | None:
            pid = await begin(keeper, name)
            dask_worker.children += 1
            await dask_worker.may_answer.wait()
            dask_worker.children -= 1
            return pid

        ChildKeeper.begin = begin_and_answer_late  # type: ignore[assignment,method-assign] # put back below
        dask_worker.begin = begin

    async def put_back(dask_worker: Any) -> None:
        from bgwidgets.hosts.dask_worker import ChildKeeper

        ChildKeeper.begin = dask_worker.begin  # type: ignore[method-assign] # as it was

    client.run(hold_back)
    yield
    client.run(put_back)


@pytest.mark.usefixtures("no_garbage_collection", "late_answers")
def test_a_loop_that_is_killed_while_its_worker_starts_it_leaves_nothing_there(
    manager: LoopManager, client: distributed.Client
):
    """As on a slow network: the child is there, and nobody in the kernel knows."""

    def started(dask_worker: Any) -> int:
        return int(dask_worker.children)

    async def answer(dask_worker: Any) -> None:
        dask_worker.may_answer.set()

    job = manager.start(child_work.for_ever, host=DaskHost(client, resources={"ROOM": ALL}))
    until(lambda: sum(client.run(started).values()))
    job.kill()
    assert LoopState.KILLED == job.wait(LIMIT)
    client.run(answer)
    until(lambda: not actors(client))
    until(lambda: [ALL, ALL] == free(client))
    until(lambda: not sum(client.run(started).values()))


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_it_can_be_ended_while_it_waits_for_what_another_took_in_between(
    manager: LoopManager, client: distributed.Client, monkeypatch: pytest.MonkeyPatch, end: str
):
    """After its actor was made, and before its resources were held."""

    def too_much(where: DaskHost, worker: str, name: str) -> Any:
        del where
        return ask_for_room(DaskHost(client, resources={"ROOM": 1000}), worker, name)

    monkeypatch.setattr(dask_link, "ask_for_room", too_much)
    job = manager.start(child_work.for_ever, host=DaskHost(client, resources={"ROOM": 1}))
    until(lambda: len(client.futures) == 2)
    assert LoopState.STARTING == job.state
    if end == "kill":
        job.kill()
        assert LoopState.KILLED == job.wait(LIMIT)
    else:
        job.stop_loop()
        assert LoopState.STOPPED == job.wait(LIMIT)


def test_no_thread_waits_in_a_process_whose_worker_was_closed(processes: StartedProcesses):
    del processes  # None is left.
    manager = LoopManager()
    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, dashboard_address=":0", resources={"ROOM": 1}
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        job = manager.start(child_work.for_ever, host=DaskHost(client, resources={"ROOM": 1}))
        until(lambda: runs(job))
        assert 1 == threads_that_hold()
        local.scale(0)
        until(lambda: not threads_that_hold())
        assert job.wait(LIMIT).has_ended


def threads_that_hold() -> int:
    count = 0
    for frame in sys._current_frames().values():
        caller: Any = frame
        while caller is not None and caller.f_code is not Room.hold.__code__:
            caller = caller.f_back
        count += caller is not None
    return count
