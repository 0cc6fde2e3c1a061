"""The page is told which cell runs, and whether it is heard meanwhile."""

from __future__ import annotations

from typing import Any

from bgwidgets.widgets.busy_cell import Cell
from bgwidgets.widgets.items import CellRuns, FromTable, Refresh
from bgwidgets.widgets.request_reading import read_table_request
from bgwidgets.widgets.views import MOST_VIEWS
from tests.widgets.bench import PROMPT, Bench, start
from tests.widgets.fakes import NOW, loop

SOON = 0.35
"""Seconds after which the page knows of a cell."""


def cells(bench: Bench) -> list[Any]:
    """What the page was told since the last time."""
    return [frame["head"]["cell"] for frame in bench.frames("loops") if "cell" in frame["head"]]


def pongs(bench: Bench) -> list[Any]:
    """The answers to pings since the last time."""
    return [message for _, message in bench.take() if message["type"] == "pong"]


def kernel(bench: Bench) -> tuple[Any, Any]:
    """What the page was told last of the kernel: its state, and since when it is busy."""
    heads = [frame["head"] for frame in bench.frames("loops")]
    [*_, state] = [head["kernel"] for head in heads if "kernel" in head]
    since = [head["busy_since"] for head in heads if "busy_since" in head]
    return state, since[-1] if since else "as before"


def open_page(bench: Bench) -> None:
    """A page shows a loop, and knows that no cell runs."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(2)
    assert cells(bench) == [None]


def test_the_page_learns_of_a_cell_and_of_its_end(bench: Bench):
    """By its number, also when the next look is far away."""
    bench.face.interval = 60
    open_page(bench)
    bench.give(CellRuns(Cell(7, NOW)))
    bench.pass_time(SOON)
    assert cells(bench) == [7]
    bench.give(CellRuns(None))
    bench.pass_time(PROMPT)
    assert cells(bench) == [None]


def test_the_page_learns_how_long_the_kernel_is_busy(bench: Bench):
    """By the moment when its cell began, and of its end."""
    open_page(bench)
    bench.give(CellRuns(Cell(7, NOW + 2.0)))
    bench.pass_time(SOON)
    assert kernel(bench) == ("busy", NOW + 2.0)
    bench.give(CellRuns(None))
    bench.pass_time(PROMPT)
    assert kernel(bench) == ("idle", None)


def test_something_else_than_a_cell_keeps_the_kernel_busy(bench: Bench):
    """Another widget's callback, say: since when is not known."""
    open_page(bench)
    bench.give(CellRuns(None))
    bench.pass_time(1)
    bench.take()
    bench.face.is_held_up = True
    bench.pass_time(1)
    assert kernel(bench) == ("busy", "as before")
    bench.face.is_held_up = False
    bench.pass_time(1)
    assert kernel(bench) == ("idle", "as before")


def test_a_panel_that_nobody_looks_at_asks_nothing_of_the_thread_of_the_cells(bench: Bench):
    """It would wake that up for nothing."""
    start(bench, 1)
    bench.give(Refresh())
    bench.pass_time(2)
    assert bench.face.cells_asked == 0
    bench.open_page()
    bench.pass_time(2)
    assert bench.face.cells_asked > 0


def test_what_is_not_known_of_the_kernel_is_not_said(bench: Bench):
    """Neither its state before the first word of a cell, nor when one began that was under way."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(2)
    assert kernel(bench) == (None, None)
    bench.give(CellRuns(Cell(7, None)))
    bench.pass_time(0.2)
    assert bench.frames("loops") == []
    bench.pass_time(SOON)
    assert kernel(bench) == ("busy", "as before")
    bench.give(CellRuns(None))
    bench.pass_time(PROMPT)
    assert kernel(bench) == ("idle", "as before")


def test_a_short_cell_costs_no_message(bench: Bench):
    """A notebook may run many of them one after the other."""
    bench.face.interval = 60
    bench.give(CellRuns(None))
    open_page(bench)
    for number in range(20):
        bench.give(CellRuns(Cell(number, NOW)))
        bench.pass_time(0.05)
        bench.give(CellRuns(None))
        bench.pass_time(0.05)
    assert [message["type"] for _, message in bench.take() if message["type"] != "beat"] == []


def test_it_learns_of_it_in_a_pause_too(bench: Bench):
    """The buttons go on working then."""
    open_page(bench)
    bench.page("loops", type="pause", paused=True)
    bench.give(CellRuns(Cell(7, NOW)))
    bench.pass_time(SOON)
    assert cells(bench) == [7]


def test_a_ping_is_answered_while_its_cell_runs(bench: Bench):
    """At once; one message for all pages that asked."""
    open_page(bench)
    bench.give(CellRuns(Cell(7, NOW)))
    bench.pass_time(SOON)
    bench.take()
    bench.page("loops", type="ping", view="loops1", cell=7)
    assert pongs(bench) == [{"type": "pong", "cell": 7, "views": ["loops1"]}]
    bench.pass_time(2)
    assert pongs(bench) == []


def test_a_flood_of_pings_is_answered_to_as_many_as_there_can_be(bench: Bench):
    """In one message, when there is room for it: there are no more views than that."""
    open_page(bench)
    bench.give(CellRuns(Cell(7, NOW)))
    bench.pass_time(SOON)
    for number in range(1000):
        bench.page("loops", type="ping", view=f"v{number}", cell=7)
    bench.take()
    bench.pass_time(2)
    assert [len(pong["views"]) for pong in pongs(bench)] == [MOST_VIEWS]


def test_a_ping_that_comes_after_its_cell_is_not_answered(bench: Bench):
    """Neither when no cell runs nor in the next one: it was not heard in time."""
    open_page(bench)
    bench.give(CellRuns(Cell(7, NOW)))
    bench.give(CellRuns(None))
    bench.page("loops", type="ping", view="loops1", cell=7)
    bench.give(CellRuns(Cell(8, NOW)))
    bench.page("loops", type="ping", view="loops1", cell=7)
    bench.pass_time(2)
    assert pongs(bench) == []


def test_an_answer_that_found_no_room_ends_with_its_cell(bench: Bench):
    """It would say something of the next one that nobody knows."""
    open_page(bench)
    bench.give(CellRuns(Cell(7, NOW)))
    ping = read_table_request("loops", {"type": "ping", "view": "loops1", "cell": 7})
    bench.feed.take(FromTable("loops", ping), bench.face, bench.now)
    bench.give(CellRuns(Cell(8, NOW)))
    bench.pass_time(3)
    assert pongs(bench) == []


def test_while_a_cell_runs_silence_says_nothing(bench: Bench):
    """A page that is there may have no way to say so; it sees what happens all the same."""
    start(bench, 1)
    bench.open_page()
    bench.pass_time(10)
    bench.give(CellRuns(Cell(1, NOW)))
    bench.pass_time(600)
    bench.take()
    bench.source.loops[0] = loop(1, name="other")
    bench.pass_time(1)
    assert any(channel == "loops" for channel, _ in bench.take())
    bench.give(CellRuns(None))
    bench.pass_time(1.5)
    assert bench.take() != []
    bench.pass_time(1)
    bench.take()
    bench.pass_time(60)
    assert bench.take() == []
