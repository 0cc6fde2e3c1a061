"""Loops on a Dask cluster's workers: the same handle, and the truth about a worker that dies.

The cluster is a real one: a scheduler, nannies and workers, each a process.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import psutil
import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, DaskHost, LoopManager, LoopState, TaskState
from bgwidgets.hosts import dask_link
from bgwidgets.hosts.dask_inbox import MOST_OUTPUT, Event
from bgwidgets.hosts.dask_link import DaskLink
from bgwidgets.hosts.link import UNREACHABLE, UNSEEN
from tests import child_work
from tests.hosts.conftest import AT_ONCE, LIMIT
from tests.hosts.dask_cluster import (
    ROOT,
    STARTS_WITHIN,
    Cluster,
    client_of,
    end_cluster,
    kill_cluster,
    running_cluster,
    start_cluster,
    until_slowly,
)
from tests.hosts.slow_wire import SlowWire
from tests.processes import StartedProcesses
from tests.waiting import until

pytestmark = [pytest.mark.timeout(180)]

LOST_WITHIN = 2.0


@pytest.fixture(scope="module")
def cluster_processes() -> Iterator[StartedProcesses]:
    """All of them, with all that they start; none is left in the end."""
    processes = StartedProcesses()
    yield processes
    processes.expect_none()


@pytest.fixture(scope="module")
def cluster(
    cluster_processes: StartedProcesses, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    with running_cluster(cluster_processes, tmp_path_factory.mktemp("dask")) as cluster:
        yield cluster


@pytest.fixture
def client(cluster: Cluster) -> Iterator[distributed.Client]:
    with client_of(cluster) as client:
        yield client


@pytest.fixture
def manager(client: distributed.Client) -> Iterator[LoopManager]:
    del client  # It comes first, so it goes last.
    manager = LoopManager()
    yield manager
    for loop in manager:
        if not loop.state.has_ended:
            loop.kill()
        assert loop.state.has_ended


def pid_of(job: BackgroundLoop) -> int:
    pid: int = until(lambda: job.snapshot().pid)
    return pid


def worker_of(job: BackgroundLoop) -> psutil.Process:
    parent = psutil.Process(pid_of(job)).parent()
    assert parent is not None
    return parent


def test_it_runs_on_a_worker_with_the_same_handle(manager: LoopManager, client: distributed.Client):
    job = manager.start(child_work.tells_of_itself, host=client, name="far")
    told = job.result(LIMIT)
    assert ("far", "dask", "running") == (told["name"], told["host"], told["state"])
    assert "dask" == job.host
    assert LoopState.FINISHED == job.state
    assert job.snapshot().pid == told["pid"]


def test_everything_goes_there_and_back(manager: LoopManager):
    """As with a process of this machine."""
    prints = manager.start(child_work.prints, host="dask")
    prints.wait(LIMIT)
    assert {"from a task", "by descriptor", "from a worker"} <= set(
        prints.output.text().splitlines()
    )
    job = manager.start(host="dask")
    assert 5 == job.submit_call(child_work.answer, 5).result(LIMIT)
    with pytest.raises(child_work.OurError):
        job.submit_call(child_work.raises_ours).result(LIMIT)
    asleep = job.submit_call(child_work.for_ever, name="asleep")
    until(lambda: [task for task in job.tasks if task.name == "asleep" and task.where])
    (task,) = [task for task in job.tasks if task.name == "asleep"]
    job.cancel_tasks(task.id)
    until(asleep.cancelled)
    job.request_stop()
    assert LoopState.FINISHED == job.wait(LIMIT)


def test_a_worker_can_be_chosen(manager: LoopManager, client: distributed.Client):
    first, second = client.scheduler_info(n_workers=-1)["workers"]
    workers = {
        worker_of(manager.start(host=DaskHost(client, workers=[address]), name=address)).pid
        for address in (first, second)
    }
    assert 2 == len(workers)
    job = manager.start(child_work.answer, host=DaskHost(client, resources={"ROOM": 1}))
    assert 42 == job.result(LIMIT)


def test_kill_always_works_and_the_worker_lives_on(manager: LoopManager):
    job = manager.start(child_work.holds_the_gil, host="dask")
    until(lambda: job.snapshot().unresponsive)
    worker = worker_of(job)
    began = time.monotonic()
    job.kill()
    assert time.monotonic() - began < AT_ONCE
    assert LoopState.KILLED == job.state
    assert worker.is_running()


def test_it_can_be_killed_before_a_worker_has_room(
    manager: LoopManager, client: distributed.Client
):
    job = manager.start(child_work.answer, host=DaskHost(client, resources={"ROOM": 1000}))
    assert LoopState.STARTING == job.state
    waits = "it waits for a Dask worker that has ROOM: 1000 to spare, and a free thread"
    until(lambda: (waits,) == job.snapshot().notes)
    job.kill()
    assert LoopState.KILLED == job.wait(LIMIT)
    assert ("it was killed before it had come up",) == job.snapshot().notes


def test_it_can_be_stopped_before_a_worker_has_room(
    manager: LoopManager, client: distributed.Client
):
    """At any moment; and the ladder needs no more than that."""
    no_room = DaskHost(client, resources={"ROOM": 1000})
    at_once, later, by_the_ladder = (
        manager.start(child_work.answer, host=no_room, name=name) for name in ("a", "b", "c")
    )
    at_once.stop_loop()
    assert LoopState.STOPPED == at_once.wait(LIMIT)
    until(lambda: any(future.status == "pending" for future in client.futures.values()))
    later.stop_loop()
    assert LoopState.STOPPED == later.wait(LIMIT)
    assert ("it was stopped before it had come up",) == later.snapshot().notes
    report = by_the_ladder.stop(0.1)
    assert LoopState.STOPPED == report.outcome
    assert () == report.unfinished_tasks


def test_a_killed_worker_is_a_lost_loop_that_runs_again_only_when_told(
    manager: LoopManager, tmp_path: Path
):
    """On another worker, or on the one that the nanny has started anew."""
    runs = tmp_path / "runs"

    async def leaves_a_trace() -> None:
        with runs.open("a") as file:
            file.write("run\n")
        await child_work.for_ever()

    job = manager.start(leaves_a_trace, host="dask")
    until(lambda: runs.exists() and runs.read_text() and job.state is LoopState.RUNNING)
    child, worker = pid_of(job), worker_of(job)
    worker.kill()
    assert LoopState.LOST == job.wait(LOST_WITHIN)
    assert f"{UNREACHABLE}: its Dask worker is gone" in (job.snapshot().error or "")
    until(lambda: not is_alive(child))
    assert "run\n" == runs.read_text()
    job.restart()
    until(lambda: runs.read_text() == "run\nrun\n")
    assert worker.pid != worker_of(job).pid


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_other_versions_are_a_clear_error(manager: LoopManager, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dask_link, "versions", lambda: {"Python": "3.11", "bgwidgets": "99"})
    job = manager.start(child_work.answer, host="dask")
    with pytest.raises(bgw.UnknownHost, match=r"bgwidgets .* there and 99 here"):
        job.result(LIMIT)
    assert LoopState.FAILED == job.state


def test_without_a_client_it_says_what_to_do():
    with pytest.raises(bgw.UnknownHost, match=r"there is none: make one, distributed\.Client"):
        LoopManager().start(child_work.answer, host="dask")


@pytest.mark.parametrize("amount", ["x", -1, 0, float("nan"), True, None])
def test_resources_are_amounts(manager: LoopManager, client: distributed.Client, amount: Any):
    """Of anything else nobody knows how much is to be taken; nothing is started."""
    host = DaskHost(client, resources={"GPU": amount})
    with pytest.raises(bgw.UnknownHost, match=r"amounts over 0, like \{'GPU': 1\}, and not"):
        manager.start(child_work.prints, host=host)
    assert [] == list(manager)


def test_what_cannot_travel_is_named_before_anything_starts(manager: LoopManager):
    with pytest.raises(bgw.InvalidWork, match=r"argument 1, a _thread\.lock"):
        manager.start(child_work.answer, threading.Lock(), host="dask")


def test_a_client_that_is_closed_loses_its_loops_and_leaves_no_child(cluster: Cluster):
    manager = LoopManager()
    with distributed.Client(cluster.address, set_as_default=False) as client:
        job = manager.start(child_work.for_ever, host=client)
        until(lambda: job.state is LoopState.RUNNING)
        child = pid_of(job)
    assert LoopState.LOST == job.wait(LIMIT)
    until(lambda: not is_alive(child))
    for _ in range(2):
        with pytest.raises(bgw.UnknownHost, match="this Dask client is closed: make another one"):
            job.restart()
        assert (LoopState.LOST, 1) == (job.state, job.run_number)


@pytest.mark.parametrize("way", ["the cluster is closed", "its workers are taken away"])
def test_no_child_outlives_a_worker_that_is_closed_while_its_process_lives_on(
    processes: StartedProcesses, way: str
):
    """Of a cluster within this process the actors stay behind."""
    manager = LoopManager()
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        job, beside = (manager.start(child_work.holds_the_gil, host=client) for _ in range(2))
        until(lambda: job.state is beside.state is LoopState.RUNNING)
        children = pid_of(job), pid_of(beside)
        if way == "the cluster is closed":
            local.close()
        else:
            local.scale(0)
        until(lambda: not any(map(is_alive, children)))
        assert job.wait(LIMIT).has_ended
        assert beside.wait(LIMIT).has_ended
    processes.expect_none()


KERNEL = """
import sys, time
import distributed
import bgwidgets as bgw
from tests import child_work

