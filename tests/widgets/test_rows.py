"""What the tables show."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bgwidgets.snapshots import ProgressSnapshot
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.busy_cell import KernelState
from bgwidgets.widgets.cleaning import LONGEST_CELL, clean
from bgwidgets.widgets.rows import (
    LOOP_COLUMNS,
    Sorting,
    Window,
    loop_row,
    loops_contents,
    note,
    sorted_loops,
    task_row,
    tasks_head,
    waiting,
)
from tests.browser.stage import bar as browsers_bar
from tests.browser.stage import loop_row as browsers_loop_row
from tests.browser.stage import loops_head as browsers_loops_head
from tests.browser.stage import task_row as browsers_task_row
from tests.browser.stage import tasks_head as browsers_tasks_head
from tests.widgets.fakes import NOW, ended_loop, loop, task

ALL = Window(0, 100)
UNSORTED = Sorting()


def contents(*loops: Any, sorting: Sorting = UNSORTED, window: Window = ALL, **more: Any) -> Any:
    settings: dict[str, Any] = {"selected": None, "filter_text": "", "interval": 0.5}
    return loops_contents(
        loops, sorting, window, **(settings | {"paused": False, "kernel": KernelState()} | more)
    )


# -- one row


def test_a_blocked_loops_row():
    """Since when, so that the page can count on; and the line that blocks it."""
    blocked_by = "sprinter · race.py:12 spin"
    blocked = loop(7, blocked=True, blocked_for=3.21, blocked_by=blocked_by)
    row = loop_row(blocked)
    assert round(NOW - 3.2, 1) == row["blocked_since"]
    assert blocked_by == row["note"]
    assert loop_row(loop(7, blocked=False, blocked_for=None))["blocked_since"] is None


def test_a_row_says_since_when_a_loop_elsewhere_does_not_answer():
    """Once, for the page counts on; one in this process is seen as it is, whether it answers or
    not.
    """
    silent = loop(7, host="process", unresponsive=True, as_of=NOW - 12.34)
    assert round(NOW - 12.4, 1) == loop_row(silent)["unresponsive"]
    assert loop_row(loop(7, adopted=True, unresponsive=True))["unresponsive"] is True
    assert loop_row(loop(7, host="process", unresponsive=False))["unresponsive"] is False


@pytest.mark.parametrize(
    ("lag", "rounded"),
    [(None, None), (0.0, 0.0), (0.00099, 0.0), (0.001, 0.001), (0.03456, 0.035), (3.21, 3.2)],
)
def test_a_lag_is_as_exact_as_it_is_looked_at(lag: float | None, rounded: float | None):
    """Below a millisecond it would change all the time, and mean nothing."""
    assert rounded == loop_row(loop(7, lag=lag))["lag"]


def test_a_sparkline_is_short():
    """A digit a second, three of them a decade; nothing is said of the time before the start."""
    history = (None, None, 0.0, 0.001, 0.01, None, 0.1, 1.0, 99.0)
    assert "003 69c" == loop_row(loop(7, lag_history=history))["spark"]


def test_a_loops_row():
    """Plain data, by the names that the page's script knows."""
    counts = {TaskState.PENDING: 3, TaskState.FAILED: 2}
    row = loop_row(loop(7, name="race", task_counts=counts, stop_requested=True))
    assert row == {
        "id": 7,
        "name": "race",
        "host": "thread",
        "state": "running",
        "stop_requested": True,
        "unresponsive": False,
        "blocked_since": None,
        "protected": False,
        "unfinished": 3,
        "total": 5,
        "counts": {
            "pending": 3,
            "running": 0,
            "cancelling": 0,
            "finished": 0,
            "failed": 2,
            "cancelled": 0,
        },
        "lag": None,
        "spark": "",
        "started": NOW - 60,
        "ended": None,
        "note": None,
        "bar": None,
    }


def test_a_tasks_row():
    """Plain data, by the names that the page's script knows."""
    row = task_row(task(3, name="writer", is_main=True, waiting_on="queue get"))
    assert row == {
        "id": 3,
        "name": "writer",
        "main": True,
        "state": "pending",
        "coroutine": "fetch",
        "waiting": "queue get",
        "created": NOW - 3,
        "ended": None,
        "error": None,
        "bar": None,
    }


def test_a_task_whose_end_nobody_knows_has_no_age():
    """The page would let it grow for ever."""
    ended = task(3, state=TaskState.FINISHED)
    assert (None, None) == (task_row(ended)["created"], task_row(ended)["ended"])
    ended = replace(ended, ended_at=NOW - 1)
    assert (NOW - 3, NOW - 1) == (task_row(ended)["created"], task_row(ended)["ended"])


def epoch(**more: Any) -> ProgressSnapshot:
    return ProgressSnapshot(done=63, total=100, started_at=NOW - 41, **more)


