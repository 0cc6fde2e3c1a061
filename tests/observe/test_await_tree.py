"""Which tasks a task waits for, and which wait for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import sys
from collections.abc import Callable, Coroutine, Iterable
from types import SimpleNamespace
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, StopEvent
from bgwidgets.observe.await_tree import DEEPEST_TREE, LARGEST_TREE, WIDEST_TREE, describe
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.wait_edges import tasks_waited_for
from bgwidgets.snapshots import TaskDetail, TaskLink
from tests.loop_factories import LoopFactory
from tests.observe.conftest import LIMIT, for_ever, id_of, knows_numbers_of, run, turns
from tests.observe.waits import retrieved

Works = Callable[[], Coroutine[Any, Any, Any]]


def task(name: str, work: Works = for_ever) -> asyncio.Task[Any]:
    return asyncio.create_task(work(), name=name)


def a_and_b() -> list[asyncio.Task[Any]]:
    return [task("a"), task("b")]


async def awaits_a_task() -> None:
    await task("a")


async def gathers() -> None:
    await asyncio.gather(*a_and_b())


async def gathers_gathers() -> None:
    await asyncio.gather(asyncio.gather(task("a")), asyncio.gather(task("b")))


async def waits_for_all() -> None:
    await asyncio.wait(a_and_b())


async def waits_for_the_first() -> None:
    await asyncio.wait(a_and_b(), return_when=asyncio.FIRST_COMPLETED)


async def takes_them_as_they_complete() -> None:
    for each in asyncio.as_completed(a_and_b()):
        await each


async def iterates_as_they_complete() -> None:
    async for _ in asyncio.as_completed(a_and_b()):  # type: ignore[attr-defined] # from 3.13 on
        pass


async def has_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(for_ever(), name="a")
        group.create_task(for_ever(), name="b")


async def has_a_timeout() -> None:
    await asyncio.wait_for(task("a"), 3600)


async def shields() -> None:
    await asyncio.shield(task("a"))


async def gathers_in_a_timeout() -> None:
    await asyncio.wait_for(retrieved(asyncio.gather(*a_and_b())), 3600)


async def shields_in_a_timeout() -> None:
    await asyncio.wait_for(asyncio.shield(task("a")), 3600)


async def shields_a_gather() -> None:
    await asyncio.shield(asyncio.gather(*a_and_b(), return_exceptions=True))


async def calls_what_waits() -> None:
    await gathers()


AB = {"a", "b"}
EDGES: list[tuple[Works, set[str]]] = [
    (awaits_a_task, {"a"}),
    (gathers, AB),
    (gathers_gathers, AB),
    (waits_for_all, AB),
    (waits_for_the_first, AB),
    (takes_them_as_they_complete, AB),
    (has_a_group, AB),
    (has_a_timeout, {"a"}),
    (shields, {"a"}),
    (shields_a_gather, AB),
    (gathers_in_a_timeout, AB),
    (shields_in_a_timeout, {"a"}),
    (calls_what_waits, AB),
]
if sys.version_info >= (3, 13):
    EDGES.append((iterates_as_they_complete, AB))


def named(name: str) -> asyncio.Task[Any]:
    (found,) = (task for task in asyncio.all_tasks() if task.get_name() == name)
    return found


def details(
    work: Works, *names: str, loop_factory: LoopFactory = asyncio.new_event_loop
) -> list[TaskDetail]:
    """Of the tasks of those names, when the task "parent" that runs `work()` waits."""

    async def watched(_: Ledger) -> list[TaskDetail]:
        parent = task("parent", work)
        await turns(5)
        found = [describe(named(name), id_of) for name in names]
        for each in asyncio.all_tasks() - {asyncio.current_task()}:
            each.cancel()
        await asyncio.wait({parent})
        return found

    found: list[TaskDetail] = run(watched, loop_factory)
    return found


def names_of(links: Iterable[TaskLink]) -> set[str]:
    return {link.name for link in links}


@pytest.mark.parametrize(("work", "names"), EDGES, ids=[work.__name__ for work, _ in EDGES])
def test_both_ends_know_of_it(work: Works, names: set[str], loop_factory: LoopFactory):
    """Whoever waits, and whoever is waited for."""
    parent, *children = details(work, "parent", *sorted(names), loop_factory=loop_factory)
    assert names == names_of(parent.waits_for)
    assert () == parent.waited_by
    for child in children:
        assert {"parent"} == names_of(child.waited_by)
        assert () == child.waits_for


def test_only_what_has_not_ended():
    """The others hold nothing up."""

    async def work() -> None:
        await asyncio.gather(asyncio.sleep(0), task("a"))

    (parent,) = details(work, "parent")
    assert {"a"} == names_of(parent.waits_for)


def test_a_group_whose_block_has_not_ended_waits_for_nothing_yet():
    """Its task still has something to do itself."""

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(for_ever(), name="a")
            await for_ever()

    parent, child = details(work, "parent", "a")
    assert ((), ()) == (parent.waits_for, child.waited_by)


def test_what_a_task_waits_for_besides_tasks_is_no_edge():
    (parent,) = details(for_ever, "parent")
    assert ((), ()) == (parent.waits_for, parent.waited_by)


def test_a_link_says_which_task_it_is(loop_factory: LoopFactory):
    """Its number, its name, what it runs, and where that waits in turn."""
    (parent,) = details(awaits_a_task, "parent", loop_factory=loop_factory)
    (link,) = parent.waits_for
    assert isinstance(parent.id, int)
    assert isinstance(link.id, int)
    assert parent.id != link.id
    assert ("a", "for_ever", "event") == (link.name, link.coroutine, link.waiting_on)
    assert (link.where or "").startswith("conftest.py:")
    assert ("parent", "awaits_a_task", "task a") == (
        parent.name,
        parent.coroutine,
        parent.waiting_on,
    )


def test_a_task_that_is_on_no_list_has_no_number():
    async def watched(_: Ledger) -> int | None:
        unlisted = asyncio.Task(for_ever(), name="unlisted")
        detail = describe(unlisted, id_of)
        unlisted.cancel()
        return detail.id

    assert run(watched) is None


def test_tasks_behind_tasks():
    """A tree, in both directions."""

    async def middle() -> None:
        await asyncio.gather(task("low 1"), task("low 2"))

    async def top() -> None:
        await asyncio.wait([task("middle", middle)])

    parent, low = details(top, "parent", "low 1")
    (link,) = parent.waits_for
    assert ("middle", {"low 1", "low 2"}) == (link.name, names_of(link.links))
    (link,) = low.waited_by
    assert ("middle", {"parent"}) == (link.name, names_of(link.links))


def test_a_task_that_stands_twice_in_a_tree_is_told_once():
    """The second time without what is behind it."""

    async def lower() -> None:
        await task("lowest")

    async def top() -> None:
        low = task("low", lower)
        await asyncio.gather(*(asyncio.wait([low]) for _ in range(2)))

    (parent,) = details(top, "parent")
    (once,), (again,) = (link.links for link in parent.waits_for)
    assert ("low", False, {"lowest"}) == (once.name, once.is_repeated, names_of(once.links))
    assert ("low", True, set()) == (again.name, again.is_repeated, names_of(again.links))


def test_tasks_that_wait_for_each_other():
    """They would for ever; the tree ends where the circle closes."""

    async def waits_for(other: str) -> None:
        await asyncio.wait([named(other)])

    async def work() -> None:
        await asyncio.wait([task("a", lambda: waits_for("b")), task("b", lambda: waits_for("a"))])

    (a,) = details(work, "a")
    (b,) = a.waits_for
    assert [("a", True, ())] == [(link.name, link.is_repeated, link.links) for link in b.links]
    (b,) = (link for link in a.waited_by if link.name == "b")
    assert ("a", True, ()) in [(link.name, link.is_repeated, link.links) for link in b.links]


def test_a_tree_is_not_told_wider_than_it_can_be_read():
    """It says how many more there are."""

    async def work() -> None:
        await asyncio.wait([task("child") for _ in range(WIDEST_TREE + 30)])

    (parent,) = details(work, "parent")
    assert (WIDEST_TREE, 30) == (len(parent.waits_for), parent.waits_for_left_out)


def test_a_tree_is_not_told_deeper_than_it_can_be_read():
    """It says that there is more."""

    async def deeper(depth: int = DEEPEST_TREE + 5) -> None:
        await (task(f"{depth}", lambda: deeper(depth - 1)) if depth else for_ever())

    async def work() -> None:
        await task("top", deeper)

    async def watched(_: Ledger) -> TaskDetail:
        parent = task("parent", work)
        await turns(DEEPEST_TREE + 10)
        detail = describe(parent, id_of)
        parent.cancel()
        await asyncio.wait({parent})
        return detail

    links, depth, left_out = run(watched).waits_for, 0, 0
    while links:
        (link,) = links
        links, left_out, depth = link.links, link.left_out, depth + 1
    assert (DEEPEST_TREE, 1) == (depth, left_out)


def test_a_tree_has_an_end():
    """However many tasks each task waits for."""

    async def some(depth: int) -> None:
        await asyncio.gather(*(some(depth - 1) for _ in range(30 if depth else 0)), for_ever())

    def size(links: Iterable[TaskLink]) -> int:
        return sum(1 + size(link.links) for link in links)

    (parent,) = details(lambda: some(2), "parent")
    assert LARGEST_TREE - 1 == size(parent.waits_for)
    assert any(link.left_out for link in parent.waits_for) or parent.waits_for_left_out


def by_submit(
    loop: BackgroundLoop, work: Coroutine[Any, Any, Any]
) -> concurrent.futures.Future[Any]:
    return loop.submit(work)


def by_asyncio(
    loop: BackgroundLoop, work: Coroutine[Any, Any, Any]
) -> concurrent.futures.Future[Any]:
    async def running() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    return asyncio.run_coroutine_threadsafe(work, loop.submit(running()).result(LIMIT))


@pytest.mark.parametrize("submit", [by_submit, by_asyncio])
def test_the_task_of_another_loop(submit: Callable[..., concurrent.futures.Future[Any]]):
    """Whose coroutine was handed over from this one: each end sees the other."""

    async def far() -> None:
        has_begun.set()
        await for_ever()

    async def near() -> None:
        await asyncio.wrap_future(submit(loop, far()))

    async def watched(_: Ledger) -> None:
        parent = task("near", near)
        await has_begun.wait()
        await asyncio.wrap_future(loop.submit(asyncio.sleep(0)))
        (far_task,) = tasks_waited_for(parent)
        here, there = describe(parent, id_of), describe(far_task, id_of)
        parent.cancel()
        await asyncio.wait({parent})
        assert f"task {far_task.get_name()}" == here.waiting_on
        assert [(there.id, "far")] == [(link.id, link.coroutine) for link in here.waits_for]
        assert [(here.id, "near")] == [(link.id, link.name) for link in there.waited_by]
        assert there.id in [listed.id for listed in loop.tasks]

    has_begun = StopEvent()
    with LoopManager().start(name="elsewhere") as loop:
        knows_numbers_of(loop)
        run(watched)


class Graph(SimpleNamespace):
    """What Python 3.14's `asyncio.capture_call_graph` returns."""


