"""Which of a loop's tasks a window shows: filter, sort, cut out."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import SORT_KEYS, TaskSnapshot, TaskWindow, WindowRequest
from bgwidgets.states import TaskState
from tests.loop_factories import LoopFactory
from tests.observe.conftest import run, turns


async def apple() -> None:
    await asyncio.sleep(3600)


async def pear() -> None:
    await asyncio.Event().wait()


async def fail() -> None:
    raise KeyError("a Broken tree")


async def finish() -> None:
    pass


async def stay() -> None:
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.Event().wait()


def names(window: TaskWindow) -> list[str]:
    return [task.name for task in window.tasks]


def in_an_orchard(
    check: Callable[[Ledger], Any], loop_factory: LoopFactory = asyncio.new_event_loop
) -> Any:
    """Six tasks in six ways: main, two that wait, one that is being cancelled, two that ended."""

    async def watched(ledger: Ledger) -> Any:
        task = asyncio.current_task()
        assert task is not None
        task.set_name("main")
        kept = [
            asyncio.create_task(apple(), name="Zoe"),
            asyncio.create_task(pear(), name="adam"),
            asyncio.create_task(stay(), name="Bob"),
        ]
        await turns()
        kept[2].cancel()
        for work, name in ((finish, "eve"), (fail, "carl")):
            await asyncio.wait({asyncio.create_task(work(), name=name)})
            await turns()
        try:
            return check(ledger)
        finally:
            for task in kept:
                task.cancel()
            await asyncio.wait(kept[:2])
            kept[2].cancel()

    return run(watched, loop_factory)


DEFAULT = ["main", "Zoe", "adam", "Bob", "carl", "eve"]


@pytest.fixture(autouse=True)
def carls_error_is_his_own(complaints: Any) -> Any:
    """Nobody asks about it here."""
    yield
    (said,) = complaints.take()
    assert "carl" in said


def test_the_default_order(loop_factory: LoopFactory):
    """Unfinished tasks, the oldest first, then the ended, the latest first."""
    began = time.time()
    window = in_an_orchard(lambda ledger: task_window(ledger, WindowRequest()), loop_factory)
    assert DEFAULT == names(window)
    assert (0, 6) == (window.start, window.total)
    assert began <= window.as_of <= time.time()


SORTED = {
    "": DEFAULT,
    "name": ["adam", "Bob", "carl", "eve", "main", "Zoe"],
    # apple, fail, finish, pear, stay, watched.
    "coroutine": ["Zoe", "carl", "eve", "adam", "Bob", "main"],
    "state": ["Zoe", "adam", "main", "Bob", "eve", "carl"],
    # Nothing; then "event", "KeyError: ..." and "sleep", in the order of their characters.
    "waiting_on": ["main", "eve", "carl", "Bob", "adam", "Zoe"],
    "created_at": ["main", "Zoe", "adam", "Bob", "eve", "carl"],
}


def test_every_sort_is_tried():
    in_an_orchard(lambda _: None)
    assert {*SORTED, "age"} == set(SORT_KEYS)


@pytest.mark.parametrize("sort", [key for key in SORTED if key != "waiting_on"])
def test_every_sort_both_ways(sort: Any):
    """Words without regard to case; descending is the other way round, to the last row."""

    def check(ledger: Ledger) -> None:
        assert SORTED[sort] == names(task_window(ledger, WindowRequest(sort=sort)))
        request = WindowRequest(sort=sort, descending=True)
        assert SORTED[sort][::-1] == names(task_window(ledger, request))

    in_an_orchard(check)


def test_sorted_by_what_they_wait_for():
    """Or by why they failed, which the table shows in the same column."""

    def key(task: TaskSnapshot) -> str:
        return re.sub(", .* left$", "", task.waiting_on or task.error or "")

    def check(ledger: Ledger) -> None:
        up = task_window(ledger, WindowRequest(sort="waiting_on"))
        assert sorted(key(task) for task in up.tasks) == [key(task) for task in up.tasks]
        down = task_window(ledger, WindowRequest(sort="waiting_on", descending=True))
        assert names(up)[::-1] == names(down)
        assert {"", "event", "sleep", "KeyError: 'a Broken tree'"} == set(map(key, up.tasks))

    in_an_orchard(check)


def test_sorted_by_age():
    """How long they have lived, or lived; the unfinished grow older while one looks."""

    def check(ledger: Ledger) -> None:
        window = task_window(ledger, WindowRequest(sort="age", descending=True))
        assert ["main", "Zoe", "adam", "Bob"] == names(window)[:4]
        assert {"eve", "carl"} == set(names(window)[4:])
        ages = [
            min(window.as_of, task.ended_at or window.as_of) - (task.created_at or 0)
            for task in window.tasks
        ]
        assert sorted(ages, reverse=True) == ages
        up = task_window(ledger, WindowRequest(sort="age"))
        assert names(window)[::-1] == names(up)

    in_an_orchard(check)


def test_equal_rows_stay_in_the_order_of_their_birth():
    """So that nothing jumps when the table is refreshed."""

    async def watched(ledger: Ledger) -> list[list[str]]:
        tasks = [asyncio.create_task(pear(), name=str(number)) for number in range(20)]
        await turns()
        orders = []
        for sort in ("state", "coroutine", "waiting_on"):
            request = WindowRequest(sort=sort, filter="pear")
            orders.append(names(task_window(ledger, request)))
        for task in tasks:
            task.cancel()
        return orders

    in_an_orchard(lambda _: None)
    expected = [str(number) for number in range(20)]
    assert [expected] * 3 == run(watched)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zo", ["Zoe"]),
        ("ZOE", ["Zoe"]),
        ("PEAR", ["adam"]),
        ("cancelling", ["Bob"]),
        ("broken TREE", ["carl"]),
        ("failed", ["carl"]),
        ("pending", ["Zoe", "adam"]),
        ("e", ["main", "Zoe", "adam", "Bob", "carl", "eve"]),
        ("no such thing", []),
    ],
)
def test_the_filter_looks_at_name_coroutine_state_and_error(text: str, expected: list[str]):
    """In whatever case; the total is that of the rows that match."""

    def check(ledger: Ledger) -> None:
        window = task_window(ledger, WindowRequest(filter=text))
        assert (expected, len(expected)) == (names(window), window.total)
        for filter_ in (text.upper(), text.lower()):
            assert window.tasks == task_window(ledger, WindowRequest(filter=filter_)).tasks

    in_an_orchard(check)


@pytest.mark.parametrize("typed", [r"\x1b[31m", r"\u202E", "x1b[", "\x1b"])
def test_what_is_shown_as_an_escape_is_found_by_it(typed: str):
    """In names and errors, as somebody reads it; and as it is."""

    def check(ledger: Ledger) -> None:
        named, failed = (
            asyncio.create_task(apple(), name="\x1b[31m\u202eplum"),
            asyncio.create_task(pear(), name="plum"),
        )
        window = task_window(ledger, WindowRequest(filter=typed))
        for task in (named, failed):
            task.cancel()
        assert [named.get_name()] == names(window)

    in_an_orchard(check)


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((), DEFAULT),
        (("pending", "running", "cancelling"), ["main", "Zoe", "adam", "Bob"]),
        (("failed",), ["carl"]),
        (("finished", "failed"), ["carl", "eve"]),
        (("cancelling", "finished"), ["Bob", "eve"]),
        (("cancelled",), []),
    ],
)
def test_only_tasks_in_some_states(states: tuple[str, ...], expected: list[str]):
    """In their own order, and sorted, and cut."""
    wanted = tuple(map(TaskState, states))

    def check(ledger: Ledger) -> None:
        window = task_window(ledger, WindowRequest(states=wanted))
        assert (expected, len(expected)) == (names(window), window.total)
        by_name = task_window(ledger, WindowRequest(states=wanted, sort="name"))
        assert sorted(expected, key=str.casefold) == names(by_name)
        cut = task_window(ledger, WindowRequest(states=wanted, start=1, stop=2))
        assert (expected[1:2], len(expected)) == (names(cut), cut.total)

    in_an_orchard(check)


def test_only_the_tasks_that_are_asked_for():
    """By their ids, in the tasks' own order; what is not known any more is passed over."""

    def check(ledger: Ledger) -> None:
        ids = {task.name: task.id for task in task_window(ledger, WindowRequest()).tasks}
        wanted = (ids["eve"], 999_999, ids["adam"], ids["carl"], ids["adam"])
        window = task_window(ledger, WindowRequest(ids=wanted))
        assert ({"adam", "carl", "eve"}, "adam", 3) == (
            set(names(window)),
            names(window)[0],
            window.total,
        )
        unfinished = WindowRequest(ids=wanted, states=(TaskState.PENDING,), sort="name")
        assert ["adam"] == names(task_window(ledger, unfinished))

    in_an_orchard(check)


