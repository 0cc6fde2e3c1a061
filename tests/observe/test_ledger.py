"""The book of a loop's tasks: exact counts, ids that are never used twice, nothing kept."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import time
import weakref
from typing import Any, ClassVar

import pytest

from bgwidgets.observe.ended_tasks import ENDED_KEPT, RECORDS_A_TICK, EndedTask, EndedTasks
from bgwidgets.observe.generations import TICK
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.names import LONGEST_NAME
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import WindowRequest
from bgwidgets.states import TaskState
from tests.conftest import Complaints
from tests.loop_factories import LOOP_FACTORIES, LoopFactory
from tests.observe.conftest import (
    LIMIT,
    comes_true,
    counted,
    ended_rows,
    ends_at_once,
    ends_later,
    fails,
    for_ever,
    rows,
    run,
    turns,
)

MANY = 3_000


def test_counts_are_exact(loop_factory: LoopFactory):
    """Over thousands of short tasks of every outcome; the watched loop is as it was."""

    async def watched(ledger: Ledger) -> None:
        tasks: list[asyncio.Task[Any]] = []
        for number in range(MANY):
            work = (ends_at_once, ends_later, fails, for_ever)[number % 4]
            tasks.append(asyncio.create_task(work()))
            if number % 100 == 0:
                await asyncio.sleep(0)
        await turns()
        for task in tasks[3::8]:
            task.cancel()
        await turns()
        # The one that runs this is a task too.
        quarter = MANY // 4
        expected = {
            "running": 1,
            "pending": quarter - quarter // 2,
            "finished": 2 * quarter,
            "failed": quarter,
            "cancelled": quarter // 2,
        }
        assert expected == counted(ledger)
        assert MANY + 1 == sum(ledger.counts().values())
        ends = {"finished": 2 * quarter, "failed": quarter, "cancelled": quarter}
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert quarter == sum(isinstance(result, ValueError) for result in results)
        await turns()
        assert {"running": 1} | ends == counted(ledger)

    run(watched, loop_factory)


def test_every_state_is_counted_from_the_start():
    """With zero, so that a panel need not ask which there are."""

    async def watched(ledger: Ledger) -> dict[TaskState, int]:
        return ledger.counts()

    assert dict.fromkeys(TaskState, 0) | {TaskState.RUNNING: 1} == run(watched)


def test_all_ways_to_make_a_task(loop_factory: LoopFactory):
    """What asyncio itself makes of coroutines too."""

    async def watched(ledger: Ledger) -> set[str]:
        loop = asyncio.get_running_loop()
        kept = [
            asyncio.create_task(for_ever(), name="create_task"),
            loop.create_task(for_ever(), name="loop.create_task"),
            asyncio.ensure_future(for_ever()),
        ]
        assert isinstance(kept[2], asyncio.Task)
        kept[2].set_name("ensure_future")
        async with asyncio.TaskGroup() as group:
            group.create_task(ends_later(), name="task group")
        await asyncio.gather(ends_later(), ends_later())
        await asyncio.wait_for(asyncio.shield(ends_later()), LIMIT)
        found = rows(ledger)
        names = {row.name for row in found}
        assert len(found) >= 3 + 1 + 2 + 1
        return names

    expected = {"create_task", "loop.create_task", "ensure_future", "task group"}
    assert expected <= run(watched, loop_factory)


def test_a_task_factory_of_the_users_own_goes_on_working():
    """Also one that is set while the loop runs."""

    class Special(asyncio.Task[Any]):
        """The user's own kind of task."""

    async def watched(ledger: Ledger) -> None:
        asyncio.get_running_loop().set_task_factory(
            lambda loop, coroutine, **options: Special(coroutine, loop=loop, **options)
        )
        task = asyncio.create_task(ends_later(), name="special")
        assert isinstance(task, Special)
        assert ["special"] == [ledger.name(each) for each in ledger.unfinished() if each is task]
        assert 1 == await task

    run(watched)


