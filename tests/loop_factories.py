"""The kinds of event loops that a user may bring, as parameters of tests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvloop

LoopFactory = Callable[[], asyncio.AbstractEventLoop]


def eager_loop() -> asyncio.AbstractEventLoop:
    """Python 3.12's eager tasks: they run up to their first wait before `create_task` returns."""
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)  # type: ignore[attr-defined] # not on 3.11
    return loop


LOOP_FACTORIES = [
    pytest.param(asyncio.new_event_loop, id="asyncio"),
    pytest.param(uvloop.new_event_loop, id="uvloop"),
]
if hasattr(asyncio, "eager_task_factory"):  # which came with Python 3.12
    LOOP_FACTORIES.append(pytest.param(eager_loop, id="eager"))
