"""Views of output: told what is new while they are open, at a bounded rate, and not otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from bgwidgets.output.log import OutputLog
from bgwidgets.widgets.budget import MOST
from bgwidgets.widgets.output_text import WINDOW
from bgwidgets.widgets.output_views import LARGEST_PICTURE, PIECE
from bgwidgets.widgets.request_reading import read_output_request
from bgwidgets.widgets.requests import InvalidRequest
from bgwidgets.widgets.views import FORGOTTEN_AFTER, MOST_VIEWS
from tests.widgets.bench import PROMPT, Bench, start


def show(bench: Bench, known: int = 0, view: str = "o1", loop: int = 1, **more: Any) -> None:
    """A page says what it shows: by default the end of loop 1's output."""
    bench.output(type="show", view=view, loop=loop, known=known, **more)


def texts(message: Any) -> list[str]:
    return [line[1] for line in message["window"]["lines"]]


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """With a page that shows loop 1, which has written two lines."""
    start(bench, 1)
    bench.source.outputs[1] = log = OutputLog()
    log.write("one\ntwo\n")
    bench.open_page()
    bench.stay_alive(2)
    bench.take()
    return bench


@pytest.fixture
def log(bench: Bench) -> OutputLog:
    return bench.source.outputs[1]


def test_a_view_that_is_opened_is_told_the_end(bench: Bench):
    """At once."""
    show(bench)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert message == {
        "type": "output", "view": "o1", "seq": 1, "full": True, "loop": 1, "task": None,
        "head": {
            "total": 2, "first": 0, "end": 2, "dropped": 0, "tasks": [], "hits": None,
            "name": "loop-1",
        },
        "open": [],
        "window": {
            "start": 0, "first": 0, "last": 1, "follows": True, "gone": [],
            "lines": [[0, "one"], [1, "two"]],
        },
    }  # fmt: skip


def test_a_view_that_is_not_open_costs_nothing(bench: Bench):
    """No output is asked for, and none travels, before it is opened and after it was closed."""
    bench.stay_alive(3)
    assert bench.source.asked_outputs == []
    show(bench)
    bench.output(type="bye", view="o1")
    bench.source.asked_outputs.clear()
    bench.take()
    bench.stay_alive(3)
    assert bench.source.asked_outputs == []
    assert [channel for channel, _ in bench.take() if channel == "output"] == []


def test_only_new_text_travels(bench: Bench, log: OutputLog):
    """At the panel's interval; nothing when nothing was written."""
    show(bench)
    bench.take()
    bench.stay_alive(3)
    assert bench.outputs() == []
    log.write("three\n")
    bench.pass_time(bench.face.interval)
    [message] = bench.outputs()
    assert (message["full"], message["seq"], texts(message)) == (False, 2, ["three"])
    assert message["head"] == {"total": 3, "end": 3}
    assert "open" not in message


def test_a_line_that_grows_comes_again(bench: Bench, log: OutputLog):
    """With no end yet it stands apart, and alone; then it is one of the lines."""
    show(bench)
    bench.take()
    log.write("50 %")
    bench.pass_time(bench.face.interval)
    [message] = bench.outputs()
    assert ([line[1] for line in message["open"]], "window" in message) == (["50 %"], False)
    log.write("\r100 %\n")
    bench.pass_time(bench.face.interval)
    [message] = bench.outputs()
    assert (message["open"], texts(message)) == ([], ["100 %"])


def test_a_flood_is_a_window_full_each_time(bench: Bench, log: OutputLog):
    """100,000 lines a second: what the page gets does not grow, and it is told what was dropped."""
    log.max_bytes = 200_000
    show(bench)
    bench.take()
    for second in range(3):
        log.write("".join(f"{second} line {number}\n" for number in range(100_000)))
        bench.stay_alive(1)
    messages = bench.outputs()
    assert {len(message["window"]["lines"]) for message in messages} == {WINDOW}
    assert sum(len(str(message)) for message in messages) < 60_000
    assert messages[-1]["head"]["dropped"] > 200_000
    assert bench.most_in_a_second() <= MOST


def test_one_that_was_scrolled_up_keeps_what_it_has(bench: Bench, log: OutputLog):
    """It only hears how much there is by now; until it wants something else."""
    log.write("".join(f"line {number}\n" for number in range(1000)))
    show(bench)
    bench.take()
    show(bench, known=1, around=500)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert (message["window"]["first"], message["window"]["last"]) == (400, 639)
    log.write("more\n")
    bench.pass_time(bench.face.interval)
    [message] = bench.outputs()
    assert ("window" in message, message["head"]) == (False, {"total": 1003, "end": 1003})
    show(bench, known=message["seq"], around=600)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert (message["window"]["first"], message["window"]["last"]) == (500, 739)
    assert len(message["window"]["lines"]) == 100
    show(bench, known=message["seq"])
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert (texts(message)[-1], message["window"]["follows"]) == ("more", True)


