"""A plugin for pytest: nest_asyncio is applied before bgwidgets is imported.

python -m pytest -p tests.nest_asyncio_before tests/loops
"""

from __future__ import annotations

import asyncio
import sys

import nest_asyncio

assert "bgwidgets" not in sys.modules

_loop = asyncio.new_event_loop()
nest_asyncio.apply(_loop)
_loop.close()
