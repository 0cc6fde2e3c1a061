"""What the tables show that are measured, and what they cost in the kernel.

`panel` has a notebook's cell run this module's text, then call its functions.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from typing import Any, Final

import bgwidgets as bgw

LOOPS: Final = 100
TASKS: Final = 100_000
A_TURN: Final = 1_000
"""Tasks that are started before the loop turns."""
POLLERS: Final = 20
"""Tasks at the top of the table that are always at something else; of the others one in so many
thousand is."""
ENDED: Final = 30
LONG: Final = 90_000.0
"""Seconds: the words for it do not change while it is measured."""
PEERS_ROWS: Final = 1_000
INTERVAL: Final = 0.5
COLUMNS: Final = ("state", "name", "coroutine", "waiting on", "age", "error")

refreshes: list[tuple[float, bool]] = []
"""Of each: the seconds of its thread, and whether anything was sent."""
_ended: Final = threading.Event()


async def fetch(seconds: float) -> None:
    """Sleep: the panel says how long still."""
    await asyncio.sleep(seconds)


async def poll(number: int) -> None:
    """Be at another line, and wait for something else, a few times a second."""
    queue: asyncio.Queue[int] = asyncio.Queue()
    while True:
        await asyncio.sleep(0.3 + number / 100)
        try:
            await asyncio.wait_for(queue.get(), 0.3)
        except TimeoutError:
            sum(range(1_000))


async def fail(number: int) -> None:
    """Fail."""
    raise TimeoutError(f"no answer of host {number} within 30 s")


async def race(*, quiet: bool) -> None:
    """A hundred thousand tasks: nearly all sleep, some of them not much longer."""
    tasks = []
    for number in range(TASKS):
        if not quiet and number % (3 if number < POLLERS else A_TURN) == 1:
            work = poll(number % 17)
        else:
            work = fetch(LONG if quiet or number % 3 else 60.0 + number % 4_000)
        # The names are not in the order of births, so that sorting has something to do.
        name = f"fetch-{number * 7_919 % TASKS:05}"
        tasks.append(asyncio.create_task(work, name=name))
        if not number % A_TURN:
            await asyncio.sleep(0)
    if not quiet:
        ended = [asyncio.create_task(fail(number)) for number in range(ENDED)]
        ended += [asyncio.create_task(fetch(0.0)) for _ in range(ENDED)]
        await asyncio.wait(ended)
        for task in ended:
            task.exception()
        for task in tasks[-ENDED:]:
            task.cancel()
    await bgw.current().stop_event.wait()  # type: ignore[union-attr]


async def beside(*, quiet: bool) -> None:
    """What runs on each of the other loops."""
    sleepers = [asyncio.create_task(fetch(LONG)) for _ in range(3)]
    if not quiet:
        sleepers.append(asyncio.create_task(poll(len(sleepers))))
    await asyncio.wait(sleepers)


def start_loops(*, quiet: bool) -> None:
    """Start them in the place of what was there; returns when all tasks are there."""
    bgw.manager.stop_all(0)
    bgw.manager.remove_finished()
    for number in range(LOOPS - 1):
        bgw.start(beside, name=f"loop-{number}", quiet=quiet)
    loop = bgw.start(race, quiet=quiet)
    while loop.snapshot().total_tasks < TASKS:
        time.sleep(0.1)


def metered_panel() -> Any:
    """A panel whose refreshes are timed."""
    import anywidget

    from bgwidgets.widgets.feed import Feed
    from bgwidgets.widgets.showing import Showing

    look, look_again = Showing.look, Showing.look_again
    advance, send = Feed.advance, anywidget.AnyWidget.send
    looks, sent = [], []

    def noted_look(showing: Showing) -> None:
        looks.append(1)
        look(showing)

    def noted_look_again(showing: Showing) -> None:
        looks.append(1)
        look_again(showing)

    def noted_send(widget: Any, *message: Any, **more: Any) -> None:
        sent.append(1)
        send(widget, *message, **more)

    def timed_advance(feed: Feed, face: Any, now: float) -> float | None:
        looks.clear()
        sent.clear()
        began = time.thread_time()
        wake_at = advance(feed, face, now)
        if looks:
            refreshes.append((time.thread_time() - began, bool(sent)))
        return wake_at

    for kind, name, noted in (
        (Showing, "look", noted_look),
        (Showing, "look_again", noted_look_again),
        (Feed, "advance", timed_advance),
        (anywidget.AnyWidget, "send", noted_send),
    ):
        setattr(kind, name, noted)
    return bgw.panel(interval=INTERVAL)


def costs() -> dict[str, float | None]:
    """The medians since the last time, of the refreshes that sent something and of the others."""
    counted, refreshes[:] = list(refreshes), []
    told = [seconds for seconds, has_sent in counted if has_sent]
    silent = [seconds for seconds, has_sent in counted if not has_sent]
    return {
        "told": statistics.median(told) if told else None,
        "silent": statistics.median(silent) if silent else None,
    }


def rows(step: int) -> list[tuple[str, ...]]:
    """What the peers show at this moment: at each step two of three waits say something else."""
    return [
        (
            "pending",
            f"fetch-{number:05}",
            "fetch",
            f"sleep, {60 + number - step % 60} s left" if number % 3 else "queue get",
            f"{step // 120}:{step // 2 % 60:02}",
            "",
        )
        for number in range(PEERS_ROWS)
    ]


def html_table() -> Any:
    """The tasks as an HTML table, which is set anew at each refresh."""
    import ipywidgets

    table = ipywidgets.HTML()

    def show(step: int) -> None:
        lines = (f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows(step))
        table.value = f"<table>{''.join(lines)}</table>"

    return _refreshed(table, show)


def itables_table() -> Any:
    """The tasks in a table of itables, whose data are replaced at each refresh."""
    import pandas as pd
    from itables.widget import ITable

    def data(step: int) -> Any:
        return pd.DataFrame(rows(step), columns=COLUMNS)

    table = ITable(data(0), maxBytes=0, paging=False, scrollY="260px")
    return _refreshed(table, lambda step: table.update(df=data(step)))


def _refreshed(table: Any, show: Any) -> Any:
    def refresh() -> None:
        step = 0
        while not _ended.wait(INTERVAL):
            began = time.thread_time()
            show(step := step + 1)
            refreshes.append((time.thread_time() - began, True))

    show(0)
    threading.Thread(target=refresh, daemon=True).start()
    return table
