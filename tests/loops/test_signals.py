"""A signal handler may do what the code may do that it interrupts."""

from __future__ import annotations

import asyncio
import signal
from types import FrameType
from typing import Any

from bgwidgets import LoopManager, LoopState
from tests.loops.conftest import LIMIT


def test_a_signal_handler_may_command_in_the_middle_of_a_command(manager: LoopManager):
    """It comes at the worst of moments: where a command is handed over, under its lock."""

    class Interrupted(asyncio.SelectorEventLoop):
        """A loop to which nothing can be handed without a signal."""

        def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:  # type: ignore[override] # hands them on
            """As ever, after a signal."""
            signal.raise_signal(signal.SIGUSR1)
            return super().call_soon_threadsafe(*args, **options)

    def stop(_number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        job.stop_loop()

    job = manager.start(loop_factory=Interrupted)
    before = signal.signal(signal.SIGUSR1, stop)
    try:
        job.cancel_tasks()
        assert LoopState.STOPPED == job.wait(LIMIT)
    finally:
        signal.signal(signal.SIGUSR1, before)
