"""A loop in a process of its own begins and ends as one in a thread does."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from typing import Any

import psutil
import pytest
import uvloop

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from bgwidgets.hosts.crossing import TracebackThere
from tests import child_work
from tests.hosts.conftest import LIMIT
from tests.processes import StartedProcesses
from tests.waiting import until


def test_it_starts_at_once_and_runs_in_another_process(manager: LoopManager):
    job = manager.start(child_work.for_ever, host="process", name="far")
    assert job.state in {LoopState.STARTING, LoopState.RUNNING}
    assert "process" == job.host
    until(lambda: job.state is LoopState.RUNNING)
    until(lambda: job.snapshot().started_at)
    snapshot = job.snapshot()
    assert snapshot.pid is not None
    assert os.getpid() != snapshot.pid
    assert os.getpid() == psutil.Process(snapshot.pid).ppid()
    assert ("process", "bgw-far", False) == (
        snapshot.host,
        snapshot.thread_name,
        snapshot.unresponsive,
    )


def test_it_leads_a_session_of_its_own_which_no_signal_for_the_kernel_reaches(manager: LoopManager):
    job = manager.start(host="process")
    pid = job.snapshot().pid
    assert pid is not None
    assert pid == os.getpgid(pid) == os.getsid(pid)


def test_the_child_loads_no_widgets(manager: LoopManager):
    """What it would take in time and memory, each child would take."""
    told = manager.start(child_work.tells_of_itself, host="process").result(LIMIT)
    forbidden = {"ipywidgets", "anywidget", "IPython", "traitlets", "comm", "matplotlib", "tqdm"}
    assert set() == forbidden & set(told["modules"])


def test_current_is_the_loop_there_too(manager: LoopManager):
    job = manager.start(child_work.tells_of_itself, host="process", name="knows")
    told = job.result(LIMIT)
    assert ("knows", job.id, "process", "running") == (
        told["name"],
        told["id"],
        told["host"],
        told["state"],
    )
    assert ("bgw-knows", True) == (told["thread"], told["main"])
    assert 5 == manager.start(child_work.submits_to_itself, host="process").result(LIMIT)


def in_a_closure(factor: int) -> Any:
    async def multiplies(value: int, *, more: int = 0) -> int:
        return factor * value + more

    return multiplies


@pytest.mark.parametrize(
    ("work", "args", "kwargs", "result"),
    [
        (child_work.answer, ("a result",), {}, "a result"),
        (in_a_closure(3), (4,), {"more": 1}, 13),
        (functools.partial(child_work.answer, 1), (), {}, 1),
        (child_work.plain, (1,), {}, 2),
        (lambda: child_work.answer(6), (), {}, 6),
    ],
    ids=["coroutine function", "closure", "partial", "plain function", "lambda"],
)
def test_every_kind_of_work_runs_there(
    manager: LoopManager, work: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: object
):
    job = manager.start(work, *args, host="process", **kwargs)
    assert result == job.result(LIMIT)
    assert LoopState.FINISHED == job.state


def test_its_process_is_gone_when_it_has_ended(manager: LoopManager, processes: StartedProcesses):
    manager.start(child_work.answer, host="process").wait(LIMIT)
    assert [] == processes.alive()


def test_an_exception_comes_home_as_it_is_with_the_traceback_there(manager: LoopManager):
    job = manager.start(child_work.raises_ours, host="process")
    with pytest.raises(child_work.OurError) as caught:
        job.result(LIMIT)
    assert (7, "so") == (caught.value.code, caught.value.hint)
    assert isinstance(caught.value.__cause__, TracebackThere)
    assert "in raises_ours" in str(caught.value.__cause__)
    assert LoopState.FAILED == job.state
    snapshot = job.snapshot()
    assert "in raises_ours" in (snapshot.error or "")
    assert "OurError: 7" == snapshot.error_line


def test_an_exception_that_cannot_be_unpickled_is_told_of(manager: LoopManager):
    job = manager.start(child_work.raises_one_way, host="process")
    with pytest.raises(bgw.CannotCross, match=r"OneWayError: 7 so .*cannot be pickled") as caught:
        job.result(LIMIT)
    assert "in raises_one_way" in str(caught.value.__cause__)


def test_a_result_that_cannot_be_pickled_is_a_clear_error(manager: LoopManager):
    job = manager.start(child_work.returns_a_lock, host="process")
    with pytest.raises(bgw.CannotCross, match=r"the result\['model'\]\['lock'\], a _thread\.lock"):
        job.result(LIMIT)
    assert LoopState.FAILED == job.state
    assert "CannotCross" in (job.snapshot().error_line or "")


def end_by_its_event(job: bgw.BackgroundLoop) -> None:
    job.request_stop()


def end_at_once(job: bgw.BackgroundLoop) -> None:
    job.stop_loop()


def end_by_cancelling(job: bgw.BackgroundLoop) -> None:
    job.cancel_tasks()


@pytest.mark.parametrize(
    ("work", "ask", "state"),
    [
        (None, end_by_its_event, LoopState.FINISHED),
        (child_work.waits_for_its_event, end_by_its_event, LoopState.FINISHED),
        (child_work.waits_in_a_thread, end_by_its_event, LoopState.FINISHED),
        (child_work.for_ever, end_at_once, LoopState.STOPPED),
        (child_work.for_ever, end_by_cancelling, LoopState.CANCELLED),
    ],
)
@pytest.mark.parametrize("early", [True, False], ids=["while it starts", "while it runs"])
def test_it_ends_as_asked(manager: LoopManager, work: Any, ask: Any, state: LoopState, early: bool):
    job = manager.start(work, host="process")
    if not early:
        until(lambda: job.state is LoopState.RUNNING)
    ask(job)
    assert state == job.wait(LIMIT)


def test_a_stop_climbs_the_ladder(manager: LoopManager):
    job = manager.start(child_work.for_ever, host="process")
    report = job.stop(grace=0)
    assert (LoopState.CANCELLED, ("stop_event", "cancel_tasks")) == (report.outcome, report.steps)


def test_a_function_that_does_not_return_ends_with_its_process(manager: LoopManager):
    job = manager.start(child_work.sleeps_in_a_thread, host="process")
    until(job.output.text)
    report = job.stop(grace=0)
    assert LoopState.STOPPED == report.outcome
    assert () == report.threads_left
    assert "ended with its process" in "; ".join(report.notes)


def test_a_loop_that_does_not_answer_can_be_killed_and_its_report_says_so(manager: LoopManager):
    job = manager.start(child_work.spins, host="process")
    until(lambda: job.snapshot().blocked)
    report = job.stop(grace=0)
    assert LoopState.STOPPING == report.outcome
    assert "kill() ends its process at once" in report.notes
    assert ("bgw-spins",) == report.threads_left
    assert ("spins",) == report.unfinished_tasks
    job.kill()
    assert LoopState.KILLED == job.state


def test_it_can_be_restarted(manager: LoopManager):
    job = manager.start(child_work.tells_of_itself, host="process")
    first = job.result(LIMIT)
    job.restart()
    again = job.result(LIMIT)
    assert first["pid"] != again["pid"]
    assert 2 == job.run_number == job.snapshot().run_number
    job.remove()
    assert 0 == len(manager)


def test_it_can_be_replaced(manager: LoopManager):
    old = manager.start(child_work.for_ever, host="process", name="one")
    new = manager.start(child_work.answer, host="process", name="one", replace=True)
    assert LoopState.CANCELLED == old.state
    assert 42 == new.result(LIMIT)


def test_a_replacement_that_cannot_cross_replaces_nothing(manager: LoopManager):
    old = manager.start(child_work.for_ever, host="process", name="one")
    with pytest.raises(bgw.InvalidWork):
        manager.start(child_work.answer, threading.Lock(), host="process", name="one", replace=True)
    assert not old.state.has_ended
    assert [old] == list(manager)


async def run_inside() -> int:
    async def inner() -> int:
        return 3

    return asyncio.run(inner())


async def kind_of_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_the_options_of_start_work_there(manager: LoopManager):
    assert 3 == manager.start(run_inside, host="process", nested=True).result(LIMIT)
    job = manager.start(kind_of_loop, host="process", loop_factory=uvloop.new_event_loop)
    assert job.result(LIMIT).startswith("uvloop")
    timed = manager.start(child_work.some_end, host="process", timings=True)
    timed.wait(LIMIT)
    (returning,) = [task for task in timed.tasks if task.name == "returning"]
    timings = timed.task_detail(returning.id).timings
    assert timings is not None
    assert 2 == timings.polls


def broken_factory() -> asyncio.AbstractEventLoop:
    raise OSError("no loop to be had")


def test_what_breaks_the_start_is_its_error(manager: LoopManager):
    job = manager.start(child_work.answer, host="process", loop_factory=broken_factory)
    with pytest.raises(OSError, match="no loop to be had"):
        job.result(LIMIT)
    assert LoopState.FAILED == job.state


def test_its_ids_are_nobody_elses(manager: LoopManager):
    jobs = [manager.start(child_work.many_tasks, 3, host="process", name=str(n)) for n in (1, 2)]
    jobs.append(manager.start(child_work.many_tasks, 3, name="here"))
    until(lambda: all(len(job.tasks) == 4 for job in jobs))
    ids = [task.id for job in jobs for task in job.tasks] + [job.id for job in jobs]
    assert len(ids) == len(set(ids))
    assert max(ids) < 1 << 53


async def wait_for(job: bgw.BackgroundLoop) -> Any:
    return await job


def test_async_code_waits_for_it(manager: LoopManager):
    job = manager.start(child_work.answer, host="process")
    assert 42 == asyncio.run(asyncio.wait_for(wait_for(job), LIMIT))


def test_a_callback_must_not_wait_for_the_loop_whose_news_it_hears(manager: LoopManager):
    """As in a loop's own thread."""
    job = manager.start(host="process")
    future = job.submit_call(child_work.answer)
    raised: list[BaseException] = []
    has_tried = threading.Event()

    def waits(_: object) -> None:
        try:
            job.wait(LIMIT)
        except bgw.WouldDeadlock as error:
            raised.append(error)
        has_tried.set()

    future.add_done_callback(waits)
    assert has_tried.wait(LIMIT)
    assert 1 == len(raised)


def test_what_is_not_there_yet_is_empty(manager: LoopManager):
    job = manager.start(child_work.answer, host="process")
    assert LoopState.STARTING == job.state
    assert () == job.task_window().tasks
    assert {} == job.metrics
    assert {} == job.figures
    assert LoopState.FINISHED == job.wait(LIMIT)
