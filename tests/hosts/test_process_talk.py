"""What goes to a child process and what comes from it while its loop runs, and what stays of it."""

from __future__ import annotations

import asyncio
import functools
import gc
import os
import sys
import threading
from concurrent.futures import CancelledError
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState, TaskState, WarningKind
from tests import child_work
from tests.hosts.conftest import LIMIT
from tests.waiting import until


def test_the_stop_event_is_one_on_both_sides(manager: LoopManager):
    job = manager.start(child_work.waits_for_its_event, host="process")
    job.stop_event.set()
    assert "asked to stop" == job.result(LIMIT)
    theirs = manager.start(child_work.sets_its_event, host="process")
    assert theirs.stop_event.wait_sync(LIMIT)
    assert theirs.snapshot().stop_requested


async def hears_each_change() -> None:
    job = bgw.current()
    assert job is not None
    await job.stop_event.wait()
    job.output.write("set\n")
    while job.stop_event.is_set():  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0.001)
    job.output.write("cleared\n")
    await job.stop_event.wait()


def test_the_stop_event_can_be_cleared_from_here(manager: LoopManager):
    job = manager.start(hears_each_change, host="process")
    job.stop_event.set()
    until(lambda: "set" in job.output.text())
    job.stop_event.clear()
    until(lambda: "cleared" in job.output.text())
    until(lambda: not job.snapshot().stop_requested)
    job.stop_event.set()
    assert LoopState.FINISHED == job.wait(LIMIT)


def test_more_work_can_be_given_to_it(manager: LoopManager):
    """Also before it is up. The errors are the original ones."""
    job = manager.start(host="process")
    early = job.submit_call(child_work.answer, 1)
    assert 1 == early.result(LIMIT)
    with pytest.raises(child_work.OurError):
        job.submit_call(child_work.raises_ours).result(LIMIT)
    with pytest.raises(bgw.CannotCross, match=r"_thread\.lock"):
        job.submit_call(child_work.returns_a_lock).result(LIMIT)
    named = job.submit_call(child_work.for_ever, name="named")
    until(lambda: any(task.name == "named" for task in job.tasks))
    named.cancel()
    until(lambda: TaskState.CANCELLED in {task.state for task in job.tasks if task.name == "named"})


def test_an_error_that_nobody_asks_for_is_told(manager: LoopManager):
    """As of any other task that failed; and not of one whose error was asked for."""
    job = manager.start(host="process")
    asked = job.submit_call(child_work.raises_ours)
    assert isinstance(asked.exception(LIMIT), child_work.OurError)
    job.submit_call(child_work.answer).result(LIMIT)
    del asked
    gc.collect()
    assert () == job.snapshot().warnings
    job.submit_call(child_work.raises_ours, name="lonely")
    (warning,) = until(lambda: job.snapshot().warnings)
    assert (WarningKind.EXCEPTION_NEVER_RETRIEVED, "lonely") == (warning.kind, warning.task)
    assert "task 'lonely' failed, and nobody asked why: OurError: 7" == warning.text
    job.submit_call(child_work.raises_ours, name="lonely, too")
    until(lambda: job.snapshot().warnings[0].count == 2)
    waiting = job.submit_call(child_work.for_ever)
    job.kill()
    del waiting
    gc.collect()
    assert 2 == sum(each.count for each in job.snapshot().warnings)


def test_the_error_of_what_fails_when_its_future_is_cancelled_is_told(manager: LoopManager):
    """There it is asyncio that says so, as ever."""
    job = manager.start(host="process")
    future = job.submit_call(child_work.raises_ours_when_cancelled, name="cleaner")
    until(lambda: "begun" in job.output.text())
    assert future.cancel()
    (warning,) = until(lambda: job.snapshot().warnings)
    assert (WarningKind.EXCEPTION_NEVER_RETRIEVED, "cleaner") == (warning.kind, warning.task)
    assert "task 'cleaner' failed, and nobody asked why: OurError: 7" == warning.text
    until(lambda: "Task exception was never retrieved" in job.output.text())


