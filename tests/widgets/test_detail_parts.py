"""What the detail tabs show: plain data, short enough to travel."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any, Final

import pytest

from bgwidgets.plain_text import as_shown
from bgwidgets.snapshots import (
    AwaitFrame,
    LoopHistory,
    LoopWarning,
    SlowStep,
    TaskCancellation,
    TaskFailure,
    TaskLink,
    TaskTimings,
    WarningKind,
)
from bgwidgets.states import LoopState, TaskState
from bgwidgets.widgets.detail_parts import (
    NO_ERROR,
    NO_TIMINGS,
    chain_parts,
    error_parts,
    history_parts,
    timings_parts,
)
from bgwidgets.widgets.selection import clock_time
from tests.widgets.fakes import NOW, detail, ended_loop, loop

if TYPE_CHECKING:
    from bgwidgets.widgets.detail_parts import Parts

MOST_BYTES: Final = 16_000
WIDE: Final = "\U0001f600\x01"
"""What takes the most room in JSON."""


def size(parts: Parts) -> int:
    return len(json.dumps(parts, ensure_ascii=False).encode())


def frame(line: int, **more: Any) -> AwaitFrame:
    fields: dict[str, Any] = {
        "function": "fetch",
        "file": "client.py",
        "path": "/home/me/client.py",
    }
    return AwaitFrame(**(fields | {"line": line, "source_line": "await get()"} | more))


def link(name: str, *links: TaskLink, left_out: int = 0, **more: Any) -> TaskLink:
    return TaskLink(id=1, name=name, coroutine="fetch", links=links, left_out=left_out, **more)


def clock(moment: float) -> str:
    return clock_time(moment, NOW)


# -- the await chain


def test_a_chain_is_told_from_the_outermost_frame():
    """With the innermost line of the user's own code marked, and what it waits on at the end."""
    task = detail(
        1,
        waiting_on="sleep, 12 s left",
        where="client.py:9 fetch",
        chain=(frame(3), frame(9), frame(639, function="sleep", file="tasks.py")),
    )
    parts = chain_parts(task, NOW)
    assert parts["task"] == {
        "name": "task-1", "coroutine": "fetch", "state": "pending",
        "born": clock(NOW - 3), "ended": None,
    }  # fmt: skip
    assert parts["waiting"] == "sleep, 12 s left"
    assert [each["line"] for each in parts["frames"]] == [3, 9, 639]
    assert [each["line"] for each in parts["frames"] if each.get("mark")] == [9]
    assert parts["frames"][0] == {
        "function": "fetch", "file": "client.py", "path": "/home/me/client.py", "line": 3,
        "text": "await get()",
    }  # fmt: skip


def test_no_frame_is_marked_without_a_line_of_the_users():
    """Nothing is made up."""
    parts = chain_parts(detail(1, chain=(frame(3), frame(9))), NOW)
    assert not any("mark" in each for each in parts["frames"])


def test_the_timeout_that_runs_out_first_is_told_apart_from_the_frames():
    """In whole seconds: the frames are the same until the task goes on."""
    chain = (frame(1, timeout=9.4, function="main"), frame(2), frame(3, timeout=12.6))
    parts = chain_parts(detail(1, chain=chain), NOW)
    assert parts["timeout"] == {"seconds": 9, "function": "main"}
    later = (frame(1, timeout=8.9, function="main"), frame(2), frame(3, timeout=12.1))
    assert chain_parts(detail(1, chain=later), NOW) == parts


def test_the_trees_are_lines_that_know_their_depth():
    """What is left out is counted where it would stand."""
    tree = link("a", link("b", left_out=2), link("c", is_repeated=True))
    parts = chain_parts(detail(1, waits_for=(tree, link("d")), waits_for_left_out=7), NOW)
    lines = [(each["depth"], each.get("name") or each["more"]) for each in parts["waits_for"]]
    assert lines == [(0, "a"), (1, "b"), (2, 2), (1, "c"), (0, "d"), (0, 7)]
    assert [each.get("repeated") for each in parts["waits_for"]][3] is True
    assert parts["waited_by"] == []


def test_of_a_chain_that_is_too_long_both_ends_are_told():
    """And how many frames are missing between them."""
    source = string.ascii_letters * 5
    chain = tuple(frame(line, source_line=source) for line in range(200))
    frames = chain_parts(detail(1, chain=chain, frames_left_out=1000), NOW)["frames"]
    [gap] = [each for each in frames if "more" in each]
    at = frames.index(gap)
    told = [each["line"] for each in frames if each is not gap]
    assert told == [*range(at), *range(200 - (len(told) - at), 200)]
    assert abs(at - (len(told) - at)) <= 1
    assert len(told) + gap["more"] == 1200