def test_one_that_stays_is_not_moved_by_a_flood(bench: Bench, log: OutputLog):
    """The lines that it looks at may be gone here: the page has them."""
    log.max_bytes = 50_000
    log.write("".join(f"line {number}\n" for number in range(1000)))
    show(bench)
    bench.take()
    log.write("".join(f"line {number}\n" for number in range(100_000)))
    show(bench, known=1, around=900, stays=True)
    bench.stay_alive(2)
    messages = bench.outputs()
    assert [message for message in messages if "window" in message] == []
    assert messages[-1]["head"]["first"] > 900
    show(bench, known=messages[-1]["seq"], around=901)
    bench.pass_time(PROMPT)
    assert [message["window"]["start"] for message in bench.outputs()] == [0]


def test_one_tasks_output_is_told_alone(bench: Bench, log: OutputLog):
    """To pick another is to begin anew."""
    log.write("mine\n", task_id=7, task_name="fetch")
    show(bench)
    bench.take()
    show(bench, known=1, task=7)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert (message["full"], message["task"], texts(message)) == (True, 7, ["mine"])
    log.write("another's\n")
    bench.pass_time(bench.face.interval)
    assert [message.get("window") for message in bench.outputs()] == []


def test_what_is_looked_for_is_counted_and_led_to(bench: Bench, log: OutputLog):
    """In all that the kernel holds, not only in what the page has."""
    log.write("needle\n" + "hay\n" * 1000)
    show(bench)
    bench.take()
    show(bench, known=1, find="NEEDLE")
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert message["head"] == {"hits": 1}
    bench.output(type="step", view="o1", number=900, back=True)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert message["hit"] == {"at": 0, "number": 2}
    assert "needle" in texts(message)
    assert message["window"]["follows"] is False
    show(bench, known=message["seq"], find="none such", around=2)
    bench.output(type="step", view="o1", number=0, back=False)
    bench.pass_time(1)
    assert [message.get("hit") for message in bench.outputs()] == [{"at": None, "number": None}]


def test_what_was_displayed_and_replaced_is_taken_away(bench: Bench, log: OutputLog):
    """It has come to the end."""
    log.show({"text/plain": "1"}, display_id="d")
    log.write("between\n")
    show(bench)
    bench.take()
    log.show({"text/plain": "2"}, display_id="d", update=True)
    bench.pass_time(bench.face.interval)
    [message] = bench.outputs()
    assert (message["window"]["gone"], texts(message)) == ([2], ["2"])


def test_a_cleared_log_is_empty(bench: Bench, log: OutputLog):
    """Nothing of it stays."""
    show(bench)
    bench.take()
    log.clear()
    bench.pass_time(bench.face.interval)
    [message] = bench.outputs()
    assert message["window"] == {
        "start": 0, "first": None, "last": None, "follows": True, "gone": [], "lines": [],
    }  # fmt: skip
    log.write("anew\n")
    bench.pass_time(bench.face.interval)
    assert [texts(message) for message in bench.outputs()] == [["anew"]]


def test_a_picture_is_fetched_when_it_is_seen(bench: Bench, log: OutputLog):
    """Not with its line; too large a one is told instead, as is one that was dropped."""
    log.show({"image/png": "aGk=", "text/plain": "<Figure>"})
    log.show({"image/png": "x" * (LARGEST_PICTURE + 1), "text/plain": "<Figure>"})
    show(bench)
    [message] = bench.outputs()
    assert "aGk=" not in str(message)
    told = []
    for number in (2, 3, 999):
        bench.output(type="picture", view="o1", number=number)
        bench.pass_time(1)
        told += bench.outputs()
    assert told[0] == {
        "type": "picture", "view": "o1", "number": 2, "kind": "image/png", "data": "aGk=",
    }  # fmt: skip
    assert [message.get("why") for message in told[1:]] == [
        "The picture is too large to be shown here: 700,001 characters",
        "The picture is not held any more",
    ]


def test_all_of_it_comes_in_pieces(bench: Bench, log: OutputLog):
    """As it was when the first was asked for; slowly enough for the server, without colours."""
    log.write("".join(f"\x1b[31mline {number}\x1b[0m\n" for number in range(15_000)))
    expected = log.text(colours=False)
    show(bench)
    bench.take()
    whole, started = "", bench.now
    while True:
        bench.output(type="save", view="o1", start=len(whole))
        bench.stay_alive(1)
        [piece] = [each for each in bench.outputs() if each["type"] == "piece"]
        assert len(piece["text"]) <= PIECE
        whole += piece["text"]
        log.write("more\n")
        if piece["stop"] == piece["total"]:
            break
    assert whole == expected
    assert len(expected) / (bench.now - started) < 500_000


