"""Everything that can be asked of loops, in any order and from several threads at once: what there
is afterwards is what a plain model says, and nobody waits for ever.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bgwidgets import loop_manager
from tests.properties.machine import Loops

STEPS_OF_ONE = 50
"""Steps of one machine, of which each has a manager of its own."""
MANY = 10_000

EACH = settings(
    deadline=None,
    stateful_step_count=STEPS_OF_ONE,
    database=None,
    # Threads never do the same twice, so a failure is shown as it was found.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.fixture(autouse=True)
def threads_take_turns_often() -> Iterator[None]:
    """So that they come between each other where they seldom would."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.fixture(autouse=True)
def nobody_is_given_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that takes no notice of its stop event would else hold up each replacement."""
    monkeypatch.setattr(loop_manager, "REPLACE_GRACE", 0.0)


def test_some_hundred_steps():
    """The same each time."""
    run_state_machine_as_test(Loops, settings=settings(EACH, max_examples=24, derandomize=True))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_thousand_steps():
    """Others each time."""
    before = Loops.steps
    while Loops.steps < before + MANY:
        run_state_machine_as_test(Loops, settings=settings(EACH, max_examples=20))
