"""A plugin for pytest: nest_asyncio is applied after bgwidgets was imported and used.

python -m pytest -p tests.nest_asyncio_after tests/loops
"""

from __future__ import annotations

import asyncio

import nest_asyncio

import bgwidgets

bgwidgets.start().stop(10)
bgwidgets.manager.remove_finished()
_loop = asyncio.new_event_loop()
nest_asyncio.apply(_loop)
_loop.close()
