"""Looks at a loop in another process: who looks waits for what lives, and not for what is dead.

The other process is a list of what it was asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from bgwidgets import LoopSnapshot, LoopState, TaskState
from bgwidgets.hosts.last_known import LastKnown
from bgwidgets.hosts.messages import (
    Answer,
    Ask,
    WantFigures,
    WantHistory,
    WantMetrics,
    WantWindow,
)
from bgwidgets.hosts.questions import Questions, Unanswered
from bgwidgets.hosts.remote_looks import KEPT_UP_AT_FIRST, KEPT_UP_EVERY, RemoteLooks
from bgwidgets.snapshots import TaskWindow, WindowRequest
from tests.hosts.conftest import AT_ONCE, LIMIT
from tests.waiting import until

REQUEST = WindowRequest(stop=40, filter="new")
WINDOW = TaskWindow(tasks=(), start=0, total=7, as_of=1.0)
MANY = 100_000
"""Tasks: a list of some of them may take two seconds."""


class Far:
    """The other process: what it was asked, and how often for a sign of life."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.signs_asked = 0
        self.gives_signs = False
        blank = LoopSnapshot(
            id=1, name="far", host="process", state=LoopState.RUNNING, run_number=1, as_of=1.0
        )
        known = LastKnown(blank)
        known.snapshot = LoopSnapshot(
            id=1,
            name="far",
            host="process",
            state=LoopState.RUNNING,
            run_number=1,
            task_counts={TaskState.PENDING: MANY},
            as_of=1.0,
        )
        self.questions = Questions(self.asked.append)
        self.looks = RemoteLooks("far", known, self.questions, lambda: True, self._asked_for_sign)

    def _asked_for_sign(self) -> None:
        self.signs_asked += 1
        if self.gives_signs:
            self.looks.heard()

    def answer(self, value: Any) -> None:
        """Answer what it was asked last."""
        self.looks.heard()
        self.questions.answered(Answer(self.asked[-1].number, value))


@pytest.fixture
def far() -> Far:
    return Far()


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Somebody who looks meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def look(far: Far, beside: ThreadPoolExecutor) -> Future[TaskWindow]:
    asked = len(far.asked)
    looking = beside.submit(far.looks.task_window, REQUEST)
    until(lambda: len(far.asked) > asked)
    return looking


def test_what_gives_no_sign_of_life_is_waited_for_a_tenth_of_a_second(far: Far):
    """However many tasks it has; and the next look does not wait at all."""
    began = time.monotonic()
    assert 0 == far.looks.task_window(REQUEST).total
    took = time.monotonic() - began
    assert 0.09 < took < 0.25
    assert 1 == far.signs_asked
    began = time.monotonic()
    far.looks.task_window(REQUEST)
    assert time.monotonic() - began < 0.09


def test_what_lives_and_takes_its_time_is_waited_for(far: Far, beside: ThreadPoolExecutor):
    far.gives_signs = True
    looking = look(far, beside)
    until(lambda: far.signs_asked > 5)
    assert not looking.done()
    far.answer(WINDOW)
    assert WINDOW == looking.result(LIMIT)


def test_an_answer_that_comes_at_once_asks_for_no_sign(far: Far, beside: ThreadPoolExecutor):
    looking = look(far, beside)
    far.answer(WINDOW)
    assert WINDOW == looking.result(LIMIT)
    assert far.signs_asked <= 1  # This machine may be slow.


def test_an_answer_that_comes_too_late_is_there_for_the_next_look(far: Far):
    far.looks.task_window(REQUEST)
    far.answer(WINDOW)
    assert WINDOW == far.looks.task_window(REQUEST)


def test_who_waits_patiently_waits_no_longer_when_it_is_taken_to_hang(
    far: Far, beside: ThreadPoolExecutor
):
    """Of a later silence those who wait then are told anew."""
    for _ in range(2):
        asked = len(far.asked)
        patient = beside.submit(far.looks.ask_patiently, WantHistory(), LIMIT)
        until(lambda asked=asked: len(far.asked) > asked)  # type: ignore[misc]
        far.questions.doubt()
        with pytest.raises(Unanswered):
            patient.result(AT_ONCE)


def test_what_nobody_looks_at_is_asked_for_now_and_then(far: Far):
    """While there is news, and never twice at the same time: it may be gone without a word."""
    wanted = [WantWindow, WantMetrics, WantFigures]
    far.looks.told(is_news=False)
    assert [] == far.asked
    far.looks.told(is_news=True)
    assert wanted == [type(each.question) for each in far.asked]
    far.looks.told(is_news=True)
    assert 3 == len(far.asked)
    answer_all(far)
    far.looks.told(is_news=True)
    assert 3 == len(far.asked)
    until(lambda: has_asked_again(far, 3, is_news=False))
    assert 2 * wanted == [type(each.question) for each in far.asked]


def test_a_young_loop_is_asked_more_often(far: Far):
    """It makes its tasks just now, and may be gone, or silent, right after."""
    times = []
    for number in range(4):
        until(partial(has_asked_again, far, 3 * number, is_news=True))
        times.append(time.monotonic())
        answer_all(far)
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[0] < KEPT_UP_EVERY / 2
    assert all(pause > 0.9 * KEPT_UP_AT_FIRST * 2**n for n, pause in enumerate(pauses))


def has_asked_again(far: Far, before: int, *, is_news: bool) -> bool:
    """Whether it has, when it is told something once more."""
    far.looks.told(is_news=is_news)
    return len(far.asked) > before


def answer_all(far: Far) -> None:
    """As a loop does of which nothing is new."""
    for asked in far.asked:
        value = WINDOW if isinstance(asked.question, WantWindow) else None
        far.questions.answered(Answer(asked.number, value))
