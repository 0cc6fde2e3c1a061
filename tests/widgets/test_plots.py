"""The Plots tab: told while it is open, what is new, and not otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import pytest

from bgwidgets.snapshots import FigureSnapshot, MetricSnapshot
from bgwidgets.widgets.budget import BYTES_A_SECOND, MOST
from bgwidgets.widgets.items import FromPlots
from bgwidgets.widgets.plot_views import (
    LARGEST_PICTURE,
    NEXT_AFTER,
    ROOM_FOR_PICTURES,
    ROOM_FOR_POINTS,
    Plots,
    PlotView,
)
from bgwidgets.widgets.requests import InvalidRequest
from bgwidgets.widgets.views import FORGOTTEN_AFTER
from tests.widgets.bench import PROMPT, Bench, start, storm
from tests.widgets.fakes import NOW, loop

BEGAN: Final = NOW - 60
"""When the fakes' loops were started."""
PNG: Final = b"\x89PNG\r\n\x1a\n"


def metric(name: str = "loss", *values: float | None, **more: Any) -> MetricSnapshot:
    """A value each second."""
    known = [value for value in values if value is not None]
    fields: dict[str, Any] = {"count": len(values), "last": values[-1] if values else None}
    fields |= {"lowest": min(known, default=None), "highest": max(known, default=None)}
    times = tuple(BEGAN + second for second in range(len(values)))
    return MetricSnapshot(name=name, times=times, values=values, **(fields | more))


def figure(version: int = 1, name: str = "fit", **more: Any) -> FigureSnapshot:
    """Drawn so many times."""
    fields: dict[str, Any] = {"png": PNG + bytes([version]), "drawn_at": NOW}
    return FigureSnapshot(name=name, version=version, **(fields | more))


def plots(*parts: MetricSnapshot | FigureSnapshot, began: float = BEGAN) -> Plots:
    return Plots(
        began,
        {part.name: part for part in parts if isinstance(part, MetricSnapshot)},
        {part.name: part for part in parts if isinstance(part, FigureSnapshot)},
    )


def tell(view: PlotView, now: Plots | None) -> tuple[Any, list[bytes]]:
    """What a view is told of this, with the pictures beside it; nothing when it knows it."""
    news = view.news(now)
    if news is None:
        return None, []
    return view.message(news, 1, 0.0), list(news.pictures)


@pytest.fixture
def view() -> PlotView:
    """A tab that was just opened on loop 1."""
    return PlotView("p1", 1)


# -- what a view is told


def test_a_tab_that_is_opened_is_told_all(view: PlotView):
    """The charts' time is counted from the start of the run."""
    message, pictures = tell(view, plots(metric("loss", 2.0, 1.0), figure()))
    [series] = message.pop("metrics")
    [drawn] = message.pop("figures")
    assert message == {
        "type": "plots", "view": "p1", "seq": 1, "full": True, "loop": 1, "listed": True,
        "gone": [], "gone_figures": [],
    }  # fmt: skip
    assert series == {
        "name": "loss", "keep": 0, "times": [0, 1], "values": [2, 1], "count": 2, "last": 1,
        "lowest": 1, "highest": 2,
    }  # fmt: skip
    assert (drawn["name"], drawn["error"], drawn["buffer"]) == ("fit", None, 0)
    assert pictures == [PNG + b"\x01"]


def test_only_new_points_travel(view: PlotView):
    """What is known is counted; nothing is said when nothing is new."""
    tell(view, plots(metric("loss", 3.0, 2.0)))
    assert tell(view, plots(metric("loss", 3.0, 2.0))) == (None, [])
    message, _ = tell(view, plots(metric("loss", 3.0, 2.0, None, 1.0)))
    [series] = message["metrics"]
    assert (message["full"], series["keep"]) == (False, 2)
    assert (series["times"], series["values"]) == ([2, 3], [None, 1])


def test_points_that_were_thinned_come_again(view: PlotView):
    """From the first that is another one on."""
    tell(view, plots(metric("loss", 3.0, 2.0, 1.0)))
    message, _ = tell(view, plots(metric("loss", 3.0, 1.0)))
    [series] = message["metrics"]
    assert (series["keep"], series["times"], series["values"]) == (1, [1], [1])


def test_points_are_as_exact_as_a_chart(view: PlotView):
    """A hundredth of a second, six digits."""
    close = MetricSnapshot(name="a", times=(BEGAN + 0.12345,), values=(1.23456789,), count=1)
    message, _ = tell(view, plots(close))
    assert (message["metrics"][0]["times"], message["metrics"][0]["values"]) == ([0.12], [1.23457])


