"""Paused, what is shown stands still."""

from __future__ import annotations

from bgwidgets.commands import SetStopEvent
from bgwidgets.widgets.items import Changed, Refresh, SettingChanged
from bgwidgets.widgets.protocols import Action
from tests.widgets.bench import Bench, names, start, storm
from tests.widgets.fakes import NOW, loop, task


def test_a_pause_lets_nothing_change(bench: Bench):
    """Neither the interval nor what happens shows; but the kernel is heard."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    assert bench.frames("loops")[-1]["head"]["paused"] is True
    storm(bench, 5)
    bench.give(Changed())
    bench.stay_alive(8)
    assert {message["type"] for _, message in bench.take()} == {"beat"}
    assert bench.face.selected == 1


def test_a_paused_table_can_be_scrolled(bench: Bench):
    """Through what was when it was paused."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(500)]
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    storm(bench, 5)
    bench.take()
    bench.page("tasks", type="window", view="tasks1", start=480, stop=482)
    [frame] = bench.frames("tasks")
    assert (names(frame), frame["total"]) == (["task-480", "task-481"], 500)


def test_ages_stand_still_in_a_pause(bench: Bench):
    """By the time that is told to the page, whenever it asks."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(500)]
    bench.open_page()
    bench.pass_time(3)
    bench.page("loops", type="pause", paused=True)
    bench.pass_time(3)
    bench.page("tasks", type="window", view="tasks1", start=480, stop=482)
    heads = [message["head"] for _, message in bench.take() if message["type"] == "frame"]
    assert [head["now"] for head in heads if head.get("paused")] == [NOW + 3, NOW + 3]
    assert heads[-1]["now"] == NOW + 3


def test_a_pause_copies_the_tasks_at_once(bench: Bench):
    """Not when somebody scrolls there: it is the moment of the pause that is shown."""
    start(bench, 1)
    bench.give(SettingChanged())
    bench.face.paused = True
    bench.give(SettingChanged())
    bench.source.tasks[1] = []
    bench.open_page()
    assert names(bench.frames("tasks")[0]) == ["task-101"]


def test_a_new_page_sees_the_pause(bench: Bench):
    """Reloading is no way out of it."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    storm(bench, 5)
    bench.take()
    bench.open_page(loops="loops2", tasks="tasks2")
    sent = dict(bench.take())
    assert (names(sent["loops"]), names(sent["tasks"])) == (["loop-1"], ["task-101"])


def test_the_buttons_work_in_a_pause(bench: Bench):
    """And it is said, though it does not show in the table."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.take()
    bench.click(Action.STOP_EVENT)
    assert bench.source.executed == [SetStopEvent(1)]
    assert bench.said() == [("info", "Stop event set on loop-1")]


def test_after_a_pause_everything_is_shown_at_once(bench: Bench):
    """Nobody waits for the interval."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.source.loops = [loop(1, name="other")]
    bench.give(Changed())
    bench.pass_time(1)
    bench.take()
    bench.page("loops", type="pause", paused=False)
    assert names(bench.frames("loops")[0]) == ["other"]
    bench.source.loops = [loop(1, name="third")]
    bench.pass_time(1)
    assert names(bench.frames("loops")[0]) == ["third"]


def test_refresh_looks_once_in_a_pause(bench: Bench):
    """Which goes on afterwards."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.source.loops = [loop(1, name="other")]
    bench.take()
    bench.give(Refresh())
    assert names(bench.frames("loops")[0]) == ["other"]
    bench.source.loops = [loop(1, name="third")]
    bench.pass_time(1)
    assert bench.frames("loops") == []


def test_another_loop_can_be_looked_at_in_a_pause(bench: Bench):
    """Its tasks then stand still too."""
    start(bench, 1, 2)
    bench.open_page()
    bench.page("loops", type="pause", paused=True)
    bench.take()
    bench.page("loops", type="select", loop=1)
    assert names(bench.frames("tasks")[0]) == ["task-101"]
    bench.source.tasks[1] = []
    bench.pass_time(1)
    assert bench.frames("tasks") == []
