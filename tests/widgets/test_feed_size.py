"""How little is sent of how much: 100 loops, of which one has 100,000 tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from bgwidgets.states import TaskState
from tests.widgets.fakes import loop, task

if TYPE_CHECKING:
    from bgwidgets.widgets.protocols import Channel, Message
    from tests.widgets.bench import Bench

LOOPS = 100
TASKS = 100_000
MOST_BYTES = 4_000


def fill(bench: Bench, step: int = 0) -> None:
    """Each task sleeps, and says how long still; each loop ran a little late in each second."""
    counts = {TaskState.PENDING: TASKS}
    history = tuple(0.001 * (1 + (second + step) % 9) for second in range(60))
    bench.source.loops = [
        loop(number, task_counts=counts, lag=0.001 * step, lag_history=history)
        for number in range(1, LOOPS + 1)
    ]
    tasks = bench.source.tasks.setdefault(LOOPS, [task(number) for number in range(TASKS)])
    tasks[:30] = [replace(each, waiting_on=f"sleep, {90 - step} s left") for each in tasks[:30]]


def size(sent: list[tuple[Channel, Message]]) -> int:
    return sum(len(json.dumps(message)) for _, message in sent)


def test_a_refresh_is_small_when_all_words_in_sight_change(bench: Bench):
    """Only what changed of the rows in sight travels, however many there are."""
    fill(bench)
    bench.open_page()
    bench.pass_time(1)
    for step in range(1, 9):
        bench.face.sent.clear()
        fill(bench, step)
        bench.pass_time(0.5)
        assert 0 < size(bench.face.sent) <= MOST_BYTES


def test_nothing_is_sent_when_nothing_changed(bench: Bench):
    """But a sign of life."""
    fill(bench)
    bench.open_page()
    bench.pass_time(3)
    bench.face.sent.clear()
    bench.pass_time(2)
    assert {"beat"} >= {message["type"] for _, message in bench.face.sent}


def test_a_loop_that_comes_in_sight_is_looked_at_closely(bench: Bench):
    """Its lag is that of this moment, and not of the last time that it was shown. One that is out
    of sight is not any more.
    """
    asked: list[object] = []
    look = bench.source.look

    def noted(closely: object = None) -> object:
        asked.append(set(closely) if isinstance(closely, set) else closely)
        return look(closely)

    bench.source.look = noted  # type: ignore[method-assign, assignment]
    bench.face.interval = 0.3  # Not when the signs of life are due.
    fill(bench)
    bench.open_page()
    bench.pass_time(1)
    in_sight = set(range(LOOPS, LOOPS - 12, -1))
    assert asked[-1] == in_sight
    bench.page("loops", type="window", view="loops1", start=50, stop=62)
    bench.pass_time(0)
    there = set(range(LOOPS - 50, LOOPS - 62, -1))
    assert there <= asked[-1]
    bench.stay_alive(3)
    assert asked[-1] == there | {LOOPS}, "and the selected one"
    bench.page("loops", type="sort", column="lag", descending=True)
    bench.pass_time(1)
    assert asked[-1] == set(range(1, LOOPS + 1))
    bench.face.paused = True
    bench.pass_time(1)
    assert asked[-1] is None