def test_only_new_pictures_travel(view: PlotView):
    """An error comes without one, and the last picture stays."""
    tell(view, plots(figure(1)))
    assert tell(view, plots(figure(1))) == (None, [])
    _, pictures = tell(view, plots(figure(2)))
    assert pictures == [PNG + b"\x02"]
    message, pictures = tell(view, plots(figure(2, error="ValueError: no data")))
    assert (message["figures"][0]["error"], message["figures"][0]["buffer"], pictures) == (
        "ValueError: no data", None, [],
    )  # fmt: skip


def test_another_run_is_told_from_its_beginning(view: PlotView):
    """Its pictures and points count from one again."""
    tell(view, plots(metric("loss", 3.0), figure()))
    message, pictures = tell(view, plots(metric("loss", 3.0), figure(), began=BEGAN + 9))
    assert (message["full"], message["seq"]) == (True, 2)
    assert (message["metrics"][0]["keep"], len(pictures)) == (0, 1)


def test_what_is_gone_is_told(view: PlotView):
    """Of a loop that is not listed any more, everything."""
    tell(view, plots(metric("a", 1.0), metric("b", 1.0), figure()))
    message, _ = tell(view, plots(metric("b", 1.0)))
    assert (message["gone"], message["gone_figures"]) == (["a"], ["fit"])
    message, _ = tell(view, None)
    assert (message["full"], message["listed"], message["metrics"]) == (True, False, [])
    assert tell(view, None) == (None, [])


def test_a_message_is_never_larger_than_it_may_be(view: PlotView):
    """What does not fit comes with the next; all have their turn, those that wait first."""
    points = tuple(0.123456 * place for place in range(1_000))
    many = plots(*(metric(f"metric-{number}", *points) for number in range(30)))
    told: list[str] = []
    while (message := tell(view, many)[0]) is not None:
        assert len(json.dumps(message, ensure_ascii=False)) < ROOM_FOR_POINTS + 1_000
        told += [series["name"] for series in message["metrics"]]
    assert told == list(many.metrics)


def test_those_that_change_all_the_time_keep_nobody_waiting(view: PlotView):
    """Also when not all fit in one message."""
    counts = dict.fromkeys((f"metric-{number}" for number in range(10)), 0)
    for step in range(20):
        points = tuple(step + 0.123456 * place for place in range(1_000))
        message, _ = tell(view, plots(*(metric(name, *points) for name in counts)))
        for series in message["metrics"]:
            counts[series["name"]] += 1
    assert max(counts.values()) - min(counts.values()) <= 1


def test_pictures_come_one_after_the_other_when_they_are_large(view: PlotView):
    """And one that no message may hold is spoken of instead."""
    large = PNG + bytes(ROOM_FOR_PICTURES - 1_000)
    drawn = plots(figure(name="a", png=large), figure(name="b", png=large))
    names = []
    for _ in range(2):
        message, pictures = tell(view, drawn)
        names += [each["name"] for each in message["figures"]]
        assert [len(each) for each in pictures] == [len(large)]
    assert names == ["a", "b"]
    assert tell(view, drawn) == (None, [])
    message, pictures = tell(view, plots(figure(png=PNG + bytes(LARGEST_PICTURE))))
    assert pictures == []
    assert message["figures"][0]["error"].startswith("The picture is too large to be sent, 2.0 MB")


def test_two_large_ones_share_no_place(view: PlotView):
    """Each names its own bytes beside the message."""
    one, other = figure(1, name="a"), figure(2, name="b")
    huge = figure(1, name="c", png=PNG + bytes(LARGEST_PICTURE))
    message, pictures = tell(view, plots(one, huge, other))
    places = {each["name"]: each["buffer"] for each in message["figures"]}
    assert places == {"a": 0, "c": None, "b": 1}
    assert pictures == [one.png, other.png]


def test_names_are_made_fit_to_travel(view: PlotView):
    """Half characters would not."""
    message, _ = tell(view, plots(metric("a\ud800"), figure(name="b\ud800")))
    assert (message["metrics"][0]["name"], message["figures"][0]["name"]) == ("a?", "b?")


# -- when it is told


def show(bench: Bench, known: int = 0, view: str = "p1", number: int = 1) -> None:
    """A page says that its tab is open."""
    bench.plots(type="show", view=view, loop=number, known=known)


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """With a page that shows loop 1, which has measured something."""
    start(bench, 1)
    bench.source.measured[1] = {"loss": metric("loss", 1.0)}
    bench.open_page()
    bench.stay_alive(2)
    bench.take()
    return bench


def measure(bench: Bench, *values: float) -> None:
    bench.source.measured[1] = {"loss": metric("loss", *values)}


