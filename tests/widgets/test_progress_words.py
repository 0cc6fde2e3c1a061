"""How far a bar is, in few words that change no oftener than somebody can read."""

from __future__ import annotations

from typing import Any

import pytest

from bgwidgets.snapshots import ProgressSnapshot
from bgwidgets.widgets.progress_words import bar_in_row, bar_lines, duration
from tests.browser.stage import bar as browsers_bar
from tests.widgets.fakes import NOW


def bar(done: float = 6300, total: float | None = 10_000, **more: Any) -> ProgressSnapshot:
    """An open one that has run for 41 seconds."""
    return ProgressSnapshot(done=done, total=total, started_at=NOW - 41, **more)


def in_row(done: float = 6300, total: float | None = 10_000, **more: Any) -> Any:
    return bar_in_row(bar(done, total, **more))


def words(*arguments: Any, **more: Any) -> str:
    row = in_row(*arguments, **more)
    return f"{row['far']}|{row['rest']}"


def line(*arguments: Any, **more: Any) -> Any:
    (only,) = bar_lines([bar(*arguments, **more)])
    return only


def test_a_bar_has_what_the_page_knows():
    """By the same names as in the page's script."""
    assert in_row(seconds_left=31.2) == browsers_bar()


def test_no_bar_is_none():
    """And no empty one."""
    assert bar_in_row(None) is None


@pytest.mark.parametrize(
    ("done", "share"), [(0, 0), (9_999, 99), (9_999.9, 99), (10_000, 100), (12_000, 100)]
)
def test_a_hundred_per_cent_is_all(done: float, share: int):
    """Not nearly all."""
    assert in_row(done)["share"] == share


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({}, "63 %|"),
        ({"seconds_left": 31.2}, "63 %| · 0:31 left"),
        ({"seconds_left": 0.2}, "63 %| · 0:01 left"),
        ({"seconds_left": 4000}, "63 %| · 1:06:40 left"),
        ({"total": None, "done": 7240}, "7,240| it"),
        ({"total": None, "done": 7240, "rate": 88.4}, "7,240| it · 88 it/s"),
        ({"total": None, "done": 7240, "rate": 88.4, "unit": "page"}, "7,240| page · 88/s"),
        ({"total": None, "done": 7240, "rate": 12_345.6}, "7,240| it · 12,346 it/s"),
        ({"total": None, "done": 3, "rate": 0.4}, "3| it · 2.5 s/it"),
        ({"total": None, "done": 3, "rate": 0.4, "unit": "page"}, "3| page · 2.5 s each"),
        ({"total": None, "done": 7240, "unit": "B", "unit_scale": True}, "7.24k|B"),
        ({"total": None, "done": 3, "rate": 0.0}, "3| it"),
        ({"total": 0, "done": 3}, "3| it"),
        ({"ended_at": NOW, "done": 10_000}, "100 %| in 0:41"),
        ({"ended_at": NOW}, "63 %|, ended"),
        ({"ended_at": NOW, "total": None}, "6,300| it in 0:41"),
        ({"ended_at": NOW, "left_open": True}, "63 %|, left open"),
        ({"ended_at": NOW, "left_open": True, "total": None}, "6,300| it, left open"),
    ],
)
def test_the_words_in_a_row(more: dict[str, Any], text: str):
    """How far, always; and if there is room, how long it still takes, how fast, or how it ended."""
    assert words(**more) == text


@pytest.mark.parametrize(
    ("more", "share", "end"),
    [
        ({"total": None}, None, ""),
        ({"total": None, "ended_at": NOW}, 100, "closed"),
        ({"total": None, "ended_at": NOW, "left_open": True}, None, "left open"),
        ({"ended_at": NOW, "left_open": True}, 63, "left open"),
        ({"ended_at": NOW}, 63, "closed"),
    ],
)
def test_a_bar_that_came_to_its_end_is_full(more: dict[str, Any], share: int | None, end: str):
    """Also where nobody knew where that was; one that was left is not."""
    row = in_row(**more)
    assert (row["share"], row["end"]) == (share, end)


