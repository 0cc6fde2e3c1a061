"""A task that waits as it did has the row that it had; whatever happens to it, it has another."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.task_window import task_window
from bgwidgets.observe.wait_words import duration, next_duration
from bgwidgets.snapshots import WindowRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from bgwidgets.snapshots import TaskSnapshot


def watched(
    work: Callable[[Ledger, Callable[[], TaskSnapshot]], Coroutine[Any, Any, None]],
) -> None:
    """Run `work` on a loop with a ledger; the second argument gives the first row of all."""

    async def main() -> None:
        ledger = Ledger(asyncio.get_running_loop())
        try:
            await work(ledger, lambda: task_window(ledger, WindowRequest()).tasks[0])
        finally:
            ledger.close()

    with asyncio.Runner() as runner:
        runner.run(main())


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "wait",
    [lambda: asyncio.sleep(90_000), lambda: asyncio.Event().wait(), lambda: asyncio.Queue().get()],
    ids=["sleep", "event", "queue"],
)
def test_the_row_of_a_task_that_goes_on_waiting_is_the_same(wait: Callable[[], Any]):
    """The very same."""

    async def work(_: Ledger, look: Callable[[], TaskSnapshot]) -> None:
        task = asyncio.create_task(wait())
        await turn()
        assert look() is look()
        task.cancel()

    watched(work)


def test_it_is_another_when_it_is_renamed_cancelled_or_has_ended():
    """And says so."""

    async def work(_: Ledger, look: Callable[[], TaskSnapshot]) -> None:
        task = asyncio.create_task(asyncio.sleep(90_000))
        await turn()
        look()
        task.set_name("renamed")
        assert look().name == "renamed"
        assert look() is look()
        task.cancel()
        assert look().state == "cancelling"
        await turn()
        assert look().state == "cancelled"

    watched(work)


@pytest.mark.parametrize(
    "within",
    [lambda waits: waits, lambda waits: asyncio.wait_for(waits, 3600)],
    ids=["itself", "in wait_for"],
)
def test_it_is_another_when_it_was_woken_and_waits_again(within: Callable[[Any], Any]):
    """At another line, or for something else; also in `wait_for`, which until Python 3.11 makes
    another task of it, that moves on while this one waits.
    """

    async def work(_: Ledger, look: Callable[[], TaskSnapshot]) -> None:
        first, second = asyncio.Event(), asyncio.Event()

        async def wait_twice() -> None:
            await first.wait()
            await second.wait()

        task = asyncio.create_task(within(wait_twice()))
        await turn()
        before = look()
        first.set()
        await turn()
        assert before.where != look().where
        second.set()
        await task

    watched(work)


def test_how_many_are_left_is_counted_anew():
    """The future that it waits for is the same all the time."""

    async def work(_: Ledger, look: Callable[[], TaskSnapshot]) -> None:
        events = [asyncio.Event(), asyncio.Event()]

        async def gather() -> None:
            await asyncio.gather(*(event.wait() for event in events))

        task = asyncio.create_task(gather())
        await turn()
        assert look().waiting_on == "gather of 2 (2 left)"
        events[0].set()
        await turn()
        assert look().waiting_on == "gather of 2 (1 left)"
        events[1].set()
        await task

    watched(work)


@given(st.floats(0, 1e7))
def test_the_words_for_a_time_last_until_the_next_duration(seconds: float):
    """And not longer: just after it they are others."""
    following = next_duration(seconds)
    assert 0 <= following <= seconds + 1e-6 or math.isclose(following, seconds)
    between = (seconds + following) / 2
    if seconds - following > 1e-6:
        assert duration(between) == duration(seconds)
    if following > 0.1:
        assert duration(following - 1e-4) != duration(seconds)