def test_a_tab_that_is_not_open_costs_nothing(bench: Bench):
    """Nothing is asked of the loops, and so no figure is drawn for nobody."""
    bench.stay_alive(3)
    assert bench.source.asked_plots == []
    show(bench)
    bench.pass_time(PROMPT)
    assert len(bench.plotted()) == 1
    bench.plots(type="bye", view="p1")
    bench.source.asked_plots.clear()
    bench.stay_alive(3)
    assert (bench.source.asked_plots, bench.plotted()) == ([], [])


def test_the_tab_is_offered_where_there_is_something(bench: Bench):
    """No empty tab stands in."""
    bench.take()
    bench.source.loops = [loop(1, metrics=1)]
    bench.pass_time(bench.face.interval)
    assert bench.frames("tasks")[-1]["head"]["plots"] is True
    bench.source.loops = [loop(1, figures=1)]
    bench.pass_time(bench.face.interval)
    assert not any("plots" in frame["head"] for frame in bench.frames("tasks"))
    bench.source.loops = [loop(1)]
    bench.pass_time(bench.face.interval)
    assert bench.frames("tasks")[-1]["head"]["plots"] is False


def test_it_is_told_at_most_twice_a_second(bench: Bench):
    """However short the interval is."""
    bench.face.interval = 0.2
    show(bench)
    for step in range(30):
        measure(bench, *range(step + 1))
        bench.pass_time(0.1)
    at = [sent.at for sent in bench.log if sent.channel == "plots"]
    assert len(at) >= 5
    gaps = [later - earlier for earlier, later in pairwise(at)]
    assert min(gaps) >= NEXT_AFTER - 1e-9


def test_pictures_do_not_flood_the_server(bench: Bench):
    """The more they weigh, the longer the next ones wait."""
    show(bench)
    size = 400_000
    for step in range(100):
        bench.source.plotted[1] = {"fit": figure(step, png=bytes(size))}
        if step % 40 == 0:
            show(bench, known=len([1 for sent in bench.log if sent.channel == "plots"]))
            bench.page("tasks", type="alive", view="tasks1")
            bench.page("loops", type="alive", view="loops1")
        bench.pass_time(0.1)
    sent = sum(map(len, bench.face.pictures))
    assert 0.5 * 10 * BYTES_A_SECOND < sent <= 10 * BYTES_A_SECOND + size


def test_a_page_that_missed_something_is_told_all_again(bench: Bench):
    """It says which message it has heard last."""
    show(bench)
    bench.take()
    show(bench, known=1)
    bench.stay_alive(1)
    assert bench.plotted() == []
    show(bench, known=0)
    bench.stay_alive(1)
    assert [message["full"] for message in bench.plotted()] == [True]


def test_a_page_that_is_silent_is_told_no_more(bench: Bench):
    """It was closed, or is hidden."""
    show(bench)
    bench.stay_alive(int(FORGOTTEN_AFTER) + 1)
    bench.take()
    bench.source.asked_plots.clear()
    measure(bench, 1.0, 2.0)
    bench.stay_alive(2)
    assert (bench.plotted(), bench.source.asked_plots) == ([], [])


def test_a_pause_freezes_it(bench: Bench):
    """As the rest of the panel."""
    show(bench)
    bench.page("loops", type="pause", paused=True)
    bench.pass_time(PROMPT)
    bench.take()
    measure(bench, 1.0, 2.0)
    bench.stay_alive(2)
    assert bench.plotted() == []
    bench.page("loops", type="pause", paused=False)
    bench.pass_time(1.5)
    assert [message["metrics"][0]["values"] for message in bench.plotted()] == [[2]]


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_loop_that_is_gone_is_no_error(bench: Bench, is_listed: bool):
    """Also when it was removed since the last look."""
    bench.source.measured.clear()
    show(bench, number=1 if is_listed else 9)
    bench.pass_time(PROMPT)
    assert [message["listed"] for message in bench.plotted()] == [False]


def test_what_a_stranger_sends_is_refused_in_the_status_line(bench: Bench):
    """And nothing else happens."""
    bench.give(FromPlots(InvalidRequest("loop is missing")))
    assert bench.said() == [("error", "The page sent what it should not: loop is missing")]


def test_it_leaves_room_for_the_tables(bench: Bench):
    """Ten messages a second are all that there are, whatever is open."""
    bench.face.interval = 0.2
    show(bench)
    for step in range(50):
        storm(bench, step)
        bench.source.loops = [replace(each, metrics=1) for each in bench.source.loops]
        measure(bench, *range(step + 1))
        bench.pass_time(0.1)
    kinds = [sent.channel for sent in bench.log]
    assert kinds.count("plots") >= 3
    assert kinds.count("loops") >= 3
    assert bench.most_in_a_second() <= MOST