def test_a_tasks_bar_stands_in_its_row():
    """In words that are made here."""
    row = task_row(task(3, progress=epoch(seconds_left=31)))
    assert row["bar"] == browsers_bar()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"open_bars": 1}, "63 %"),
        ({"open_bars": 1, "last_output": "epoch 3"}, "63 %"),
        ({"open_bars": 1, "blocked_by": "train"}, "63 %"),
        ({"open_bars": 1, "error_line": "OSError: gone"}, None),
        ({"progress": epoch(ended_at=NOW)}, "63 %, ended"),
        ({"progress": epoch(ended_at=NOW), "last_output": "done"}, None),
        ({"progress": None}, None),
    ],
)
def test_a_loops_bar_stands_before_its_note(more: dict[str, Any], text: str | None):
    """One that has ended gives way to any note, every bar to an error."""
    bar = loop_row(loop(7, **({"progress": epoch()} | more)))["bar"]
    assert (bar and bar["far"] + bar["rest"]) == text


def test_the_shapes_are_those_that_the_browsers_tests_use():
    """Both sides of the wire are tested with the same keys."""
    assert loop_row(loop(1)).keys() == browsers_loop_row(1).keys()
    assert task_row(task(1)).keys() == browsers_task_row(1).keys()
    assert contents().head.keys() | {"now"} == browsers_loops_head().keys()
    assert (
        tasks_head(loop(1), UNSORTED, filter_text="", paused=False).keys() | {"now"}
        == browsers_tasks_head().keys()
    )


@pytest.mark.parametrize(
    ("error_line", "last_output", "expected"),
    [
        (None, None, ""),
        ("OSError: gone", "wrote 3 parts", "OSError: gone"),
        (None, "one\ntwo\n", "two"),
    ],
)
def test_the_note_is_the_error_in_short_or_what_was_printed_last(
    error_line: str | None, last_output: str | None, expected: str
):
    """The whole traceback has a place of its own."""
    assert note(loop(1, error_line=error_line, last_output=last_output)) == expected


@pytest.mark.parametrize(
    ("state", "waiting_on", "where", "expected"),
    [
        ("pending", "sleep", "race.py:12 sprinter", "sleep · race.py:12"),
        ("pending", "sleep", None, "sleep"),
        ("pending", None, "race.py:12 sprinter", "race.py:12"),
        ("pending", "queue get", "my file.py:12 <lambda>", "queue get · my file.py:12"),
        ("pending", None, None, None),
        ("running", None, "model.py:88 fit", "running · model.py:88"),
        ("running", None, None, None),
        ("cancelling", "sleep", "race.py:12 sprinter", "sleep · race.py:12"),
        ("finished", "sleep", "race.py:12 sprinter", None),
    ],
)
def test_what_a_task_waits_on_and_where(
    state: str, waiting_on: str | None, where: str | None, expected: str | None
):
    """Words, and the place without the function; nothing of a task that has ended."""
    snapshot = task(1, state=TaskState(state), waiting_on=waiting_on, where=where)
    assert waiting(snapshot) == expected


@pytest.mark.parametrize("text", ["\ud800", "x" * 100_000, "\ud800" * 100_000])
def test_any_text_can_travel(text: str):
    """It is short, and JSON in UTF-8 can carry it; half a character cannot be."""
    rows = [
        loop_row(loop(1, name=text, host=text, error=text, last_output=text)),
        task_row(task(1, name=text, coroutine=text, waiting_on=text, where=text, error=text)),
        tasks_head(loop(1, name=text), UNSORTED, filter_text=text, paused=False),
        contents(filter_text=text).head,
    ]
    for row in rows:
        json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
        texts = [value for value in row.values() if isinstance(value, str)]
        assert all(len(value) <= LONGEST_CELL for value in texts)


def test_text_that_is_short_is_not_touched():
    """No character of it means anything here; the page shows each as it is."""
    evil = "<img src=x onerror=alert(1)> & \n é \u05de\u05e8\u05d5\u05e5 \u200f!"
    assert clean(evil) == evil


def test_what_cannot_be_seen_or_would_turn_round_the_text_beside_it_is_shown():
    """In the place of the character, its escape; but a filter is what was typed."""
    assert clean("a\u202eb\u2066") == r"a\u202eb\u2066"
    assert clean("é\u202e" * 100_000) == clean(r"é\u202e" * 100_000)
    assert clean("nul\0\x1b[31mred") == r"nul\x00\x1b[31mred"
    assert task_row(task(1, name="\u202egpj.exe"))["name"] == r"\u202egpj.exe"
    assert contents(filter_text="\u202e").head["filter"] == "\u202e"


# -- sorting loops


def names(sorting: Sorting, *loops: Any) -> list[str]:
    return [each.name for each in sorted_loops(loops, sorting)]