def test_a_page_that_missed_something_is_told_all_again(bench: Bench, log: OutputLog):
    """It says so; what may still be on its way is not taken for missed."""
    show(bench)
    log.write("three\n")
    bench.pass_time(1)
    bench.take()
    show(bench, known=1)
    bench.pass_time(PROMPT)
    assert bench.outputs() == []
    show(bench, known=0)
    bench.pass_time(PROMPT)
    assert [(message["full"], message["seq"]) for message in bench.outputs()] == [(True, 1)]
    log.write("four\n")
    bench.pass_time(1)
    bench.stay_alive(4)
    bench.take()
    show(bench, known=1)
    bench.pass_time(PROMPT)
    assert [message["full"] for message in bench.outputs()] == [True]


def test_a_page_that_is_silent_is_told_no_more(bench: Bench, log: OutputLog):
    """It was closed, or is hidden."""
    show(bench)
    bench.stay_alive(int(FORGOTTEN_AFTER) + 1)
    bench.take()
    log.write("three\n")
    bench.stay_alive(2)
    assert bench.outputs() == []


def test_a_view_in_a_window_of_its_own_is_told_while_no_table_is_seen(bench: Bench, log: OutputLog):
    """The notebook is hidden, say. It hears a word each second, and so knows that it is heard."""
    bench.page("loops", type="bye", view="loops1")
    bench.page("tasks", type="bye", view="tasks1")
    show(bench)
    bench.take()
    log.write("three\n")
    bench.pass_time(1)
    assert [texts(message) for message in bench.outputs()] == [["three"]]
    bench.pass_time(3)
    assert [message["type"] for _, message in bench.take()].count("beat") >= 2


def test_a_pause_freezes_it(bench: Bench, log: OutputLog):
    """It can be scrolled meanwhile."""
    log.write("".join(f"line {number}\n" for number in range(1000)))
    show(bench)
    bench.page("loops", type="pause", paused=True)
    bench.pass_time(1.5)
    bench.take()
    log.write("more\n")
    bench.stay_alive(3)
    assert bench.outputs() == []
    show(bench, known=1, around=10)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert (texts(message)[0], "head" in message) == ("one", False)
    bench.page("loops", type="pause", paused=False)
    bench.pass_time(1.5)
    assert [message["head"]["end"] for message in bench.outputs()] == [1003]


def test_what_a_page_asks_for_in_a_pause_is_not_kept_for_ever(bench: Bench):
    """Each task, or what it takes for one, is a text of its own."""
    show(bench)
    bench.page("loops", type="pause", paused=True)
    for number in range(200):
        show(bench, task=number, view=f"o{number % 5}")
        bench.pass_time(1)
    showing = bench.feed._showing
    assert [len(showing._texts), len(showing._texts_shown)] == [MOST_VIEWS, MOST_VIEWS]


def test_of_a_loop_that_is_gone_nothing_is_shown(bench: Bench):
    """Nor is it an error."""
    show(bench, loop=9)
    bench.pass_time(PROMPT)
    [message] = bench.outputs()
    assert (message["head"]["name"], texts(message)) == (None, [])


def test_many_views_make_room_for_each_other(bench: Bench, log: OutputLog):
    """And keep within the limit: those that were opened first are told no more."""
    for number in range(MOST_VIEWS + 3):
        show(bench, view=f"o{number}")
    bench.stay_alive(5)
    bench.take()
    log.write("three\n")
    bench.stay_alive(5)
    told = [message["view"] for message in bench.outputs()]
    assert sorted(told) == sorted(f"o{number}" for number in range(3, MOST_VIEWS + 3))
    assert bench.most_in_a_second() <= MOST


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "show", "view": "x", "loop": 1},
        {"type": "show", "view": "x", "loop": 1, "known": 0, "around": -1},
        {"type": "show", "view": "x", "loop": 1, "known": 0, "around": None},
        {"type": "show", "view": "x", "loop": 1, "known": 0, "find": "x" * 201},
        {"type": "show", "view": "x", "loop": 1, "known": 0, "find": ["x"]},
        {"type": "show", "view": "x", "loop": 1, "known": 0, "more": 1},
        {"type": "step", "view": "x", "number": 1},
        {"type": "step", "view": "x", "number": 1, "back": 1},
        {"type": "picture", "view": "x", "number": "1"},
        {"type": "save", "view": "X!", "start": 0},
        {"type": "save", "view": "x", "start": 0.5},
        {"type": "write", "view": "x", "text": "mine"},
    ],
)
def test_a_view_of_output_says_nothing_else(message: dict[str, Any]):
    """Whatever else comes is not from its script."""
    with pytest.raises(InvalidRequest):
        read_output_request(message)


def test_what_is_asked_by_a_view_that_nobody_knows_is_passed_over(bench: Bench):
    """It was closed meanwhile."""
    bench.output(type="step", view="o9", number=0, back=False)
    bench.output(type="picture", view="o9", number=0)
    bench.output(type="save", view="o9", start=0)
    bench.pass_time(1)
    assert bench.outputs() == []
