"""The ladder by which loops are brought down: ask, wait, cancel, wait, stop, wait.

It is a generator that says how long to wait at each step and leaves the waiting to whoever climbs
it, so one ladder serves plain code, async code, one loop and many.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import time
from collections.abc import Callable, Generator, Sequence
from typing import Final

from bgwidgets.commands import Asker, CancelTasks, HostCommand, SetStopEvent, StopLoop
from bgwidgets.exceptions import NoStopEvent
from bgwidgets.hosts.protocol import Host
from bgwidgets.observe.askers import caller
from bgwidgets.snapshots import StopReport
from bgwidgets.time_limits import check_grace

CANCEL_LIMIT: Final = 1.0
"""Seconds that cancelled tasks get before the loop is stopped."""
STOP_LIMIT: Final = 1.9
"""Seconds that a stopped loop gets to close. With the limit above it is under the 3 s that
`stop(grace)` promises to take at most beside its grace."""


Ladder = Generator[tuple[Sequence[Host], float | None], None, list[StopReport]]

_RUNGS: Final[tuple[tuple[str, Callable[[int, Asker], HostCommand]], ...]] = (
    ("stop_event", lambda loop_id, _: SetStopEvent(loop_id)),
    ("cancel_tasks", lambda loop_id, by: CancelTasks(loop_id, by=by)),
    ("stop_loop", lambda loop_id, by: StopLoop(loop_id, by=by)),
)


def ladder(hosts: Sequence[Host], grace: float) -> Ladder:
    """Bring loops down; yields hosts and how many seconds to wait at most until all have ended;
    None for no limit.

    Returns a report for each, in order. A loop that did not end in time is given up: its futures
    are failed, and the report says what is left of it. Raises ValueError for a grace below zero.
    """
    patience = check_grace(grace)
    began = time.time()
    by = caller()
    steps: dict[int, list[str]] = {host.loop_id: [] for host in hosts}
    for (name, command), limit in zip(_RUNGS, (patience, CANCEL_LIMIT, STOP_LIMIT), strict=True):
        left = [host for host in hosts if not host.ended.done()]
        if not left:
            break
        asked = []
        for host in left:
            try:
                host.command(command(host.loop_id, by))
            except NoStopEvent:
                continue
            steps[host.loop_id].append(name)
            asked.append(host)
        if asked:
            yield left, limit
    return [_report(host, tuple(steps[host.loop_id]), began) for host in hosts]


def _report(host: Host, steps: tuple[str, ...], began: float) -> StopReport:
    if host.ended.done():
        end = host.ended.result(0)
        outcome, ended_at, left = end.state, end.ended_at, end.leftovers
    else:
        left = host.give_up()
        outcome, ended_at = host.state, time.time()
    return StopReport(
        outcome=outcome,
        seconds=max(0.0, ended_at - began),
        steps=steps,
        unfinished_tasks=left.unfinished_tasks,
        threads_left=left.threads_left,
        notes=left.notes,
    )


def climb_down(steps: Ladder) -> list[StopReport]:
    """Wait at each step. Blocks; any thread but those of the loops."""
    while True:
        try:
            hosts, limit = next(steps)
        except StopIteration as stop:
            reports: list[StopReport] = stop.value
            return reports
        concurrent.futures.wait([host.ended for host in hosts], limit)


async def climb_down_async(steps: Ladder) -> list[StopReport]:
    """Wait at each step without blocking, in any loop but those that are brought down."""
    while True:
        try:
            hosts, limit = next(steps)
        except StopIteration as stop:
            reports: list[StopReport] = stop.value
            return reports
        # `asyncio.wait` cancels nothing, neither when its time is over nor when it is cancelled.
        await asyncio.wait([asyncio.wrap_future(host.ended) for host in hosts], timeout=limit)
