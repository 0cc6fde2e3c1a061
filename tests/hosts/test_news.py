"""Metrics and figures of a loop in another process: what is new travels, and nothing else."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import bgwidgets as bgw
from bgwidgets import FigureSnapshot, LoopManager, MetricSnapshot
from bgwidgets.hosts.messages import Answer, encode
from bgwidgets.hosts.news import Mirror, News, Teller
from tests.hosts.conftest import LIMIT
from tests.waiting import until

if TYPE_CHECKING:
    import pytest

PICTURE = bytes(range(256)) * 400
MUCH = 15_000
LITTLE = 1_500


def metric(name: str, *values: float) -> MetricSnapshot:
    times = tuple(map(float, range(len(values))))
    return MetricSnapshot(name=name, times=times, values=values, count=len(values), last=values[-1])


def by_name(*items: Any) -> dict[str, Any]:
    return {item.name: item for item in items}


class Pair:
    """Both sides, and what went from one to the other."""

    def __init__(self) -> None:
        self.teller, self.mirror = Teller(), Mirror()

    def tell(self, *now: Any) -> News | None:
        """What is sent; afterwards both sides know the same."""
        news = self.teller.news(by_name(*now), self.mirror.number)
        self.mirror.take(news)
        assert by_name(*now) == self.mirror.items
        assert list(by_name(*now)) == list(self.mirror.items)
        return news


def size(news: News | None) -> int:
    return len(encode(Answer(1, news)))


def test_points_that_are_known_are_not_sent_again():
    pair, values = Pair(), [float(number) for number in range(1_000)]
    assert size(pair.tell(metric("loss", *values), metric("other", 1.0))) > MUCH
    assert size(pair.tell(metric("loss", *values, 5.0), metric("other", 1.0))) < LITTLE


def test_when_nothing_has_changed_nothing_is_sent():
    pair = Pair()
    assert pair.tell(metric("loss", 1.0), metric("other", 2.0)) is not None
    assert pair.tell(metric("loss", 1.0), metric("other", 2.0)) is None
    assert Pair().tell() is not None


def test_points_that_were_thinned_are_sent_anew():
    pair = Pair()
    pair.tell(metric("loss", 1.0, 2.0, 3.0, 4.0))
    thinned = MetricSnapshot(name="loss", times=(0.0, 3.0), values=(1.0, 4.0), count=4)
    pair.tell(thinned)
    pair.tell(replace(thinned, times=(0.0, 3.0, 4.0), values=(1.0, 4.0, None), count=5))


def test_a_picture_travels_once():
    pair = Pair()
    first, other = FigureSnapshot(name="fit", png=PICTURE, version=1), FigureSnapshot(name="other")
    assert size(pair.tell(first, other)) > MUCH
    assert size(pair.tell(first, replace(other, version=1))) < LITTLE
    assert size(pair.tell(replace(first, png=PICTURE[1:], version=2), other)) > MUCH


def test_what_is_gone_is_gone():
    pair = Pair()
    pair.tell(metric("loss", 1.0), metric("other", 2.0))
    pair.tell(metric("other", 2.0))


def test_an_answer_that_was_lost_does_no_harm():
    """The next question tells which one is known, and is answered with all there is."""
    pair = Pair()
    pair.tell(metric("loss", 1.0))
    lost = pair.teller.news(by_name(metric("loss", 1.0, 2.0)), pair.mirror.number)
    assert lost is not None
    pair.tell(metric("loss", 1.0, 2.0))
    pair.mirror.take(lost)  # It comes after all.
    assert by_name(metric("loss", 1.0, 2.0)) == pair.mirror.items
    pair.tell(metric("loss", 1.0, 2.0, 3.0))


def test_two_questions_at_the_same_time_are_both_answered():
    pair = Pair()
    pair.tell(metric("loss", 1.0))
    known = pair.mirror.number
    answers = [
        pair.teller.news(by_name(metric("loss", *values)), known)
        for values in ((1.0, 2.0), (1.0, 2.0, 3.0))
    ]
    for answer in answers:
        pair.mirror.take(answer)
    assert by_name(metric("loss", 1.0, 2.0, 3.0)) == pair.mirror.items


async def plots() -> None:
    job = bgw.current()
    assert job is not None
    for number in range(2_000):
        bgw.metric("loss", number)
    with bgw.figure("fit", figsize=(12, 9), dpi=150) as figure:
        figure.subplots().scatter(range(2_000), [number * 7 % 911 for number in range(2_000)])
    await job.stop_event.wait()
    bgw.metric("loss", -1)
    await asyncio.sleep(3600)


def test_a_look_brings_only_what_is_new(manager: LoopManager, monkeypatch: pytest.MonkeyPatch):
    job = manager.start(plots, host="process")
    until(lambda: job.figures and job.figures["fit"].png)
    host: Any = job._run.host
    received, frames = host.received, list[bytes]()

    def note(frame: bytes) -> None:
        frames.append(frame)
        received(frame)

    monkeypatch.setattr(host, "received", note)
    png = job.figures["fit"].png
    assert png is not None
    assert len(png) > MUCH
    for _ in range(5):
        assert png is job.figures["fit"].png
        assert 2_000 == job.metrics["loss"].count
    assert max(map(len, frames)) < MUCH / 2
    job.request_stop()
    until(lambda: job.metrics["loss"].last == -1)
    assert max(map(len, frames)) < MUCH / 2
    job.kill()
    job.wait(LIMIT)
    assert png == job.figures["fit"].png
    assert -1 == job.metrics["loss"].last