def test_of_a_tree_that_is_too_large_the_beginning_is_told():
    """And how many tasks are missing, those that were left out before with them."""
    links = tuple(link(f"task-{number}", left_out=1) for number in range(250))
    lines = chain_parts(detail(1, waits_for=links, waits_for_left_out=5), NOW)["waits_for"]
    named = sum("name" in line for line in lines)
    assert 10 < named < 250
    assert named + sum(line.get("more", 0) for line in lines) == 250 + 250 + 5
    assert lines[-1]["depth"] == 0


# -- the error


def test_the_error_is_the_tasks_before_the_loops():
    """Else that of the loop, else there is none."""
    failed = ended_loop(
        2, LoopState.FAILED, error="Trace\nOSError: gone", error_line="OSError: gone"
    )
    of_task = {"state": TaskState.FAILED, "ended_at": NOW - 1, "error": "KeyError: 1"}
    task = detail(1, traceback="Trace\nKeyError: 1", **of_task)
    assert error_parts(failed, task, NOW) == {
        "of": {"kind": "task", "name": "task-1", "at": clock(NOW - 1)},
        "error": "KeyError: 1",
        "traceback": "Trace\nKeyError: 1",
    }
    of_loop = {
        "of": {"kind": "loop", "name": "loop-2", "at": clock(NOW - 30)},
        "error": "OSError: gone",
        "traceback": "Trace\nOSError: gone",
    }
    assert error_parts(failed, detail(1), NOW) == error_parts(failed, None, NOW) == of_loop
    assert error_parts(loop(1), detail(1), NOW) == NO_ERROR
    assert error_parts(loop(1), detail(1, **of_task), NOW)["traceback"] is None


@pytest.mark.parametrize(
    "middle",
    [*(letter * 50_000 for letter in "xé\U0001f600\n\x01"), "\x01" * 3000 + "x" * 90_000],
    ids=["ascii", "accents", "emoji", "lines", "control", "mixed"],
)
def test_a_traceback_that_is_too_long_keeps_both_ends(middle: str):
    """Where it began, and what was raised; with how much is missing."""
    text = f"Traceback\n{middle}\nOSError: gone"
    parts = error_parts(loop(1, error=text), None, NOW)
    shown = parts["traceback"]
    assert 4000 < size(parts) < MOST_BYTES
    assert shown.startswith("Traceback\n")
    assert shown.endswith("\nOSError: gone")
    head, _, tail = shown.partition("\n[… ")
    words, _, tail = tail.partition(" characters left out …]\n")
    assert int(words.replace(",", "")) == len(as_shown(text)) - len(head) - len(tail)


def test_a_traceback_is_read_without_colours_and_windows_ends_of_lines():
    """What else cannot be seen is an escape."""
    text = "HTTP 500\r\nserver: \x1b[1;31mnginx\x1b[0m\r\nbell \x07, half\rway"
    shown = error_parts(loop(1, error=text), None, NOW)["traceback"]
    assert shown == "HTTP 500\nserver: nginx\nbell \\x07, half\\x0dway"


# -- the history


def failure(number: int, **more: Any) -> TaskFailure:
    fields: dict[str, Any] = {"name": f"task-{number}", "coroutine": "fetch", "at": NOW - number}
    return TaskFailure(**(fields | {"error": "KeyError: 1", "traceback": "Trace"} | more))


