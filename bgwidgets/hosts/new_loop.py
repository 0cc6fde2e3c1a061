"""The event loop of one run, as its plan wants it: made here for every kind of host."""

from __future__ import annotations

import asyncio

from bgwidgets.exceptions import InvalidWork
from bgwidgets.hosts.no_more_files import LOOP, say_what_to_do
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.hosts.reentrance import make_reentrant, nested_runs
from bgwidgets.observe.asyncio_internals import close_half_made


def new_loop(plan: LoopPlan) -> asyncio.AbstractEventLoop:
    """Make it, in the thread that is to run it. Raises `InvalidWork`, or what the factory raises.

    One that is `nested` is to be taken out of `nested_runs` when it is closed.
    """
    try:
        loop = plan.loop_factory()
    except BaseException as error:
        close_half_made(error)
        say_what_to_do(error, LOOP)
        raise
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
