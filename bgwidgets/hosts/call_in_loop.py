"""Handing a callback to a loop from any thread, whatever its owner has made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context


def call_in_loop(
    loop: asyncio.AbstractEventLoop, callback: Callable[[], object], context: Context | None = None
) -> bool:
    """Whether the loop took it. Any thread; does not block.

    One that is closed does not, with a RuntimeError. And work may have put something else in the
    place of its loop's method, or broken what that needs: whatever it raises is the loop's trouble,
    and not that of whoever asks. To him it is as a loop that does not listen.
    """
    try:
        loop.call_soon_threadsafe(callback, context=context)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True
