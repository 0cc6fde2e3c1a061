"""Detail tabs: told while they are open, when something changed, and not otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bgwidgets.snapshots import LoopHistory
from bgwidgets.states import TaskState
from bgwidgets.widgets.budget import MOST
from bgwidgets.widgets.detail_parts import (
    NO_ERROR,
    NO_SUCH_LOOP,
    NO_SUCH_TASK,
    NO_TASK,
    DetailSubject,
)
from bgwidgets.widgets.detail_views import DetailViews
from bgwidgets.widgets.items import FromDetails
from bgwidgets.widgets.requests import InvalidRequest
from bgwidgets.widgets.views import FORGOTTEN_AFTER, MOST_VIEWS
from tests.widgets.bench import PROMPT, Bench, start, storm
from tests.widgets.fakes import detail, loop

HISTORY = LoopHistory(births=1, ends={})


def show(bench: Bench, tab: str = "chain", known: int = 0, view: str = "d1", **more: Any) -> None:
    """A page says what it shows: by default the chain of task 101 on loop 1."""
    subject = {"loop": 1, "task": 101} | more
    bench.details(type="show", view=view, tab=tab, known=known, **subject)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """With a page that shows loop 1 and its task 101."""
    start(bench, 1)
    bench.source.details[101] = detail(101, waiting_on="lock")
    bench.source.histories[1] = HISTORY
    bench.open_page()
    bench.stay_alive(2)
    bench.take()
    return bench


def test_a_tab_that_is_opened_is_told_all(bench: Bench):
    """At once, for that view."""
    show(bench)
    bench.pass_time(PROMPT)
    [message] = bench.told()
    parts = message["parts"]
    assert {key: message[key] for key in message if key != "parts"} == {
        "type": "detail", "view": "d1", "seq": 1, "full": True, "tab": "chain", "loop": 1,
        "task": 101,
    }  # fmt: skip
    assert (parts["task"]["name"], parts["waiting"]) == ("task-101", "lock")


def test_a_tab_that_is_not_open_costs_nothing(bench: Bench):
    """Nothing is asked of the loops, before it is opened nor after it was closed."""
    bench.stay_alive(3)
    assert bench.source.asked_details == []
    show(bench)
    bench.details(type="bye", view="d1")
    bench.source.asked_details.clear()
    bench.take()
    bench.stay_alive(3)
    assert bench.source.asked_details == []
    assert bench.told() == []


def test_only_what_changed_is_told(bench: Bench):
    """At the panel's interval; when nothing changed, nothing is."""
    show(bench)
    bench.take()
    bench.stay_alive(2)
    assert bench.told() == []
    bench.source.details[101] = detail(101, waiting_on="queue get")
    bench.pass_time(bench.face.interval)
    [message] = bench.told()
    assert (message["full"], message["seq"]) == (False, 2)
    assert message["parts"] == {"waiting": "queue get"}


def test_it_is_looked_at_once_in_an_interval(bench: Bench):
    """However many pages have it open."""
    show(bench, view="d1")
    show(bench, view="d2")
    bench.source.asked_details.clear()
    bench.stay_alive(2)
    assert len(bench.source.asked_details) <= 2 / bench.face.interval + 1


def test_another_subject_is_told_all_of(bench: Bench):
    """Nothing of the earlier one is taken for known."""
    show(bench)
    bench.take()
    bench.source.details[102] = detail(102, waiting_on="lock")
    show(bench, task=102)
    bench.pass_time(PROMPT)
    [message] = bench.told()
    assert (message["task"], message["full"]) == (102, True)
    assert message["parts"]["waiting"] == "lock"


def test_a_page_that_missed_something_is_told_all_again(bench: Bench):
    """It says which message it has heard last."""
    show(bench)
    bench.take()
    show(bench, known=1)
    bench.stay_alive(1)
    assert bench.told() == []
    show(bench, known=0)
    bench.pass_time(PROMPT)
    [message] = bench.told()
    assert (message["full"], message["seq"]) == (True, 1)


def test_a_page_that_is_silent_is_told_no_more(bench: Bench):
    """It was closed, or is hidden: then it will say again what it shows."""
    show(bench)
    bench.take()
    bench.stay_alive(int(FORGOTTEN_AFTER) + 1)
    bench.source.asked_details.clear()
    bench.source.details[101] = detail(101, waiting_on="queue get")
    bench.stay_alive(2)
    assert (bench.told(), bench.source.asked_details) == ([], [])
    show(bench, known=1)
    bench.pass_time(PROMPT)
    assert [message["full"] for message in bench.told()] == [True]