client = distributed.Client(sys.argv[1])
job = bgw.start(child_work.holds_the_gil, host=client)
while job.state != "running" or job.snapshot().pid is None:
    time.sleep(0.01)
print(job.snapshot().pid, flush=True)
time.sleep(3600)
"""


def test_the_client_that_was_named_is_the_one(cluster: Cluster, client: distributed.Client):
    """Whatever client was made last."""
    manager = LoopManager()
    with distributed.Client(cluster.address, set_as_default=False) as other:
        job = manager.start(child_work.for_ever, host=other)
        until(lambda: job.state is LoopState.RUNNING)
        keys = {key for keys in other.has_what().values() for key in keys}
        assert [] == [key for key in client.futures if key in keys]
        job.kill()


def test_no_child_outlives_a_kernel_that_is_killed(
    cluster: Cluster, cluster_processes: StartedProcesses
):
    """The scheduler notices, and the worker gives the child up."""
    environment = os.environ | cluster_processes.environment | {"PYTHONPATH": str(ROOT)}
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, cluster.address],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert kernel.stdout is not None
    child = int(kernel.stdout.readline())
    kernel.send_signal(signal.SIGKILL)
    kernel.wait(LIMIT)
    kernel.stdout.close()
    until(lambda: not is_alive(child))


def test_a_scheduler_that_is_killed_takes_its_workers_along_and_nothing_hangs(
    cluster_processes: StartedProcesses, tmp_path: Path
):
    """Unresponsive, for as long as it may come back; lost when the client gives it up."""
    cluster = start_cluster(cluster_processes, tmp_path)
    manager = LoopManager()
    client = distributed.Client(cluster.address, set_as_default=False, timeout=5)
    try:
        job = manager.start(child_work.many_tasks, 3, host=client)
        until_slowly(lambda: len(job.tasks) == 4)
        child = pid_of(job)
        cluster.scheduler.kill()
        until(lambda: job.snapshot().unresponsive or job.state.has_ended)
        began = time.monotonic()
        assert 4 == len(job.tasks)
        assert time.monotonic() - began < AT_ONCE
        until_slowly(lambda: not is_alive(child))
    finally:
        client.close()
        end_cluster(cluster)
    assert LoopState.LOST == job.wait(LIMIT)


def test_a_kill_is_heard_though_its_scheduler_is_gone_and_the_first_was_lost(
    cluster_processes: StartedProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It never raises, is told again until it is heard, and says when nobody has seen the end."""
    cluster = start_cluster(cluster_processes, tmp_path)
    manager = LoopManager()
    client = distributed.Client(cluster.address, set_as_default=False, timeout=5)
    try:
        heard, other = (manager.start(child_work.for_ever, host=client) for _ in range(2))
        until(lambda: heard.state is other.state is LoopState.RUNNING)
        told: list[str] = []
        tell = DaskLink._tell

        def lose_the_first(link: DaskLink, what: str) -> None:
            told.append(what)
            if len(told) > 1:
                tell(link, what)

        with monkeypatch.context() as patch:
            patch.setattr(DaskLink, "_tell", lose_the_first)
            heard.kill()
            assert LoopState.KILLED == heard.wait(LIMIT)
        cluster.scheduler.kill()
        until(lambda: client.status != "running")
        other.kill()
        assert LoopState.KILLED == other.wait(LIMIT)
        (note,) = other.snapshot().notes
        assert note.startswith(("its process was killed", UNSEEN))
    finally:
        client.close()
        end_cluster(cluster)


