"""The manager: names, the list, restart and removal, and what it refuses."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Collection
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from bgwidgets.commands import (
    CancelTasks,
    RemoveFinished,
    RestartLoop,
    SetStopEvent,
    StopLoop,
)
from bgwidgets.snapshots import WindowRequest
from tests.loops.conftest import LIMIT


async def work(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


async def for_ever() -> None:
    await asyncio.Event().wait()


# -- names and the list


def test_a_loop_is_named_after_its_function(manager: LoopManager):
    """Then race-2, race-3: the first that no listed loop has, ended or not."""
    for _ in range(3):
        manager.start(work).wait(LIMIT)
    assert ["work", "work-2", "work-3"] == [loop.name for loop in manager]
    manager["work-2"].remove()
    assert "work-2" == manager.start(work).name


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (functools.partial(work, 1), "work"),
        (lambda: None, "lambda"),
        (None, "loop"),
    ],
)
def test_other_work_has_a_default_name_too(manager: LoopManager, target: Any, name: str):
    """The function's under the partial, and plain words for what has none."""
    assert name == manager.start(target).name


def test_a_coroutine_objects_name_is_its_functions(manager: LoopManager):
    assert "for_ever" == manager.start(for_ever()).name


def test_a_name_in_use_is_refused(manager: LoopManager):
    """Nothing is started, and the coroutine that was passed in is closed."""
    manager.start(for_ever, name="mine")
    again = for_ever()
    with pytest.raises(bgw.DuplicateName, match="a loop named 'mine' is running"):
        manager.start(again, name="mine")
    assert 1 == len(manager)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(again)


def test_the_name_of_an_ended_loop_is_free(manager: LoopManager):
    """The new loop takes the old one's place."""
    old = manager.start(work, name="mine")
    old.wait(LIMIT)
    new = manager.start(work, name="mine")
    assert [new] == list(manager)
    assert old.id != new.id


def test_replace_leaves_no_orphan(manager: LoopManager):
    """Running a cell again stops what it started the last time, also under a default name."""
    first = manager.start(for_ever, replace=True)
    second = manager.start(for_ever, replace=True)
    assert first.state.has_ended
    assert [second] == list(manager)
    assert "for_ever" == second.name


def test_a_loop_that_cannot_be_brought_down_is_not_replaced(manager: LoopManager):
    """Nothing is started beside it under its name, and the message says what to do."""
    go_on, is_blocked = threading.Event(), threading.Event()

    async def block() -> None:
        is_blocked.set()
        go_on.wait(LIMIT)

    blocked = manager.start(block, name="mine")
    assert is_blocked.wait(LIMIT)
    with pytest.raises(bgw.DuplicateName, match=r"could not be brought down.*another name"):
        manager.start(for_ever, name="mine", replace=True)
    go_on.set()
    assert LoopState.STOPPED == blocked.wait(LIMIT)
    assert [blocked] == list(manager)


