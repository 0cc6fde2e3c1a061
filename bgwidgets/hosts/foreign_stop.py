"""How a loop of somebody else's comes to an end: first in its own thread, then in ours."""

from __future__ import annotations

import asyncio
from typing import Any

from bgwidgets.hosts.stopping import STOP_LIMIT, Ending, run_until_closing
from bgwidgets.observe.asyncio_internals import is_what_its_runner_waits_for
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.names import name_of


async def stop_where_it_runs(loop: asyncio.AbstractEventLoop, ledger: Ledger) -> None:
    """End a loop of somebody else's: let its tasks clean up where they live, then stop it.

    What its runner waits for comes last. Cancelled first, it would end the runner, and with it the
    clean-up of all the others.
    """
    others = {task for task in asyncio.all_tasks(loop) if not is_what_its_runner_waits_for(task)}
    ledger.cancel(others)
    if others:
        await asyncio.wait(others, timeout=STOP_LIMIT)
    loop.stop()


def age_by_name(task: asyncio.Task[Any]) -> tuple[int, str]:
    """Task-9 is older than Task-10; a name of the user's own tells nothing."""
    name = name_of(task)
    prefix, _, number = name.partition("-")
    return (int(number) if prefix == "Task" and number.isdecimal() else 0, name)


def end_tasks_in_this_thread(
    loop: asyncio.AbstractEventLoop, ledger: Ledger
) -> set[asyncio.Task[Any]]:
    """Cancel what its runner left; what did not end even then. When nobody runs it any more, or in
    the thread that did.
    """
    is_over = False

    def over(_note: str | None) -> None:
        nonlocal is_over
        is_over = True
        loop.stop()

    ending = Ending(loop, ledger.create_unlisted, ledger.cancel)
    ending.hurry()
    loop.call_soon(lambda: ending.begin(ledger.close, over))
    run_until_closing(loop, lambda: is_over, lambda _: None)
    return ending.left()
