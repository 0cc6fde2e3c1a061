"""What the pages are told, and when: without a thread, and with the test's own clock."""

from __future__ import annotations

from typing import Any

from bgwidgets.commands import StopLoop
from bgwidgets.snapshots import WindowRequest
from bgwidgets.states import TaskState
from bgwidgets.widgets.items import Changed, SettingChanged
from bgwidgets.widgets.protocols import Action
from tests.widgets.bench import PROMPT, Bench, names, start
from tests.widgets.fakes import NOW, ended_loop, loop, task

# -- answers


def test_hello_is_answered_with_everything(bench: Bench):
    """At once: the rows, the head, and what the status line says."""
    start(bench, 1)
    bench.open_page()
    sent = dict(bench.take())
    assert (sent["loops"]["full"], names(sent["loops"])) == (True, ["loop-1"])
    assert sent["loops"]["head"]["selected"] == 1
    assert sent["loops"]["head"]["now"] == NOW
    assert (sent["tasks"]["full"], names(sent["tasks"])) == (True, ["task-101"])
    assert sent["tasks"]["head"]["loop"] == 1
    assert sent["status"]["text"].startswith("loop-1 · run 1")
    assert bench.now == 0


def test_afterwards_only_what_changed_is_sent(bench: Bench):
    """A row's change is that row; nothing at all is nothing at all."""
    start(bench, 1, 2)
    bench.open_page()
    bench.take()
    bench.face.interval = 0.3
    bench.give(SettingChanged())
    bench.take()
    bench.pass_time(0.7)
    assert bench.take() == []
    bench.source.loops[0] = loop(1, task_counts={TaskState.PENDING: 5})
    bench.pass_time(0.25)
    [(channel, frame)] = bench.take()
    assert (channel, frame["full"], frame["rows"][0][1]["unfinished"]) == ("loops", False, 5)
    assert [place for place, _ in frame["rows"]] == [1]
    assert frame["head"].keys() == {"tasks", "counts", "now"}


def test_a_change_shows_at_the_interval_that_was_chosen(bench: Bench):
    """Two seconds are two seconds, also when it was just half of one."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="interval", seconds=2)
    assert bench.frames("loops")[-1]["head"]["interval"] == 2
    bench.source.loops[0] = loop(1, name="other")
    bench.pass_time(1.9)
    assert bench.frames("loops") == []
    bench.pass_time(0.2)
    assert names(bench.frames("loops")[0]) == ["other"]


def test_a_scrolled_table_gets_its_rows_at_once(bench: Bench):
    """All of them, for the page waits for a full frame."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(1000)]
    bench.open_page()
    bench.take()
    bench.page("tasks", type="window", view="tasks1", start=500, stop=503)
    [frame] = bench.frames("tasks")
    assert (frame["full"], frame["start"], frame["total"]) == (True, 500, 1000)
    assert names(frame) == ["task-500", "task-501", "task-502"]


def test_two_pages_see_each_its_own_rows(bench: Bench):
    """They are scrolled to different places, and numbered each by itself."""
    start(bench, 1)
    bench.source.tasks[1] = [task(number) for number in range(1000)]
    bench.open_page()
    bench.open_page(loops="loops2", tasks="tasks2")
    bench.page("tasks", type="window", view="tasks2", start=7, stop=8)
    by_view: dict[str, list[Any]] = {}
    for frame in bench.frames("tasks"):
        by_view.setdefault(frame["view"], []).append(frame)
    assert [len(frame["rows"]) for frame in by_view["tasks1"]] == [15]
    assert [names(frame) for frame in by_view["tasks2"]][1:] == [["task-7"]]
    assert [frame["seq"] for frame in by_view["tasks2"]] == [1, 2]


def test_a_click_on_a_loop_shows_its_tasks(bench: Bench):
    """And the buttons act on it from then on."""
    start(bench, 1, 2)
    bench.open_page()
    bench.take()
    bench.page("loops", type="select", loop=1)
    sent = dict(bench.take())
    assert sent["loops"]["head"]["selected"] == 1
    assert (sent["tasks"]["head"]["loop"], names(sent["tasks"])) == (1, ["task-101"])
    assert sent["status"]["text"].startswith("loop-1")
    assert (bench.face.selected, bench.face.chosen) == (1, 1)
    bench.click(Action.STOP_LOOP)
    assert bench.source.executed == [StopLoop(1)]


def test_a_loop_that_is_gone_cannot_be_selected(bench: Bench):
    """The page may show it for a moment longer."""
    start(bench, 1)
    bench.open_page()
    bench.page("loops", type="select", loop=99)
    assert bench.said() == [("error", "That loop is not listed any more")]
    assert bench.face.chosen is None


