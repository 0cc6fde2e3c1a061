"""Tasks whose class, name or coroutine is the user's own, and does not answer as it should."""

from __future__ import annotations

import asyncio
import collections.abc
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from bgwidgets.observe import look
from bgwidgets.observe.await_chain import place_until
from bgwidgets.observe.generations import NURSERY
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_detail import task_detail
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import TaskSnapshot, WindowRequest
from tests.conftest import Complaints
from tests.hostile_errors import NAMES, RAISED_BY_TASKS, TASKS_ARE_IN_C
from tests.observe.conftest import comes_true, counted, ends_at_once, for_ever, rows, run, turns


class Hostile(Exception):
    """Raised by whatever is asked for something here."""


class Silent(asyncio.Task[Any]):
    """Tells neither its name nor its coroutine, and compares itself with nothing."""

    def get_name(self) -> NoReturn:
        """Not told."""
        raise Hostile

    def get_coro(self) -> NoReturn:
        """Not told."""
        raise Hostile

    def __eq__(self, other: object) -> NoReturn:
        raise Hostile

    __hash__ = asyncio.Task.__hash__


class Odd(str):
    """A text that cannot be shown, cut or compared."""

    __slots__ = ()

    def __str__(self) -> Odd:
        return self

    def __format__(self, spec: str) -> NoReturn:
        raise Hostile

    def __getitem__(self, key: Any) -> NoReturn:
        raise Hostile

    def __eq__(self, other: object) -> NoReturn:
        raise Hostile

    __hash__ = str.__hash__

    def casefold(self) -> NoReturn:
        """Not done."""
        raise Hostile


class Broken(collections.abc.Coroutine[Any, Any, Any]):
    """Runs as a coroutine does, and has no attribute of one."""

    def __init__(self) -> None:
        self._inside = for_ever()

    def __getattribute__(self, name: str) -> Any:
        if name == "__qualname__" or name.startswith(("cr_", "gi_", "ag_")):
            raise Hostile
        return super().__getattribute__(name)

    def send(self, value: Any) -> Any:
        """As what it runs."""
        return self._inside.send(value)

    def throw(self, *error: Any) -> Any:
        """As what it runs."""
        return self._inside.throw(*error)

    def close(self) -> None:
        """As what it runs."""
        self._inside.close()

    def __await__(self) -> Any:
        return self._inside.__await__()


