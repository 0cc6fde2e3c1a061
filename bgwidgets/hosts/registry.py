"""The hosts by name: the only place that knows which there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from bgwidgets.exceptions import UnknownHost
from bgwidgets.hosts import dask, process, thread
from bgwidgets.hosts.protocol import Host, LoopPlan
from bgwidgets.work import Work

HostFactory = Callable[[LoopPlan], Host]
LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def _threads(work: Work, loop_factory: LoopFactory) -> HostFactory:
    """A thread takes whatever there is."""
    del work, loop_factory
    return thread.ThreadHost


_HOSTS: Final[Mapping[str, Callable[[Work, LoopFactory], HostFactory]]] = {
    thread.ThreadHost.kind: _threads,
    process.KIND: process.ProcessHosts,
}


def host_factory(host: object, work: Work, loop_factory: LoopFactory) -> HostFactory:
    """What makes hosts of this kind for this work.

    Raises `UnknownHost`, `InvalidWork` for work that cannot be brought there, and ImportError where
    something is missing that such a host needs.
    """
    if isinstance(host, str) and host in _HOSTS:
        return _HOSTS[host](work, loop_factory)
    if (where := dask.as_dask_host(host)) is not None:
        return dask.DaskHosts(where, work, loop_factory)
    names = ", ".join(map(repr, [*_HOSTS, dask.KIND]))
    raise UnknownHost(f"there is no host {host!r}: choose one of {names}, or a distributed.Client")