def test_a_pause_freezes_it(bench: Bench):
    """As it was at the pause, also when it is closed and opened again."""
    show(bench)
    bench.page("loops", type="pause", paused=True)
    bench.source.details[101] = detail(101, waiting_on="queue get")
    bench.take()
    bench.stay_alive(3)
    assert bench.told() == []
    bench.details(type="bye", view="d1")
    show(bench)
    bench.pass_time(PROMPT)
    assert [message["parts"]["waiting"] for message in bench.told()] == ["lock"]
    bench.page("loops", type="pause", paused=False)
    bench.pass_time(1.5)  # Much was sent just now, and this comes behind.
    assert [message["parts"] for message in bench.told()] == [{"waiting": "queue get"}]


def test_a_history_is_the_loops(bench: Bench):
    """Whatever task is current."""
    show(bench, "history")
    bench.take()
    bench.source.histories[1] = replace(HISTORY, births=2)
    bench.pass_time(bench.face.interval)
    assert [message["parts"] for message in bench.told()] == [{"births": 2}]


@pytest.mark.parametrize(
    ("tab", "subject", "expected"),
    [
        ("chain", {"task": 999}, NO_SUCH_TASK),
        ("timings", {"task": 999}, NO_SUCH_TASK),
        ("chain", {"loop": 9}, NO_SUCH_LOOP),
        ("history", {"loop": 9}, NO_SUCH_LOOP),
        ("error", {"task": 999}, NO_ERROR),
    ],
)
def test_where_there_is_nothing_it_says_why(
    bench: Bench, tab: str, subject: dict[str, Any], expected: dict[str, str]
):
    """And does not fail."""
    show(bench, tab, **subject)
    bench.pass_time(PROMPT)
    assert [message["parts"] for message in bench.told()] == [expected]


def test_without_a_current_task_it_says_what_to_do(bench: Bench):
    """No task is made up."""
    bench.details(type="show", view="d1", loop=1, tab="chain", known=0)
    bench.pass_time(PROMPT)
    assert [message["parts"] for message in bench.told()] == [NO_TASK]


def test_a_loop_that_is_removed_meanwhile_is_no_error(bench: Bench):
    """It was listed at the last look, and is not known any more when its history is asked for."""
    bench.source.histories.clear()
    show(bench, "history")
    bench.pass_time(PROMPT)
    assert [message["parts"] for message in bench.told()] == [NO_SUCH_LOOP]


def test_what_is_gone_is_told_too(bench: Bench):
    """A part that there is no more travels as null."""
    show(bench)
    bench.take()
    del bench.source.details[101]
    bench.pass_time(bench.face.interval)
    [message] = bench.told()
    assert message["parts"]["frames"] is None
    assert "nothing" in message["parts"]


def test_what_a_stranger_sends_is_refused_in_the_status_line(bench: Bench):
    """And nothing else happens."""
    bench.give(FromDetails(InvalidRequest("loop is missing")))
    assert bench.said() == [("error", "The page sent what it should not: loop is missing")]


def test_tables_and_tabs_take_turns_within_the_budget(bench: Bench):
    """When there is not enough for all, none is left behind."""
    bench.face.interval = 0.2
    for page in "abcd":
        bench.open_page(loops=f"loops{page}", tasks=f"tasks{page}")
        show(bench, view=f"d{page}")
    bench.pass_time(2)
    bench.take()
    for step in range(100):
        storm(bench, step)
        bench.source.details[101] = detail(101, waiting_on=f"{step}")
        bench.pass_time(0.1)
    told = [message["view"] for _, message in bench.take() if "view" in message]
    counts = [told.count(f"{kind}{page}") for kind in ("loops", "tasks", "d") for page in "abcd"]
    assert min(counts) > 0
    assert max(counts) - min(counts) <= 1
    assert bench.most_in_a_second() <= MOST


def test_a_failed_task_shows_as_failed(bench: Bench):
    """Its error takes the place of that of the loop."""
    bench.source.loops = [loop(1, error="of the loop")]
    failed = detail(101, state=TaskState.FAILED, error="KeyError: 1", traceback="of the task")
    bench.source.details[101] = failed
    bench.pass_time(bench.face.interval)
    show(bench, "error")
    bench.pass_time(PROMPT)
    assert [message["parts"]["traceback"] for message in bench.told()] == ["of the task"]


def test_there_are_not_more_than_so_many_pages():
    """The one that was seen least lately gives way."""
    views = DetailViews()
    for number in range(MOST_VIEWS + 1):
        views.show(f"v{number}", DetailSubject(1, None, "history"), 0, float(number))
    names = [view.name for view in views]
    assert len(names) == MOST_VIEWS
    assert "v0" not in names