def test_what_asyncio_itself_knows_is_told_too(monkeypatch: pytest.MonkeyPatch):
    """From Python 3.14 on it keeps a book of who awaits whom."""

    def capture_call_graph(future: Any, /, *, depth: int = 1, limit: int | None = None) -> Graph:
        del depth
        assert 0 == limit
        waiters = [named("parent")] if future.get_name() == "elsewhere" else []
        graphs = [Graph(future=waiter, awaited_by=()) for waiter in waiters]
        in_between = Graph(future=asyncio.get_running_loop().create_future(), awaited_by=graphs)
        return Graph(future=future, awaited_by=(in_between,))

    async def work() -> None:
        task("elsewhere")
        await awaits_a_task()

    monkeypatch.setattr(asyncio, "capture_call_graph", capture_call_graph, raising=False)
    elsewhere, a = details(work, "elsewhere", "a")
    assert {"parent"} == names_of(elsewhere.waited_by)
    assert {"parent"} == names_of(a.waited_by)


def test_a_circle_that_asyncio_runs_into(monkeypatch: pytest.MonkeyPatch):
    """Its own function follows one until there is no stack left; ours answers all the same."""

    def capture_call_graph(future: Any, /, *, depth: int = 1, limit: int | None = None) -> Graph:
        return capture_call_graph(future, depth=depth, limit=limit)

    monkeypatch.setattr(asyncio, "capture_call_graph", capture_call_graph, raising=False)
    (a,) = details(awaits_a_task, "a")
    assert {"parent"} == names_of(a.waited_by)