def test_two_threads_never_get_the_same_name(manager: LoopManager):
    """Each of eight gets a name of its own."""
    barrier = threading.Barrier(8)

    def start_one() -> None:
        barrier.wait(LIMIT)
        manager.start()

    threads = [threading.Thread(target=start_one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert 8 == len({loop.name for loop in manager})


def test_the_manager_is_a_collection(manager: LoopManager):
    """Length, iteration in the order of the start, by name, membership."""
    one, two = manager.start(name="one"), manager.start(name="two")
    assert isinstance(manager, Collection)
    assert 2 == len(manager)
    assert [one, two] == list(manager)
    assert manager["two"] is two
    assert "one" in manager
    assert one in manager
    assert "three" not in manager
    with pytest.raises(bgw.UnknownLoop, match=r"'three'; there are: 'one', 'two'"):
        manager["three"]
    assert "<LoopManager: one running, two running>" == repr(manager)


def test_an_empty_manager_says_so(manager: LoopManager):
    assert "<LoopManager: empty>" == repr(manager)


def test_finished_loops_are_removed_together(manager: LoopManager):
    """The unfinished stay."""
    manager.start(work).wait(LIMIT)
    alive = manager.start(for_ever)
    manager.remove_finished()
    assert [alive] == list(manager)
    with pytest.raises(bgw.LoopUnfinished, match="is running: stop it"):
        alive.remove()


def test_stop_all_brings_every_loop_down_at_once(manager: LoopManager):
    """A report for each; a hundred take about as long as one."""
    for number in range(100):
        manager.start(for_ever, name=f"loop {number}")
    reports = manager.stop_all(grace=0)
    assert [LoopState.CANCELLED] * 100 == [report.outcome for report in reports]
    assert all(loop.state.has_ended for loop in manager)
    assert [] == manager.stop_all()


# -- what is refused


def generator() -> Any:
    yield 1


async def async_generator() -> Any:
    yield 1


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (42, "cannot be run"),
        ("race", "cannot be run"),
        (async_generator, "yields values"),
        (generator, "would do nothing"),
        (functools.partial(work, 1).func.__code__, "cannot be run"),
    ],
)
def test_what_cannot_run_is_refused(manager: LoopManager, bad: Any, says: str):
    """With what to do instead; nothing is started."""
    with pytest.raises(bgw.InvalidWork, match=says):
        manager.start(bad)
    assert 0 == len(manager)


def test_a_coroutine_that_was_awaited_is_refused(manager: LoopManager):
    used = work()
    asyncio.run(used)
    with pytest.raises(bgw.InvalidWork, match="runs only once"):
        manager.start(used)
    assert 0 == len(manager)


def test_wrong_arguments_are_refused_before_anything_starts(manager: LoopManager):
    """As the call itself would refuse them, in the caller's own cell."""
    with pytest.raises(bgw.InvalidWork, match=r"for_ever\(\).*too many positional"):
        manager.start(for_ever, 1)
    assert 0 == len(manager)


@pytest.mark.parametrize("host", ["cluster", None, 3])
def test_an_unknown_host_is_refused(manager: LoopManager, host: Any):
    """And the hosts that there are, are named."""
    with pytest.raises(bgw.UnknownHost, match="choose one of 'thread'"):
        manager.start(for_ever(), host=host)
    assert 0 == len(manager)


@pytest.mark.parametrize("name", ["", "  ", 3, ["a"]])
def test_a_name_is_a_text(manager: LoopManager, name: Any):
    with pytest.raises(bgw.InvalidWork, match="a text that is not empty"):
        manager.start(for_ever, name=name)
    assert 0 == len(manager)


def test_a_loop_factory_that_breaks_breaks_the_start(manager: LoopManager):
    """`start()` raises what it raised; nothing is listed, and the name is free."""

    def broken() -> asyncio.AbstractEventLoop:
        raise OSError("no more file descriptors")

    for _ in range(2):
        with pytest.raises(OSError, match="no more file descriptors"):
            manager.start(for_ever, name="mine", loop_factory=broken)
    no_loop: Any = lambda: None  # noqa: E731 - its type is the point
    no_function: Any = 3
    with pytest.raises(bgw.InvalidWork, match="returned NoneType"):
        manager.start(for_ever(), loop_factory=no_loop)
    with pytest.raises(bgw.InvalidWork, match="loop_factory is a function"):
        manager.start(for_ever(), loop_factory=no_function)
    assert 0 == len(manager)


def test_a_start_that_breaks_gives_the_replaced_loop_back(manager: LoopManager):
    """What had ended under that name, with its result, is not lost."""
    old = manager.start(work, 1, name="mine")
    old.wait(LIMIT)
    broken: Any = lambda: 1 / 0  # noqa: E731 - its type is the point
    with pytest.raises(ZeroDivisionError):
        manager.start(work, name="mine", loop_factory=broken)
    assert [old] == list(manager)


