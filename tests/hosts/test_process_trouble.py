"""A child process that is killed, crashes, hangs or is suspended: what is said of it is true."""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import psutil
import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState, TaskState
from bgwidgets.commands import KillLoop, SetStopEvent
from bgwidgets.hosts import remote_host
from bgwidgets.hosts.child_control import ChildControl
from bgwidgets.hosts.child_reporter import ChildReporter
from bgwidgets.hosts.last_known import LastKnown
from bgwidgets.hosts.messages import Ask, WantDetail, WantHistory, decode, encode
from bgwidgets.output.log import OutputLog
from bgwidgets.snapshots import TaskSnapshot, WindowRequest
from bgwidgets.widgets.looks import Looks
from tests import child_work
from tests.hosts.conftest import AT_ONCE, LIMIT
from tests.processes import StartedProcesses
from tests.waiting import never_within, until


def suspend(pid: int) -> None:
    """Until SIGCONT. When `os.kill` returns, the signal is sent, and its threads may still run."""
    os.kill(pid, signal.SIGSTOP)
    until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED)


def pid_of(job: BackgroundLoop) -> int:
    pid = job.snapshot().pid
    assert pid is not None
    return pid


def is_running(job: BackgroundLoop) -> bool:
    return job.snapshot().started_at is not None


@pytest.mark.parametrize(
    "work",
    [child_work.for_ever, child_work.spins, child_work.holds_the_gil, child_work.has_a_child],
)
def test_kill_always_works(manager: LoopManager, processes: StartedProcesses, work: Any):
    """Also while C code holds the child's GIL, and with what the work has started there."""
    job = manager.start(work, host="process")
    until(lambda: job.state is LoopState.RUNNING)
    if work is child_work.has_a_child:
        until(lambda: "it is there" in job.output.text())
    began = time.monotonic()
    job.kill()
    assert time.monotonic() - began < AT_ONCE
    assert LoopState.KILLED == job.state
    assert [] == processes.alive()
    with pytest.raises(bgw.LoopEnded, match="was killed"):
        job.result(LIMIT)
    assert "its process was killed" in job.snapshot().notes


def test_a_signal_handler_may_kill_in_the_middle_of_a_kill(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: job.state is LoopState.RUNNING)
    killpg = os.killpg

    def interrupted(group: int, number: int) -> None:
        signal.raise_signal(signal.SIGUSR1)
        killpg(group, number)

    def kill(*_: object) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        job.kill()

    monkeypatch.setattr(os, "killpg", interrupted)
    before = signal.signal(signal.SIGUSR1, kill)
    try:
        job.kill()
        assert LoopState.KILLED == job.wait(LIMIT)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_to_kill_is_a_command_like_any_other(manager: LoopManager, processes: StartedProcesses):
    """Who gives it does not wait. In the panel a button does."""
    job = manager.start(child_work.holds_the_gil, host="process")
    assert job.snapshot().can_be_killed
    manager.execute(KillLoop(job.id))
    assert LoopState.KILLED == job.wait(LIMIT)
    assert [] == processes.alive()
    manager.execute(KillLoop(job.id))
    thread = manager.start(child_work.for_ever, name="a thread")
    assert not thread.snapshot().can_be_killed
    with pytest.raises(bgw.CannotKillThread, match="'a thread' runs in a thread"):
        manager.execute(KillLoop(thread.id))
    assert LoopState.RUNNING == thread.state
    thread.stop(0)
    manager.execute(KillLoop(thread.id))


def test_kill_works_while_it_starts(manager: LoopManager):
    job = manager.start(child_work.for_ever, host="process")
    job.kill()
    assert LoopState.KILLED == job.state


def test_to_kill_an_ended_loop_does_nothing(manager: LoopManager):
    job = manager.start(child_work.answer, host="process")
    job.wait(LIMIT)
    job.kill()
    assert LoopState.FINISHED == job.state


