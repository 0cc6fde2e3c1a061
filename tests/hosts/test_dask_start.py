"""How a loop comes to a Dask worker, and what is said when it cannot."""

from __future__ import annotations

import asyncio
import gc
import re
from collections.abc import Generator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import distributed
import pytest
from tornado.ioloop import IOLoop

import bgwidgets as bgw
from bgwidgets import DaskHost, LoopManager, LoopState
from bgwidgets.hosts.dask_calls import CallsUnderWay
from bgwidgets.hosts.dask_link import DaskLink, _Gone
from tests import child_work
from tests.hosts.conftest import LIMIT
from tests.hosts.dask_cluster import end_cluster, start_cluster
from tests.processes import StartedProcesses

pytestmark = [pytest.mark.timeout(180)]


def test_workers_without_this_package_are_a_clear_error_and_live_on(
    processes: StartedProcesses, tmp_path: Path
):
    """Nothing else on the cluster is touched."""
    cluster = start_cluster(processes, tmp_path, without_package="workers")
    try:
        with distributed.Client(cluster.address, set_as_default=False) as client:
            kept = client.submit(sum, [1, 2], pure=False)
            assert 3 == kept.result(LIMIT)
            workers = set(client.scheduler_info(n_workers=-1)["workers"])
            for _ in range(2):
                job = LoopManager().start(child_work.answer, host=client)
                error = job.exception(LIMIT)
                assert isinstance(error, bgw.UnknownHost)
                assert re.fullmatch(
                    r"the Dask worker (?P<where>tcp://\S+), with Python 3\.\d+, cannot import"
                    r" bgwidgets \(ModuleNotFoundError: .*\): install it in that Python, in the"
                    r" version of this kernel: pip install 'bgwidgets\[dask\]==\S+'\."
                    r" Nothing was started",
                    str(error),
                )
                assert [where for where in workers if f" {where}, " in str(error)]
                assert LoopState.FAILED == job.state
            assert workers == set(client.scheduler_info(n_workers=-1)["workers"])
            assert "finished" == kept.status
    finally:
        end_cluster(cluster)


def test_a_scheduler_needs_not_this_package(processes: StartedProcesses, tmp_path: Path):
    cluster = start_cluster(processes, tmp_path, without_package="scheduler")
    try:
        with distributed.Client(cluster.address, set_as_default=False) as client:
            host = DaskHost(client, resources={"ROOM": 1})
            job = LoopManager().start(child_work.prints, host=host)
            job.wait(LIMIT)
            assert "from a task" in job.output.text()
            with pytest.raises(child_work.OurError):
                LoopManager().start(child_work.raises_ours, host=client).result(LIMIT)
    finally:
        end_cluster(cluster)


class JustNow(Future[str]):
    """An answer that comes in the very moment in which the wait for it has run out."""

    def result(self, timeout: float | None = None) -> str:
        """As a future's."""
        try:
            return super().result(timeout)
        except TimeoutError:
            self.set_result("there")
            raise


def link_that_waits(meanwhile: Any, client: str = "running", actor: str = "finished") -> DaskLink:
    """A link to nowhere, of which only the waiting is real."""
    listener: Any = SimpleNamespace(silent=lambda _: meanwhile())
    link = DaskLink(listener, "link", DaskHost(SimpleNamespace(status=client)))
    link._future = SimpleNamespace(status=actor)
    return link


def test_an_answer_that_comes_when_the_wait_runs_out_is_an_answer():
    """And no loss of the worker."""
    late = JustNow()
    link = link_that_waits(lambda: late.set_result("there"))
    assert "there" == link._result_of(late)


def test_a_time_limit_of_the_workers_own_is_not_taken_for_the_end_of_a_wait():
    own: Future[Any] = Future()
    link = link_that_waits(lambda: own.set_exception(TimeoutError("its own")))
    with pytest.raises(TimeoutError, match="its own"):
        link._result_of(own)


@pytest.mark.parametrize(
    ("actor", "what"),
    [
        ("error", "its Dask worker is gone"),
        ("lost", "its Dask worker is gone"),
        ("cancelled", "its Dask client lost the scheduler, or restarted the cluster"),
    ],
)
def test_a_call_that_is_never_answered_ends_when_the_scheduler_has_given_its_actor_up(
    actor: str, what: str
):
    looks: list[str] = []

    def look() -> None:
        looks.append(actor)
        assert len(looks) < 10

    link = link_that_waits(look, actor=actor)
    with pytest.raises(_Gone, match=f"^{what}$"):
        link._result_of(Future())


@pytest.mark.parametrize(
    ("client", "actor"), [("running", "pending"), ("running", "finished"), ("connecting", "error")]
)
def test_it_waits_on_while_the_actor_is_there_or_the_scheduler_cannot_be_heard(
    client: str, actor: str
):
    answer: Future[str] = Future()
    looks: list[str] = []

    def look() -> None:
        looks.append(actor)
        if len(looks) == 4:
            answer.set_result("there")

    assert "there" == link_that_waits(look, client, actor)._result_of(answer)


@pytest.mark.parametrize("status", ["closing", "closed"])
def test_a_client_that_is_being_closed_is_asked_nothing_and_waited_for_no_more(status: str):
    """It would write on stderr that its connections are closed."""
    link = link_that_waits(lambda: None, client=status)
    with pytest.raises(_Gone, match=r"^the Dask client was closed$"):
        link._result_of(Future())
    asked: list[int] = []
    link._actor = SimpleNamespace(poll=asked.append)
    with pytest.raises(_Gone, match=r"^the Dask client was closed$"):
        link._listen()
    assert [] == asked


class Call(Future[str]):
    """A call of an actor, which can be waited for on a loop."""

    def __await__(self) -> Generator[Any, None, str]:
        return asyncio.wrap_future(self).__await__()


def test_an_actor_is_kept_for_the_answers_but_not_for_ever():
    calls, failed, never = CallsUnderWay(), Call(), Call()

    async def settle() -> None:
        loop = asyncio.get_running_loop()
        calls.add(failed)
        loop.call_soon(failed.set_exception, OSError("the worker is gone"))
        await calls.settle(limit=3600)
        calls.add(never)
        await calls.settle(limit=0.01)

    asyncio.run(asyncio.wait_for(settle(), LIMIT))
    assert failed.done()


def test_what_a_client_that_is_just_closed_holds_is_given_up_without_a_word():
    """Its loop stops, and does not run any more what comes to it."""
    loop = asyncio.new_event_loop()
    link = link_that_waits(lambda: None)
    io_loop = IOLoop(asyncio_loop=loop, make_current=False)
    link._where.client.loop = io_loop
    link._let_go()
    io_loop.close()
    assert link._future is None
    gc.collect()  # A coroutine complains when it is destroyed.
