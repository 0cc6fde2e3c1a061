"""Tests that stand in for CPython's: one that cannot see a watch, and some that do."""

from __future__ import annotations

import asyncio
import unittest


async def _kind_of_task() -> type:
    return type(asyncio.current_task())


class Cases(unittest.TestCase):
    """Each on a loop of its own."""

    def test_that_sees_nothing(self) -> None:
        """Passes anyway."""
        asyncio.run(asyncio.sleep(0))

    def test_that_sees_the_ledger(self) -> None:
        """Fails where tasks are of our class."""
        self.assertIs(asyncio.run(_kind_of_task()), asyncio.Task)  # noqa: PT009 - it is unittest's

    def test_that_sees_the_heartbeat(self) -> None:
        """Fails where the loop has been given something to do."""
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        loop.call_soon(loop.stop)
        loop.run_forever()
        timers = [str(each) for each in loop._scheduled]  # type: ignore[attr-defined]
        self.assertEqual([], timers)  # noqa: PT009

    def test_that_fails_anyway(self) -> None:
        """It is nobody's fault."""
        self.fail("as it always does")

    def test_that_is_skipped(self) -> None:
        """It does not apply."""
        self.skipTest("not here")