def test_work_may_kill_its_own_process(manager: LoopManager):
    assert LoopState.KILLED == manager.start(child_work.kills_itself, host="process").wait(LIMIT)


@pytest.mark.parametrize(
    ("work", "args", "says"),
    [(child_work.exits, (3,), "exit code 3"), (child_work.crashes, (), "killed by SIGSEGV")],
)
def test_a_child_that_ends_by_itself_is_lost(
    manager: LoopManager, work: Any, args: tuple[Any, ...], says: str
):
    job = manager.start(work, *args, host="process")
    assert LoopState.LOST == job.wait(LIMIT)
    assert f"its process ended before the loop did: {says}" == job.snapshot().error_line
    with pytest.raises(bgw.LoopEnded, match=f"was lost .*{says}"):
        job.result(LIMIT)


@pytest.mark.parametrize("end", ["os._exit", "kill()"])
def test_a_child_that_ends_by_itself_says_before_what_it_has_written_and_measured(
    manager: LoopManager, end: str
):
    job = manager.start(child_work.measures_and_ends, end, host="process")
    assert job.wait(LIMIT).has_ended
    assert "the end\n" == job.output.text()
    assert 0.25 == job.metrics["loss"].last


def test_a_child_that_ends_by_itself_waits_for_no_thread_that_is_at_its_log(manager: LoopManager):
    job = manager.start(child_work.exits_while_another_thread_holds_its_log, 3, host="process")
    assert LoopState.LOST == job.wait(LIMIT)
    assert (job.snapshot().error_line or "").endswith("exit code 3")


def test_what_was_known_of_a_childs_metrics_is_kept_when_it_is_killed(manager: LoopManager):
    """By somebody else; nobody has looked."""
    job = manager.start(child_work.measures, host="process")
    host: Any = job._run.host
    until(lambda: host._known.metrics)
    os.kill(pid_of(job), signal.SIGKILL)
    assert LoopState.LOST == job.wait(LIMIT)
    assert 0.25 == job.metrics["loss"].last


def test_the_output_of_a_child_that_crashed_says_where(manager: LoopManager):
    job = manager.start(child_work.crashes, host="process")
    job.wait(LIMIT)
    assert "Segmentation fault" in job.output.text()
    assert "in crashes" in job.output.text()


def test_a_child_that_is_killed_by_somebody_else_is_lost_with_all_that_it_started(
    manager: LoopManager, processes: StartedProcesses
):
    job = manager.start(child_work.has_a_child, host="process")
    until(lambda: "it is there" in job.output.text())
    job.request_stop()
    os.kill(pid_of(job), signal.SIGKILL)
    assert LoopState.LOST == job.wait(LIMIT)
    assert "killed by SIGKILL" in (job.snapshot().error or "")
    assert job.snapshot().stop_requested
    assert [] == processes.alive()


def test_what_waited_for_a_lost_loop_is_told(manager: LoopManager):
    job = manager.start(host="process")
    future = job.submit_call(child_work.for_ever)
    until(lambda: len(job.tasks) == 1)
    os.kill(pid_of(job), signal.SIGKILL)
    with pytest.raises(bgw.LoopEnded):
        future.result(LIMIT)
    assert job.stop_event.wait_sync(LIMIT)


def but_for_times(task: TaskSnapshot) -> TaskSnapshot:
    """They are known to a tenth of a second, and a later look may tell another part of it."""
    return replace(task, created_at=None, ended_at=None)