@pytest.fixture
def frozen(manager: LoopManager) -> Iterator[BackgroundLoop]:
    """A loop on a worker that stands still; it goes on at the end of the test."""
    job = manager.start(child_work.for_ever, host="dask")
    until(lambda: job.state is LoopState.RUNNING)
    worker = worker_of(job)
    worker.suspend()
    yield job
    worker.resume()


def test_a_kill_that_no_worker_answers_is_given_up_and_nobody_claims_to_have_seen_the_end(
    frozen: BackgroundLoop,
):
    """The loop is killed, as far as anybody here can tell; the worker obeys when it goes on."""
    child, worker = pid_of(frozen), worker_of(frozen)
    frozen.kill()
    assert LoopState.KILLED == frozen.wait(LIMIT)
    assert (f"{UNSEEN}: its Dask worker does not answer",) == frozen.snapshot().notes
    worker.resume()
    until(lambda: not is_alive(child))


def test_a_stop_promises_no_kill_at_once_of_what_cannot_be_reached(
    frozen: BackgroundLoop, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(dask_link, "KILL_ANSWERED_WITHIN", 0.5)
    until(lambda: frozen.snapshot().unresponsive)
    report = frozen.stop(0)
    assert "kill() ends its process as soon as its Dask worker can be reached" in report.notes
    assert not [note for note in report.notes if "at once" in note]
    frozen.kill()
    assert LoopState.KILLED == frozen.wait(LIMIT)


def test_a_call_that_comes_late_to_its_worker_still_finds_the_actor(
    manager: LoopManager, client: distributed.Client, monkeypatch: pytest.MonkeyPatch
):
    """A kill is told again until its end is told; the last of them may be slower than that."""
    scheduler: Any = client.scheduler
    proxy = scheduler.proxy
    told: list[str] = []
    answers: list[Any] = []

    async def slow(*, worker: str, msg: dict[str, Any]) -> Any:
        told.append(msg["function"])
        if msg["function"] != "kill" or told.count("kill") != 2:
            return await proxy(worker=worker, msg=msg)
        await asyncio.sleep(0.3)
        try:
            answer = await proxy(worker=worker, msg=msg)
        except BaseException as error:
            answers.append(error)
            raise
        answers.append(answer["status"])
        return answer

    monkeypatch.setattr(scheduler, "proxy", slow, raising=False)
    job = manager.start(child_work.for_ever, host=client)
    until_slowly(lambda: job.state is LoopState.RUNNING)
    job.kill()
    assert LoopState.KILLED == job.state
    assert not answers
    until(lambda: answers)
    assert ["OK"] == answers
    until(lambda: not client.who_has())


def test_messages_that_are_sent_again_count_once(
    manager: LoopManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As when a network loses what a worker answers; an old one may come after newer ones, too."""
    send = DaskLink._has_sent
    sent: list[tuple[int, list[bytes]]] = []

    def send_all_again(link: DaskLink, actor: Any, number: int, frames: list[bytes]) -> bool:
        sent.append((number, frames))
        return all(send(link, actor, *each) for each in (*sent, *sent))

    monkeypatch.setattr(DaskLink, "_has_sent", send_all_again)
    runs = tmp_path / "runs"

    async def leaves_a_trace(number: int) -> int:
        with runs.open("a") as file:
            file.write(f"{number}\n")
        return number

    job = manager.start(host="dask")
    for number in range(4):
        assert number == job.submit_call(leaves_a_trace, number).result(LIMIT)
    job.request_stop()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert "0\n1\n2\n3\n" == runs.read_text()
    assert len(sent) > 4


def test_what_a_worker_told_and_was_lost_is_told_again_and_counts_once(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    result_of = DaskLink._result_of
    lost: list[Event] = []

    def lose_each_once(link: DaskLink, future: Any) -> Any:
        events = result_of(link, future)
        if isinstance(events, list) and events and events[-1] not in lost:
            lost.append(events[-1])
            raise OSError("it was lost on its way")
        return events

    monkeypatch.setattr(DaskLink, "_result_of", lose_each_once)
    job = manager.start(child_work.prints_much, 3_000, host="dask")
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert "".join(f"line {number}\n" for number in range(3_000)) == job.output.text()
    assert lost


def test_output_that_is_not_fetched_is_bounded_and_its_loss_is_told(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """The kernel stands still, and the loop goes on to its end."""
    listen = DaskLink._listen
    gate = threading.Event()

    def listen_late(link: DaskLink) -> str:
        assert gate.wait(STARTS_WITHIN)
        return listen(link)

    monkeypatch.setattr(DaskLink, "_listen", listen_late)
    job = manager.start(child_work.prints_long_lines, MOST_OUTPUT // 500, 1_000, host="dask")
    job.output.max_bytes = 10 * MOST_OUTPUT
    child = pid_of(job)
    until_slowly(lambda: not is_alive(child))
    gate.set()
    assert "done" == job.result(STARTS_WITHIN)
    first, *_, last = job.output.text().splitlines()
    assert re.fullmatch("… about [0-9,]+ bytes of output dropped: .*", first)
    assert last == "x" * 1_000
    assert len(job.output.text()) < MOST_OUTPUT
    assert [first.removeprefix("… ")] == [
        note for note in job.snapshot().notes if "dropped" in note
    ]


@pytest.mark.parametrize("end", ["the client closes", "it is killed", "its worker dies"])
def test_nothing_waits_for_an_actor_that_is_made_and_cannot_be_fetched(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, end: str
):
    """As when its worker dies in this moment, and the scheduler does not know yet."""
    begun = threading.Event()

    async def never(*_: object, **__: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    with distributed.Client(cluster.address, set_as_default=False) as client:
        monkeypatch.setattr(client, "_gather", never)
        job = LoopManager().start(child_work.for_ever, host=client)
        assert begun.wait(LIMIT)
        if end == "it is killed":
            job.kill()
            assert LoopState.KILLED == job.wait(LOST_WITHIN)
        elif end == "its worker dies":
            (key,) = client.futures
            (worker,) = until(lambda: client.who_has().get(key))
            os.kill(client.run(os.getpid, workers=[worker])[worker], signal.SIGKILL)
            assert LoopState.LOST == job.wait(LOST_WITHIN)
            assert "its Dask worker is gone" in (job.snapshot().error or "")
    assert job.wait(LOST_WITHIN).has_ended


def test_nothing_waits_for_a_slow_network_and_a_cut_one_is_the_end(cluster: Cluster):
    """What is known is shown; the answers come late. Without its client, the child is given up."""
    manager = LoopManager()
    wire = SlowWire(cluster.address, delay=0.3)
    client = distributed.Client(wire.address, set_as_default=False)
    job = manager.start(child_work.many_tasks, 3, host=client)
    until_slowly(lambda: job.state is LoopState.RUNNING)
    until_slowly(lambda: len(job.tasks) == 4 == job.history().births)
    child = pid_of(job)
    began = time.monotonic()
    for _ in range(20):
        assert 4 == len(job.tasks)
        job.snapshot()
        assert 4 == job.history().births
    assert time.monotonic() - began < AT_ONCE
    job.request_stop()
    assert job.snapshot().stop_requested
    wire.close()
    until_slowly(lambda: not is_alive(child))
    client.close(timeout=1)
    assert LoopState.LOST == job.wait(STARTS_WITHIN)


def test_a_client_that_reconnects_says_what_was_known_and_then_that_the_loop_is_lost(
    cluster: Cluster,
):
    """The scheduler gives up what a client had as soon as it does not hear it: so no child outlives
    a kernel.
    """
    manager = LoopManager()
    wire = SlowWire(cluster.address)
    with distributed.Client(wire.address, set_as_default=False) as client:
        job = manager.start(child_work.many_tasks, 3, host=client)
        until(lambda: len(job.tasks) == 4 == job.history().births)
        child = pid_of(job)
        before = job.snapshot()
        assert (LoopState.RUNNING, False) == (before.state, before.unresponsive)
        with wire.cut():
            began = time.time()
            until(lambda: client.status == "connecting")
            until(lambda: job.snapshot().unresponsive)
            during = job.snapshot()
            assert LoopState.RUNNING == during.state
            assert during.as_of <= began
            assert 4 == len(job.tasks) == job.history().births
            until(lambda: not is_alive(child))
            with pytest.raises(bgw.HostUnresponsive):
                job.cancel_tasks(job.tasks[0].id)
            assert (LoopState.RUNNING, during.as_of) == (job.state, job.snapshot().as_of)
        assert LoopState.LOST == job.wait(LIMIT)
        assert "running" == client.status
        after = job.snapshot()
        assert f"{UNREACHABLE}: its Dask client lost the scheduler" in (after.error or "")
        assert after.unresponsive is None
        assert {TaskState.LOST} == {task.state for task in job.tasks}
        job.restart()
        until(lambda: len(job.tasks) == 4)
        assert child != pid_of(job)
        job.kill()
        assert LoopState.KILLED == job.wait(LIMIT)
    wire.close()


def test_nannies_that_are_killed_take_their_workers_along(
    cluster_processes: StartedProcesses, tmp_path: Path
):
    """Both nannies are one process here. The loop is lost, and nothing is left."""
    cluster = start_cluster(cluster_processes, tmp_path)
    manager = LoopManager()
    with distributed.Client(cluster.address, set_as_default=False) as client:
        job = manager.start(child_work.holds_the_gil, host=client)
        until(lambda: job.state is LoopState.RUNNING)
        child, worker = pid_of(job), worker_of(job)
        cluster.workers.kill()
        until_slowly(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)
        assert LoopState.LOST == job.wait(LOST_WITHIN)
        until(lambda: not is_alive(child))
    end_cluster(cluster)


def test_a_cluster_with_tls(cluster_processes: StartedProcesses):
    """Security is the client's own."""
    del cluster_processes  # LocalCluster's processes are ended by it.
    security = distributed.Security.temporary()
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=True,
            dashboard_address=":0",
            security=security,
            protocol="tls",
        ) as local,
        distributed.Client(local, set_as_default=False) as client,
    ):
        assert client.scheduler.address.startswith("tls://")
        assert 42 == LoopManager().start(child_work.answer, host=client).result(LIMIT)


