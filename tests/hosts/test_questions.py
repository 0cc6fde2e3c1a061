"""Questions to a loop that is somewhere else: what is answered, what is not, and for how long."""

from __future__ import annotations

import itertools
import time

import pytest

from bgwidgets.hosts import questions as module
from bgwidgets.hosts.messages import Answer, Ask, RunMore, WantHistory
from bgwidgets.hosts.questions import LONGEST_TICK, Questions, Unanswered
from tests.hosts.conftest import AT_ONCE


class Clock:
    """Each look at it comes a second after the last one."""

    def __init__(self) -> None:
        self.monotonic = itertools.count().__next__


def test_who_asks_gets_the_answer():
    def send(ask: Ask) -> None:
        questions.answered(Answer(ask.number, "the answer"))

    kept: list[str] = []
    questions = Questions(send)
    assert "the answer" == questions.ask(WantHistory(), AT_ONCE, kept.append)
    assert ["the answer"] == kept


def test_an_answer_that_does_not_come_is_not_waited_for():
    questions = Questions(lambda _: None)
    began = time.monotonic()
    with pytest.raises(Unanswered):
        questions.ask(WantHistory(), 0.01, lambda _: None)
    assert time.monotonic() - began < AT_ONCE
    questions.close()
    with pytest.raises(Unanswered):
        questions.ask(WantHistory(), AT_ONCE * 10, lambda _: None)
    assert time.monotonic() - began < AT_ONCE


def test_it_is_known_how_long_the_oldest_waits(monkeypatch: pytest.MonkeyPatch):
    """As far as somebody listened: the time in which this process stood still is not counted."""
    monkeypatch.setattr(module, "time", Clock())
    questions = Questions(lambda _: None)
    questions.put(RunMore(b"", None))
    assert 0 == questions.overdue()
    number = questions.new_number()
    questions.put(WantHistory(), module.Waiting(), number=number)
    assert [LONGEST_TICK, 2 * LONGEST_TICK] == [questions.overdue(), questions.overdue()]
    questions.answered(Answer(number))
    assert 0 == questions.overdue()


def test_what_was_not_asked_after_all_is_not_waited_for():
    def interrupted(_: Ask) -> None:
        raise KeyboardInterrupt

    questions = Questions(interrupted)
    with pytest.raises(KeyboardInterrupt):
        questions.put(WantHistory(), module.Waiting())
    assert 0 == questions.overdue()