def test_sorting_is_answered_by_the_tables_own_order(bench: Bench):
    """Loops are sorted here, tasks where they are; each table by itself."""
    start(bench, 1, 2)
    bench.open_page()
    bench.take()
    bench.page("loops", type="sort", column="name", descending=False)
    [frame] = bench.frames("loops")
    assert (names(frame), frame["head"]["sort"]) == (["loop-1", "loop-2"], ["name", False])
    bench.page("tasks", type="sort", column="waiting", descending=True)
    assert bench.frames("tasks")[0]["head"]["sort"] == ["waiting", True]
    expected = WindowRequest(sort="waiting_on", descending=True, start=0, stop=15)
    assert bench.source.requests[-1] == (2, expected)


def test_a_filter_goes_to_the_tasks(bench: Bench):
    """Both tables say which it is."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.page("loops", type="filter", text="fetch")
    sent = dict(bench.take())
    assert sent["loops"]["head"]["filter"] == "fetch"
    assert (sent["tasks"]["head"]["filter"], sent["tasks"]["head"]["filtered"]) == ("fetch", True)
    assert bench.source.requests[-1][1].filter == "fetch"
    assert bench.face.filter == "fetch"


def test_chips_pick_tasks_by_their_state(bench: Bench):
    """All that have not ended are "running" there."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.page("tasks", type="chips", chips=["failed", "running"])
    head = bench.frames("tasks")[0]["head"]
    assert (head["chips"], head["filtered"]) == (["running", "failed"], True)
    assert bench.source.requests[-1][1].states == ("pending", "running", "cancelling", "failed")


def test_a_setting_from_python_shows_as_soon(bench: Bench):
    """The page follows the traits."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.face.filter = "x"
    bench.give(SettingChanged())
    assert dict(bench.take())["loops"]["head"]["filter"] == "x"


# -- when


def test_a_change_of_a_loop_shows_at_once(bench: Bench):
    """The manager tells; nobody waits for the interval."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.source.loops.append(loop(2))
    bench.give(Changed())
    bench.pass_time(PROMPT)
    assert "loop-2" in names(bench.frames("loops")[0])


def test_a_storm_of_changes_is_a_few_looks(bench: Bench):
    """A thousand loops that start in a second are not a thousand looks."""
    start(bench, 1)
    bench.open_page()
    before = bench.source.looks
    for _ in range(1000):
        bench.give(Changed())
        bench.pass_time(0.001)
    assert 10 <= bench.source.looks - before <= 25


def test_nobody_looks_so_nothing_is_done(bench: Bench):
    """A panel that no page shows costs nothing, until something happens."""
    start(bench, 1)
    bench.pass_time(0)
    before = bench.source.looks
    bench.pass_time(3600)
    assert bench.source.looks == before


def test_unseen_the_selection_and_the_buttons_are_kept_right(bench: Bench):
    """Python may look at them; but no frame is sent."""
    bench.source.loops = [loop(1), ended_loop(2)]
    bench.give(Changed())
    bench.pass_time(PROMPT)
    assert bench.face.selected == 1
    disabled = [action for action, is_disabled in bench.face.disabled.items() if is_disabled]
    assert disabled == [Action.KILL]
    assert {message["type"] for _, message in bench.take()} == {"button"}


def test_a_beat_says_that_the_kernel_is_there(bench: Bench):
    """To each table after a second without anything else, and only while it is looked at."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.stay_alive(8)
    assert bench.take() == [("loops", {"type": "beat"}), ("tasks", {"type": "beat"})] * 8
    bench.page("loops", type="bye", view="loops1")
    bench.page("tasks", type="bye", view="tasks1")
    bench.take()
    bench.pass_time(60)
    assert bench.take() == []


def test_a_table_of_which_nothing_changes_gets_its_beats_beside_a_busy_one(bench: Bench):
    """Each table judges by itself whether the kernel is there."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    for number in range(10):
        bench.source.loops[0] = loop(1, last_output=str(number))
        bench.stay_alive(1)
    tasks = [message["type"] for channel, message in bench.take() if channel == "tasks"]
    assert tasks == ["beat"] * 10


def test_a_page_that_falls_silent_is_forgotten(bench: Bench):
    """After twelve seconds; the manager is then left alone too."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(12)
    bench.take()
    before = bench.source.looks
    bench.source.loops[0] = loop(1, name="other")
    bench.pass_time(100)
    assert bench.take() == []
    assert bench.source.looks == before


def test_a_page_that_comes_back_sees_what_is_now(bench: Bench):
    """Though nobody looked for an hour."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(3600)
    bench.source.loops[0] = loop(1, name="other")
    bench.take()
    bench.open_page()
    frames = bench.frames("loops")
    assert [names(frame) for frame in frames] == [["other"]]


def test_a_page_that_was_forgotten_unknowing_is_asked_to_say_hello(bench: Bench):
    """Another page of the same panel may keep it from noticing."""
    start(bench, 1)
    bench.open_page()
    bench.take()
    bench.page("loops", type="alive", view="sleeper")
    [frame] = bench.frames("loops")
    assert (frame["view"], frame["seq"], frame["full"]) == ("sleeper", 0, False)
