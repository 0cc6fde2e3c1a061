"""A plugin for pytest: nest_asyncio is applied after bgwidgets was imported and used.

python -m pytest -p tests.nest_asyncio_after tests/loops
"""

from __future__ import annotations

import asyncio

import nest_asyncio

import bgwidgets
from tests.nest_asyncio_leavings import closes_what_its_run_leaves

__all__ = ["closes_what_its_run_leaves"]

bgwidgets.start().stop(10)
bgwidgets.manager.remove_finished()
_loop = asyncio.new_event_loop()
nest_asyncio.apply(_loop)
_loop.close()
