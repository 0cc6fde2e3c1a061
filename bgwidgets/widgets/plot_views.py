"""What each open Plots tab has been told, and so what it must be told next.

Of a metric only the points travel that are new, of figures only pictures that are. Everything here
is used by the publisher's thread alone; times are seconds of its clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bgwidgets.snapshots import FigureSnapshot, MetricSnapshot
from bgwidgets.widgets.cleaning import clean
from bgwidgets.widgets.open_tabs import OpenTab, OpenTabs
from bgwidgets.widgets.protocols import Message

ROOM_FOR_POINTS: Final = 64_000
"""Bytes of JSON in one message; what does not fit comes with the next."""
ROOM_FOR_PICTURES: Final = 500_000
"""Bytes in one message, unless a single picture takes more."""
LARGEST_PICTURE: Final = 2_000_000
"""Servers drop what is sent when it is more than a million bytes a second for three seconds."""
NEXT_AFTER: Final = 0.5
"""Seconds from one message to the next."""
LONGEST_NAME: Final = 200
LONGEST_ERROR: Final = 300
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class Plots:
    """What a loop's work has measured and plotted, at one moment."""

    began: float
    """The start of the run: the charts' time is counted from it."""
    metrics: Mapping[str, MetricSnapshot] = field(default_factory=dict)
    figures: Mapping[str, FigureSnapshot] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """What a view is to be told, with the pictures that go beside it."""

    began: float | None
    is_full: bool
    content: Mapping[str, Any]
    pictures: Sequence[bytes]
    metrics: Mapping[str, MetricSnapshot]
    figures: Mapping[str, FigureSnapshot]
    """Those that it knows afterwards; so with the metrics."""
    size: int
    """In bytes."""


class PlotView(OpenTab[int]):
    """One page's open Plots tab; its subject is the loop's id."""

    def __init__(self, name: str, subject: int) -> None:
        super().__init__(name, subject)
        self.next_at = float("-inf")
        """Not before it is told again."""
        self._began: float | None = None
        self._metrics: Mapping[str, MetricSnapshot] = {}
        self._figures: Mapping[str, FigureSnapshot] = {}

    def news(self, plots: Plots | None) -> News | None:
        """What it does not know yet, as much as fits; None when it knows all. None for `plots`:
        the loop is not listed any more.
        """
        began = None if plots is None else plots.began
        is_full = self.awaits_all or began != self._began
        known_metrics = {} if is_full else dict(self._metrics)
        known_figures = {} if is_full else dict(self._figures)
        now = plots or Plots(0.0)
        gone = [name for name in known_metrics if name not in now.metrics]
        gone_figures = [name for name in known_figures if name not in now.figures]
        for name in gone:
            del known_metrics[name]
        for name in gone_figures:
            del known_figures[name]
        series = _new_points(now, known_metrics)
        figures, pictures = _new_pictures(now.figures, known_figures)
        if not (is_full or series or figures or gone or gone_figures):
            return None
        content = {
            "listed": plots is not None,
            "metrics": series,
            "figures": figures,
            "gone": [clean(name, LONGEST_NAME) for name in gone],
            "gone_figures": [clean(name, LONGEST_NAME) for name in gone_figures],
        }
        size = sum(map(len, pictures)) + sum(map(_size, series))
        return News(began, is_full, content, pictures, known_metrics, known_figures, size)

    def message(self, news: News, turn: int, now: float) -> Message:
        """The message that tells it; what was told is known from now on."""
        self._began, self._metrics, self._figures = news.began, news.metrics, news.figures
        self.next_at = now + NEXT_AFTER
        self.seq += 1
        self.turn = turn
        about = {"type": "plots", "view": self.name, "seq": self.seq, "full": news.is_full}
        return {**about, "loop": self.subject, **news.content}


class PlotViews(OpenTabs[int, PlotView]):
    """All Plots tabs that are open, one for each page at most."""

    def __init__(self) -> None:
        super().__init__(PlotView)


def _new_points(plots: Plots, known: dict[str, MetricSnapshot]) -> list[dict[str, Any]]:
    """As many as there is room for; `known` is what is known afterwards.

    Those that wait for the longest come first: what was told last stands at the end.
    """
    places = {name: place for place, name in enumerate(known)}
    changed = [name for name, metric in plots.metrics.items() if known.get(name) != metric]
    changed.sort(key=lambda name: places.get(name, -1))
    told: list[dict[str, Any]] = []
    room = ROOM_FOR_POINTS
    for name in changed:
        metric = plots.metrics[name]
        news = _points(metric, known.get(name), plots.began)
        room -= _size(news)
        if room < 0 and told:
            break
        told.append(news)
        known.pop(name, None)
        known[name] = metric
    return told


def _points(metric: MetricSnapshot, known: MetricSnapshot | None, began: float) -> dict[str, Any]:
    """The points after the first `keep`, which are known; in seconds since the run began."""
    keep = 0 if known is None else _same(metric, known)
    return {
        "name": clean(metric.name, LONGEST_NAME),
        "keep": keep,
        "times": [round(at - began, 2) for at in metric.times[keep:]],
        "values": [_rounded(value) for value in metric.values[keep:]],
        "count": metric.count,
        "last": _rounded(metric.last),
        "lowest": _rounded(metric.lowest),
        "highest": _rounded(metric.highest),
    }


def _same(one: MetricSnapshot, other: MetricSnapshot) -> int:
    """How many points at the beginning are the same in both."""
    points = zip(one.times, one.values, strict=True)
    others = zip(other.times, other.values, strict=True)
    pairs = enumerate(zip(points, others, strict=False))
    shortest = min(len(one.times), len(other.times))
    return next((place for place, (here, there) in pairs if here != there), shortest)


def _rounded(value: float | None) -> float | None:
    """More digits than a chart could show would take room."""
    return None if value is None else float(f"{value:.{_DIGITS}g}")


def _size(part: Any) -> int:
    return len(json.dumps(part, ensure_ascii=False).encode("utf-8", "replace"))


def _new_pictures(
    figures: Mapping[str, FigureSnapshot], known: dict[str, FigureSnapshot]
) -> tuple[list[dict[str, Any]], list[bytes]]:
    """As many as there is room for; `known` is what is known afterwards."""
    told: list[dict[str, Any]] = []
    pictures: list[bytes] = []
    places = {name: place for place, name in enumerate(known)}
    for name in sorted(figures, key=lambda each: places.get(each, -1)):
        figure = figures[name]
        shown = known.get(name)
        if shown == figure:
            continue
        is_new = shown is None or shown.version != figure.version
        png = figure.png if is_new else None
        place = None
        if png is not None and len(png) <= LARGEST_PICTURE:
            if pictures and sum(map(len, pictures)) + len(png) > ROOM_FOR_PICTURES:
                continue
            place = len(pictures)
            pictures.append(png)
        known.pop(name, None)
        known[name] = figure
        told.append(
            {
                "name": clean(name, LONGEST_NAME),
                "at": _clock(figure.drawn_at),
                "error": _why_not(figure),
                "buffer": place,
            }
        )
    return told, pictures


def _why_not(figure: FigureSnapshot) -> str | None:
    if figure.error is not None:
        return clean(figure.error, LONGEST_ERROR)
    if figure.png is not None and len(figure.png) > LARGEST_PICTURE:
        return (
            f"The picture is too large to be sent, {len(figure.png) / 1e6:.1f} MB:"
            " give figure() a smaller figsize= or dpi="
        )
    return None


def _clock(moment: float | None) -> str | None:
    return None if moment is None else time.strftime("%H:%M:%S", time.localtime(moment))
