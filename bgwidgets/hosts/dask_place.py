"""Where on a Dask cluster a loop that takes resources is to wait for them.

Dask gives an actor or a task to one worker for good, and looks at what that has, not at what others
have taken of it. So who has to wait looks now and then whether another worker has it to spare.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final

from bgwidgets.hosts.dask_start import DaskHost

LOOKS_FIRST: Final = 0.5
"""Seconds until the first look; twice as long until the second, and so on,"""
LOOKS_AT_LEAST_EVERY: Final = 10.0
"""up to this: the scheduler writes a line into its log at each."""

# A text, for the scheduler need not have this package, nor the same Python.
_LOOK: Final = '''
def look(key, amounts, workers):
    """The workers that have it to spare; none where what has this key is not held up by that.

    Where it may wait at no worker any more, those where it might.
    """
    import distributed

    def spare(worker, name):
        return worker.resources.get(name, 0) - worker.used_resources.get(name, 0)

    for scheduler in distributed.Scheduler._instances:
        task = scheduler.tasks.get(key)
        if task is None:
            continue
        here = task.processing_on
        if task.state == "memory" or (here and all(spare(here, name) >= 0 for name in amounts)):
            return []
        will_do = [
            worker
            for worker in scheduler.running
            if workers is None or {worker.address, worker.name, worker.host}.intersection(workers)
            if all(worker.resources.get(name, 0) >= amount for name, amount in amounts.items())
        ]
        found = [
            worker
            for worker in will_do
            if all(spare(worker, name) >= amount for name, amount in amounts.items())
        ]
        return [worker.address for worker in found or ([] if here else will_do)]
    return []
'''


class RoomElsewhere(Exception):
    """Raised where something waits for what another worker has to spare."""

    def __init__(self, workers: list[str]) -> None:
        """Their addresses."""
        super().__init__(workers)
        self.workers: Final = workers


def what_is_waited_for(where: DaskHost) -> str:
    """In words, as a note: what a worker must have that is to start a loop."""
    amounts = ", ".join(f"{name}: {amount:g}" for name, amount in (where.resources or {}).items())
    wanted = f"{amounts} to spare, and a free thread" if amounts else "a free thread"
    return f"it waits for a Dask worker that has {wanted}"


async def made(where: DaskHost, future: Any) -> Any:
    """What is made at this future, on the client's own loop. Raises `RoomElsewhere`.

    Not to be cancelled, of which distributed complains: it ends when the future is.
    """
    coming = asyncio.ensure_future(where.client.gather(future, asynchronous=True))
    coming.add_done_callback(_heard_of)
    pause = LOOKS_FIRST
    while not (await asyncio.wait([coming], timeout=pause))[0]:
        if future.status == "cancelled":
            break
        pause = min(2 * pause, LOOKS_AT_LEAST_EVERY)
        await refuse_to_wait_here(where, future)
    return await coming


def _heard_of(coming: asyncio.Future[Any]) -> None:
    """That it failed is no news to anybody who does not wait for it any more."""
    if not coming.cancelled():
        coming.exception()


async def refuse_to_wait_here(where: DaskHost, future: Any) -> None:
    """Raise `RoomElsewhere` if so it is. On the client's own loop."""
    if not where.resources:
        return
    workers = where.workers
    if workers is not None and not isinstance(workers, list | tuple | set | frozenset):
        workers = [workers]
    names = {
        "text": _LOOK,
        "key": future.key,
        "amounts": dict(where.resources),
        "workers": None if workers is None else list(workers),
    }
    found: list[str] = []
    with contextlib.suppress(Exception):  # Then it waits where it is.
        found = await where.client.run_on_scheduler(
            eval, "exec(text) or look(key, amounts, workers)", names, asynchronous=True
        )
    if found:
        raise RoomElsewhere(found)