@pytest.mark.parametrize(
    ("more", "count", "pace"),
    [
        ({"rate": 88, "seconds_left": 42}, "6,300 of 10,000 it", "88 it/s · 0:42 left"),
        ({"unit": "B", "unit_scale": True}, "6.3k of 10kB", ""),
        (
            {"unit": "B", "unit_scale": True, "unit_divisor": 1024, "total": 3 * 2**20},
            "6.15k of 3MB",
            "",
        ),
        ({"unit": "rows", "unit_scale": True, "rate": 15_300}, "6.3k of 10k rows", "15.3k rows/s"),
        ({"unit_scale": 0.5}, "3,150 of 5,000 it", ""),
        ({"done": 2.5, "total": 4, "unit": " km"}, "2.5 of 4 km", ""),
        ({"unit": ""}, "6,300 of 10,000", ""),
        ({"ended_at": NOW, "left_open": True}, "6,300 of 10,000 it, left open", "in 0:41"),
    ],
)
def test_a_line_of_the_details(more: dict[str, Any], count: str, pace: str):
    """How many in the bar's own unit, as tqdm scales them, and how fast."""
    told = line(**more)
    assert (told["count"], told["pace"]) == (count, pace)


def test_inner_bars_know_how_deep_they_are():
    """Those that have ended come after them, and are inside of nothing any more."""
    lines = bar_lines([bar(), bar(depth=1), bar(depth=1, ended_at=NOW)])
    assert [each["depth"] for each in lines] == [0, 1, 0]


def test_a_description_is_the_bars_name():
    """Without the colon that tqdm puts behind it."""
    assert in_row(description="epoch 3: ")["label"] == "epoch 3"
    assert line(description="epoch 3: ", postfix="loss=0.3")["label"] == "epoch 3"


@pytest.mark.parametrize(
    ("description", "others", "label"),
    [
        ("epoch", 0, "epoch"),
        ("epoch", 1, "epoch, and 1 more bar"),
        ("", 2, "one of 3 bars"),
        ("", -1, ""),
    ],
)
def test_a_loops_bar_tells_of_the_others(description: str, others: int, label: str):
    """It is one of them."""
    told = bar_in_row(bar(description=description), others)
    assert told is not None
    assert told["label"] == label


@pytest.mark.parametrize(
    ("colour", "told"),
    [
        (None, {}),
        ("green", {"tone": "ok"}),
        ("RED", {"tone": "bad"}),
        ("#00FF00", {"colour": "#00ff00"}),
        ("url(http://example.org)", {}),
        ("#00ff00;background:url(x)", {}),
    ],
)
def test_a_colour_is_the_themes_or_a_plain_number(colour: str | None, told: dict[str, str]):
    """Nothing else becomes a part of the page's style."""
    row = in_row(colour=colour)
    assert {key: row[key] for key in ("tone", "colour") if key in row} == told


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0:00"), (0.3, "0:01"), (31.2, "0:31"), (3725, "1:02:05"), (40_000, "11 h 06 min"),
        (183_600, "2d 3h"), (float("inf"), "∞"),
    ],
)  # fmt: skip
def test_durations(seconds: float, said: str):
    """As the tables say ages; of what takes half a day nobody needs the seconds."""
    assert duration(seconds) == said


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_a_bar_may_count_whatever_it_likes(number: float):
    """Nobody else's row suffers from it."""
    for more in ({"done": number}, {"done": number, "total": None}, {"total": number}):
        assert "%" in words(**more) or str(number) in words(**more) or "-1" in words(**more)
        assert line(**more, rate=number, seconds_left=number, unit_scale=True)["count"]


def test_what_does_not_show_is_not_told():
    """A thousand steps within a second, and half a per cent, change nothing of the row."""
    first = in_row(630_000, 1_000_000, seconds_left=31.2, rate=20_312.1)
    assert in_row(630_900, 1_000_000, seconds_left=31.1, rate=20_345.6) == first
