"""A page's messages are checked as from a stranger."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgwidgets.commands import CancelTasks, SetStopEvent, StopLoop
from bgwidgets.widgets.detail_parts import DetailSubject
from bgwidgets.widgets.protocols import DETAIL_TABS, Action, Table
from bgwidgets.widgets.request_reading import (
    check_interval,
    read_detail_request,
    read_line_request,
    read_plot_request,
    read_table_request,
)
from bgwidgets.widgets.requests import (
    Act,
    Alive,
    Bye,
    FilterTasks,
    Hello,
    InvalidRequest,
    LineHello,
    LineRequest,
    Meant,
    Pause,
    PickRange,
    PickRows,
    PickStates,
    Ping,
    Remove,
    SelectLoop,
    SetInterval,
    ShowDetail,
    ShowPlots,
    ShowRows,
    SortRows,
    TableRequest,
)
from bgwidgets.widgets.rows import Sorting, Window

HUGE = 10**4000
"""More than a float can hold."""


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"type": "hello", "view": "ab1", "start": 0, "stop": 15},
            Hello("ab1", Window(0, 15)),
        ),
        ({"type": "alive", "view": "ab1"}, Alive("ab1")),
        ({"type": "ping", "view": "ab1", "cell": 3}, Ping("ab1", 3)),
        ({"type": "bye", "view": "ab1"}, Bye("ab1")),
        (
            {"type": "window", "view": "ab1", "start": 99_985, "stop": 100_006},
            ShowRows("ab1", Window(99_985, 100_006)),
        ),
        ({"type": "select", "loop": 2}, SelectLoop(2)),
        (
            {"type": "sort", "column": "age", "descending": True},
            SortRows(Sorting("age", descending=True)),
        ),
        ({"type": "filter", "text": "fetch"}, FilterTasks("fetch")),
        ({"type": "chips", "chips": ["failed", "running"]}, PickStates(("running", "failed"))),
        ({"type": "chips", "chips": []}, PickStates(())),
        ({"type": "pick", "ids": [3, 1, 3]}, PickRows((3, 1))),
        ({"type": "pick", "ids": []}, PickRows(())),
        ({"type": "pick", "ids": [3], "loop": 7}, PickRows((3,), 7)),
        ({"type": "pick_range", "start": 5, "stop": 9, "loop": 7}, PickRange(Window(5, 9), 7)),
        (
            {"type": "pick_range", "start": 5, "stop": 9, "first": 3, "last": 4},
            PickRange(Window(5, 9), first=3, last=4),
        ),
        (
            {"type": "pick_range", "start": 5, "stop": 9999, "last": 4},
            PickRange(Window(5, 1005), is_cut=True),
        ),
        (
            {"type": "act", "action": "cancel_tasks", "loop": 2, "picked": True},
            Act(Action.CANCEL_TASKS, 2, picked=True),
        ),
        ({"type": "act", "action": "restart", "loop": 2}, Act(Action.RESTART, 2)),
        ({"type": "act", "action": "remove", "loop": 2}, Remove(2)),
        ({"type": "interval", "seconds": 2}, SetInterval(2.0)),
        ({"type": "pause", "paused": True}, Pause(paused=True)),
        ({"type": "command", "command": "stop_event", "loop": 1}, SetStopEvent(1)),
        ({"type": "command", "command": "stop_loop", "loop": 1}, StopLoop(1)),
        ({"type": "command", "command": "cancel_tasks", "loop": 7}, CancelTasks(7)),
        (
            {"type": "command", "command": "cancel_tasks", "loop": 7, "tasks": [2, 3]},
            CancelTasks(7, (2, 3)),
        ),
    ],
)
@pytest.mark.parametrize("table", get_args(Table))
def test_every_message_of_the_tables_is_understood(
    table: Table, message: dict[str, Any], expected: TableRequest
):
    """As the page's script sends them."""
    assert read_table_request(table, message) == expected


def test_a_detail_tab_says_what_it_shows():
    """Of a task or, where there is none, of the loop."""
    for tab in DETAIL_TABS:
        message = {"type": "show", "view": "x", "loop": 1, "task": 7, "tab": tab, "known": 3}
        assert read_detail_request(message) == ShowDetail("x", DetailSubject(1, 7, tab), 3)
        del message["task"]
        assert read_detail_request(message) == ShowDetail("x", DetailSubject(1, None, tab), 3)
    assert read_detail_request({"type": "bye", "view": "x"}) == Bye("x")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "show"},
        {"type": "show", "view": "x", "loop": 1, "task": 7, "tab": "output", "known": 3},
        {"type": "show", "view": "x", "loop": 1, "task": 7, "tab": ["chain"], "known": 3},
        {"type": "show", "view": "x", "loop": 1, "task": None, "tab": "chain", "known": 3},
        {"type": "show", "view": "x", "loop": "1", "task": 7, "tab": "chain", "known": 3},
        {"type": "show", "view": "x", "loop": 1, "task": -7, "tab": "chain", "known": 3},
        {"type": "show", "view": "x", "loop": 1, "task": 7, "tab": "chain", "known": 3.0},
        {"type": "show", "view": "X!", "loop": 1, "task": 7, "tab": "chain", "known": 3},
        {"type": "show", "view": "x", "loop": 1, "tab": "chain", "known": 3, "more": 1},
        {"type": "command", "command": "stop_loop", "loop": 1},
    ],
)
def test_a_detail_tab_says_nothing_else(message: dict[str, Any]):
    """Whatever else comes is not from its script."""
    with pytest.raises(InvalidRequest):
        read_detail_request(message)


