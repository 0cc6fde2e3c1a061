"""What is new of a run's metrics and figures since the kernel asked last: only that is sent.

The child remembers what its last answer came to, under a number. A question says which answer is
known; when that is not the last one, all is sent. So an answer that was lost, or came too late for
who had asked, does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bgwidgets.snapshots import FigureSnapshot, MetricSnapshot


@dataclass(frozen=True, slots=True)
class MorePoints:
    """A metric as it is now, but for its first points, which are as they were."""

    keep: int
    """How many these are."""
    metric: MetricSnapshot


Item = MetricSnapshot | FigureSnapshot
Change = MorePoints | FigureSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What has changed of the metrics, or of the figures."""

    number: int
    since: int
    """The number of the answer that it adds to; 0: it is all there is."""
    names: tuple[str, ...]
    """Of all that there are, in order."""
    changed: tuple[Change, ...]


class Teller:
    """The child's side, for the metrics or for the figures. For one thread."""

    def __init__(self) -> None:
        self._number = 0
        self._told: Mapping[str, Item] = {}

    def news(self, now: Mapping[str, Item], known: int) -> News | None:
        """What is to be sent to who knows the answer of this number; None: nothing is new."""
        is_known = 0 < known == self._number
        before = self._told if is_known else {}
        changed = [each for name, each in now.items() if before.get(name) != each]
        if is_known and not changed and list(before) == list(now):
            return None
        self._number += 1
        self._told = dict(now)
        return News(
            number=self._number,
            since=known if is_known else 0,
            names=tuple(now),
            changed=tuple(_change(each, before.get(each.name)) for each in changed),
        )


class Mirror:
    """The kernel's side: what is known, by name. Written to by one thread; any may read."""

    def __init__(self) -> None:
        self._state: tuple[int, dict[str, Any]] = (0, {})

    @property
    def number(self) -> int:
        """That of the answer that is known."""
        return self._state[0]

    @property
    def items(self) -> dict[str, Any]:
        """What is known, by name. Not to be changed."""
        return self._state[1]

    def take(self, news: News | None) -> None:
        """An answer has come. One that adds to what is not known any more is let go."""
        if news is None or news.since not in {0, self.number}:
            return
        before = self.items if news.since else {}
        known = before | {_name(each): _whole(each, before) for each in news.changed}
        self._state = news.number, {name: known[name] for name in news.names}


def _change(now: Item, before: Item | None) -> Change:
    if isinstance(now, FigureSnapshot):
        return now
    keep = _same_points(now, before) if isinstance(before, MetricSnapshot) else 0
    return MorePoints(keep, replace(now, times=now.times[keep:], values=now.values[keep:]))


def _same_points(one: MetricSnapshot, other: MetricSnapshot) -> int:
    """How many points at the beginning are the same in both."""
    points = zip(one.times, one.values, other.times, other.values, strict=False)
    same = 0
    for at, value, other_at, other_value in points:
        if at != other_at or value != other_value:
            break
        same += 1
    return same


def _name(change: Change) -> str:
    return change.metric.name if isinstance(change, MorePoints) else change.name


def _whole(change: Change, before: Mapping[str, Item]) -> Item:
    if isinstance(change, FigureSnapshot):
        return change
    metric = change.metric
    known = before.get(metric.name)
    if not isinstance(known, MetricSnapshot):
        return metric
    return replace(
        metric,
        times=known.times[: change.keep] + metric.times,
        values=known.values[: change.keep] + metric.values,
    )