def test_keywords_reach_the_work(manager: LoopManager):
    """For one that is named like an option there is partial."""
    assert ((1, 2), {"three": 3}) == manager.start(work, 1, 2, three=3).result(LIMIT)
    job = manager.start(functools.partial(work, name="Ada"))
    assert ((), {"name": "Ada"}) == job.result(LIMIT)


def test_an_ended_loop_takes_no_more_work(manager: LoopManager):
    """The coroutine is closed, so that nothing is left un-awaited in silence."""
    job = manager.start(work)
    job.wait(LIMIT)
    late = for_ever()
    with pytest.raises(bgw.LoopEnded, match="takes no more work"):
        job.submit(late)
    assert inspect.CORO_CLOSED == inspect.getcoroutinestate(late)


@pytest.mark.parametrize("bad", [for_ever, 42, None])
def test_only_a_coroutine_object_can_be_submitted(manager: LoopManager, bad: Any):
    with pytest.raises(bgw.InvalidWork, match="a coroutine object is needed"):
        manager.start().submit(bad)


def test_a_thread_cannot_be_killed(manager: LoopManager):
    """It says what to do; on an ended loop there is nothing to refuse."""
    job = manager.start(for_ever)
    with pytest.raises(bgw.CannotKillThread, match=r"use stop\(\)"):
        job.kill()
    assert LoopState.RUNNING == job.state
    job.stop(0)
    job.kill()


def test_tasks_are_sorted_by_what_there_is(manager: LoopManager):
    with pytest.raises(ValueError, match="cannot be sorted by 'colour': choose one of 'name'"):
        manager.start().task_window(sort="-colour")


def test_a_part_of_the_tasks_by_their_state(manager: LoopManager):
    """By their names, and a state that there is not is refused."""
    job = manager.start()
    job.submit(asyncio.sleep(0), name="done").result(LIMIT)
    job.submit(asyncio.sleep(3600), name="asleep")
    job.submit(asyncio.sleep(0)).result(LIMIT)
    assert ["asleep"] == [
        task.name for task in job.task_window(states=["pending"]).tasks if not task.is_main
    ]
    assert {"finished"} == {task.state for task in job.task_window(states="finished").tasks}
    with pytest.raises(ValueError, match="no task is ever 'asleep': choose from pending, running"):
        job.task_window(states=["asleep"])


# -- restart


def test_a_restart_runs_the_same_work_again(manager: LoopManager):
    """A fresh loop and stop event, the same id and name, the next run number."""
    job = manager.start(work, 1, two=2)
    first = (job.result(LIMIT), job.stop_event)
    job.restart()
    assert ((1,), {"two": 2}) == job.result(LIMIT) == first[0]
    assert job.stop_event is not first[1]
    assert (2, job.id) == (job.run_number, job.snapshot().id)
    assert [job] == list(manager)


def test_a_restart_stops_what_runs(manager: LoopManager):
    """The old run is brought down first."""
    ends = []

    async def note_the_end() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append(bgw.current())

    job = manager.start(note_the_end)
    assert 1 == job.submit(asyncio.sleep(0, 1)).result(LIMIT)
    job.restart(grace=0)
    assert [job] == ends
    assert LoopState.RUNNING == job.state


def test_a_restart_lists_a_removed_loop_again(manager: LoopManager):
    """Unless another loop has taken its name since; then nothing is done."""
    job = manager.start(work, name="mine")
    job.wait(LIMIT)
    job.remove()
    other = manager.start(for_ever, name="mine")
    with pytest.raises(bgw.DuplicateName):
        job.restart()
    other.stop(0)
    job.restart()
    assert [job] == list(manager)


def test_a_coroutine_object_cannot_run_twice(manager: LoopManager):
    """The refusal says what to start instead, and leaves the loop as it is."""
    job = manager.start(for_ever())
    with pytest.raises(bgw.CannotRestart, match=r"bgw.start\(for_ever, ...\)"):
        job.restart()
    assert (LoopState.RUNNING, 1) == (job.state, job.run_number)


