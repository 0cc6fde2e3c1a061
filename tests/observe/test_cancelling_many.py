"""Thousands cancelled at once, and tasks that wait for each other: who asked is found once, told of
each, and nothing is otherwise than by asyncio alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import linecache
import random
import threading
import weakref
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from bgwidgets.commands import Asker
from bgwidgets.observe import kept_askers
from bgwidgets.observe.askers import find_asker
from bgwidgets.observe.asyncio_internals import let_go_of
from bgwidgets.observe.cancellation_history import KEPT
from bgwidgets.observe.cancellations import Cancellations
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.watched_task import DEEP
from bgwidgets.states import TaskState
from tests.loop_factories import LoopFactory
from tests.observe.conftest import LIMIT, Library, for_ever, run, turns

MANY = 1_000
LONG = 3_000
"""More tasks in a chain than there is room for in which each calls the next."""


class Looks:
    """How often the stack was looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        monkeypatch.setattr(kept_askers, "find_asker", self._find_asker)

    def _find_asker(self, *args: Any) -> Any:
        self.count += 1
        return find_asker(*args)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """From now on."""
    return Looks(monkeypatch)


def told(ledger: Ledger) -> dict[str, tuple[str, str | None]]:
    """By each task's name who asked, and the source of the line; of several the latest."""
    cancellations = ledger.history().cancellations
    return {each.name: (each.asked_by, _source(each.where)) for each in reversed(cancellations)}


def _source(where: str | None) -> str | None:
    if where is None:
        return None
    file, _, rest = where.partition(":")
    assert file == "test_cancelling_many.py"
    return linecache.getline(__file__, int(rest.split()[0])).strip()


def waiting(number: int = MANY) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(for_ever(), name=f"{each}") for each in range(number)]


def chain(length: int) -> list[asyncio.Task[None]]:
    """Each waits for the one before it; its name is its place."""

    async def wait_for(inner: asyncio.Task[None]) -> None:
        await inner

    tasks = [asyncio.create_task(for_ever(), name="0")]
    for place in range(1, length):
        tasks.append(asyncio.create_task(wait_for(tasks[-1]), name=f"{place}"))
    return tasks