def test_the_plots_tab_says_what_it_shows():
    """And when it is closed."""
    message = {"type": "show", "view": "x", "loop": 1, "known": 3}
    assert read_plot_request(message) == ShowPlots("x", 1, 3)
    assert read_plot_request({"type": "bye", "view": "x"}) == Bye("x")


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "show", "view": "x", "known": 3},
        {"type": "show", "view": "x", "loop": "1", "known": 3},
        {"type": "show", "view": "x", "loop": -1, "known": 3},
        {"type": "show", "view": "x", "loop": 1, "known": HUGE},
        {"type": "show", "view": "X!", "loop": 1, "known": 3},
        {"type": "show", "view": "x", "loop": 1, "known": 3, "task": 1},
        {"type": "command", "command": "stop_loop", "loop": 1},
    ],
)
def test_the_plots_tab_says_nothing_else(message: dict[str, Any]):
    """Whatever else comes is not from its script."""
    with pytest.raises(InvalidRequest):
        read_plot_request(message)


def test_the_status_line_says_hello_and_bye_and_what_is_meant():
    """And what a click on a button beside it is for; nothing else."""
    assert read_line_request({"type": "hello", "view": "x"}) == LineHello("x")
    assert read_line_request({"type": "bye", "view": "x"}) == Bye("x")
    for loop in (7, None):
        meant = {"type": "meant", "action": "stop_loop", "loop": loop, "picked": True}
        assert read_line_request(meant) == Meant(Action.STOP_LOOP, loop, picked=True)
    with pytest.raises(InvalidRequest, match="action is not known"):
        read_line_request({"type": "meant", "action": "stop_all", "loop": 7, "picked": True})
    with pytest.raises(InvalidRequest, match="type is not known here"):
        read_line_request({"type": "select", "loop": 1})


def test_each_table_sorts_by_its_own_columns():
    """Loops have a host and a note, tasks a coroutine and what they wait on."""
    for table, column in [("loops", "host"), ("tasks", "waiting")]:
        message = {"type": "sort", "column": column, "descending": False}
        assert read_table_request(table, message) == SortRows(Sorting(column))  # type: ignore[arg-type]
        other: Any = "tasks" if table == "loops" else "loops"
        with pytest.raises(InvalidRequest, match="column must be one of"):
            read_table_request(other, message)


def test_a_huge_window_is_capped():
    """Nobody gets the whole table in one message."""
    message = {"type": "window", "view": "a", "start": 7, "stop": 10**9}
    assert read_table_request("tasks", message) == ShowRows("a", Window(7, 207))


HELLO = {"type": "hello", "view": "a", "start": 0, "stop": 15}
COMMAND = {"type": "command", "command": "cancel_tasks", "loop": 7, "tasks": [1]}