def test_the_newest_loop_is_on_top():
    """There it appears when it is started, and nothing else moves a row."""
    loops = [loop(1), ended_loop(2), loop(3)]
    assert names(UNSORTED, *loops) == ["loop-3", "loop-2", "loop-1"]


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        ("name", ["a-2", "a-10", "B"]),
        ("host", ["B", "a-2", "a-10"]),
        ("state", ["a-10", "B", "a-2"]),
        ("tasks", ["a-2", "a-10", "B"]),
        ("age", ["a-2", "a-10", "B"]),
        ("note", ["B", "a-2", "a-10"]),
    ],
)
def test_each_column_sorts_as_it_reads(column: str, ascending: list[str]):
    """Numbers in names by their value, states in the order of a loop's life, both ways."""
    loops = [
        loop(1, name="a-10", host="process", last_output="z", started_at=NOW - 40,
             task_counts={TaskState.PENDING: 1, TaskState.FINISHED: 2}),
        ended_loop(2, LoopState.FAILED, name="a-2", host="Local", error_line="b: c"),
        loop(3, name="B", host="dask", state=LoopState.STOPPING, last_output="A",
             task_counts={TaskState.PENDING: 2}),
    ]  # fmt: skip
    assert names(Sorting(column), *loops) == ascending
    assert names(Sorting(column, descending=True), *loops) == ascending[::-1]


def test_every_column_of_the_page_sorts():
    """There is no header that breaks the table."""
    for column in LOOP_COLUMNS:
        assert len(names(Sorting(column), loop(1), ended_loop(2))) == 2


@pytest.mark.parametrize("descending", [False, True])
def test_what_is_not_known_comes_last(*, descending: bool):
    """Both ways: an empty cell is neither the smallest nor the largest."""
    loops = [loop(1, started_at=None), loop(2), loop(3, started_at=None), loop(4)]
    assert names(Sorting("age", descending), *loops)[2:] == ["loop-3", "loop-1"]


@pytest.mark.parametrize("descending", [False, True])
def test_equals_keep_their_own_order(*, descending: bool):
    """So that no row jumps at a refresh."""
    loops = [loop(1), loop(2), loop(3)]
    assert names(Sorting("host", descending), *loops) == ["loop-3", "loop-2", "loop-1"]


# -- whole tables


def test_only_the_window_becomes_rows():
    """A thousand loops cost what ten do."""
    shown = contents(*(loop(number) for number in range(1, 101)), window=Window(10, 12))
    assert (shown.start, shown.total) == (10, 100)
    assert [row["id"] for row in shown.rows] == [90, 89]


def test_a_window_behind_the_end_is_empty():
    """The page may not know yet that the table has become shorter."""
    shown = contents(loop(1), window=Window(50, 60))
    assert (shown.total, list(shown.rows)) == (1, [])


def test_the_head_of_the_loops_sums_up():
    """All loops and tasks that are listed, and what failed: tasks, or loops that had none."""
    counts = {TaskState.PENDING: 3, TaskState.FINISHED: 4}
    loops = [loop(1, task_counts=counts), ended_loop(2, LoopState.FAILED), ended_loop(3)]
    head = contents(*loops, sorting=Sorting("age", descending=True), selected=1, paused=True).head
    assert head == {
        "loops": 3,
        "tasks": 9,
        "failed": 1,
        "counts": {"pending": 3, "finished": 6},
        "loop_counts": {"running": 1, "failed": 1, "finished": 1},
        "selected": 1,
        "picked": [],
        "sort": ["age", True],
        "filter": "",
        "interval": 0.5,
        "paused": True,
        "kernel": None,
        "cell": None,
        "busy_since": None,
    }


def test_loops_are_counted_by_what_their_rows_say():
    """Which is more than their state, as long as they have not ended."""
    blocked = {"blocked": True, "blocked_for": 1.0, "as_of": 10.0}
    loops = [
        loop(1, **blocked),
        loop(2, unresponsive=True),
        loop(3, stop_requested=True),
        loop(4, state=LoopState.STOPPING, stop_requested=True, **blocked),
        loop(5, state=LoopState.STARTING),
        ended_loop(6, LoopState.STOPPED, stop_requested=True, unresponsive=True),
    ]
    assert contents(*loops).head["loop_counts"] == {
        "blocked": 1,
        "unresponsive": 1,
        "stop asked": 1,
        "stopping": 1,
        "starting": 1,
        "stopped": 1,
    }


def test_the_head_of_the_tasks_says_which_tabs_there_are():
    """What they show is not sent until somebody opens them."""
    failed = ended_loop(2, LoopState.FAILED, error="Traceback", timings=True)
    head = tasks_head(failed, Sorting("waiting"), filter_text="fetch", paused=True)
    assert (head["has_error"], head["timings"]) == (True, True)
    assert (head["loop"], head["loop_name"]) == (2, "loop-2")
    assert head["loop_ended"] == failed.ended_at
    assert head["loop_ended"] is not None
    assert (head["unfinished"], head["counts"]["finished"]) == (0, 1)
    assert (head["sort"], head["filter"], head["filtered"]) == (["waiting", False], "fetch", True)
    assert head["paused"] is True


def test_without_a_loop_the_head_of_the_tasks_says_so():
    """The page then says "No loop selected"."""
    head = tasks_head(None, UNSORTED, filter_text="", paused=False)
    assert (head["loop"], head["has_error"], head["unfinished"], head["filtered"]) == (
        None, False, 0, False,
    )  # fmt: skip