# -- commands down, snapshots up


def test_commands_are_what_the_methods_do(manager: LoopManager):
    """One way down: each command finds its loop by its id."""
    by_event, by_stop, by_cancel = (manager.start(_until_asked) for _ in range(3))
    manager.execute(SetStopEvent(by_event.id))
    manager.execute(StopLoop(by_stop.id))
    manager.execute(CancelTasks(by_cancel.id))
    ends = [job.wait(LIMIT) for job in (by_event, by_stop, by_cancel)]
    assert [LoopState.FINISHED, LoopState.STOPPED, LoopState.CANCELLED] == ends
    manager.execute(RestartLoop(by_event.id))
    assert 2 == by_event.run_number
    manager.execute(RemoveFinished())
    assert [by_event] == list(manager)


async def _until_asked() -> None:
    me = bgw.current()
    assert me is not None
    await me.stop_event.wait()


def test_a_command_for_a_loop_that_is_gone_is_an_error(manager: LoopManager):
    with pytest.raises(bgw.UnknownLoop, match="no loop 999999 any more"):
        manager.execute(StopLoop(999_999))
    with pytest.raises(bgw.UnknownLoop):
        manager.task_window(999_999, WindowRequest())


def test_snapshots_come_in_the_order_of_the_start(manager: LoopManager):
    """And say what there is to say."""
    job, failed = manager.start(for_ever), manager.start(lambda: 1 / 0)
    failed.wait(LIMIT)
    snapshots = manager.snapshots()
    assert ["for_ever", "lambda"] == [snapshot.name for snapshot in snapshots]
    one, two = snapshots
    assert (LoopState.RUNNING, "thread", "bgw-for_ever") == (one.state, one.host, one.thread_name)
    assert (1, 1) == (one.unfinished_tasks, one.total_tasks)
    assert one.native_thread_id is not None
    assert (False, None) == (one.blocked, one.last_output)
    assert (None, None) == (two.lag, two.blocked)
    assert two.error is not None
    assert two.error.endswith("ZeroDivisionError: division by zero")
    assert job.started_at is not None
    assert job.started_at <= one.as_of


def test_subscribers_hear_of_every_change(manager: LoopManager):
    """Added, running, stopping, ended, removed; not after they have unsubscribed."""
    seen: list[list[str]] = []
    unsubscribe = manager.subscribe(lambda: seen.append([loop.state for loop in manager]))
    job = manager.start(for_ever)
    job.stop_loop()
    job.wait(LIMIT)
    job.remove()
    unsubscribe()
    manager.start()
    states = [row for number, row in enumerate(seen) if row not in seen[:number]]
    assert [["starting"], ["running"], ["stopping"], ["stopped"], []] == states


def test_a_broken_subscriber_is_shown_and_dropped(
    manager: LoopManager, caplog: pytest.LogCaptureFixture
):
    """The loops go on."""

    def broken() -> None:
        raise RuntimeError("a bug in the observer")

    manager.subscribe(broken)
    job = manager.start(work)
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert 1 == len(caplog.records)
    assert "a bug in the observer" in caplog.text


def test_tasks_are_listed_newest_first(manager: LoopManager):
    """Ten thousand unfinished at most; `task_window` reaches the rest."""

    async def many() -> None:
        tasks = [asyncio.create_task(for_ever(), name=f"task {n}") for n in range(10_050)]
        await asyncio.wait(tasks)

    job = manager.start(many)
    assert 1 == job.submit(asyncio.sleep(0, 1)).result(LIMIT)
    names = [task.name for task in job.tasks if not task.state.has_ended]
    assert 10_000 == len(names)
    assert "task 10049" == names[0]
    window = job.task_window(filter="TASK 1004", sort="name", stop=3)
    assert ["task 1004", "task 10040", "task 10041"] == [task.name for task in window.tasks]
    assert 11 == window.total
