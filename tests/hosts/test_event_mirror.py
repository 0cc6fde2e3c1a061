"""A stop event that is one in two processes comes out the same on both sides."""

from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgwidgets.hosts.event_mirror import EventMirror
from bgwidgets.hosts.messages import SetEvent


class Sides:
    """The kernel's and the child's, and what is on its way to each."""

    def __init__(self) -> None:
        self.to_child: deque[SetEvent] = deque()
        self.to_kernel: deque[SetEvent] = deque()
        self.kernel = EventMirror(self.to_child.append, is_kernels=True)
        self.child = EventMirror(self.to_kernel.append, is_kernels=False)

    def do(self, what: str) -> None:
        """One step: somebody sets or clears it, or a message arrives."""
        match what:
            case "kernel sets":
                self.kernel.event.set()
            case "kernel clears":
                self.kernel.event.clear()
            case "child sets":
                self.child.event.set()
            case "child clears":
                self.child.event.clear()
            case "kernel hears" if self.to_kernel:
                self.kernel.take(self.to_kernel.popleft())
            case "child hears" if self.to_child:
                self.child.take(self.to_child.popleft())

    def settle(self) -> tuple[bool, bool]:
        """How it stands on both sides when all has arrived."""
        while self.to_kernel:
            self.do("kernel hears")
        while self.to_child:
            self.do("child hears")
        return self.kernel.event.is_set(), self.child.event.is_set()


STEPS = [
    *(f"{who} {what}" for who in ("kernel", "child") for what in ("sets", "clears", "hears")),
]


@given(st.lists(st.sampled_from(STEPS), max_size=30))
def test_both_sides_agree_whatever_crosses(steps: list[str]):
    sides = Sides()
    for step in steps:
        sides.do(step)
    here, there = sides.settle()
    assert here == there


@pytest.mark.parametrize(
    "order", [("kernel sets", "child clears"), ("child clears", "kernel sets")]
)
def test_a_stop_that_crosses_with_the_works_clearing_stays(order: tuple[str, str]):
    sides = Sides()
    for step in order:
        sides.do(step)
    assert (True, True) == sides.settle()


def test_what_came_later_counts():
    sides = Sides()
    sides.do("kernel sets")
    sides.do("child hears")
    sides.do("child clears")
    assert (False, False) == sides.settle()


def test_a_change_that_comes_between_a_setting_and_its_telling_is_overtaken(
    monkeypatch: pytest.MonkeyPatch,
):
    """The flag is what was told, and not what came while it was set."""
    sides = Sides()
    sides.do("child clears")
    be = sides.kernel.event.be

    def be_late(*, is_set: bool) -> None:
        be(is_set=is_set)
        monkeypatch.undo()
        sides.do("kernel hears")

    monkeypatch.setattr(sides.kernel.event, "be", be_late)
    sides.do("kernel sets")
    assert (True, True) == sides.settle()
