"""Tasks whose class, name or coroutine is the user's own, and does not answer as it should."""

from __future__ import annotations

import asyncio
import collections.abc
import pickle
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_detail import task_detail
from bgwidgets.observe.task_window import task_window
from bgwidgets.snapshots import TaskSnapshot, WindowRequest
from tests.conftest import Complaints
from tests.observe.conftest import for_ever, rows, run, turns


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
    return Silent(for_ever(), loop=loop, name="victim")


def make_odd(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
    return asyncio.Task(for_ever(), loop=loop, name=Odd("victim"))


def make_broken(loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
    return asyncio.Task(Broken(), loop=loop, name="victim")


@pytest.mark.parametrize(
    ("make", "coroutine", "waiting_on"),
    [
        (make_silent, "for_ever", "event"),
        (make_odd, "for_ever", "event"),
        (make_broken, "Broken", "unknown"),
    ],
)
def test_all_that_is_asked_of_a_task_is_answered(
    make: Callable[[asyncio.AbstractEventLoop], asyncio.Task[Any]],
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
        task: asyncio.Task[Any] = loop.create_task(None)  # type: ignore[arg-type] # it brings its own
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
