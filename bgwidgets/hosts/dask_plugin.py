"""The end of a Dask worker, as its plugins are told of it. Loaded only on a worker.

A worker may close while its process lives on, as with `LocalCluster(processes=False)`, and keeps
its actors all the same.
"""

from __future__ import annotations

import weakref
from typing import Any, Final

import distributed

from bgwidgets.hosts.link import Link

NAME: Final = "bgwidgets-children"
_ENDS: Final = frozenset({"closing", "closed", "failed"})
"""States of a worker from which it does not come back: its plugins have been told, or never are."""


class ChildrenEnd(distributed.WorkerPlugin):
    """Ends the children of one worker when it closes. On the worker's own loop."""

    def __init__(self) -> None:
        self._links: Final[weakref.WeakSet[Link]] = weakref.WeakSet()

    def add(self, link: Link) -> None:
        """One more child, for as long as somebody listens to it."""
        self._links.add(link)

    def teardown(self, worker: Any) -> None:
        """The worker closes."""
        del worker
        for link in list(self._links):
            link.kill()


async def end_with_worker(link: Link) -> None:
    """Have the child ended when the worker closes on whose loop this is called.

    Raises RuntimeError when that is closing already.
    """
    worker = distributed.get_worker()
    if NAME not in worker.plugins:
        await worker.plugin_add(ChildrenEnd(), NAME, catch_errors=False)
    plugin: Any = worker.plugins[NAME]
    plugin.add(link)
    if worker.status.name in _ENDS:
        raise RuntimeError(f"the Dask worker {worker.address} is closing")
