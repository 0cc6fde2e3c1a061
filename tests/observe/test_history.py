"""What has become of a loop's tasks: why some failed, and who had others cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import linecache
import sys
import threading
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

import bgwidgets
from bgwidgets import LoopManager
from bgwidgets.commands import Asker
from bgwidgets.observe import cancellation_history
from bgwidgets.observe.births import LoopBirths
from bgwidgets.observe.cancellation_history import KEPT as CANCELLATIONS_KEPT
from bgwidgets.observe.ended_tasks import FAILURES_IN_FULL, FAILURES_KEPT, EndedTasks
from bgwidgets.observe.generations import NURSERY
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.look import Look
from bgwidgets.snapshots import TaskCancellation
from tests.loop_factories import LoopFactory
from tests.observe.conftest import (
    LIMIT,
    Closed,
    comes_true,
    ends_at_once,
    fails,
    for_ever,
    run,
    turns,
)
from tests.waiting import until


def cancellations(ledger: Ledger) -> dict[str, tuple[str, str | None]]:
    """Who asked for each, by the task's name; of several the latest."""
    told: tuple[TaskCancellation, ...] = ledger.history().cancellations
    return {each.name: (each.asked_by, each.where) for each in reversed(told)}


def at(where: str | None) -> str | None:
    """The source of a line in this file."""
    if where is None:
        return None
    file, _, rest = where.partition(":")
    assert file == "test_history.py"
    return linecache.getline(__file__, int(rest.split()[0])).strip()


async def ended(*tasks: asyncio.Future[Any]) -> None:
    await asyncio.wait(tasks)


def test_a_failure_has_its_traceback(loop_factory: LoopFactory):
    """As Python prints it; before the task was swept as well as after."""

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(fails(), name="failing")
        await ended(task)
        assert task.exception() is not None
        for _ in range(2):
            (failure,) = ledger.history().failures
            assert ("failing", "fails", "ValueError: broke") == (
                failure.name,
                failure.coroutine,
                failure.error,
            )
            assert failure.traceback is not None
            assert failure.traceback.startswith("Traceback (most recent call last):")
            assert 'raise ValueError("broke")' in failure.traceback
            ledger.settle()

    run(watched, loop_factory)


def test_a_failure_is_told_once(loop_factory: LoopFactory):
    """Also when it is counted already, and its task is still held."""

    async def watched(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(fails()) for _ in range(3)]
        await asyncio.gather(*tasks, return_exceptions=True)
        numbers = [ledger.id_of(task) for task in tasks]
        for _ in range(2):
            assert numbers == [failure.id for failure in ledger.history().failures][::-1]
            for _number in range(2 * NURSERY):  # A full nursery is swept.
                asyncio.create_task(ends_at_once())  # noqa: RUF006 - the ledger holds it
            await turns()

    run(watched, loop_factory)


@pytest.mark.parametrize("records", [0, 3])
def test_a_failure_that_is_kept_while_the_history_is_asked_for_is_told_once(
    records: int, monkeypatch: pytest.MonkeyPatch
):
    """By the number of its record, if there is one."""

    async def watched(ledger: Ledger) -> None:
        def look(*places: Any, **stop: Any) -> Look:
            taken = take(*places, **stop)
            ledger.settle()  # As the loop's thread may just do.
            return taken

        take = ledger.look
        monkeypatch.setattr(ledger, "look", look)
        monkeypatch.setattr(EndedTasks, "_take_room", lambda *_: records)
        tasks = [asyncio.create_task(fails()) for _ in range(3)]
        await asyncio.gather(*tasks, return_exceptions=True)
        numbers = [failure.id or 0 for failure in ledger.history().failures]
        assert 3 == len(numbers)
        assert numbers == [failure.id for failure in ledger.history().failures]
        assert [bool(records)] * 3 == [ledger.knows(number) for number in numbers]

    run(watched)


def test_of_very_many_failures_only_some_are_kept_in_full():
    """A storm of them must not cost more than it tells."""

    async def watched(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(fails()) for _ in range(3 * FAILURES_KEPT)]
        await asyncio.gather(*tasks, return_exceptions=True)
        ledger.settle()
        history = ledger.history()
        assert FAILURES_KEPT == len(history.failures)
        in_full = [failure for failure in history.failures if failure.traceback]
        assert FAILURES_IN_FULL == len(in_full)
        assert 3 * FAILURES_KEPT == history.ends["failed"]  # type: ignore[index] # it is a str, too
        assert 3 * FAILURES_KEPT + 1 == history.births

    run(watched)