def make_silent(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
    return Silent(for_ever(), loop=loop)


def make_plain(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
    return asyncio.Task(for_ever(), loop=loop)


def make_broken(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
    return asyncio.Task(Broken(), loop=loop)


def make_oddly_called(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
    coroutine: Any = for_ever()
    coroutine.__qualname__ = Odd("for_ever")
    return asyncio.Task(coroutine, loop=loop)


@pytest.mark.parametrize(
    ("make", "name", "coroutine", "waiting_on"),
    [
        (make_silent, "victim", "for_ever", "event"),
        (make_plain, Odd("victim"), "for_ever", "event"),
        (make_broken, "victim", "Broken", "unknown"),
        (make_oddly_called, "victim", "for_ever", "event"),
    ],
)
def test_all_that_is_asked_of_a_task_is_answered(
    make: Callable[[asyncio.AbstractEventLoop], asyncio.Task[Any]],
    name: str,
    coroutine: str,
    waiting_on: str,
    complaints: Complaints,
):
    """While it waits, is cancelled and has ended; for itself and for who waits for it."""

    def victim(ledger: Ledger) -> TaskSnapshot:
        (row,) = (row for row in rows(ledger) if row.name == "victim")
        assert coroutine == row.coroutine
        for sort in ("", "name", "coroutine", "state", "waiting_on", "age", "created_at"):
            request = WindowRequest(sort=sort, filter="victim", stop=9)
            window = task_window(ledger, request)
            assert [row.id] == [each.id for each in window.tasks]
        detail = task_detail(ledger, row.id)
        assert detail is not None
        assert (row.name, coroutine) == (detail.name, detail.coroutine)
        assert row == pickle.loads(pickle.dumps(row))  # noqa: S301 - what was just made of it
        assert type(row.name) is str
        return row

    async def waits_for(task: asyncio.Task[Any]) -> None:
        await asyncio.wait({task})

    async def watched(ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, _, **__: make(loop))
        task: asyncio.Task[Any] = loop.create_task(None, name=name)  # type: ignore[arg-type] # made so
        loop.set_task_factory(None)
        waiter = asyncio.create_task(waits_for(task), name="waiter")
        await turns()
        row = victim(ledger)
        assert ("pending", waiting_on) == (row.state, row.waiting_on)
        detail = task_detail(ledger, ledger.id_of(waiter))
        assert detail is not None
        assert ["victim"] == [link.name for link in detail.waits_for]
        ledger.settle()
        victim(ledger)
        ledger.cancel([task])
        assert "cancelling" == victim(ledger).state
        ledger.judge_cancelled()
        await waiter
        assert "cancelled" == victim(ledger).state
        ledger.settle()
        assert row.id == victim(ledger).id
        assert "victim" in {each.name for each in ledger.history().cancellations}

    run(watched)
    assert [] == complaints.take()


class Unjudged(asyncio.Task[Any]):
    """Does not tell what it has raised."""

    @property
    def _exception(self) -> NoReturn:
        raise Hostile


async def fail_with(error: Exception) -> NoReturn:
    raise error


@pytest.mark.parametrize("kind", RAISED_BY_TASKS, ids=NAMES[: len(RAISED_BY_TASKS)])
@pytest.mark.parametrize("others", [3, 2 * NURSERY])
def test_an_error_that_tells_nothing_of_itself_is_counted(
    kind: type[Exception], others: int, complaints: Complaints
):
    """Those who make tasks after it do not notice, and are counted as well."""

    async def watched(ledger: Ledger) -> None:
        failing = asyncio.create_task(fail_with(kind()))
        await asyncio.wait({failing})
        assert failing.exception() is not None
        for _ in range(others):
            await asyncio.create_task(ends_at_once())
        await comes_true(lambda: not ledger._generations.young)
        assert 1 == counted(ledger)["failed"]
        assert others == counted(ledger)["finished"]

    run(watched)
    assert [] == complaints.take()


@pytest.mark.parametrize("others", [3, 2 * NURSERY])
def test_a_task_that_does_not_tell_how_it_ended_is_let_go_of(others: int, complaints: Complaints):
    """Those who make tasks after it do not notice, and are counted."""

    async def watched(ledger: Ledger) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **options: Unjudged(coro, loop=loop, **options))
        unjudged = asyncio.create_task(ends_at_once())
        loop.set_task_factory(None)
        await asyncio.wait({unjudged})
        for _ in range(others):
            await asyncio.create_task(ends_at_once())
        await comes_true(lambda: not ledger._generations.young)
        assert others == counted(ledger)["finished"]

    run(watched)
    assert [] == complaints.take()


class TellsNothing(asyncio.Future[Any]):
    """What asyncio itself needs, it has."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"_callbacks", "_children"}:
            raise Hostile
        return super().__getattribute__(name)


@pytest.mark.skipif(not TASKS_ARE_IN_C, reason="asyncio's tasks in Python cannot wait for it")
def test_a_future_that_tells_nothing_is_one_all_the_same(complaints: Complaints):
    """In the row of the task that waits for it, in its details, and when tasks are sorted."""

    async def waits() -> None:
        await TellsNothing()

    async def watched(ledger: Ledger) -> None:
        task = asyncio.create_task(waits())
        await turns()
        (row,) = (row for row in rows(ledger) if row.coroutine == "waits")
        assert "future" == row.waiting_on
        assert row.where is not None
        detail = task_detail(ledger, row.id)
        assert detail is not None
        assert "future" == detail.waiting_on
        window = task_window(ledger, WindowRequest(sort="waiting_on", stop=9))
        assert row.id in [each.id for each in window.tasks]
        task.cancel()

    run(watched)
    assert [] == complaints.take()


class Refuses(asyncio.Future[Any]):
    """Tells nobody how it stands, when it is told not to, and ends a turn after it is cancelled."""

    refuses = False

    def done(self) -> bool:
        """Not told."""
        if self.refuses:
            raise Hostile
        return super().done()

    def cancelled(self) -> bool:
        """Not told."""
        if self.refuses:
            raise Hostile
        return super().cancelled()

    def cancel(self, msg: Any | None = None) -> bool:
        """Later."""
        self.get_loop().call_soon(super().cancel, msg)
        return True


@pytest.mark.skipif(not TASKS_ARE_IN_C, reason="asyncio's tasks in Python cannot wait for it")
@pytest.mark.parametrize("refuses_from_the_start", [False, True])
def test_who_waits_for_a_future_that_tells_nothing_is_cancelled_and_counted_once(
    refuses_from_the_start: bool, complaints: Complaints
):
    """And so are those that end beside it."""

    async def ends(future: Refuses) -> None:
        try:
            await future
        except asyncio.CancelledError:
            return

    async def watched(ledger: Ledger) -> None:
        future = Refuses()
        future.refuses = refuses_from_the_start
        task = asyncio.create_task(ends(future), name="victim")
        await turns()
        assert task.cancel()
        future.refuses = True
        assert {"running": 1, "cancelling": 1} == counted(ledger)
        await asyncio.wait({task})
        for number in range(1, 4):
            await asyncio.create_task(ends_at_once())
            await comes_true(lambda: not ledger._generations.young)
            assert {"running": 1, "finished": number + 1} == counted(ledger)
        assert ["victim"] == [each.name for each in ledger.history().cancellations]

    run(watched)
    assert [] == complaints.take()


def test_who_cancels_may_have_a_name_that_compares_itself_with_nothing():
    async def watched(ledger: Ledger) -> None:
        current = asyncio.current_task()
        assert current is not None
        asyncio.Task.set_name(current, Odd("boss"))
        tasks = [asyncio.create_task(for_ever(), name=name) for name in "abc"]
        await turns()
        for task in tasks:
            assert task.cancel()
        await asyncio.wait(tasks)
        told = ledger.history().cancellations
        assert [("c", "task boss"), ("b", "task boss"), ("a", "task boss")] == [
            (each.name, each.asked_by) for each in told
        ]

    run(watched)


@pytest.mark.parametrize("lasts", [False, True])
def test_a_task_of_which_no_record_can_be_made_is_counted_once(lasts: bool, complaints: Complaints):
    """And there are records of the others."""

    def bars(task: asyncio.Task[Any]) -> tuple[Any, ...]:
        if task.get_name() == "victim":
            raise Hostile
        return ()

    async def watched(ledger: Ledger) -> None:
        ledger._bars = bars  # type: ignore[misc] # for the test
        tasks = [asyncio.create_task(for_ever(), name=name) for name in ("a", "victim", "b")]
        numbers = [ledger.id_of(task) for task in tasks]
        if lasts:
            ledger.settle()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await comes_true(lambda: not ledger._generations.young)
        assert 3 == counted(ledger)["cancelled"]
        assert [True, False, True] == [ledger.knows(number) for number in numbers]
        assert not ledger._cancellations.any_to_end()

    run(watched)
    assert [] == complaints.take()


def test_a_task_that_cannot_be_shown_costs_its_own_row_alone(
    complaints: Complaints, monkeypatch: pytest.MonkeyPatch
):
    """Whatever it is of the user's that raises, and wherever."""

    def raises_for_one(task: asyncio.Task[Any]) -> Any:
        if task.get_name() == "victim":
            raise Hostile
        return place_until(task)

    async def watched(ledger: Ledger) -> None:
        monkeypatch.setattr(look, "place_until", raises_for_one)
        tasks = [asyncio.create_task(for_ever(), name=name) for name in ("a", "victim", "b")]
        await turns()
        window = task_window(ledger, WindowRequest(stop=9))
        told = [(row.name, row.coroutine, row.state, row.waiting_on) for row in window.tasks[1:]]
        assert told == [
            ("a", "for_ever", "pending", "event"),
            ("victim", look.CANNOT_BE_SHOWN, "pending", None),
            ("b", "for_ever", "pending", "event"),
        ]
        ledger.cancel([ledger.task_of(window.tasks[2].id)])  # type: ignore[list-item] # it is there
        await turns()
        assert [False, True, False] == [task.cancelled() for task in tasks]
        for task in tasks:
            task.cancel()

    run(watched)
    assert [] == complaints.take()
