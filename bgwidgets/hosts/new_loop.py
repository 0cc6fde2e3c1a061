"""The event loop of one run, as its plan wants it: made here for every kind of host."""

from __future__ import annotations

import asyncio

from bgwidgets.exceptions import InvalidWork
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.hosts.reentrance import make_reentrant, nested_runs


def new_loop(plan: LoopPlan) -> asyncio.AbstractEventLoop:
    """Make it, in the thread that is to run it. Raises `InvalidWork`, or what the factory raises.

    One that is `nested` is to be taken out of `nested_runs` when it is closed.
    """
    loop = plan.loop_factory()
    if not isinstance(loop, asyncio.AbstractEventLoop):
        raise InvalidWork(
            f"loop_factory must return a new event loop, and returned {type(loop).__name__}"
        )
    if loop.is_running() or loop.is_closed():
        what = "is running already" if loop.is_running() else "is closed"
        raise InvalidWork(f"loop_factory must return a new event loop, and this one {what}")
    if plan.nested:
        try:
            make_reentrant(loop)
        except InvalidWork:
            loop.close()
            raise
        nested_runs.add(loop)
    return loop