def kill(tasks: Iterable[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()


async def by_a_gather(tasks: list[asyncio.Task[None]]) -> None:
    outer = asyncio.gather(*tasks)
    outer.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await outer


async def by_a_loop(tasks: list[asyncio.Task[None]]) -> None:
    kill(tasks)


async def by_a_group(tasks: list[asyncio.Task[None]]) -> None:
    async def is_in(inner: asyncio.Task[None]) -> None:
        await inner

    async def fails() -> None:
        raise ValueError

    with contextlib.suppress(BaseExceptionGroup):
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(is_in(task), name=f"{task.get_name()} in the group")
            group.create_task(fails())


@pytest.mark.parametrize("cancel", [by_a_gather, by_a_loop, by_a_group])
def test_who_cancels_a_thousand_is_looked_for_once(
    looks: Looks, loop_factory: LoopFactory, cancel: Callable[..., Coroutine[Any, Any, None]]
):
    """By one call or in one loop. A group that fails also cancels the task around it."""

    async def watched(ledger: Ledger) -> None:
        tasks = waiting()
        await turns()
        await cancel(tasks)
        assert looks.count <= 2
        await asyncio.wait(tasks)
        assert KEPT == len(ledger.history().cancellations)

    run(watched, loop_factory)


def test_a_task_passes_its_own_on_to_a_thousand_and_nobody_looks_at_the_stack(looks: Looks):
    """It is known who waits for them."""

    async def gathers(tasks: list[asyncio.Task[None]]) -> None:
        await asyncio.gather(*tasks)

    async def watched(ledger: Ledger) -> None:
        tasks = waiting()
        parent = asyncio.create_task(gathers(tasks), name="parent")
        await turns()
        parent.cancel()
        assert 1 == looks.count
        await asyncio.wait([parent])
        names = told(ledger)
        assert names.pop("parent")[1] == "parent.cancel()"
        assert {("parent parent", "await asyncio.gather(*tasks)")} == set(names.values())

    run(watched)


@pytest.mark.parametrize("length", [3, DEEP + 30])
def test_each_of_a_chain_is_told_with_the_one_that_waits_for_it(looks: Looks, length: int):
    """However long it is; the innermost first."""

    async def watched(ledger: Ledger) -> None:
        tasks = chain(length)
        await turns()
        tasks[-1].cancel()
        assert 1 == looks.count
        await asyncio.wait(tasks)
        names = told(ledger)
        assert [f"{place}" for place in range(length)] == list(names)
        assert names.popitem()[1][1] == "tasks[-1].cancel()"
        parents = [(f"parent {place}", "await inner") for place in range(1, length)]
        assert parents == list(names.values())

    run(watched)


@pytest.mark.parametrize("through", ["one", "gather"])
def test_a_task_that_does_not_tell_is_not_passed_over(through: str):
    """Who waits for a task that waits for another is not the parent of that."""

    async def wait_for(inner: asyncio.Task[None]) -> None:
        await (inner if through == "one" else asyncio.gather(inner))

    async def watched(ledger: Ledger) -> None:
        (inner,) = waiting(1)
        between = asyncio.Task(wait_for(inner), name="between")
        outer = asyncio.create_task(wait_for(between), name="outer")
        current = asyncio.current_task()
        assert current is not None
        current.set_name("main")
        await turns()
        outer.cancel()
        await asyncio.wait([outer])
        assert {"0": ("task main", "outer.cancel()"), "outer": ("task main", "outer.cancel()")} == (
            told(ledger)
        )

    run(watched)


def test_a_parent_that_goes_on_is_told_where_it_waits_next():
    """And not where it was when it first passed its cancellation on."""

    async def waits_twice(one: asyncio.Task[None], other: asyncio.Task[None]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await one
        await other

    async def watched(ledger: Ledger) -> None:
        tasks = waiting(2)
        parent = asyncio.create_task(waits_twice(*tasks), name="parent")
        await turns()
        parent.cancel()
        await turns()
        parent.cancel()
        await asyncio.wait([parent])
        names = told(ledger)
        assert names["0"] == ("parent parent", "await one")
        assert names["1"] == ("parent parent", "await other")

    run(watched)


def test_what_was_not_taken_back_before_is_not_held_against_this_one():
    """Though another is cancelled in the same moment, of which nobody has asked before."""

    async def takes_the_last_back() -> None:
        for _ in range(2):
            with contextlib.suppress(asyncio.CancelledError):
                await for_ever()
        current: Any = asyncio.current_task()
        current.uncancel()
        await for_ever()

    async def watched(ledger: Ledger) -> None:
        (beside,) = waiting(1)
        task = asyncio.create_task(takes_the_last_back())
        await turns()
        task.cancel()
        await turns()
        kill([beside, task])
        await asyncio.wait([beside])
        assert 1 == task.cancelling()
        assert TaskState.PENDING == ledger.states.state(task)

    run(watched)


def test_a_chain_all_of_whose_tasks_are_cancelled_is_told_once(looks: Looks):
    """One after another from the same line: what is to end already is no news."""

    async def watched(ledger: Ledger) -> None:
        tasks = chain(KEPT // 2)
        await turns()
        kill(tasks)
        assert 1 == looks.count
        names = [each.name for each in ledger.history().cancellations]
        assert [task.get_name() for task in tasks] == names[::-1]
        await asyncio.wait(tasks)

    run(watched)


def test_another_line_another_task_and_another_name_are_told_as_such():
    """What was found is not taken for who asks next."""

    async def kills(*tasks: asyncio.Task[Any]) -> None:
        kill(tasks)

    async def kills_in_two_names(one: asyncio.Task[Any], other: asyncio.Task[Any]) -> None:
        current = asyncio.current_task()
        assert current is not None
        for name, task in (("before", one), ("after", other)):
            current.set_name(name)
            task.cancel()

    async def watched(ledger: Ledger) -> None:
        current = asyncio.current_task()
        assert current is not None
        current.set_name("main")
        tasks = {task.get_name(): task for task in waiting(10)}
        await turns()
        tasks["0"].cancel()
        tasks["1"].cancel()
        kill([tasks["2"]])
        await asyncio.create_task(kills(tasks["3"]), name="one")
        await asyncio.create_task(kills(tasks["4"]), name="other")
        asyncio.get_running_loop().call_soon(kill, [tasks["5"]])
        await asyncio.create_task(kills_in_two_names(tasks["6"], tasks["7"]))
        await asyncio.to_thread(kill, [tasks["8"]])
        await turns()
        names = told(ledger)
        assert names["0"] == ("task main", 'tasks["0"].cancel()')
        assert names["1"] == ("task main", 'tasks["1"].cancel()')
        who = [names[f"{number}"][0] for number in range(2, 9)]
        assert [
            "task main",
            "task one",
            "task other",
            "a callback of the loop",
            "task before",
            "task after",
        ] == who[:-1]
        assert who[-1].startswith("thread ")
        tasks["9"].cancel()

    run(watched)


def test_a_thread_that_asks_from_the_same_line_is_told_as_such():
    """Though the task that asked before is still the one that runs."""

    async def watched(ledger: Ledger) -> None:
        one, other = waiting(2)
        await turns()
        kill([one])
        thread = threading.Thread(target=kill, args=([other],), name="stranger")
        thread.start()
        thread.join(LIMIT)
        await asyncio.wait([one])
        assert "thread stranger" == told(ledger)["1"][0]

    run(watched)


def test_who_asks_when_the_loop_stands_still_is_no_callback_of_it():
    """Though one has asked from the same line before."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        ledger = Ledger(loop)
        one, other = (loop.create_task(for_ever(), name=f"{number}") for number in range(2))
        loop.call_soon(kill, [one])
        runner.run(turns())
        kill([other])
        names = told(ledger)
        assert "a callback of the loop" == names["0"][0]
        assert f"thread {threading.current_thread().name}" == names["1"][0]
        ledger.close()


def test_one_that_cancels_itself_among_others_is_told_so():
    """And the others, before and after it, are told with its name."""

    async def kills(tasks: list[asyncio.Task[None]]) -> None:
        current: Any = asyncio.current_task()
        kill([tasks[0], current, tasks[1]])

    async def watched(ledger: Ledger) -> None:
        tasks = waiting(2)
        killer = asyncio.create_task(kills(tasks), name="killer")
        await asyncio.wait([killer, *tasks])
        who = {name: by for name, (by, _) in told(ledger).items()}
        assert {"0": "task killer", "killer": "itself", "1": "task killer"} == who

    run(watched)


def test_groups_that_fail_one_after_another_are_told_by_the_line_of_each():
    """Though the same lines of asyncio's cancel their tasks."""

    async def fails() -> None:
        raise ValueError

    async def has_one() -> None:
        async with asyncio.TaskGroup() as one:
            one.create_task(for_ever(), name="of one")
            one.create_task(fails())

    async def has_another() -> None:
        async with asyncio.TaskGroup() as other:
            other.create_task(for_ever(), name="of the other")
            other.create_task(fails())

    async def watched(ledger: Ledger) -> None:
        # Plain tasks, that do not tell of their own part in it.
        around = [asyncio.Task(has_one()), asyncio.Task(has_another())]
        await asyncio.gather(*around, return_exceptions=True)
        names = told(ledger)
        assert names["of one"] == ("task group", "async with asyncio.TaskGroup() as one:")
        assert names["of the other"] == ("task group", "async with asyncio.TaskGroup() as other:")

    run(watched)


def test_whoever_has_a_library_cancel_is_told_by_the_own_line(library: Library):
    """The library's is the same both times; it is told where no line is the user's."""
    helps = library("def helps(task):\n    task.cancel()\n")["helps"]

    async def watched(ledger: Ledger) -> None:
        tasks = waiting(3)
        await turns()
        one, other, called = tasks
        helps(one)
        helps(other)
        asyncio.get_running_loop().call_soon(helps, called)
        await asyncio.wait(tasks)
        lines = {each.name: each.where or "" for each in ledger.history().cancellations}
        assert "lib.py:2 helps" == lines.pop("2")
        assert ["helps(one)", "helps(other)"] == [_source(lines[name]) for name in ("0", "1")]

    run(watched)


def test_a_coroutine_of_a_library_that_cancels_is_told_by_the_line_that_awaits_it(
    library: Library,
):
    """Which is where the user's own task is."""
    helps = library("async def helps(task):\n    task.cancel()\n")["helps"]

    async def watched(ledger: Ledger) -> None:
        current = asyncio.current_task()
        assert current is not None
        current.set_name("main")
        (task,) = waiting(1)
        await turns()
        await helps(task)
        await asyncio.wait([task])
        assert told(ledger)["0"] == ("task main", "await helps(task)")

    run(watched)


def test_who_asks_again_in_each_turn_is_told_once(library: Library):
    """As anyio does for as long as a task cleans up; others stay in the history."""
    code = "def again(loop, task):\n    if task.cancel(): loop.call_soon(again, loop, task)\n"
    again = library(code)["again"]

    async def cleans_up() -> None:
        for _ in range(2 * KEPT):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0)

    async def watched(ledger: Ledger) -> None:
        (before,) = waiting(1)
        task = asyncio.create_task(cleans_up(), name="slow")
        await turns()
        before.cancel()
        asyncio.get_running_loop().call_soon(again, asyncio.get_running_loop(), task)
        await asyncio.wait([before, task])
        names = [each.name for each in ledger.history().cancellations]
        assert ["slow", "0"] == names

    run(watched)


class Runner:
    """Named as asyncio's."""

    def run(self, task: asyncio.Task[Any]) -> None:
        """Named as asyncio's, too."""
        task.cancel()


class Handle:
    """Named as asyncio's."""

    def _run(self, task: asyncio.Task[Any]) -> None:
        task.cancel()


@pytest.mark.parametrize("ends", [Runner().run, Handle()._run])
def test_a_method_that_is_named_as_one_of_asyncios_has_lines_all_the_same(
    ends: Callable[[asyncio.Task[Any]], None],
):
    """Only in asyncio's own files it is where a turn of the loop begins."""

    async def watched(ledger: Ledger) -> None:
        (task,) = waiting(1)
        await turns()
        ends(task)
        await asyncio.wait([task])
        assert "task.cancel()" == told(ledger)["0"][1]

    run(watched)


# As by asyncio alone


def shared() -> list[asyncio.Task[Any]]:
    """Two gathers that wait for the same task, and one that waits for both."""

    async def wait_for(*tasks: asyncio.Task[Any]) -> None:
        await asyncio.gather(*tasks)

    tasks = [asyncio.create_task(for_ever(), name="0")]
    tasks += [asyncio.create_task(wait_for(tasks[0]), name=f"{each}") for each in (1, 2)]
    tasks.append(asyncio.create_task(wait_for(tasks[1], tasks[2]), name="3"))
    return tasks


def wide() -> list[asyncio.Task[Any]]:
    """A gather of some behind a long chain."""

    async def wait_for(*tasks: asyncio.Task[Any]) -> None:
        await asyncio.gather(*tasks)

    tasks: list[asyncio.Task[Any]] = [*waiting(5)]
    tasks.append(asyncio.create_task(wait_for(*tasks), name="5"))
    for place in range(6, 2 * DEEP):
        tasks.append(asyncio.create_task(wait_for(tasks[-1]), name=f"{place}"))
    return tasks


@pytest.mark.parametrize(
    "make",
    [lambda: chain(5), lambda: chain(5 * DEEP), shared, wide],
    ids=["", "long", "shared", "wide"],
)
@pytest.mark.parametrize("of_all", [False, True], ids=["the outermost", "all"])
def test_tasks_are_cancelled_as_often_and_end_in_the_same_order(make: Any, of_all: bool):
    """Whether a ledger watches them or not."""

    async def cancels() -> list[Any]:
        tasks: list[asyncio.Task[Any]] = make()
        await turns(2 * len(tasks))
        order: list[str] = []
        for task in tasks:
            task.add_done_callback(lambda task: order.append(task.get_name()))
        answers = [task.cancel() for task in (tasks if of_all else tasks[-1:])]
        counts = [task.cancelling() for task in tasks]
        await asyncio.wait(tasks)
        await turns()
        return [answers, counts, order]

    alone = asyncio.run(cancels())
    assert alone == run(lambda _: cancels())


def test_what_cancel_is_given_arrives(loop_factory: LoopFactory):
    """Its message, at the innermost of a long chain too."""

    async def watched(_: Ledger) -> list[str]:
        tasks = chain(2 * DEEP)
        messages = list[str]()

        async def listens() -> None:
            try:
                await for_ever()
            except asyncio.CancelledError as error:
                messages.extend(error.args)
                raise

        innermost = asyncio.create_task(listens())
        outer = innermost

        async def wait_for(inner: asyncio.Task[None]) -> None:
            await inner

        for _number in range(2 * DEEP):
            outer = asyncio.create_task(wait_for(outer))
        await turns()
        outer.cancel("enough")
        tasks[-1].cancel()
        await asyncio.wait([outer, *tasks])
        return messages

    assert ["enough"] == run(watched, loop_factory)


@pytest.mark.parametrize("through", ["tasks", "gathers"])
def test_a_chain_may_be_longer_than_calls_may_be_deep(through: str):
    """Cancelled from its outermost."""

    async def wait_for(inner: asyncio.Task[None]) -> None:
        if through == "gathers":
            await asyncio.gather(inner)
        else:
            await inner

    async def watched(_: Ledger) -> None:
        tasks: list[asyncio.Task[Any]] = [asyncio.create_task(for_ever())]
        while len(tasks) < LONG:
            tasks.append(asyncio.create_task(wait_for(tasks[-1])))
        await turns()
        assert tasks[-1].cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)

    run(watched)


def test_one_that_has_a_cancel_of_its_own_decides_for_those_that_it_waits_for():
    """Deep in a chain, too."""

    async def watched(_: Ledger) -> None:
        tasks: Any = chain(DEEP + 30)
        refuses, asked = tasks[5], list[str | None]()

        def cancel(msg: str | None = None) -> bool:
            asked.append(msg)
            return False

        refuses.cancel = cancel
        await turns(2 * len(tasks))
        tasks[-1].cancel("enough")
        assert ["enough"] == asked
        assert [0] * 6 + [1] * (len(tasks) - 6) == [task.cancelling() for task in tasks]
        del refuses.cancel
        refuses.cancel()
        await asyncio.wait(tasks)

    run(watched)


def test_what_is_raised_where_tasks_wait_in_a_circle_is_raised_to_who_cancels():
    """As asyncio does; and then others are cancelled and told as ever."""

    async def wait(number: int) -> None:
        await asyncio.sleep(0)
        await circle[number]

    async def watched(ledger: Ledger) -> None:
        circle.extend(asyncio.create_task(wait(1 - number)) for number in range(2))
        tasks = chain(2)
        await turns()
        with pytest.raises(RecursionError):
            circle[0].cancel()
        tasks[1].cancel()
        names = told(ledger)
        assert names["0"] == ("parent 1", "await inner")
        assert names["1"][1] == "tasks[1].cancel()"
        await asyncio.wait(tasks)

    circle = list[asyncio.Task[None]]()
    # Not in a runner, which would cancel them, too.
    loop = asyncio.new_event_loop()
    ledger = Ledger(loop)
    loop.run_until_complete(watched(ledger))
    ledger.close()
    loop.close()
    for task in circle:
        let_go_of(task)


@pytest.mark.parametrize("error", [RecursionError, ValueError])
@pytest.mark.parametrize("method", ["is_cancelled", "is_passed_on", "all_are_told"])
def test_where_it_cannot_be_noted_a_task_is_cancelled_all_the_same(
    monkeypatch: pytest.MonkeyPatch, method: str, error: type[Exception]
):
    """Asyncio alone would have had room, and asks nothing that is the user's."""

    def raises(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Cancellations, method, raises)

    async def watched(ledger: Ledger) -> None:
        tasks = chain(2)
        await turns()
        assert tasks[-1].cancel()
        assert "cancelling" == ledger.states.state(tasks[-1])
        await asyncio.wait(tasks)
        assert [True, True] == [task.cancelled() for task in tasks]

    run(watched)


# By a command


def test_a_command_cancels_each_once_whoever_waits_for_it(looks: Looks):
    """So a chain costs no more than as many by themselves; and nobody is looked for."""

    async def watched(ledger: Ledger) -> None:
        tasks = [*chain(10 * DEEP), *shared()]
        await turns(5)
        shuffled = random.Random(0).sample(tasks, len(tasks))  # noqa: S311 - the same each time
        for order in (tasks, tasks[::-1], shuffled):
            before = [task.cancelling() for task in tasks]
            ledger.cancel(order, Asker("button Cancel tasks"))
            assert [count + 1 for count in before] == [task.cancelling() for task in tasks]
        assert 0 == looks.count
        await asyncio.wait(tasks)
        assert {"button Cancel tasks"} == {each.asked_by for each in ledger.history().cancellations}

    run(watched)


# What is kept


def test_no_task_is_held_for_the_history_when_it_has_ended(loop_factory: LoopFactory):
    """It is put into words then."""

    async def watched(ledger: Ledger) -> None:
        tasks = waiting(3)
        held = [weakref.ref(task) for task in tasks]
        await turns()
        by_hand = asyncio.gather(*tasks)
        by_hand.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await by_hand
        del by_hand
        tasks.clear()
        ledger.settle()
        await turns()
        gc.collect()  # Of tasks in Python, which nest_asyncio makes.
        assert [None] * 3 == [each() for each in held]
        assert ["2", "1", "0"] == [each.name for each in ledger.history().cancellations]

    run(watched, loop_factory)