def test_a_filter_and_a_sort_and_a_cut():
    """In this order."""

    def check(ledger: Ledger) -> None:
        request = WindowRequest(filter="pending", sort="name", descending=True, start=1, stop=2)
        window = task_window(ledger, request)
        assert (["adam"], 1, 2) == (names(window), window.start, window.total)

    in_an_orchard(check)


@pytest.mark.parametrize(
    ("start", "stop", "expected"),
    [
        (0, 2, DEFAULT[:2]),
        (2, 4, DEFAULT[2:4]),
        (4, 100, DEFAULT[4:]),
        (6, 100, []),
        (1_000, 2_000, []),
        (3, 3, []),
        (4, 2, []),
        (-5, 2, DEFAULT[:2]),
        (-5, -2, []),
    ],
)
def test_a_window_may_be_anywhere(start: int, stop: int, expected: list[str]):
    """Also beyond the end: then it is empty, and the total says where the end is."""

    def check(ledger: Ledger) -> None:
        window = task_window(ledger, WindowRequest(start=start, stop=stop))
        assert (expected, 6) == (names(window), window.total)
        assert max(0, start) == window.start

    in_an_orchard(check)


def test_the_windows_of_a_list_put_together_are_the_list():
    def check(ledger: Ledger) -> None:
        for sort in SORT_KEYS:
            parts = [
                task_window(ledger, WindowRequest(sort=sort, start=start, stop=start + 2))  # type: ignore[arg-type] # a key
                for start in range(0, 8, 2)
            ]
            whole = task_window(ledger, WindowRequest(sort=sort))  # type: ignore[arg-type] # a key
            assert names(whole) == [name for part in parts for name in names(part)]

    in_an_orchard(check)