@pytest.mark.parametrize(
    "message",
    [
        None, 1, "hello", [], {}, {"type": None}, {"type": "nonsense"}, {"type": ["hello"]},
        {"view": "a"},
        HELLO | {"view": ""}, HELLO | {"view": "A B"}, HELLO | {"view": "a" * 41},
        HELLO | {"view": 1}, HELLO | {"view": None}, HELLO | {"view": "a\n"},
        HELLO | {"start": -1}, HELLO | {"start": True}, HELLO | {"start": 0.0},
        HELLO | {"start": "0"}, HELLO | {"start": None}, HELLO | {"stop": 0},
        HELLO | {"start": 20}, HELLO | {"stop": HUGE}, HELLO | {"stop": float("inf")},
        HELLO | {"more": 1}, {"type": "hello", "view": "a"},
        {"type": "select"}, {"type": "select", "loop": None}, {"type": "select", "loop": True},
        {"type": "select", "loop": -1}, {"type": "select", "loop": HUGE},
        {"type": "select", "loop": 1.5}, {"type": "select", "loop": 1, "loops": 2},
        {"type": "sort", "column": "waiting_on", "descending": False},
        {"type": "sort", "column": "", "descending": False},
        {"type": "sort", "column": ["age"], "descending": False},
        {"type": "sort", "column": "age", "descending": 0},
        {"type": "sort", "column": "age"},
        {"type": "filter", "text": "x" * 201}, {"type": "filter", "text": 1}, {"type": "filter"},
        {"type": "pick"}, {"type": "pick", "ids": 1}, {"type": "pick", "ids": [True]},
        {"type": "pick", "ids": list(range(1001))}, {"type": "pick", "ids": [-1]},
        {"type": "pick_range", "start": 3, "stop": 3}, {"type": "pick_range", "start": 3},
        {"type": "act", "action": "stop_all", "loop": 1}, {"type": "act", "action": "kill"},
        {"type": "act", "action": "remove_finished", "loop": 1}, {"type": "act", "loop": 1},
        {"type": "act", "action": "restart"}, {"type": "act", "action": "eval", "loop": 1},
        {"type": "chips"}, {"type": "chips", "chips": "failed"},
        {"type": "chips", "chips": ["pending"]}, {"type": "chips", "chips": [["failed"]]},
        {"type": "interval", "seconds": 0.1}, {"type": "interval", "seconds": 0},
        {"type": "interval", "seconds": -1}, {"type": "interval", "seconds": True},
        {"type": "interval", "seconds": float("nan")}, {"type": "interval", "seconds": HUGE},
        {"type": "interval", "seconds": float("inf")}, {"type": "interval", "seconds": "1"},
        {"type": "pause", "paused": 1}, {"type": "pause", "paused": None},
        COMMAND | {"command": "restart"}, COMMAND | {"command": "kill"},
        COMMAND | {"command": None}, COMMAND | {"loop": None}, COMMAND | {"loop": "1"},
        COMMAND | {"tasks": None}, COMMAND | {"tasks": 1}, COMMAND | {"tasks": "12"},
        COMMAND | {"tasks": [True]}, COMMAND | {"tasks": [1, -2]}, COMMAND | {"tasks": [[1]]},
        COMMAND | {"tasks": [HUGE]}, COMMAND | {"tasks": list(range(1001))},
        COMMAND | {"command": "stop_loop"}, COMMAND | {"code": "import os"},
    ],
)  # fmt: skip
def test_what_the_script_would_not_send_is_refused(message: object):
    """Wrong types, bools for numbers, numbers too big, keys unknown or missing, text too long."""
    with pytest.raises(InvalidRequest):
        read_table_request("tasks", message)


def test_no_tasks_are_not_all_tasks():
    """An empty list would otherwise cancel everything."""
    with pytest.raises(InvalidRequest, match="tasks must be a list of 1 to 1000 task ids"):
        read_table_request("tasks", COMMAND | {"tasks": []})


def test_an_error_says_which_field_is_wrong():
    """It is shown to the user, without the stranger's own words."""
    with pytest.raises(InvalidRequest, match=r"^stop must be a whole number, not negative"):
        read_table_request("tasks", HELLO | {"stop": "<b>"})


@pytest.mark.parametrize("seconds", [0.2, 1, 3600])
def test_intervals_that_may_be(seconds: float):
    """From a fifth of a second to an hour."""
    assert check_interval(seconds) == float(seconds)
    assert isinstance(check_interval(seconds), float)


def test_the_error_says_which_intervals_may_be():
    """Python's users read it too."""
    with pytest.raises(ValueError, match=r"interval must be between 0\.2 and 3600 seconds"):
        check_interval(0.19)


# -- anything at all

NAMES = [
    "type", "view", "start", "stop", "loop", "column", "descending", "text", "seconds", "paused",
    "command", "tasks", "more",
]  # fmt: skip
WORDS = [
    "hello", "alive", "bye", "window", "select", "sort", "filter", "chips", "interval", "pause",
    "command", "pick", "pick_range", "act", "restart", "remove",
    "stop_event", "stop_loop", "cancel_tasks", "age", "name", "a1",
]  # fmt: skip
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(HUGE)
    | st.floats()
    | st.text()
    | st.sampled_from(WORDS)
    | st.text(alphabet=st.characters(categories=["Cs"]), max_size=3)
)
ANY_JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(NAMES), inner),
)
NEARLY_RIGHT = st.dictionaries(
    st.sampled_from(NAMES), LEAVES | st.lists(st.integers(0, 9))
).flatmap(lambda rest: st.sampled_from(WORDS).map(lambda kind: rest | {"type": kind}))


@given(table=st.sampled_from(get_args(Table)), message=ANY_JSON | NEARLY_RIGHT)
def test_any_json_is_a_request_or_an_error(table: Table, message: object):
    """And no other exception, whatever a page sends."""
    try:
        request = read_table_request(table, message)
    except InvalidRequest:
        return
    assert isinstance(request, get_args(TableRequest))


@given(message=ANY_JSON | NEARLY_RIGHT)
def test_any_json_for_the_status_line_too(message: object):
    """And no other exception, whatever a page sends."""
    try:
        request = read_line_request(message)
    except InvalidRequest:
        return
    assert isinstance(request, get_args(LineRequest))
