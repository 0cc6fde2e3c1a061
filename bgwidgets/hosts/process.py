"""The process host: one event loop in one child process of this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from bgwidgets.exceptions import CannotCross, InvalidWork
from bgwidgets.hosts.child_link import ChildLink
from bgwidgets.hosts.child_process import refuse_elsewhere
from bgwidgets.hosts.crossing import pack, refuse_without_cloudpickle
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.hosts.remote_host import RemoteHost
from bgwidgets.work import Work, WorkKind

KIND: Final = "process"

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


class ProcessHosts:
    """Makes the hosts of one loop, one for each run.

    All that can be refused is refused before anything starts: the system, a missing cloudpickle,
    and work that cannot be brought to another process.
    """

    def __init__(self, work: Work, loop_factory: LoopFactory) -> None:
        """Raises `UnknownHost`, ImportError or `InvalidWork`. Blocks while the work is pickled."""
        refuse_elsewhere()
        refuse_without_cloudpickle()
        self._first: bytes | None = pack_work(work, loop_factory)

    def __call__(self, plan: LoopPlan) -> RemoteHost:
        """The host of one run."""

        def parcel() -> bytes:
            packed, self._first = self._first, None
            # A later run is given what the arguments are then.
            return pack_work(plan.work, plan.loop_factory) if packed is None else packed

        return RemoteHost(plan, kind=KIND, parcel=parcel, connect=ChildLink)


def pack_work(work: Work, loop_factory: LoopFactory) -> bytes:
    """The work and its loop's factory as bytes. Raises `InvalidWork`, which names the culprit."""
    if work.kind is WorkKind.COROUTINE:
        raise InvalidWork(
            "a coroutine object cannot be brought to another process: start the function with its"
            f" arguments instead, as in bgw.start({work.name}, ..., host={KIND!r})"
        )
    arguments = [*work.args, *work.kwargs.values(), loop_factory]
    names = [
        *(f"argument {number}" for number in range(1, len(work.args) + 1)),
        *(f"argument {name!r}" for name in work.kwargs),
        "loop_factory",
    ]
    try:
        # In one piece, so that what two of them share is shared there, too.
        return pack(
            (work.target, *arguments, len(work.args), tuple(work.kwargs)),
            names=(work.qualified_name, *names, "", ""),
        )
    except CannotCross as error:
        raise InvalidWork(f"{error}. Nothing was started") from error
