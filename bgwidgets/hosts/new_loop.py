"""The event loop of one run, as its plan wants it: made here for every kind of host."""

from __future__ import annotations

import asyncio
import errno
from typing import Final

from bgwidgets.exceptions import InvalidWork
from bgwidgets.hosts.protocol import LoopPlan
from bgwidgets.hosts.reentrance import make_reentrant, nested_runs
from bgwidgets.observe.asyncio_internals import close_half_made

NO_MORE_FILES: Final = {errno.EMFILE, errno.ENFILE}


def new_loop(plan: LoopPlan) -> asyncio.AbstractEventLoop:
    """Make it, in the thread that is to run it. Raises `InvalidWork`, or what the factory raises.

    One that is `nested` is to be taken out of `nested_runs` when it is closed.
    """
    try:
        loop = plan.loop_factory()
    except BaseException as error:
        close_half_made(error)
        if isinstance(error, OSError) and error.errno in NO_MORE_FILES:
            error.add_note(
                "An event loop takes 3 file descriptors, and this process has no more of them:"
                " stop loops, close files, or raise the limit (resource.setrlimit, ulimit -n)."
                " Nothing was started"
            )
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