def test_a_history_tells_what_happened_the_latest_first():
    """Numbers, and a list for each kind of event."""
    history = LoopHistory(
        births=9,
        ends={TaskState.FAILED: 1, TaskState.CANCELLED: 2},
        failures=(failure(1),),
        cancellations=(
            TaskCancellation(
                name="a", coroutine="fetch", at=NOW - 2, asked_by="timeout", where="a.py:3 main"
            ),
        ),
    )
    steps = (SlowStep(at=NOW - 9, seconds=0.12345), SlowStep(at=NOW - 8, seconds=3, task="b"))
    warned = LoopWarning(kind=WarningKind.BLOCKED, text="a blocks", advice="don't", at=NOW, count=2)
    happened = loop(1, slow_steps=steps, warnings=(warned,), notes=("one", "two"))
    parts = history_parts(happened, history, NOW)
    assert parts == {
        "loop": "loop-1",
        "births": 9,
        "ends": {"finished": 0, "failed": 1, "cancelled": 2},
        "warnings": [
            {"at": clock(NOW), "text": "a blocks", "advice": "don't", "where": None, "count": 2}
        ],
        "failures": [
            {
                "at": clock(NOW - 1),
                "name": "task-1",
                "coroutine": "fetch",
                "error": "KeyError: 1",
                "traceback": "Trace",
            }
        ],
        "cancellations": [
            {"at": clock(NOW - 2), "name": "a", "asked_by": "timeout", "where": "a.py:3 main"}
        ],
        "slow_steps": [
            {"at": clock(NOW - 8), "seconds": 3, "task": "b", "where": None},
            {"at": clock(NOW - 9), "seconds": 0.123, "task": None, "where": None},
        ],
        "notes": [{"text": "two"}, {"text": "one"}],
    }


def test_the_last_failures_come_with_their_traceback():
    """The others without, as long as there is room; then they are counted."""
    failures = tuple(failure(number, traceback="line\n" * 300) for number in range(50))
    rows = history_parts(loop(1), LoopHistory(births=50, ends={}, failures=failures), NOW)[
        "failures"
    ]
    kept = [row for row in rows if "more" not in row]
    with_traceback = [row["traceback"] is not None for row in kept]
    assert with_traceback == sorted(with_traceback, reverse=True)
    assert 2 <= sum(with_traceback) < len(kept)
    assert len(kept) + rows[-1].get("more", 0) == 50


# -- the timings


def test_the_timings_are_sent_as_they_are():
    """With the clock's time of the slowest step; without any, the tab says why."""
    timings = TaskTimings(
        polls=3, busy=0.5, scheduled=0.1, idle=2.0, slowest_step=0.4, slowest_step_at=NOW - 1,
        slowest_step_where="a.py:3 main", histogram=((0.001, 2), (None, 1)),
    )  # fmt: skip
    assert timings_parts(detail(1, timings=timings), NOW)["timings"] == {
        "polls": 3, "busy": 0.5, "scheduled": 0.1, "idle": 2.0, "slowest": 0.4,
        "slowest_at": clock(NOW - 1), "slowest_where": "a.py:3 main",
        "histogram": [[0.001, 2], [None, 1]],
    }  # fmt: skip
    assert timings_parts(detail(1), NOW) == NO_TIMINGS


# -- all of them


def test_no_tab_is_larger_than_a_message_may_be():
    """Whatever is in it, and however much."""
    text = WIDE * 50_000
    tree = tuple(link(text, waiting_on=text, where=text) for _ in range(500))
    chain = tuple(
        frame(1, function=text, file=text, path=text, source_line=text, timeout=1.0)
        for _ in range(200)
    )
    task = detail(
        1,
        name=text,
        coroutine=text,
        waiting_on=text,
        chain=chain,
        waits_for=tree,
        waited_by=tree,
        state=TaskState.FAILED,
        error=text,
        traceback=text,
        timings=TaskTimings(
            polls=1, busy=1.0, scheduled=1.0, idle=1.0, slowest_step_where=text,
            histogram=tuple((2.0**number, 10**9) for number in range(40)),
        ),
    )  # fmt: skip
    slow = tuple(SlowStep(at=NOW, seconds=1.0, task=text, where=text) for _ in range(50))
    warned = LoopWarning(kind=WarningKind.BLOCKED, text=text, advice=text, at=NOW, where=text)
    happened = {"slow_steps": slow, "warnings": (warned,) * 20, "notes": (text,) * 50}
    busy = loop(1, name=text, error=text, error_line=text, **happened)
    history = LoopHistory(
        births=10**9,
        ends=dict.fromkeys(TaskState, 10**9),
        failures=tuple(
            failure(number, name=text, coroutine=text, error=text, traceback=text)
            for number in range(50)
        ),
        cancellations=tuple(
            TaskCancellation(name=text, coroutine=text, at=NOW, asked_by=text, where=text)
            for _ in range(50)
        ),
    )
    for parts in (
        chain_parts(task, NOW),
        error_parts(busy, task, NOW),
        error_parts(busy, None, NOW),
        timings_parts(task, NOW),
        history_parts(busy, history, NOW),
    ):
        assert size(parts) < MOST_BYTES
