"""What a loop takes of a Dask worker's resources is its own until it has ended, and no longer."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import distributed
import pytest

from bgwidgets import BackgroundLoop, DaskHost, LoopManager, LoopState
from bgwidgets.hosts import dask_link
from bgwidgets.hosts.dask_room import Room
from bgwidgets.hosts.dask_start import ask_for_room
from tests import child_work
from tests.hosts.conftest import LIMIT
from tests.hosts.dask_cluster import STARTS_WITHIN, Cluster, end_cluster, start_cluster
from tests.processes import StartedProcesses
from tests.waiting import until

pytestmark = [pytest.mark.timeout(180)]

ALL = 5.0
"""What each worker has of ROOM."""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    processes = StartedProcesses()
    cluster = start_cluster(processes, tmp_path_factory.mktemp("dask"))
    yield cluster
    end_cluster(cluster)
    processes.expect_none()


@pytest.fixture
def client(cluster: Cluster) -> Iterator[distributed.Client]:
    with distributed.Client(cluster.address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=STARTS_WITHIN)
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
