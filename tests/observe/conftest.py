"""A loop with a ledger: run in the test itself, or in a thread beside it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import pytest

from bgwidgets import BackgroundLoop
from bgwidgets.observe.ledger import Ledger
from bgwidgets.snapshots import TaskSnapshot
from tests.loop_factories import LOOP_FACTORIES, LoopFactory

LIMIT = 10.0
"""Seconds after which a wait in a test has failed."""

Watched = Callable[[Ledger], Coroutine[Any, Any, Any]]
Library = Callable[[str], dict[str, Any]]


_ledgers: WeakValueDictionary[asyncio.AbstractEventLoop, Ledger] = WeakValueDictionary()


class Closed(asyncio.SelectorEventLoop):
    """A loop whose attributes cannot be set, as one in C may be."""

    @property
    def create_task(self) -> Any:
        """As ever."""
        return super().create_task


@pytest.fixture(params=[*LOOP_FACTORIES, pytest.param(Closed, id="closed")])
def loop_factory(request: pytest.FixtureRequest) -> LoopFactory:
    """Each kind of loop in turn."""
    factory: LoopFactory = request.param
    return factory


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """`library(code)`: the names that a module of an installed package defines."""

    def install(code: str) -> dict[str, Any]:
        file = tmp_path / "site-packages" / "lib.py"
        file.parent.mkdir()
        file.write_text(code)
        names: dict[str, Any] = {}
        exec(compile(code, str(file), "exec"), names)  # noqa: S102 - its own
        return names

    return install


def run(watched: Watched, loop_factory: LoopFactory = asyncio.new_event_loop) -> Any:
    """Run `watched(ledger)` on a loop that the ledger watches; what is left is cancelled."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        ledger = _ledgers[runner.get_loop()] = Ledger(runner.get_loop())
        try:
            return runner.run(watched(ledger))
        finally:
            ledger.close()


@contextmanager
def running_beside(
    watched: Watched, loop_factory: LoopFactory = asyncio.new_event_loop
) -> Iterator[Ledger]:
    """`watched(ledger)` runs in a thread until the block ends: then it is cancelled."""
    ledgers: list[Ledger] = []
    tasks: list[asyncio.Task[Any]] = []
    errors: list[BaseException] = []
    is_up = threading.Event()

    async def main(ledger: Ledger) -> None:
        task = asyncio.current_task()
        assert task is not None
        ledgers.append(ledger)
        tasks.append(task)
        is_up.set()
        await watched(ledger)

    def body() -> None:
        try:
            run(main, loop_factory)
        except asyncio.CancelledError:
            return
        except BaseException as error:  # noqa: BLE001 - shown in the test's own thread
            errors.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    assert is_up.wait(LIMIT)
    try:
        yield ledgers[0]
    finally:
        loop = tasks[0].get_loop()
        if thread.is_alive():
            loop.call_soon_threadsafe(tasks[0].cancel)
        thread.join(LIMIT)
    assert [] == errors
    assert not thread.is_alive()


async def turns(number: int = 3) -> None:
    """Let the loop turn, so that callbacks of what has just ended have run."""
    for _ in range(number):
        await asyncio.sleep(0)


async def comes_true(find: Callable[[], object]) -> None:
    """Let the loop turn until it is so: a sweep comes when its timer does."""
    async with asyncio.timeout(LIMIT):
        while not find():  # noqa: ASYNC110 - what a timer of ours does, nobody tells
            await asyncio.sleep(0.003)


def id_of(task: asyncio.Task[Any]) -> int | None:
    """Its number in the book of its loop, whichever that is; None when it is in none."""
    ledger = _ledgers.get(task.get_loop())
    return ledger.id_of(task) if ledger is not None and task in ledger.unfinished() else None


def knows_numbers_of(loop: BackgroundLoop) -> None:
    """`id_of` tells those of this loop's tasks, too, while it runs."""
    host: Any = loop._run.host
    ledger: Ledger = host._agent._ledger
    _ledgers[ledger._loop] = ledger


def rows(ledger: Ledger) -> list[TaskSnapshot]:
    """All tasks: the unfinished, oldest first, then the ended, latest first."""
    look = ledger.look()
    return [look.row(entry) for entry in (*look.unfinished, *look.ended)]


def ended_rows(ledger: Ledger) -> list[TaskSnapshot]:
    """The ended, latest first."""
    look = ledger.look()
    return [look.row(entry) for entry in look.ended]


async def ends_at_once() -> int:
    return 1


async def ends_later() -> int:
    await asyncio.sleep(0)
    return 1


async def fails() -> None:
    await asyncio.sleep(0)
    raise ValueError("broke")


async def for_ever() -> None:
    await asyncio.Event().wait()


def counted(ledger: Ledger) -> dict[str, int]:
    """Only the states that tasks are in."""
    return {str(state): count for state, count in ledger.counts().items() if count}