Names = StrEnum("Names", {"LOSS": "loss"}, module="__main__")
"""As one that was defined in a notebook: the process of a loop has no such class of its own."""


def test_names_may_be_texts_of_a_class_of_the_notebooks(manager: LoopManager):
    names = Names

    async def measures() -> str:
        bgw.metric(names.LOSS, 0.5)
        bgw.figure(names.LOSS)
        await child_work.own_stop_event().wait()
        return "done"

    job = manager.start(measures, host="process", name=Names.LOSS)
    assert "loss" == until(lambda: next(iter(job.metrics), None))
    until(lambda: list(job.figures) == ["loss"])
    future = job.submit_call(child_work.answer, name=Names.LOSS)
    assert 42 == future.result(LIMIT)
    until(lambda: 2 == len(job.task_window(filter=Names.LOSS).tasks))
    job.request_stop()
    assert "done" == job.result(LIMIT)
    texts = [job.name, *job.metrics, *job.figures, job.metrics["loss"].name]
    assert [("loss", str)] * 4 == [(text, type(text)) for text in texts]


def test_a_result_comes_home_though_what_there_is_to_show_cannot(manager: LoopManager):
    job = manager.start(child_work.cannot_tell_of_its_tasks, host="process")
    assert "the result" == job.result(LIMIT)
    assert LoopState.FINISHED == job.state
    assert "could not be brought here: TypeError: cannot pickle" in job.snapshot().notes[-1]


def test_a_task_that_is_cancelled_there_cancels_its_future_here(manager: LoopManager):
    job = manager.start(host="process")
    future = job.submit_call(child_work.for_ever)
    until(lambda: len(job.tasks) == 1)
    job.cancel_tasks(job.tasks[0].id)
    with pytest.raises(CancelledError):
        future.result(LIMIT)


def test_an_ended_loop_takes_no_more_work(manager: LoopManager):
    job = manager.start(host="process")
    future = job.submit_call(child_work.for_ever)
    job.stop_loop()
    with pytest.raises(bgw.LoopEnded, match="takes no more work"):
        job.submit_call(child_work.answer)
    with pytest.raises((bgw.LoopEnded, CancelledError)):
        future.result(LIMIT)


def test_only_functions_travel(manager: LoopManager):
    """A coroutine object is refused with what to do instead, and closed."""
    with pytest.raises(bgw.InvalidWork, match=r"start\(answer, \.\.\., host='process'\)"):
        manager.start(child_work.answer(), host="process")
    job = manager.start(host="process")
    with pytest.raises(bgw.InvalidWork, match=r"job\.submit_call\(answer, \.\.\.\)"):
        job.submit(child_work.answer())
    with pytest.raises(bgw.InvalidWork, match=r"_thread\.lock"):
        job.submit_call(child_work.answer, threading.Lock())
    with pytest.raises(bgw.InvalidWork, match="a coroutine function is needed"):
        job.submit_call(child_work.plain, 1)  # type: ignore[arg-type]
    with pytest.raises(bgw.InvalidWork, match="not a coroutine object"):
        job.submit_call(child_work.answer())  # type: ignore[arg-type]


def test_what_belongs_to_a_loop_does_not_travel_and_says_what_to_use_there(manager: LoopManager):
    """The stop event, and the handle itself; nobody has to know what they are made of."""
    job = manager.start(host="process")
    there = r"argument 1, a bgwidgets\.\S+, cannot be .* use bgwidgets\.current\(\)"
    with pytest.raises(bgw.InvalidWork, match=there + r"\.stop_event there"):
        manager.start(child_work.answer, job.stop_event, host="process")
    with pytest.raises(bgw.InvalidWork, match=there + " there"):
        manager.start(child_work.answer, job, host="process")


def test_a_loop_in_a_thread_takes_calls_too(manager: LoopManager):
    assert 3 == manager.start().submit_call(child_work.answer, 3).result(LIMIT)


LOCK = threading.Lock()


