"""nest_asyncio's `asyncio.run` leaves its loop behind as the thread's, for the next one. What then
sets another, as `asyncio.Runner` does, drops it unclosed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def closes_what_its_run_leaves() -> Iterator[None]:
    """After each test, so that none is blamed for what an earlier one has left."""
    yield
    policy: Any = asyncio.get_event_loop_policy()
    loop = policy._local._loop  # To ask for it would make one.
    if loop is not None and not loop.is_running():
        loop.close()
        policy.set_event_loop(None)
