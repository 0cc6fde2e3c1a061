"""How much the pages are told: ten messages a second, and the right ones."""

from __future__ import annotations

import itertools
import statistics

import pytest

from bgwidgets.states import TaskState
from bgwidgets.widgets.budget import MOST
from bgwidgets.widgets.items import Changed
from bgwidgets.widgets.protocols import Action
from tests.widgets.bench import PROMPT, Bench, start, storm
from tests.widgets.fakes import ended_loop, loop


def test_there_are_never_more_than_ten_messages_in_a_second(bench: Bench):
    """Whatever changes, however many pages look, and whatever their users do."""
    bench.face.interval = 0.2
    for page in "abc":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
    for step in range(400):
        storm(bench, step)
        bench.give(Changed())
        if step % 3 == 0:
            bench.page("tasks", type="window", view=f"tasks{'abc'[step % 9 // 3]}", start=step,
                       stop=step + 20)  # fmt: skip
            bench.page("loops", type="select", loop=1 + step % 9)
        if step % 5 == 0:
            bench.click(Action.STOP_EVENT)
        bench.pass_time(0.01)
    assert 8 <= bench.most_in_a_second() <= MOST


def test_a_click_is_answered_at_once_in_a_storm(bench: Bench):
    """What refreshes leave is enough for it, at the shortest interval too."""
    bench.face.interval = 0.2
    bench.open_page()
    for step in range(100):
        storm(bench, step)
        bench.give(Changed())
        bench.pass_time(0.05)
    for step in range(3):
        bench.take()
        bench.click(Action.STOP_EVENT)
        storm(bench, step)
        bench.pass_time(PROMPT)
        sent = [channel for channel, message in bench.take() if message["type"] != "button"]
        assert sent[:2] == ["status", "loops"]
        for _ in range(20):
            storm(bench, step)
            bench.pass_time(0.05)


@pytest.mark.parametrize("pace", [0.25, 0.5, 1.0, 1.5])
def test_one_click_after_the_other_is_answered_at_once(bench: Bench, pace: float):
    """Select a loop, stop it, and so on: what a click does shows within 0.1 s, in the median."""
    loops = [loop(number) for number in range(1, 21)]
    start(bench, *range(1, 21))
    bench.open_page()
    bench.page("loops", type="window", view="loops1", start=0, stop=20)
    latencies = []
    for place, clicked in enumerate(loops):
        bench.pass_time(pace)
        bench.page("loops", type="alive", view="loops1")
        bench.page("tasks", type="alive", view="tasks1")
        bench.page("loops", type="select", loop=clicked.id)
        bench.pass_time(PROMPT)
        assert not bench.face.disabled[Action.STOP_EVENT]
        began = bench.now
        bench.click(Action.STOP_EVENT)
        bench.source.loops[place] = ended_loop(clicked.id)
        bench.source.tasks[clicked.id] = []
        bench.give(Changed())
        bench.pass_time(PROMPT)
        while not any(
            row["id"] == clicked.id and row["state"] == "finished"
            for frame in bench.frames("loops")
            for _, row in frame["rows"]
        ):
            assert bench.now - began < 1
            bench.pass_time(0.01)
        latencies.append(bench.now - began)
    assert statistics.median(latencies) <= 0.1
    assert bench.most_in_a_second() <= MOST


def test_a_click_leaves_room_for_the_next(bench: Bench):
    """However much changes after it, the answer is a few messages and not all ten."""
    bench.face.interval = 0.2
    start(bench, 1)
    bench.open_page()
    bench.stay_alive(3)
    bench.take()
    bench.click(Action.STOP_EVENT)
    for step in range(20):
        bench.source.loops = [loop(1, task_counts={TaskState.PENDING: step})]
        bench.give(Changed())
        bench.pass_time(0.05)
    assert 3 <= len(bench.take()) <= 6


def test_no_page_is_left_without_a_word_in_a_storm(bench: Bench):
    """After 2.5 seconds it would say that contact is lost: not by any table of any page."""
    bench.face.interval = 0.2
    for page in "abc":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
    for step in range(1000):
        storm(bench, step)
        bench.page("tasks", type="window", view="tasksa", start=step, stop=step + 20)
        if step % 100 == 0:
            for page in "abc":
                bench.page("loops", type="alive", view=f"loops{page}")
                bench.page("tasks", type="alive", view=f"tasks{page}")
        bench.pass_time(0.02)
    for channel in ("loops", "tasks"):
        moments = [sent.at for sent in bench.log if sent.channel == channel]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert max(gaps) < 2.5


def test_no_table_is_left_without_a_word_in_a_flood_of_clicks(bench: Bench):
    """Not the tasks, while the loops and the status line have so much to say."""
    start(bench, 1)
    bench.open_page()
    for step in range(400):
        storm(bench, step)
        bench.click(Action.STOP_EVENT)
        if step % 20 == 0:
            bench.page("loops", type="alive", view="loops1")
            bench.page("tasks", type="alive", view="tasks1")
        bench.pass_time(0.03)
    for channel in ("loops", "tasks"):
        moments = [sent.at for sent in bench.log if sent.channel == channel]
        gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
        assert max(gaps) < 2.5
    assert bench.most_in_a_second() <= MOST


def test_pages_take_turns(bench: Bench):
    """When there is not enough for all, none is left behind."""
    bench.face.interval = 0.2
    for page in "abcde":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
    bench.take()
    for step in range(100):
        storm(bench, step)
        bench.pass_time(0.1)
    views = [message["view"] for _, message in bench.take() if message["type"] == "frame"]
    counts = [views.count(f"{table}{page}") for table in ("loops", "tasks") for page in "abcde"]
    assert min(counts) > 0
    assert max(counts) - min(counts) <= 1
