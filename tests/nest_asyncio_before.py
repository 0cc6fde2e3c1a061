"""A plugin for pytest: nest_asyncio is applied before bgwidgets is imported.

python -m pytest -p tests.nest_asyncio_before tests/loops
"""

from __future__ import annotations

import asyncio
import sys

import nest_asyncio

from tests.nest_asyncio_leavings import closes_what_its_run_leaves

__all__ = ["closes_what_its_run_leaves"]

assert "bgwidgets" not in sys.modules

_loop = asyncio.new_event_loop()
nest_asyncio.apply(_loop)
_loop.close()
