"""An adopted loop's pulse: seen as one of ours, and gone without a trace when it is let go."""

from __future__ import annotations

import asyncio
import threading

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager
from bgwidgets.observe.watchdog import watchdog
from tests.adoption.conftest import LIMIT, until
from tests.adoption.test_adopting import Running, for_ever
from tests.loop_factories import LOOP_FACTORIES, LoopFactory


async def block(gate: threading.Event) -> None:
    """Until it is let go."""
    gate.wait(LIMIT)


@pytest.fixture(params=LOOP_FACTORIES)
def loop_factory(request: pytest.FixtureRequest) -> LoopFactory:
    factory: LoopFactory = request.param
    return factory


@pytest.mark.parametrize("protected", [True, False])
def test_a_block_is_named_and_the_lag_is_known(
    manager: LoopManager, loop_factory: LoopFactory, protected: bool
):
    """Also of one that is protected."""
    running, gate = Running(loop_factory()), threading.Event()
    job = manager.adopt(running.loop, protected=protected)
    until(lambda: job.snapshot().lag is not None)
    assert job.snapshot().blocked is False
    running.spawn(block(gate))
    until(lambda: job.snapshot().blocked)
    assert " · test_pulse.py:" in (job.snapshot().blocked_by or "")
    gate.set()
    until(lambda: job.snapshot().blocked is False)
    running.loop.call_soon_threadsafe(running.loop.stop)
    running.owner.join()
    assert job.wait(LIMIT).has_ended
    running.loop.close()  # Of a protected one that is its owner's affair.


def test_an_interruption_is_refused(manager: LoopManager):
    """Nobody would let it back in; and a protected one takes no command at all."""
    running, gate = Running(asyncio.new_event_loop()), threading.Event()
    job = manager.adopt(running.loop)
    running.spawn(block(gate))
    until(lambda: job.snapshot().blocked)
    with pytest.raises(bgw.CannotInterrupt, match="was started elsewhere"):
        job.interrupt()
    gate.set()
    job.stop(0)
    running.owner.join()

    running = Running(asyncio.new_event_loop())
    other = manager.adopt(running.loop, protected=True)
    until(lambda: other.snapshot().lag is not None)
    with pytest.raises(bgw.ProtectedLoop):
        other.interrupt()
    running.loop.call_soon_threadsafe(running.loop.stop)
    running.owner.join()
    assert other.wait(LIMIT).has_ended
    running.loop.close()


def test_nothing_beats_in_a_loop_that_was_let_go(manager: LoopManager):
    """The watch is over with the run."""
    running = Running(asyncio.new_event_loop())
    job = manager.adopt(running.loop)
    until(lambda: job.snapshot().lag is not None)
    running.spawn(for_ever())  # Only now: before that nobody holds it, and it may be collected.
    until(lambda: len(job.tasks) == 1)
    job.stop_loop()
    assert job.wait(LIMIT).has_ended
    running.owner.join()
    assert not [beat for beat in list(watchdog._heartbeats.values()) if beat.loop is running.loop]
    assert (None, None) == (job.snapshot().blocked, job.snapshot().lag)