def closes_over(thing: Any) -> Any:
    async def inner() -> Any:
        return thing

    return inner


def uses_a_global() -> Any:
    async def inner() -> Any:
        return LOCK

    return inner


def has_a_default(thing: Any) -> Any:
    async def inner(thing: Any = thing) -> Any:
        return thing

    return inner


class Model:
    """Holds what cannot be pickled, well hidden."""

    def __init__(self) -> None:
        self.parts = [{"lock": threading.Lock()}]

    async def train(self) -> None:
        """Needs all of itself."""


@pytest.mark.parametrize(
    ("work", "args", "kwargs", "says"),
    [
        (child_work.answer, (threading.Lock(),), {}, "argument 1, a _thread.lock,"),
        (child_work.answer, (), {"value": [1, threading.Lock()]}, "argument 'value'[1], a _thr"),
        (closes_over(LOCK), (), {}, "the variable 'thing' in the closure of closes_over.<locals>"),
        (uses_a_global(), (), {}, "the global 'LOCK' that uses_a_global.<locals>.inner() uses"),
        (has_a_default(LOCK), (), {}, "default 1 of has_a_default.<locals>.inner()"),
        (Model().train, (), {}, "the object of the method train.parts[0]['lock'], a _thread.lock"),
        (
            functools.partial(child_work.answer, LOCK),
            (),
            {},
            "argument 1 of the partial in answer, a _thread.lock",
        ),
    ],
)
def test_what_cannot_travel_is_named_before_anything_starts(
    manager: LoopManager, work: Any, args: tuple[Any, ...], kwargs: dict[str, Any], says: str
):
    with pytest.raises(bgw.InvalidWork) as caught:
        manager.start(work, *args, host="process", **kwargs)
    assert says in str(caught.value)
    assert "cannot pickle '_thread.lock' object" in str(caught.value)
    assert 0 == len(manager)