@pytest.mark.parametrize("is_killed_here", [True, False])
def test_the_tasks_of_a_loop_whose_process_is_gone_are_lost(
    manager: LoopManager, is_killed_here: bool
):
    """How far they came nobody knows: that they still wait, or were cancelled, would be untrue."""
    job = manager.start(child_work.some_end_and_some_do_not, host="process")
    until(lambda: job.snapshot().task_counts.get(TaskState.PENDING) == 3)
    until(lambda: job.snapshot().progress)
    before = {task.name: task for task in job.tasks}
    assert job.task_detail(before["sleeper"].id).chain
    if is_killed_here:
        job.kill()
    else:
        os.kill(pid_of(job), signal.SIGKILL)
        job.wait(LIMIT)
    ended_at = job.snapshot().ended_at
    after = {task.name: task for task in job.tasks}
    assert before.keys() == after.keys()
    for name in ("failing", "returning"):
        assert but_for_times(before[name]) == but_for_times(after[name])
    for task in (after["sleeper"], after["counts"]):
        assert (TaskState.LOST, ended_at, None) == (task.state, task.ended_at, task.waiting_on)
        assert task.state.has_ended
    bars = [after["counts"].progress, job.snapshot().progress]
    assert [(True, ended_at)] * 2 == [(bar.left_open, bar.ended_at) for bar in bars if bar]
    detail = job.task_detail(after["sleeper"].id)
    assert (TaskState.LOST, ended_at, None, ()) == (
        *(detail.state, detail.ended_at, detail.waiting_on, detail.chain),
    )
    counts = {state: count for state, count in job.snapshot().task_counts.items() if count}
    ends = {TaskState.FINISHED: 1, TaskState.FAILED: 1, TaskState.LOST: 3}
    assert ends == counts == job.history().ends
    assert 5 == job.history().births
    assert 0 == job.snapshot().unfinished_tasks
    assert 3 == job.task_window(states=["lost"]).total


def test_a_suspended_child_is_unresponsive_and_comes_back(manager: LoopManager):
    """Meanwhile nothing waits for it, what is known is shown with its time, and others go on."""
    job = manager.start(child_work.many_tasks, 5, host="process")
    other = manager.start(child_work.many_tasks, 2, host="process", name="other")
    until(lambda: len(job.tasks) == 6 == job.snapshot().unfinished_tasks)
    until(lambda: len(other.tasks) == 3)
    births = job.history().births
    changed = threading.Event()
    manager.subscribe(changed.set)
    suspend(pid_of(job))
    stopped_at = time.time()
    try:
        assert changed.wait(LIMIT)
        until(lambda: job.snapshot().unresponsive)
        began = time.monotonic()
        assert 6 == len(job.tasks)
        assert 6 == job.snapshot().unfinished_tasks
        assert "sleeper-1" == job.task_detail(named(job, "sleeper-1")).name
        assert births == job.history().births
        job.request_stop()
        assert job.snapshot().stop_requested
        assert job.snapshot().as_of < stopped_at + AT_ONCE
        with pytest.raises(bgw.HostUnresponsive, match="was not asked, and nothing was done: kill"):
            job.cancel_tasks(named(job, "sleeper-1"))
        assert 3 == len(other.tasks)
        assert time.monotonic() - began < AT_ONCE
        assert not other.snapshot().unresponsive
        assert LoopState.RUNNING == job.state
    finally:
        os.kill(pid_of(job), signal.SIGCONT)
    until(lambda: not job.snapshot().unresponsive)
    assert 6 == job.snapshot().unfinished_tasks
    job.cancel_tasks(named(job, "sleeper-1"))
    until(lambda: job.snapshot().unfinished_tasks == 5)


def test_what_a_suspended_child_was_asked_before_anybody_knew_may_yet_be_done(
    manager: LoopManager,
):
    job = manager.start(child_work.many_tasks, 2, host="process")
    until(lambda: len(job.tasks) == 3)
    task_id = named(job, "sleeper-1")
    suspend(pid_of(job))
    try:
        # All its threads have stopped.
        assert os.waitid(os.P_PID, pid_of(job), os.WSTOPPED | os.WNOWAIT)
        with pytest.raises(bgw.HostUnresponsive, match="nobody knows whether it was done"):
            job.cancel_tasks(task_id)
    finally:
        os.kill(pid_of(job), signal.SIGCONT)
    until(lambda: job.snapshot().unfinished_tasks == 2)