def murder_at_a_random_moment(cluster: Cluster, chance: random.Random) -> None:
    """Of the nannies with their workers, of the scheduler, or of the child: it ends, truly."""
    manager = LoopManager()
    client = distributed.Client(cluster.address, set_as_default=False, timeout=2)
    job = manager.start(chance.choice([child_work.for_ever, child_work.spins]), host=client)
    threading.Event().wait(chance.random() * 0.4)
    child = job.snapshot().pid
    victim = chance.choice(["scheduler", "nannies", "workers", "child"])
    if victim == "scheduler":
        cluster.scheduler.kill()
    elif victim == "nannies":
        cluster.workers.kill()
    elif victim == "workers":
        for worker in psutil.Process(cluster.workers.pid).children():
            worker.kill()
    elif child is not None:
        os.kill(child, signal.SIGKILL)
    if victim == "scheduler" or child is None:
        # It may yet run, on what is left or comes anew; until the client gives it up.
        client.close(timeout=1)
    assert LoopState.LOST == job.wait(LIMIT)
    if child is not None:
        until_slowly(lambda: not is_alive(child))
    client.close(timeout=1)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(8))
def test_two_hundred_murders_at_random_moments(
    cluster_processes: StartedProcesses, tmp_path: Path, seed: int
):
    """In eight parts, each with chances of its own."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    for number in range(25):
        folder = tmp_path / str(number)
        folder.mkdir()
        cluster = start_cluster(cluster_processes, folder)
        try:
            murder_at_a_random_moment(cluster, chance)
        finally:
            kill_cluster(cluster)
