"""The Dask host: one event loop in one child process of a Dask worker."""

from __future__ import annotations

import asyncio
import math
import reprlib
import sys
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any, Final

from bgwidgets.exceptions import UnknownHost
from bgwidgets.hosts.crossing import refuse_without_cloudpickle
from bgwidgets.hosts.dask_link import DaskLink
from bgwidgets.hosts.dask_start import DaskHost
from bgwidgets.hosts.process import pack_work
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.hosts.remote_host import RemoteHost
from bgwidgets.work import Work

KIND: Final = "dask"

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class DaskHosts:
    """Makes the hosts of one loop, one for each run; each may be on another worker."""

    def __init__(self, where: DaskHost, work: Work, loop_factory: LoopFactory) -> None:
        """Raises `UnknownHost`, ImportError or `InvalidWork`. Blocks while the work is pickled."""
        refuse_without_cloudpickle()
        if where.client.asynchronous:
            raise UnknownHost(
                "a loop on a Dask cluster needs a client that is not asynchronous: Client(address)"
            )
        _refuse_closed(where)
        _refuse_odd_amounts(where)
        self._where: Final = where
        self._first: bytes | None = pack_work(work, loop_factory)

    def __call__(self, plan: LoopPlan) -> RemoteHost:
        """The host of one run. Raises `UnknownHost` when the client was closed meanwhile."""
        _refuse_closed(self._where)

        def parcel() -> bytes:
            packed, self._first = self._first, None
            # A later run is given what the arguments are then.
            return pack_work(plan.work, plan.loop_factory) if packed is None else packed

        def connect(listener: RemoteHost, name: str) -> DaskLink:
            return DaskLink(listener, name, self._where)

        return RemoteHost(
            plan,
            kind=KIND,
            parcel=parcel,
            connect=connect,
            kill_advice="kill() ends its process as soon as its Dask worker can be reached",
        )


def _refuse_closed(where: DaskHost) -> None:
    if where.client.status == "closed":
        raise UnknownHost(
            "this Dask client is closed: make another one, and start the loop with that one"
        )


def as_dask_host(host: object) -> DaskHost | None:
    """Where on a cluster this says; None for what says nothing of Dask. Imports nothing.

    Raises `UnknownHost` for "dask" when there is no client.
    """
    if isinstance(host, DaskHost):
        return host
    distributed: Any = sys.modules.get("distributed")
    client_class = getattr(distributed, "Client", None)
    if client_class is not None and isinstance(host, client_class):
        return DaskHost(host)
    if host != KIND:
        return None
    try:
        return DaskHost(distributed.Client.current())
    except (AttributeError, ValueError):
        raise UnknownHost(
            "host='dask' uses the Dask client that was made last, and there is none: make one,"
            " distributed.Client(...), or pass it, host=client"
        ) from None


def _refuse_odd_amounts(where: DaskHost) -> None:
    amounts: Mapping[str, Any] = where.resources or {}
    for resource, amount in amounts.items():
        is_amount = isinstance(amount, Real) and 0 < float(amount) < math.inf
        if not is_amount or isinstance(amount, bool):
            raise UnknownHost(
                f"resources of a Dask worker are amounts over 0, like {{'GPU': 1}}, and not"
                f" {reprlib.repr({resource: amount})}. Nothing was started"
            )