def test_who_cancelled_a_task(loop_factory: LoopFactory):
    """Another task, a parent, a group, a timeout, gather, a callback; and from which line."""

    async def parent() -> None:
        await asyncio.create_task(for_ever(), name="child")

    async def group() -> None:
        with contextlib.suppress(BaseExceptionGroup):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(for_ever(), name="in a group")
                tasks.create_task(fails())

    async def watched(ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        current = asyncio.current_task()
        assert current is not None
        current.set_name("main")
        single = asyncio.create_task(for_ever(), name="single")
        older = asyncio.create_task(parent(), name="parent")
        await turns()
        single.cancel()
        older.cancel()
        await ended(single, older)
        await group()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.create_task(for_ever(), name="timed")
        gathered = asyncio.gather(asyncio.create_task(for_ever(), name="gathered"))
        called = asyncio.create_task(for_ever(), name="called")
        await turns()
        gathered.cancel()
        loop.call_soon(called.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await gathered
        await ended(called)
        timed_line = 'await asyncio.create_task(for_ever(), name="timed")'
        told = {name: (by, at(where)) for name, (by, where) in cancellations(ledger).items()}
        assert told["single"] == ("task main", "single.cancel()")
        assert told["child"] == (
            "parent parent",
            'await asyncio.create_task(for_ever(), name="child")',
        )
        assert told["in a group"] == ("task group", "async with asyncio.TaskGroup() as tasks:")
        assert told["timed"] == ("parent main", timed_line)
        assert told["main"] == ("timeout", timed_line)
        assert told["gathered"] == ("gather of main", "gathered.cancel()")
        assert told["called"] == ("a callback of the loop", None)  # Nobody's line called it.

    run(watched, loop_factory)


def test_what_a_wait_with_a_limit_passes_on_is_told_as_the_parents():
    """Whether its time ran out, or who awaits it was cancelled: also amid the handling of another
    error. Up to Python 3.11 `wait_for` cancels by itself both times.
    """

    async def cancelled() -> None:
        raise asyncio.CancelledError

    async def waits(name: str, limit: float) -> None:
        one = asyncio.create_task(for_ever(), name=name)
        other = asyncio.gather(asyncio.create_task(for_ever(), name=f"{name}, gathered"))
        other.add_done_callback(lambda future: future.cancelled() or future.exception())
        try:
            await cancelled()
        except asyncio.CancelledError:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(one, limit)
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(other, limit)

    async def watched(ledger: Ledger) -> None:
        parent = asyncio.create_task(waits("passed on", LIMIT), name="parent")
        for _ in range(2):  # Out of the first wait, and of the other.
            await turns(5)
            parent.cancel()
        late = asyncio.create_task(waits("late", 0.001), name="slow")
        at_once = asyncio.create_task(waits("at once", 0), name="quick")
        await ended(parent, late, at_once)
        told = {name: (by, at(where)) for name, (by, where) in cancellations(ledger).items()}
        one, other = (f"await asyncio.wait_for({which}, limit)" for which in ("one", "other"))
        assert ("parent parent", one) == told["passed on"]
        assert ("parent parent", other) == told["passed on, gathered"]
        assert ("timeout of quick", one) == told["at once"]
        by_its_timeout = "timeout of slow" if sys.version_info < (3, 12) else "parent slow"
        assert (by_its_timeout, one) == told["late"]
        assert (by_its_timeout, other) == told["late, gathered"]

    run(watched)


def test_who_cancelled_a_task_in_a_group_that_then_fails_is_told_once():
    """From Python 3.13 on the group has the task cancel itself once more, for whoever has asked."""

    async def fails_when_cancelled() -> None:
        try:
            await for_ever()
        finally:
            await fails()

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fails_when_cancelled(), name="member")

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(grouped(), name="grouped")
        await turns(5)
        task.cancel()
        await ended(task)
        assert isinstance(task.exception(), ExceptionGroup)
        me = asyncio.current_task()
        assert me is not None
        told = [each for each in ledger.history().cancellations if each.name == "grouped"]
        assert [f"task {me.get_name()}"] == [each.asked_by for each in told]

    run(watched)


def test_another_thread_is_named():
    """It should not do that, but when it does, one wants to know."""

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(for_ever(), name="single")
        await turns()
        thread = threading.Thread(target=task.cancel, name="stranger")
        thread.start()
        await asyncio.to_thread(thread.join, LIMIT)
        await ended(task)
        assert ("thread stranger", None) == cancellations(ledger)["single"]

    run(watched)


@pytest.mark.parametrize("debug", [False, True])
def test_a_debugged_loop_tells_too(debug: bool, loop_factory: LoopFactory):
    """And its tasks say where they were made, not where this package made them."""

    async def watched(ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(debug)
        task = loop.create_task(for_ever(), name="single")
        await turns()
        task.cancel()
        await ended(task)
        assert "single" in cancellations(ledger)
        assert str(Path(bgwidgets.__file__).parent) not in repr(task)
        if loop_factory is not Closed:  # asyncio names itself where it calls a factory.
            assert (f"created at {__file__}" in repr(task)) == debug

    run(watched, loop_factory)


def test_a_callback_is_told_so_where_the_thread_is_watched_as_well(loop_factory: LoopFactory):
    """The methods that run a loop are then wrapped, and their frames of this package."""

    async def watched(ledger: Ledger) -> None:
        called = asyncio.create_task(for_ever(), name="called")
        await turns()
        asyncio.get_running_loop().call_soon(called.cancel)
        await ended(called)
        assert ("a callback of the loop", None) == cancellations(ledger)["called"]

    births, thread = LoopBirths(), threading.current_thread()
    births.watch(thread, Mock())
    try:
        run(watched, loop_factory)
    finally:
        births.unwatch(thread)


def test_a_storm_of_short_tasks_is_not_watched_for_cancellations():
    """Plain tasks are quicker to wait for. When it is over, tasks are watched again."""

    async def watched(ledger: Ledger) -> None:
        kinds = []
        for _number in range(5_000):
            task = asyncio.create_task(ends_at_once())
            kinds.append(type(task) is asyncio.Task)
            await task
        assert {True, False} == set(kinds)
        while not kinds[-1]:
            await (task := asyncio.create_task(ends_at_once()))
            kinds.append(type(task) is asyncio.Task)
        await comes_true(lambda: not ledger._generations.young)
        assert type(asyncio.create_task(ends_at_once())) is not asyncio.Task

    run(watched)


def test_a_task_that_does_not_tell_and_ends_cancelled_is_told_by_its_end():
    """Nobody knows who asked. Not one that has ended so by itself, for which nobody asked."""

    async def gives_up() -> None:
        raise asyncio.CancelledError

    def plain(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(work, loop=loop, **options)

    async def watched(ledger: Ledger) -> None:
        asyncio.get_running_loop().set_task_factory(plain)
        lasting = asyncio.create_task(for_ever(), name="lasting")
        await comes_true(lambda: ledger.is_lasting(lasting))
        young = asyncio.create_task(for_ever(), name="young")
        by_itself = asyncio.create_task(gives_up(), name="by itself")
        await turns()
        for task in (lasting, young):
            task.cancel()
        await ended(lasting, young, by_itself)
        await turns()
        ledger.settle()
        told = cancellations(ledger)
        assert {"lasting": ("unknown", None), "young": ("unknown", None)} == told

    run(watched)


def test_what_goes_past_a_tasks_own_cancel_is_told_by_its_end():
    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(for_ever(), name="one")
        await turns()
        asyncio.Task.cancel(task)
        await ended(task)
        ledger.settle()
        assert {"one": ("unknown", None)} == cancellations(ledger)

    run(watched)


def test_commands_are_told_with_the_line_that_gave_them():
    """`cancel_tasks()`, `stop_loop()`, and what ends because the main task has."""
    manager = LoopManager()

    async def work() -> None:
        asyncio.create_task(for_ever(), name="one")  # noqa: RUF006 - the ledger holds it
        asyncio.create_task(for_ever(), name="left")  # noqa: RUF006
        await asyncio.sleep(0)

    job = manager.start(for_ever)
    job.cancel_tasks(job.tasks[0].id)
    job.wait(LIMIT)
    (told,) = job.history().cancellations
    assert told.asked_by.startswith("thread ")
    assert str(told.where).startswith("test_history.py:")
    job = manager.start(for_ever, replace=True)
    job.stop_loop()
    job.wait(LIMIT)
    assert str(job.history().cancellations[0].where).startswith("test_history.py:")
    job = manager.start(work)
    job.wait(LIMIT)
    assert {"end of the loop"} == {each.asked_by for each in job.history().cancellations}
    assert {"one", "left"} == {each.name for each in job.history().cancellations}


def test_cancelled_by_a_worker_thread():
    """The thread asked, though nothing of the user's but `cancel` itself runs in it."""

    async def work() -> None:
        victim = asyncio.create_task(asyncio.sleep(3600), name="victim")
        await asyncio.sleep(0)
        await asyncio.to_thread(victim.cancel)
        await asyncio.wait({victim})

    job = LoopManager().start(work)
    job.wait(LIMIT)
    (told,) = [each for each in job.history().cancellations if each.name == "victim"]
    assert told.asked_by.startswith("thread bgw-work-worker")


def test_all_that_one_command_cancels_is_in_the_name_of_who_gave_it():
    """Whoever waits for whom, and whatever kind of task it is."""

    async def parent() -> None:
        await asyncio.create_task(for_ever(), name="child")

    async def work() -> None:
        loop = asyncio.get_running_loop()
        kept = [asyncio.create_task(parent(), name="parent")]
        await asyncio.sleep(0)
        loop.set_task_factory(lambda loop, work, **more: asyncio.Task(work, loop=loop, **more))
        kept.append(asyncio.create_task(for_ever(), name="plain"))
        loop.set_task_factory(None)
        await asyncio.sleep(0)
        is_up.set()
        await asyncio.wait(kept)

    is_up = threading.Event()
    job = LoopManager().start(work, name="main")
    assert is_up.wait(LIMIT)
    job.cancel_tasks()
    job.wait(LIMIT)
    told = job.history().cancellations
    assert ["child", "main", "parent", "plain"] == sorted(each.name for each in told)
    (who,) = {(each.asked_by, at(each.where)) for each in told}
    assert (f"thread {threading.current_thread().name}", "job.cancel_tasks()") == who


def test_of_very_many_only_the_last_cancellations_are_written_down(
    monkeypatch: pytest.MonkeyPatch,
):
    """The others cost no more than it takes to cancel them."""
    written = 0

    def counted(**fields: Any) -> TaskCancellation:
        nonlocal written
        written += 1
        return TaskCancellation(**fields)

    monkeypatch.setattr(cancellation_history, "TaskCancellation", counted)

    async def watched(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(for_ever(), name=str(number)) for number in range(1_000)]
        await turns()
        ledger.cancel(tasks, Asker("button Cancel tasks"))
        assert 1_000 == ledger.counts()["cancelling"]  # type: ignore[index] # it is a str, too
        await ended(*tasks)
        told = ledger.history().cancellations
        assert [str(number) for number in range(999, 949, -1)] == [each.name for each in told]
        assert {"button Cancel tasks"} == {each.asked_by for each in told}
        assert CANCELLATIONS_KEPT == written

    run(watched)


def test_who_cancelled_a_future_of_submit_is_told_by_its_task():
    """The thread, or the task of another loop; and the line."""

    async def cancels() -> None:
        future = job.submit(for_ever(), name="second")
        begun("second")
        future.cancel()

    def begun(name: str) -> None:
        until(lambda: [task for task in job.tasks if task.name == name and task.waiting_on])

    manager = LoopManager()
    with manager.start(name="one") as job, manager.start(name="other") as other:
        future = job.submit(for_ever(), name="first")
        begun("first")
        future.cancel()
        other.submit(cancels(), name="boss").result(LIMIT)
        until(lambda: len(job.history().cancellations) == 2)
        second, first = job.history().cancellations
        assert ("first", f"thread {threading.current_thread().name}", "future.cancel()") == (
            first.name,
            first.asked_by,
            at(first.where),
        )
        assert ("second", "task boss", "future.cancel()") == (
            second.name,
            second.asked_by,
            at(second.where),
        )


def test_who_climbed_the_ladder_is_told():
    """`stop()` cancels and stops in the name of who called it."""

    async def ignores_its_event() -> None:
        await for_ever()

    job = LoopManager().start(ignores_its_event)
    job.stop(grace=0)
    told = [(each.asked_by, at(each.where)) for each in job.history().cancellations]
    assert (f"thread {threading.current_thread().name}", "job.stop(grace=0)") in told
