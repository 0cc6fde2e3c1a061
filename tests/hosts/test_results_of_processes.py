"""What comes home from another process is users' code to unpickle: it holds up nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState, TaskState, WarningKind
from bgwidgets.commands import StopLoop
from bgwidgets.hosts import child_control, more_work, remote_end, results_thread
from bgwidgets.hosts.child_control import MAIL_LIMIT, ChildControl
from bgwidgets.hosts.child_link import ChildLink
from bgwidgets.hosts.crossing import pack, unpack_error
from bgwidgets.hosts.messages import Ask, Obey, RunMore
from bgwidgets.hosts.remote_host import UNRESPONSIVE_AFTER
from bgwidgets.identifiers import new_id
from tests import child_work
from tests.child_work import SlowToUnpickle
from tests.hosts.conftest import AT_ONCE, LIMIT
from tests.waiting import never_within, until


@pytest.fixture
def slow() -> Iterator[type[SlowToUnpickle]]:
    """Its gate is closed; opened at the end, so that no thread stays."""
    SlowToUnpickle.begun.clear()
    SlowToUnpickle.gate.clear()
    yield SlowToUnpickle
    SlowToUnpickle.gate.set()


def threads_of_results() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name.endswith(("-results", "-result"))]


def test_a_result_that_is_slow_to_unpickle_holds_up_no_news(
    manager: LoopManager, slow: type[SlowToUnpickle]
):
    """The loop is seen and obeys meanwhile, and never counts as unresponsive."""
    job = manager.start(host="process")
    future = job.submit_call(child_work.returns_what_is_slow_to_unpickle)
    assert slow.begun.wait(LIMIT)
    sleeper = job.submit_call(child_work.for_ever, name="sleeper")
    (task,) = until(lambda: [each for each in job.tasks if each.name == "sleeper"])
    began = time.time()
    while time.time() < began + UNRESPONSIVE_AFTER + 1:
        assert not job.snapshot().unresponsive
        threading.Event().wait(0.05)
    assert job.snapshot().as_of > began + UNRESPONSIVE_AFTER
    job.cancel_tasks(task.id)
    until(lambda: not [each for each in job.tasks if each.state == "cancelling"])
    assert not future.done()
    slow.gate.set()
    assert isinstance(future.result(LIMIT), SlowToUnpickle)
    until(sleeper.cancelled)


def test_a_callback_that_takes_its_time_holds_up_no_news(manager: LoopManager):
    job = manager.start(host="process")
    gate, begun = threading.Event(), threading.Event()

    def wait(_: object) -> None:
        begun.set()
        gate.wait(LIMIT)

    job.submit_call(child_work.answer).add_done_callback(wait)
    assert begun.wait(LIMIT)
    try:
        now = time.time()
        until(lambda: job.snapshot().as_of > now)
    finally:
        gate.set()


def test_a_result_that_has_come_is_not_lost_when_its_loop_ends(
    manager: LoopManager, slow: type[SlowToUnpickle]
):
    """Though it is unpickled only then; the end does not wait for it."""
    job = manager.start(host="process")
    future = job.submit_call(child_work.returns_what_is_slow_to_unpickle)
    never = job.submit_call(child_work.for_ever)
    assert slow.begun.wait(LIMIT)
    began = time.monotonic()
    job.kill()
    assert time.monotonic() - began < AT_ONCE
    assert LoopState.KILLED == job.wait(LIMIT)
    with pytest.raises(bgw.LoopEnded):
        never.result(LIMIT)
    assert not future.done()
    slow.gate.set()
    assert isinstance(future.result(LIMIT), SlowToUnpickle)
    until(lambda: not threads_of_results())


def test_what_waits_behind_a_result_that_does_not_come_is_told_all_the_same(
    manager: LoopManager, slow: type[SlowToUnpickle]
):
    """Beside it, while the loop runs. The slow one may still come; then one thread is enough."""
    job = manager.start(host="process")
    stuck = job.submit_call(child_work.returns_what_is_slow_to_unpickle)
    assert slow.begun.wait(LIMIT)
    behind = [job.submit_call(child_work.answer, number) for number in range(3)]
    assert [0, 1, 2] == [future.result(LIMIT) for future in behind]
    assert (LoopState.RUNNING, False) == (job.state, stuck.done())
    slow.gate.set()
    assert isinstance(stuck.result(LIMIT), SlowToUnpickle)
    until(lambda: len(threads_of_results()) == 1)
    assert 4 == job.submit_call(child_work.answer, 4).result(LIMIT)


def test_results_that_do_not_come_have_only_so_many_threads(monkeypatch: pytest.MonkeyPatch):
    """What comes after those waits until one is there, or the loop has ended."""
    monkeypatch.setattr(results_thread, "TAKES_LONG", 0.0)
    monkeypatch.setattr(results_thread, "MOST_THREADS", 3)
    results = results_thread.ResultsThread(new_id(), "work")
    gate, begun = threading.Event(), threading.Semaphore(0)

    def stay() -> None:
        begun.release()
        gate.wait(LIMIT)

    for _ in range(results_thread.MOST_THREADS):
        results.put(stay)
        results.look()
        assert begun.acquire(timeout=LIMIT)
    told = threading.Event()
    results.put(told.set)
    for _ in range(10):
        results.look()
    assert 3 == len(threads_of_results())
    assert not told.is_set()
    assert not results.finish(0)
    until(lambda: results.finish_beside(0) or told.is_set())
    gate.set()
    assert results.finish_beside(LIMIT)
    assert [] == threads_of_results()


def test_what_waits_behind_it_when_the_loop_ends_is_told_soon(
    manager: LoopManager, slow: type[SlowToUnpickle], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(results_thread, "TAKES_LONG", LIMIT)
    job = manager.start(host="process")
    stuck = job.submit_call(child_work.returns_what_is_slow_to_unpickle)
    assert slow.begun.wait(LIMIT)
    behind = [job.submit_call(child_work.answer, number) for number in range(3)]
    until(lambda: job.snapshot().task_counts.get(TaskState.FINISHED, 0) == 4)
    job.request_stop()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert [0, 1, 2] == [future.result(LIMIT) for future in behind]
    assert not stuck.done()
    slow.gate.set()
    assert isinstance(stuck.result(LIMIT), SlowToUnpickle)
    until(lambda: not threads_of_results())


def test_an_error_that_comes_as_its_future_is_cancelled_is_told(
    manager: LoopManager, slow: type[SlowToUnpickle]
):
    """Nobody can ask the future for it."""
    job = manager.start(host="process")
    future = job.submit_call(child_work.raises_what_is_slow_to_unpickle, name="cleaner")
    assert slow.begun.wait(LIMIT)
    assert future.cancel()
    slow.gate.set()
    (warning,) = until(lambda: job.snapshot().warnings)
    assert (WarningKind.EXCEPTION_NEVER_RETRIEVED, "cleaner") == (warning.kind, warning.task)


def test_nobody_waits_for_ever_for_what_is_never_unpickled(
    manager: LoopManager, slow: type[SlowToUnpickle], monkeypatch: pytest.MonkeyPatch
):
    """It is said what was the matter."""
    monkeypatch.setattr(more_work, "LATE_RESULTS_LIMIT", 0.1)
    job = manager.start(host="process")
    stuck = job.submit_call(child_work.returns_what_is_slow_to_unpickle)
    assert slow.begun.wait(LIMIT)
    job.request_stop()
    with pytest.raises(bgw.CannotCross, match=r"has come, and was not unpickled within 0\.1 s"):
        stuck.result(LIMIT)
    slow.gate.set()
    until(lambda: not threads_of_results())


def test_a_main_result_that_is_never_unpickled_keeps_no_loop_from_its_end(
    manager: LoopManager, slow: type[SlowToUnpickle], monkeypatch: pytest.MonkeyPatch
):
    """After a while it has failed."""
    monkeypatch.setattr(remote_end, "RESULT_LIMIT", 0.1)
    job = manager.start(child_work.returns_what_is_slow_to_unpickle, host="process")
    assert slow.begun.wait(LIMIT)
    assert LoopState.FAILED == job.wait(LIMIT)
    with pytest.raises(bgw.CannotCross):
        job.result(0)
    assert "the result cannot be unpickled: TimeoutError" in str(job.snapshot().error_line)
    slow.gate.set()
    until(lambda: not threads_of_results())


@pytest.mark.parametrize(
    ("work", "what"),
    [
        (child_work.returns_what_is_slow_to_unpickle, "result"),
        (child_work.raises_what_is_slow_to_unpickle, "exception"),
    ],
)
def test_who_stops_a_loop_whose_result_is_being_unpickled_is_told_so(
    manager: LoopManager, slow: type[SlowToUnpickle], work: Callable[[], Any], what: str
):
    """Its process has answered all there was to answer. Killed meanwhile, it is killed, and nobody
    waits any longer.
    """
    job = manager.start(work, host="process")
    assert slow.begun.wait(LIMIT)
    report = job.stop(0)
    note = f"its loop has ended, and its {what} is still being unpickled"
    assert LoopState.STOPPING == report.outcome
    assert (f"{note}: kill() waits for it no longer",) == report.notes
    assert ((), ()) == (report.unfinished_tasks, report.threads_left)
    job.kill()
    assert LoopState.KILLED == job.wait(LIMIT)
    assert f"it was killed while its {what} was being unpickled" in job.snapshot().notes
    with pytest.raises(bgw.LoopEnded, match="was killed, so there is no result"):
        job.result(0)
    slow.gate.set()
    until(lambda: not threads_of_results())


def test_whoever_asks_is_told_what_unpickling_raised(manager: LoopManager):
    """Also when it would end the thread."""
    job = manager.start(host="process")
    future = job.submit_call(child_work.returns_what_exits)
    with pytest.raises(bgw.CannotCross, match=r"the result cannot be unpickled: SystemExit: 3"):
        future.result(LIMIT)
    assert 42 == job.submit_call(child_work.answer).result(LIMIT)


def test_the_results_are_there_when_the_end_is_told(manager: LoopManager):
    """So that who has waited for the loop need not wait for them, too."""
    job = manager.start(host="process")
    futures = [job.submit_call(child_work.answer, number) for number in range(20)]
    futures[-1].result(LIMIT)
    job.request_stop()
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert list(range(20)) == [future.result(0) for future in futures]
    assert [] == threads_of_results()


def test_a_large_result_comes_home_also_to_a_kernel_that_does_not_read_for_a_while(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """Its process waits until it is taken."""
    may_read = threading.Event()
    read = ChildLink._read_frames

    def reads_later(self: ChildLink, sock: socket.socket) -> bool:
        assert may_read.wait(LIMIT)
        return read(self, sock)

    monkeypatch.setattr(ChildLink, "_read_frames", reads_later)
    job = manager.start(child_work.returns_much, 20_000_000, host="process")
    pid = job.snapshot().pid
    assert pid is not None
    never_within(AT_ONCE, lambda: psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    may_read.set()
    assert bytes(20_000_000) == job.result(LIMIT)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """What is slow to pickle waits until something is written there."""
    os.mkfifo(tmp_path / "fifo")
    return tmp_path / "fifo"


def loop_that_has_ended_and_packs(
    manager: LoopManager, fifo: Path
) -> tuple[BackgroundLoop, Future[Any]]:
    job = manager.start(child_work.waits_for_the_next, host="process")
    until(lambda: len(job.tasks) == 1)
    future = job.submit_call(child_work.returns_what_is_slow_to_pickle, fifo)
    until(lambda: job.snapshot().unfinished_tasks == 0)
    return job, future


def test_the_end_waits_for_a_result_that_is_slow_to_pickle(manager: LoopManager, fifo: Path):
    job, future = loop_that_has_ended_and_packs(manager, fifo)
    never_within(MAIL_LIMIT + 0.5, lambda: job.state.has_ended)
    assert not job.snapshot().unresponsive
    assert 2 == len(job.tasks)
    fifo.write_text("it was slow")
    assert "it was slow" == future.result(LIMIT)
    assert "done" == job.result(LIMIT)


def test_a_stop_does_not_wait_for_a_result_that_is_slow_to_pickle(manager: LoopManager, fifo: Path):
    job, future = loop_that_has_ended_and_packs(manager, fifo)
    job.stop_loop()
    assert job.wait(LIMIT).has_ended
    with pytest.raises(bgw.LoopEnded, match="has ended, and its loop was stopped before the resul"):
        future.result(LIMIT)


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
def test_a_result_whose_pickling_ends_the_process_does_not(
    manager: LoopManager, error: type[BaseException]
):
    """It is an error as of any that cannot be brought here, and no crash."""
    job = manager.start(child_work.returns_what_raises_at_pickling, error, host="process")
    with pytest.raises(bgw.CannotCross, match=f"the result cannot be .*: {error.__name__}"):
        job.result(LIMIT)
    assert LoopState.FAILED == job.state


def test_a_coroutine_is_cancelled_while_another_ones_result_is_pickled(
    manager: LoopManager, fifo: Path
):
    """What is slow holds up nobody else."""
    job = manager.start(host="process")
    slow = job.submit_call(child_work.returns_what_is_slow_to_pickle, fifo)
    waiting = job.submit_call(child_work.for_ever, name="waiting")
    until(lambda: [each.state for each in job.tasks if each.name == "waiting"])
    until(lambda: any(each.state.has_ended for each in job.tasks))
    waiting.cancel()
    until(lambda: [TaskState.CANCELLED] == [e.state for e in job.tasks if e.name == "waiting"])
    assert not slow.done()
    fifo.write_text("it was slow")
    assert "it was slow" == slow.result(LIMIT)


@pytest.mark.timeout(LIMIT)
def test_a_stop_that_comes_just_before_the_loop_has_ended_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch,
):
    """Nobody would say it again."""
    monkeypatch.setattr(child_control, "MAIL_LIMIT", 0.01)
    ended, host, told = Future[int](), Mock(), list[Any]()
    ended.set_result(1)
    host.submit.return_value = ended
    control = ChildControl(host, Mock(), told.append, lambda: None)  # Nothing is ever packed.
    control.is_up()
    control.take(Ask(7, RunMore(pack((int, (), {}), "the call"), None)))
    control._mail.get()()
    control.take(Ask(8, Obey(StopLoop(1))))
    control.finish()
    (answer,) = [each for each in told if each.number == 7]
    assert "its loop was stopped before the result was pickled" in str(unpack_error(answer.value))


def test_a_callback_that_exits_ends_no_other(
    manager: LoopManager, caplog: pytest.LogCaptureFixture
):
    def leave(_: Any) -> None:
        raise SystemExit(3)

    job = manager.start(host="process")
    gone = job.submit_call(child_work.answer)
    gone.add_done_callback(leave)
    assert 42 == gone.result(LIMIT)
    assert 42 == job.submit_call(child_work.answer).result(LIMIT)
    assert "a callback of a future of 'loop' raised" in caplog.text