def test_a_task_factory_that_makes_no_tasks_of_asyncios():
    """What it makes may not tell of itself: it is not listed, and all else goes on."""

    class Wrapped:
        """Can be awaited, cancelled and named, which is all that asyncio asks for."""

        def __init__(self, loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> None:
            self._task = asyncio.Task(coroutine, loop=loop, **options)
            self.cancel = self._task.cancel
            self.set_name = self._task.set_name

        def __await__(self) -> Any:
            return self._task.__await__()

    async def watched(ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(Wrapped)  # type: ignore[arg-type]
        assert 1 == await loop.create_task(ends_later())
        loop.set_task_factory(None)
        await asyncio.create_task(ends_later(), name="listed")
        ledger.settle()
        assert ["listed"] == [row.name for row in ended_rows(ledger)]
        assert {"running": 1, "finished": 1} == counted(ledger)

    run(watched)


def test_a_loop_whose_timers_know_no_context():
    """Tasks are made on it as ever, and swept."""

    class Loop(asyncio.SelectorEventLoop):
        """Sets timers in a way of its own."""

        def call_later(self, delay: float, callback: Any, *args: Any) -> asyncio.TimerHandle:  # type: ignore[override]
            """As asyncio's, but for the context."""
            return super().call_later(delay, callback, *args)

    async def watched(ledger: Ledger) -> None:
        assert 1 == await asyncio.create_task(ends_later())
        await comes_true(lambda: any(isinstance(entry, EndedTask) for entry in ledger.look().ended))

    run(watched, Loop)


def test_ids_are_never_used_twice(loop_factory: LoopFactory):
    """Not even by several loops at the same time."""

    async def watched(ledger: Ledger) -> set[int]:
        ids: set[int] = set()
        for _ in range(3):
            tasks = [asyncio.create_task(ends_at_once()) for _ in range(300)]
            await asyncio.wait(tasks)
            ledger.settle()
            ids |= {row.id for row in ended_rows(ledger)}
        ids |= {ledger.id_of(task) for task in ledger.unfinished()}
        return ids

    found: list[set[int]] = []
    threads = [
        threading.Thread(target=lambda: found.append(run(watched, loop_factory))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert 3 * 901 == len(set.union(*found))


def test_only_the_last_that_ended_are_kept():
    """The latest first; the others are counted, and known no more."""

    async def watched(ledger: Ledger) -> None:
        event = asyncio.Event()
        total = ENDED_KEPT + 500
        tasks = [asyncio.create_task(event.wait(), name=str(number)) for number in range(total)]
        ids = [ledger.id_of(task) for task in tasks]
        ledger.settle()
        event.set()
        await asyncio.wait(tasks)
        ended = ended_rows(ledger)
        assert [str(number) for number in range(1_499, 499, -1)] == [row.name for row in ended]
        ledger.settle()
        assert [row.id for row in ended] == [row.id for row in ended_rows(ledger)]
        assert total == ledger.counts()[TaskState.FINISHED]
        assert [False, True] == [ledger.knows(ids[499]), ledger.knows(ids[500])]
        assert ledger.task_of(ids[500]) is None

    assert 1_000 == ENDED_KEPT
    run(watched)


def test_of_a_storm_of_short_tasks_some_are_kept():
    """The first, some of each tenth of a second, and the last; all are counted."""

    async def watched(ledger: Ledger) -> None:
        for number in range(0, 20_000, 100):
            for each in range(number, number + 100):
                asyncio.create_task(ends_at_once(), name=str(each))  # noqa: RUF006
            await turns(2)
        await comes_true(lambda: "19999" in {row.name for row in ended_rows(ledger)})
        kept = ended_rows(ledger)
        assert RECORDS_A_TICK <= len(kept) <= ENDED_KEPT
        assert 20_000 == ledger.counts()[TaskState.FINISHED]

    run(watched)


def test_the_last_of_a_storm_are_kept_whatever_was_kept_before():
    async def watched(ledger: Ledger) -> None:
        await comes_true(lambda: not ledger._generations.young)
        ended = ledger._ended
        ended._room, ended._room_at = 0.0, math.inf  # As when records were made of very many.
        for _ in range(3):  # Not a full nursery.
            await asyncio.create_task(ends_at_once())
        await comes_true(lambda: not ledger._generations.young)
        assert 3 == len(ended_rows(ledger))

    run(watched)


def test_of_those_of_which_there_is_no_record_nothing_is_kept(monkeypatch: pytest.MonkeyPatch):
    """Neither who had them cancelled nor their number."""

    async def watched(ledger: Ledger) -> None:
        monkeypatch.setattr(EndedTasks, "_take_room", lambda *_: 0)
        tasks = [asyncio.create_task(for_ever()) for _ in range(3)]
        numbers = [ledger.id_of(task) for task in tasks]
        await turns()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        ledger.settle()
        assert 3 == ledger.counts()[TaskState.CANCELLED]
        assert [False] * 3 == [ledger.knows(number) for number in numbers]
        assert not ledger._cancellations.any_to_end()

    run(watched)


class Result:
    """Of a task; tells when it is let go."""

    alive: ClassVar[weakref.WeakSet[Result]] = weakref.WeakSet()

    def __init__(self) -> None:
        self.alive.add(self)


async def returns() -> Result:
    return Result()


def test_what_an_ended_task_has_returned_is_held_for_a_tenth_of_a_second(
    loop_factory: LoopFactory,
):
    async def watched(_ledger: Ledger) -> None:
        await asyncio.create_task(returns())
        ended_at = time.monotonic()
        await comes_true(lambda: not Result.alive)
        # The loop's timer comes as soon as the machine has time for it.
        assert time.monotonic() - ended_at < 10 * TICK

    run(watched, loop_factory)


@pytest.mark.parametrize(("pause", "number", "most"), [(0.002, 100, 16), (0, 5_000, 129)])
def test_few_results_are_held_at_a_time(
    pause: float, number: int, most: int, loop_factory: LoopFactory
):
    """However many tasks end, and fewer where they do not come thick and fast."""

    async def watched(_ledger: Ledger) -> None:
        held = 0
        for _ in range(number):
            await asyncio.create_task(returns())
            held = max(held, len(Result.alive))
            await asyncio.sleep(pause)
        assert 1 < held <= most

    run(watched, loop_factory)


def test_a_task_is_known_by_its_id(loop_factory: LoopFactory):
    """As long as it is unfinished."""

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(for_ever())
        number = ledger.id_of(task)
        assert number == ledger.id_of(task) == rows(ledger)[-1].id
        assert task is ledger.task_of(number)
        assert ledger.knows(number)
        assert not ledger.knows(number + 1_000_000)
        task.cancel()
        await asyncio.wait({task})
        assert ledger.task_of(number) is None
        assert ledger.knows(number)
        ledger.settle()
        assert ledger.knows(number)
        assert [number] == [row.id for row in ended_rows(ledger)]

    run(watched, loop_factory)


def test_whoever_holds_a_task_sees_it_under_one_number(loop_factory: LoopFactory):
    """Also one of very many that have ended, of which nothing is recorded."""

    async def watched(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(asyncio.sleep(0)) for _ in range(10 * ENDED_KEPT)]
        numbers = [ledger.id_of(task) for task in tasks]
        await asyncio.wait(tasks)
        ledger.settle()
        assert ENDED_KEPT >= len(ended_rows(ledger))
        assert numbers == [ledger.id_of(task) for task in tasks]
        assert ledger.task_of(numbers[0]) is None

    run(watched, loop_factory)


def test_a_task_that_is_recorded_after_the_look_has_its_records_number(
    loop_factory: LoopFactory,
):
    """Those who took the look make their rows while the loop's thread goes on."""

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(ends_at_once(), name="quick")
        await asyncio.wait({task})
        look = ledger.look()
        ledger.settle()
        row = look.row(task)
        assert ("quick", True) == (row.name, ledger.knows(row.id))
        assert [row.id] == [each.id for each in ended_rows(ledger)]
        assert ledger.task_of(row.id) is None

    run(watched, loop_factory)


def test_a_record_can_be_sorted_when_its_task_is_gone():
    async def watched(ledger: Ledger) -> None:
        gone = weakref.ref(asyncio.create_task(ends_at_once(), name="quick"))
        await comes_true(lambda: gc.collect() >= 0 and gone() is None)
        window = task_window(ledger, WindowRequest(sort="created_at", stop=9))
        assert "quick" in [row.name for row in window.tasks]

    run(watched)


def test_what_nobody_keeps_any_more_is_not_held_by_its_number():
    """It is given one all the same, since somebody asks."""

    async def ask(ledger: Ledger) -> weakref.ref[asyncio.Task[int]]:
        task = asyncio.create_task(ends_at_once())
        await asyncio.wait({task})
        ledger.settle()
        ledger._ended.records.clear()  # So many have ended since.
        number = ledger.id_of(task)
        assert not ledger.knows(number)
        return weakref.ref(task)

    async def watched(ledger: Ledger) -> None:
        gone = await ask(ledger)
        await comes_true(lambda: gc.collect() >= 0 and gone() is None)

    run(watched)


def test_names_are_read_live(loop_factory: LoopFactory):
    """`set_name` shows at once; the last name is kept."""

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(ends_later(), name="first")
        assert "first" == rows(ledger)[-1].name
        task.set_name("second")
        assert "second" == rows(ledger)[-1].name
        await task
        ledger.settle()
        (row,) = ended_rows(ledger)
        assert ("second", "ends_later") == (row.name, row.coroutine)
        task.set_name("too late")
        assert "second" == ended_rows(ledger)[0].name

    run(watched, loop_factory)


def test_a_name_of_any_length_is_cut():
    async def watched(ledger: Ledger) -> str:
        task = asyncio.create_task(ends_later(), name="x" * 100_000)
        name = rows(ledger)[-1].name
        await task
        return name

    assert "x" * LONGEST_NAME == run(watched)


def test_the_coroutines_name_is_its_functions(loop_factory: LoopFactory):
    """Without the places where functions were defined; also of one that ended at once."""

    class Runner:
        """Has a coroutine function as a method."""

        async def race(self) -> None:
            """Do nothing."""

    async def local() -> None:
        pass

    async def watched(ledger: Ledger) -> list[str]:
        for coroutine in (ends_at_once(), local(), Runner().race()):
            await asyncio.create_task(coroutine)
            await turns()
        return [row.coroutine for row in ended_rows(ledger)][::-1]

    assert ["ends_at_once", "local", "Runner.race"] == run(watched, loop_factory)


def test_how_a_task_ended(loop_factory: LoopFactory):
    """State, times, the error in one line; nothing to wait for any more."""

    async def watched(ledger: Ledger) -> None:
        cancelled = asyncio.create_task(for_ever(), name="cancelled")
        await turns()
        cancelled.cancel()
        others = [asyncio.create_task(fails(), name="failed"), asyncio.create_task(ends_later())]
        await asyncio.gather(cancelled, *others, return_exceptions=True)
        await turns()
        for _ in range(2):  # While the tasks are held, and when only their records are.
            ended = ended_rows(ledger)
            found = {(str(row.state), row.error) for row in ended}
            expected = {("finished", None), ("failed", "ValueError: broke"), ("cancelled", None)}
            assert expected == found
            for row in ended:
                assert row.ended_at is not None
                assert row.created_at is not None
                assert row.created_at <= row.ended_at
                assert (None, None, False) == (row.waiting_on, row.where, row.is_main)
            ledger.settle()

    run(watched, loop_factory)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_exit_is_a_failure_too(error: type[BaseException]):
    async def leave() -> None:
        raise error("leaving")

    def body(ledger: Ledger, loop: asyncio.AbstractEventLoop) -> None:
        task = loop.create_task(leave())
        with pytest.raises(error):
            loop.run_forever()
        loop.run_until_complete(turns())
        assert 1 == ledger.counts()[TaskState.FAILED]
        assert f"{error.__name__}: leaving" == ended_rows(ledger)[-1].error
        assert task.exception() is not None

    loop = asyncio.new_event_loop()
    try:
        body(Ledger(loop), loop)
    finally:
        loop.close()


def test_a_task_that_ended_counts_at_once():
    """Also while the loop is blocked before it could run the task's callbacks."""

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(fails(), name="failed")
        await asyncio.sleep(0)
        # In the next turn, right after the task's last step and before its callbacks.
        looked = asyncio.get_running_loop().create_future()

        def look() -> None:
            (row,) = (row for row in rows(ledger) if row.name == "failed")
            looked.set_result((task.done(), counted(ledger), row))

        asyncio.get_running_loop().call_soon(look)
        is_done, counts, row = await looked
        assert is_done
        assert {"pending": 1, "failed": 1} == counts
        assert ("failed", "ValueError: broke") == (row.state, row.error)
        assert task.exception() is not None

    run(watched)


def test_a_failure_that_nobody_asks_about_is_still_logged(
    loop_factory: LoopFactory, complaints: Complaints
):
    """Watching does not count as asking."""

    async def watched(ledger: Ledger) -> str | None:
        await asyncio.wait({asyncio.create_task(fails())})
        await turns()
        assert 1 == ledger.counts()[TaskState.FAILED]
        return ended_rows(ledger)[0].error

    assert "ValueError: broke" == run(watched, loop_factory)
    (said,) = complaints.take()
    assert said.startswith("Task exception was never retrieved")


def test_nothing_of_a_task_is_kept_when_it_has_ended(loop_factory: LoopFactory):
    """Neither the task nor its result nor its error, after a tick or two."""

    class Result(Exception):
        """Something that can be counted."""

    async def returns() -> Result:
        return Result()

    async def raises() -> None:
        raise Result

    async def watched(ledger: Ledger) -> None:
        tasks = [asyncio.create_task(returns()), asyncio.create_task(raises())]
        await asyncio.gather(*tasks, return_exceptions=True)
        await turns()
        gone = [weakref.ref(task) for task in tasks]
        tasks.clear()
        await comes_true(lambda: gc.collect() >= 0 and [None, None] == [task() for task in gone])
        assert [] == [thing for thing in gc.get_objects() if type(thing) is Result]
        assert 2 == len(ended_rows(ledger))

    run(watched, loop_factory)


def test_nor_of_one_that_has_lasted_and_came_from_a_factory_of_the_users():
    """It does not tell when it is to be cancelled, so it is noted once more."""

    async def lasts_and_ends(ledger: Ledger) -> weakref.ref[asyncio.Task[None]]:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine: asyncio.Task(coroutine, loop=loop))
        task = asyncio.create_task(for_ever())
        loop.set_task_factory(None)
        await comes_true(lambda: task in ledger._generations.lasting)
        task.cancel()
        await asyncio.wait({task})
        return weakref.ref(task)

    async def watched(ledger: Ledger) -> None:
        gone = await lasts_and_ends(ledger)
        await comes_true(lambda: gc.collect() >= 0 and gone() is None)
        assert 1 == len(ended_rows(ledger))

    run(watched)


async def _cancel_one_that_is_not_noted(ledger: Ledger) -> None:
    task = asyncio.create_task(for_ever())
    await turns()
    task.cancel()
    await asyncio.wait({task})
    await turns()
    assert not ledger._cancellations.any_to_end()


def test_a_task_of_the_kernels_own_is_not_held_when_it_was_cancelled(loop_factory: LoopFactory):
    """It is not noted, so nobody would come to say that it has ended."""

    async def main() -> None:
        ledger = Ledger(asyncio.get_running_loop(), lists=lambda _: False)
        await _cancel_one_that_is_not_noted(ledger)
        ledger.close()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop_factory", LOOP_FACTORIES)
def test_nor_is_one_that_was_made_after_the_end_of_the_watch(loop_factory: LoopFactory):
    """By somebody who has kept our `create_task`."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ledger = Ledger(loop)
        ours = loop.create_task
        ledger.close()
        loop.create_task = ours  # type: ignore[method-assign]
        await _cancel_one_that_is_not_noted(ledger)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(main())


def test_tasks_of_our_own_are_in_no_list(loop_factory: LoopFactory):
    async def watched(ledger: Ledger) -> None:
        ours = ledger.create_unlisted(for_ever())
        await turns()
        assert 1 == len(ledger.unfinished())
        ours.cancel()
        await asyncio.wait({ours})
        assert {"running": 1} == counted(ledger)

    run(watched, loop_factory)