@pytest.mark.parametrize("has_main", [True, False])
def test_of_a_child_that_has_not_listed_its_tasks_the_main_task_is_named(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, has_main: bool
):
    """Its name is known here. Where there is none, nothing is made up."""
    monkeypatch.setattr(LastKnown, "keep_window", lambda *_: None)
    work = child_work.for_ever if has_main else None
    job = manager.start(work, host="process", name="main")
    until(lambda: job.state is LoopState.RUNNING)
    job.submit_call(child_work.for_ever)
    until(lambda: job.snapshot().unfinished_tasks == 1 + has_main)
    suspend(pid_of(job))
    report = job.stop(0)
    assert "its process does not answer" in report.notes
    assert (("main",) if has_main else ()) == report.unfinished_tasks
    job.kill()


def test_who_waits_for_a_child_waits_no_longer_when_it_is_known_to_be_unresponsive(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(remote_host, "COMMAND_LIMIT", 10 * LIMIT)
    job = manager.start(child_work.many_tasks, 2, host="process")
    until(lambda: len(job.tasks) == 3)
    task_id = named(job, "sleeper-1")
    suspend(pid_of(job))
    began = time.monotonic()
    try:
        with pytest.raises(bgw.HostUnresponsive):
            job.cancel_tasks(task_id)
        assert time.monotonic() - began < LIMIT
    finally:
        os.kill(pid_of(job), signal.SIGCONT)


def test_a_callback_that_hears_of_a_loop_may_cancel_its_tasks(manager: LoopManager):
    """It is called by who listens, and so does not wait for the answer, which would not come."""
    job = manager.start(child_work.many_tasks, 2, host="process")
    until(lambda: len(job.tasks) == 3)
    task_id = named(job, "sleeper-1")
    errors: list[Exception | None] = []

    def cancels_once() -> None:
        if job.snapshot().unresponsive and not errors:
            try:
                job.cancel_tasks(task_id)
            except bgw.HostUnresponsive as error:
                errors.append(error)
            else:
                errors.append(None)

    end = manager.subscribe(cancels_once)
    suspend(pid_of(job))
    try:
        until(lambda: errors)
    finally:
        os.kill(pid_of(job), signal.SIGCONT)
        end()
    assert [None] == errors
    until(lambda: job.snapshot().unfinished_tasks == 2)


def test_a_suspended_child_does_not_hold_up_a_look_at_the_others(manager: LoopManager):
    """Also while its own tasks are those that are shown, and before anybody knows of it."""
    dead = manager.start(child_work.many_tasks, 2_000, host="process", name="dead")
    alive = manager.start(child_work.many_tasks, 2_000, host="process", name="alive")
    here = manager.start(child_work.many_tasks, 2_000, name="here")
    for job in manager:
        until(lambda job=job: job.snapshot().unfinished_tasks == 2_001)  # type: ignore[misc]
    looks, request = Looks(manager, time.time), WindowRequest(stop=40)
    looked_at = looks.tasks(dead.id, request).tasks[0].id
    assert looks.task_detail(dead.id, looked_at)
    suspend(pid_of(dead))
    stopped_at = time.time()
    try:
        took = []
        while not dead.snapshot().unresponsive:
            began = time.monotonic()
            looks.take()
            looks.show_closely([dead.id])
            assert 40 == len(looks.tasks(dead.id, request).tasks)
            assert looks.task_detail(dead.id, looked_at)
            took.append(time.monotonic() - began)
            assert time.time() < stopped_at + LIMIT
        for job in (alive, here):
            assert 40 == len(looks.tasks(job.id, request).tasks)
            until(lambda job=job: job.snapshot().as_of > stopped_at + 1)  # type: ignore[misc]
        assert max(took) < AT_ONCE / 2
    finally:
        os.kill(pid_of(dead), signal.SIGCONT)


def named(job: BackgroundLoop, name: str) -> int:
    (task,) = [task for task in job.tasks if task.name == name]
    return task.id


def test_a_child_that_does_not_exit_is_killed_and_its_result_stays(
    manager: LoopManager, processes: StartedProcesses
):
    job = manager.start(child_work.never_exits, host="process")
    assert "done" == job.result(LIMIT)
    assert [] == processes.alive()
    (note,) = job.snapshot().notes
    assert "its process did not end in order: it was killed, for it had not ended 1 s" in note


def test_a_result_that_has_come_stays_also_when_its_process_is_killed_then(manager: LoopManager):
    job = manager.start(child_work.never_exits, host="process")
    until(lambda: job._run.host._end.outcome)  # type: ignore[attr-defined]
    job.kill()
    assert LoopState.FINISHED == job.state
    assert "done" == job.result(LIMIT)
    assert () == job.snapshot().notes


def test_shared_memory_that_the_work_has_left_is_removed(manager: LoopManager):
    """As by any process of Python that ends in order."""
    name = manager.start(child_work.leaves_shared_memory, host="process").result(LIMIT)
    with pytest.raises(FileNotFoundError):
        SharedMemory(name=name)


def crash() -> None:
    os._exit(3)


def kill_itself() -> None:
    job = bgw.current()
    assert job is not None
    job.kill()


@pytest.mark.parametrize("end", [crash, kill_itself])
def test_shared_memory_is_removed_however_its_process_has_ended(
    manager: LoopManager, end: Callable[[], None]
):
    """By the process of `multiprocessing` that is there for that."""
    job = manager.start(child_work.has_shared_memory, end, host="process")
    assert job.wait(LIMIT).has_ended
    (name,) = re.findall("psm_[0-9a-f]+$", job.output.text(), re.MULTILINE)
    until(lambda: not Path("/dev/shm", name).exists())  # noqa: S108 - where Linux has it


def test_how_a_child_ended_is_not_made_up(manager: LoopManager):
    """Where nobody can know it."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        job = manager.start(child_work.for_ever, host="process")
        os.kill(pid_of(job), signal.SIGKILL)
        assert LoopState.LOST == job.wait(LIMIT)
        assert "nobody knows how: this process ignores SIGCHLD" in (job.snapshot().error or "")
        fine = manager.start(child_work.answer, host="process")
        assert 42 == fine.result(LIMIT)
        assert () == fine.snapshot().notes
    finally:
        signal.signal(signal.SIGCHLD, before)


def test_a_suspended_child_can_be_killed(manager: LoopManager):
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: is_running(job))
    suspend(pid_of(job))
    report = job.stop(0)
    assert LoopState.STOPPING == report.outcome
    assert "its process does not answer" in report.notes
    assert "when it answered last, 1 of its tasks were unfinished" in report.notes
    job.kill()
    assert LoopState.KILLED == job.state


def test_a_child_whose_gil_is_held_is_unresponsive(manager: LoopManager):
    job = manager.start(child_work.holds_the_gil, host="process")
    until(lambda: job.snapshot().unresponsive)
    job.kill()
    assert job.snapshot().unresponsive is None


def test_a_kernel_that_was_suspended_itself_blames_nobody(manager: LoopManager):
    """Only the time in which it could have listened counts."""
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: is_running(job))
    host = job._run.host
    # As after the kernel stood still: a long time has gone by since the last message.
    host._known.heard_at = time.time() - 3600  # type: ignore[attr-defined]
    never_within(0.3, lambda: job.snapshot().unresponsive)


def test_a_blocked_loop_is_named_and_can_be_interrupted(manager: LoopManager):
    """The control thread answers while the loop spins."""
    job = manager.start(child_work.spins, host="process")
    until(lambda: job.snapshot().blocked)
    until(lambda: "spins" in (job.snapshot().blocked_by or ""))
    assert ["spins"] == [task.name for task in job.tasks]
    job.interrupt()
    assert LoopState.FAILED == job.wait(LIMIT)
    assert isinstance(job.exception(LIMIT), bgw.LoopInterrupted)
    assert "interrupted at" in job.snapshot().notes[0]


def test_what_is_not_blocked_cannot_be_interrupted(manager: LoopManager):
    job = manager.start(child_work.for_ever, host="process")
    with pytest.raises(bgw.CannotInterrupt):
        job.interrupt()
    until(lambda: is_running(job))
    with pytest.raises(bgw.CannotInterrupt, match="not blocked by a task"):
        job.interrupt()
    with pytest.raises(bgw.UnknownTask, match="has no task 7"):
        job.cancel_tasks(7)


def test_a_broken_message_is_logged_and_the_next_is_taken(
    manager: LoopManager, caplog: pytest.LogCaptureFixture
):
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: is_running(job))
    job._run.host.received(b"no pickle")  # type: ignore[attr-defined]
    assert "a message of 'for_ever' could not be taken" in caplog.text
    job.command(SetStopEvent(job.id))
    until(lambda: job.snapshot().stop_requested)


def test_a_message_that_cannot_be_taken_there_does_not_make_it_deaf(manager: LoopManager):
    job = manager.start(child_work.waits_for_its_event, host="process")
    until(lambda: is_running(job))
    job._run.host._outbox.link.send(b".no pickle")  # type: ignore[attr-defined]
    until(lambda: "a message from the kernel could not be taken" in job.output.text())
    assert 1 == len(job.tasks)
    job.request_stop()
    assert "asked to stop" == job.result(LIMIT)


def test_an_answer_that_cannot_be_pickled_is_an_error_for_who_asked():
    host, told = Mock(), list[Any]()

    def tell(message: Any) -> None:
        told.append(decode(encode(message)))

    host.history.return_value = threading.Lock()
    host.task_detail.return_value = "the next"
    control = ChildControl(host, Mock(), tell, lambda: None)
    control.take(Ask(1, WantHistory()))
    control.take(Ask(2, WantDetail(7)))
    assert "cannot pickle '_thread.lock'" in told[0].error.line
    assert (1, 2, "the next") == (told[0].number, told[1].number, told[1].value)


def test_what_could_not_be_told_is_told_by_the_next_look(caplog: pytest.LogCaptureFixture):
    """Though nothing has changed since, and with one complaint however often it fails."""
    agent, told, failures = Mock(), list[Any](), [OSError("not now"), OSError("not now")]

    def tell(message: Any) -> None:
        if failures:
            raise failures.pop()
        told.append(message)

    agent.standstill.return_value.holds.return_value = True
    reporter = ChildReporter(agent, OutputLog(), tell)
    for _ in range(3):
        reporter._look_once()
    assert [agent.snapshot.return_value] == [each.snapshot for each in told]
    assert 1 == caplog.text.count("how the loop stands could not be told")


class Riddle:
    """A question that the child cannot even read."""

    def __reduce__(self) -> tuple[Any, ...]:
        return int, ("no number",)


def test_a_child_that_does_not_answer_is_unresponsive_whatever_it_tells(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(remote_host, "UNANSWERED_AFTER", AT_ONCE)
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: is_running(job))
    host = job._run.host
    host._questions.put(Riddle(), Future())  # type: ignore[attr-defined]
    never_within(AT_ONCE / 2, lambda: job.snapshot().unresponsive)
    until(lambda: job.snapshot().unresponsive)
    now = time.time()
    until(lambda: job.snapshot().as_of > now)
    assert job.snapshot().unresponsive
    with pytest.raises(bgw.HostUnresponsive):
        job.cancel_tasks(7)
    job.kill()
    assert LoopState.KILLED == job.state


def test_a_call_that_takes_its_time_does_not_count_as_unanswered(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    job = manager.start(host="process")
    future = job.submit_call(child_work.for_ever)
    until(lambda: len(job.tasks) == 1)
    # Not before: what is asked of a young process waits until it has come up.
    monkeypatch.setattr(remote_host, "UNANSWERED_AFTER", 0.4)
    never_within(AT_ONCE, lambda: job.snapshot().unresponsive)
    assert not future.done()


def test_a_child_whose_kernel_cannot_be_understood_ends_and_says_why(manager: LoopManager):
    """It would be deaf for ever."""
    job = manager.start(child_work.for_ever, host="process")
    until(lambda: is_running(job))
    link = job._run.host._outbox.link  # type: ignore[attr-defined]
    link._child.socket.send(b"this is no message at all")
    assert LoopState.LOST == job.wait(LIMIT)
    assert "bgwidgets: the kernel cannot be heard: BrokenStream" in job.output.text()


def test_a_child_that_cannot_be_understood_is_ended(manager: LoopManager):
    job = manager.start(child_work.says_what_is_no_message, host="process")
    assert LoopState.LOST == job.wait(LIMIT)
    assert "it could not be understood: a message does not begin" in (job.snapshot().error or "")


@pytest.mark.parametrize("host", ["process", "thread"])
def test_a_fork_that_exits_ends_alone(manager: LoopManager, host: str):
    """What it says of its copy of the loop is not heard, and whoever waits for it goes on."""
    job = manager.start(child_work.has_a_fork_that_exits, 3, host=host)
    assert 3 == job.result(LIMIT)
    assert LoopState.FINISHED == job.state
    assert () == job.snapshot().notes


def test_what_a_fork_says_of_its_copy_of_the_loop_is_not_heard(manager: LoopManager):
    job = manager.start(child_work.has_a_fork_that_fails, host="process")
    assert "the loop itself" == job.result(LIMIT)
    assert {TaskState.FINISHED: 1} == {
        state: count for state, count in job.snapshot().task_counts.items() if count
    }


@pytest.mark.parametrize("entry", [Path("/nowhere"), None, b"/nowhere", '/it\'s "nowhere"'])
def test_whatever_is_in_the_path_of_modules_it_starts(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, entry: Any
):
    monkeypatch.setattr(sys, "path", [*sys.path, entry])
    assert 42 == manager.start(child_work.answer, host="process").result(LIMIT)


def test_a_kernel_that_dies_of_a_broken_pipe_does_not_die_of_a_child_that_is_gone(
    manager: LoopManager,
):
    """Some scripts give SIGPIPE back its meaning."""
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        job = manager.start(child_work.for_ever, host="process")
        until(lambda: is_running(job))
        os.kill(pid_of(job), signal.SIGKILL)
        while not job.state.has_ended:
            job.stop_event.set()
            job.stop_event.clear()
    finally:
        signal.signal(signal.SIGPIPE, before)
    assert LoopState.LOST == job.wait(LIMIT)


def murder_at_a_random_moment(manager: LoopManager, chance: random.Random) -> None:
    """Whoever does it, and whenever: it ends, in a state that is true."""
    work = chance.choice([child_work.for_ever, child_work.spins, child_work.answer, None])
    job = manager.start(work, host="process", name="victim")
    pid = pid_of(job)
    pause = threading.Event()
    pause.wait(chance.random() * 0.25)
    way = chance.choice(["kill -9", "kill()", "stop"])
    if way == "kill -9":
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            assert work is child_work.answer
        expected = {LoopState.LOST}
    elif way == "kill()":
        job.kill()
        expected = {LoopState.KILLED}
    else:
        job.stop_loop()
        pause.wait(chance.random() * 0.1)
        job.kill()
        expected = {LoopState.KILLED, LoopState.STOPPED}
    if work is child_work.answer:
        expected.add(LoopState.FINISHED)
    assert job.wait(LIMIT) in expected
    assert not psutil.pid_exists(pid)
    job.remove()


def test_a_murder_at_a_random_moment_leaves_nothing_behind(manager: LoopManager):
    murder_at_a_random_moment(manager, random.Random())  # noqa: S311 - no secret


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_hundred_murders_at_random_moments(manager: LoopManager, processes: StartedProcesses):
    chance = random.Random(7)  # noqa: S311 - no secret
    for _ in range(200):
        murder_at_a_random_moment(manager, chance)
    assert [] == processes.alive()
