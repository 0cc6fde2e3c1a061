"""The end of a Dask worker, as its plugins are told of it. Loaded only on a worker.

A worker may close while its process lives on, as with `LocalCluster(processes=False)`, and keeps
its actors all the same.
"""

from __future__ import annotations

import weakref
from typing import Any, Final, Protocol

import distributed

NAME: Final = "bgwidgets-children"
_ENDS: Final = frozenset({"closing", "closed", "failed"})
"""States of a worker from which it does not come back: its plugins have been told, or never are."""


class EndsWithWorker(Protocol):
    """A link to a child, or what else is not to stay behind."""

    def kill(self) -> None:
        """End it. Any thread; does not block."""


class ChildrenEnd(distributed.WorkerPlugin):
    """Ends the children of one worker when it closes. On the worker's own loop."""

    def __init__(self) -> None:
        self._all: Final[weakref.WeakSet[EndsWithWorker]] = weakref.WeakSet()

    def add(self, one: EndsWithWorker) -> None:
        """One more, for as long as somebody needs it."""
        self._all.add(one)

    def teardown(self, worker: Any) -> None:
        """The worker closes."""
        del worker
        for one in list(self._all):
            one.kill()


async def end_with_worker(one: EndsWithWorker) -> None:
    """Have it ended when the worker closes on whose loop this is called.

    Raises RuntimeError when that is closing already.
    """
    worker = distributed.get_worker()
    if NAME not in worker.plugins:
        await worker.plugin_add(ChildrenEnd(), NAME, catch_errors=False)
    plugin: Any = worker.plugins[NAME]
    plugin.add(one)
    if worker.status.name in _ENDS:
        raise RuntimeError(f"the Dask worker {worker.address} is closing")