def test_without_cloudpickle_it_says_what_to_install(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(ImportError, match=r"pip install 'bgwidgets\[process\]'"):
        manager.start(child_work.answer, host="process")
    assert 0 == len(manager)


def test_a_system_that_is_no_linux_is_refused(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.delattr(os, "pidfd_open")
    with pytest.raises(bgw.UnknownHost, match=r"needs Linux and os\.pidfd_open"):
        manager.start(child_work.answer, host="process")
    assert 0 == len(manager)


# What is seen of its tasks


def test_its_tasks_are_seen_and_cancelled_one_by_one(manager: LoopManager):
    job = manager.start(child_work.many_tasks, 12, host="process")
    until(lambda: job.task_window().total == 13)
    window = job.task_window(filter="sleeper-1", sort="name", stop=2)
    assert (3, ["sleeper-1", "sleeper-10"]) == (window.total, [task.name for task in window.tasks])
    first = window.tasks[0]
    assert "sleep, " in (first.waiting_on or "")
    detail = job.task_detail(first.id)
    assert "await asyncio.sleep(3600)" in detail.chain[0].source_line
    job.cancel_tasks(first.id)
    until(lambda: job.snapshot().unfinished_tasks == 12)
    (cancelled,) = job.history().cancellations
    assert ("sleeper-1", "thread MainThread") == (cancelled.name, cancelled.asked_by)


@pytest.mark.parametrize("sort", ["", "name", "-name", "-created_at", "state", "coroutine"])
def test_what_was_seen_last_stays_when_it_has_ended(manager: LoopManager, sort: str):
    """In every order and with every filter, as a loop in a thread has it."""
    far = manager.start(child_work.some_end, host="process")
    near = manager.start(child_work.some_end)
    for job in (far, near):
        job.wait(LIMIT)

    def shown(job: BackgroundLoop, **how: Any) -> list[tuple[str, str, str | None]]:
        tasks = job.task_window(sort=sort, **how).tasks
        return [(task.name, str(task.state), task.error) for task in tasks if not task.is_main]

    assert shown(near) == shown(far)
    assert 2 == len(shown(far))
    assert shown(near, filter="FAIL") == shown(far, filter="FAIL")
    assert shown(near, states=["finished"]) == shown(far, states=["finished"])
    assert near.history().ends == far.history().ends
    assert near.snapshot().task_counts == far.snapshot().task_counts


def test_the_traceback_of_a_failed_task_stays(manager: LoopManager):
    job = manager.start(child_work.some_end, host="process")
    job.wait(LIMIT)
    (failed,) = job.task_window(states=["failed"]).tasks
    detail = job.task_detail(failed.id)
    assert "in fails" in (detail.traceback or "")
    with pytest.raises(bgw.UnknownTask):
        job.task_detail(7)


def test_a_watch_gives_the_same_snapshot_until_something_changes(manager: LoopManager):
    job = manager.start(child_work.answer, host="process")
    job.wait(LIMIT)
    watch = manager.watch()
    (before,) = watch.look()
    (after,) = watch.look()
    assert before is after


# What the work writes and shows


def test_its_output_comes_home_with_the_task_that_wrote_it(manager: LoopManager):
    job = manager.start(child_work.prints, host="process")
    job.wait(LIMIT)
    entries = job.output.read().entries
    by_text = {entry.text.strip(): entry for entry in entries}
    assert {
        "from a task",
        "to stderr",
        "by descriptor",
        "by another process",
        "from a worker",
    } == set(by_text)
    assert ("speaker", "stdout") == (
        by_text["from a task"].task_name,
        by_text["from a task"].stream,
    )
    assert by_text["from a task"].task_id in {task.id for task in job.tasks}
    assert "stderr" == by_text["to stderr"].stream
    assert None is by_text["by descriptor"].task_id
    assert "no end yet" == job.snapshot().last_output


def test_a_print_is_seen_soon(manager: LoopManager):
    job = manager.start(child_work.has_a_child, host="process")
    until(lambda: "it is there" in job.output.text())
    assert LoopState.RUNNING == job.state


def test_much_output_comes_in_order_and_a_file_has_all_of_it(manager: LoopManager, tmp_path: Path):
    job = manager.start(host="process")
    job.output.to_file(tmp_path / "log.txt")
    job.submit_call(child_work.prints_much, 100_000).result(LIMIT)
    job.stop(0)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [f"line {number}" for number in range(100_000)] == lines


def test_a_file_that_cannot_be_written_is_a_warning(manager: LoopManager):
    job = manager.start(host="process")
    job.output.cannot_write("log.txt", "the disk is full")
    job.submit_call(child_work.answer).result(LIMIT)
    (warning,) = job.snapshot().warnings
    assert "log.txt cannot be written any more: the disk is full" == warning.text


async def prints_in_a_thread() -> None:
    threading.Thread(target=print, args=("of nobody",)).start()
    await asyncio.sleep(3600)


def test_what_threads_of_its_own_print_is_seen_at_once(manager: LoopManager):
    job = manager.start(prints_in_a_thread, host="process")
    until(lambda: "of nobody" in job.output.text())


async def shows() -> None:
    for number in bgw.progress(range(4), desc="bar"):
        bgw.metric("loss", 1 / (number + 1))
    bgw.figure("curve").add_subplot().plot([1, 2, 3])


def test_progress_metrics_and_figures_come_home(manager: LoopManager):
    job = manager.start(shows, host="process")
    job.wait(LIMIT)
    snapshot = job.snapshot()
    assert snapshot.progress is not None
    assert ("bar", 4) == (snapshot.progress.description, snapshot.progress.done)
    assert (1, 1) == (snapshot.metrics, snapshot.figures)
    loss = job.metrics["loss"]
    assert (4, 0.25, 0.25, 1.0) == (loss.count, loss.last, loss.lowest, loss.highest)
    assert (job.figures["curve"].png or b"").startswith(b"\x89PNG")


def test_warnings_come_home(manager: LoopManager):
    job = manager.start(child_work.spins, host="process")
    until(lambda: job.snapshot().warnings)
    assert "spins" == job.snapshot().warnings[0].task
    job.kill()
