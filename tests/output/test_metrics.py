"""`metric()`: whose values they are, which points are kept, and what is refused."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import inf, nan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, MetricSnapshot
from bgwidgets.output import telling
from bgwidgets.output.series import CHUNK, MOST_STRETCHES, Series
from tests.output.conftest import LIMIT
from tests.waiting import until


def run(manager: LoopManager, work: Any, *arguments: Any) -> BackgroundLoop:
    """Its end is waited for, and what it raised is raised."""
    job = manager.start(work, *arguments)
    job.result(LIMIT)
    return job


def test_values_are_kept_with_their_times(manager: LoopManager):
    """Those of a loop, by name."""
    before = time.time()

    async def work() -> None:
        for value in (3.0, 1.0, 2.0):
            bgw.metric("loss", value)
            await asyncio.sleep(0.01)
        bgw.metric("epoch", 1)

    job = run(manager, work)
    loss = job.metrics["loss"]
    assert ["loss", "epoch"] == list(job.metrics)
    assert ((3.0, 1.0, 2.0), 3, 2.0, 1.0, 3.0) == (
        loss.values,
        loss.count,
        loss.last,
        loss.lowest,
        loss.highest,
    )
    assert sorted(loss.times) == [*loss.times]
    assert before <= loss.times[0] <= loss.times[-1] <= time.time()
    assert 2 == job.snapshot().metrics
    assert job.metrics == manager.metrics(job.id)


def test_a_clock_that_is_set_turns_no_chart_around(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """Back or ahead: the order stays and the distances, and the times are those of the clock as it
    is now. As long as nobody sets it, each moment keeps its time.
    """
    set_by = [0.0]
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + set_by[0])
    job = manager.start()

    async def tell(value: float) -> None:
        bgw.metric("loss", value)
        await asyncio.sleep(0.01)  # What comes at the same time is thinned.

    seen: list[MetricSnapshot] = []
    for value, by in enumerate((0.0, -3600.0, 0.0, 7200.0, 7200.5)):
        set_by[0] = by
        job.submit(tell(float(value))).result(LIMIT)
        seen.append(job.metrics["loss"])
    assert (0.0, 1.0, 2.0, 3.0, 4.0) == seen[-1].values
    assert all(one < two for one, two in pairwise(seen[-1].times))
    assert seen[-1].times[-1] - seen[-1].times[0] < LIMIT
    assert [True] * 4 == [
        abs(real() + by - metric.times[-1]) < LIMIT
        for by, metric in zip((0.0, -3600.0, 0.0, 7200.0), seen, strict=False)
    ]
    assert seen[-2].times == seen[-1].times[:4]


def test_every_thread_of_the_loop_may_tell(manager: LoopManager):
    """Tasks, callbacks, worker threads, plain functions; nothing is lost between them."""

    def tell() -> None:
        for number in range(5_000):
            bgw.metric("count", float(number))

    async def work() -> None:
        asyncio.get_running_loop().call_soon(tell)
        await asyncio.gather(*[asyncio.to_thread(tell) for _ in range(4)])

    assert 25_000 == run(manager, work).metrics["count"].count
    assert 5_000 == run(manager, tell).metrics["count"].count


def test_loops_have_their_own(manager: LoopManager):
    """The same name on two loops is two metrics."""

    def tell(value: float) -> None:
        bgw.metric("loss", value)

    first, second = run(manager, tell, 1.0), run(manager, tell, 2.0)
    assert (1.0, 2.0) == (first.metrics["loss"].last, second.metrics["loss"].last)


def test_an_adopted_loop_has_its_own(manager: LoopManager):
    """Code in its thread belongs to it, and does not any more when it has ended."""
    told: list[threading.Event] = [threading.Event(), threading.Event()]

    async def work() -> None:
        await asyncio.to_thread(told[0].wait, LIMIT)
        bgw.metric("loss", 1.0)

    def own_loop() -> None:
        asyncio.run(work())
        told[1].wait(LIMIT)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            bgw.metric("loss", 2.0)

    thread = threading.Thread(target=own_loop)
    thread.start()
    (found,) = until(
        lambda: [loop for loop in manager.discover() if loop.native_thread_id == thread.native_id]
    )
    job = manager.adopt(found, protected=False)
    until(lambda: job.state == "running" and job.tasks)
    told[0].set()
    job.wait(LIMIT)
    told[1].set()
    thread.join(LIMIT)
    assert (1.0, 1) == (job.metrics["loss"].last, job.metrics["loss"].count)


def test_a_restart_begins_anew(manager: LoopManager, gate: threading.Event):
    """And a thread that was given up does not spoil it."""
    began, told = threading.Event(), threading.Event()

    def work() -> None:
        if not began.is_set():
            began.set()
            gate.wait(LIMIT)
            bgw.metric("late", 1.0)
            told.set()
        else:
            bgw.metric("loss", 1.0)

    job = manager.start(work)
    assert began.wait(LIMIT)
    job.restart(grace=0)
    gate.set()
    assert told.wait(LIMIT)
    job.wait(LIMIT)
    assert ["loss"] == list(job.metrics)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, 3.0),
        (True, 1.0),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
        (nan, None),
        (inf, None),
        (-inf, None),
        (10**400, None),
    ],
)
def test_numbers_of_every_kind_are_taken(manager: LoopManager, value: Any, expected: float | None):
    """What is not finite is a gap, which counts."""
    job = run(manager, lambda: bgw.metric("loss", value))
    loss = job.metrics["loss"]
    assert ((expected,), expected, 1) == (loss.values, loss.last, loss.count)


def test_numpys_numbers_are_taken(manager: LoopManager):
    """Of every width."""
    numpy = pytest.importorskip("numpy")

    def work() -> None:
        for kind in (numpy.float32, numpy.float64, numpy.int8, numpy.bool_):
            bgw.metric(kind.__name__, kind(1))

    job = run(manager, work)
    assert [1.0] * 4 == [metric.last for metric in job.metrics.values()]
    assert {float} == {type(metric.last) for metric in job.metrics.values()}


@pytest.mark.parametrize("value", [None, "0.3", b"1", 1j, [], object()])
def test_what_is_no_number_is_refused(manager: LoopManager, value: Any):
    """By name, and with its type."""
    with pytest.raises(TypeError, match=r"metric\('loss', \.\.\.\) takes a number, not"):
        run(manager, lambda: bgw.metric("loss", value))


@pytest.mark.parametrize("name", [None, 3, [], ("a",)])
def test_a_name_is_a_text(manager: LoopManager, name: Any):
    with pytest.raises(TypeError, match="a metric's name is a text"):
        run(manager, lambda: bgw.metric(name, 1.0))


@pytest.mark.parametrize("name", ["", " ", "x" * 201])
def test_a_name_can_be_shown(manager: LoopManager, name: str):
    with pytest.raises(ValueError, match="has 1 to 200 characters"):
        run(manager, lambda: bgw.metric(name, 1.0))


def test_there_are_not_too_many_names(manager: LoopManager):
    """A name for each item would fill the memory; the first ones go on."""

    def work() -> None:
        for number in range(100):
            bgw.metric(f"metric-{number}", 1.0)
        with pytest.raises(ValueError, match="one metric more than the 100"):
            bgw.metric("one-more", 1.0)
        bgw.metric("metric-0", 2.0)

    job = run(manager, work)
    assert (100, 2) == (len(job.metrics), job.metrics["metric-0"].count)


@pytest.fixture
def said_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "_said_already", set())


@pytest.mark.usefixtures("said_nothing_yet")
def test_outside_of_loops_it_warns_once(manager: LoopManager):
    """And says what to do, which then works."""
    job = manager.start()
    with pytest.warns(RuntimeWarning, match=r"outside of any .+ loop=job") as warned:
        bgw.metric("loss", 1.0)
    bgw.metric("loss", 1.0)
    assert ([__file__], {}) == ([each.filename for each in warned], job.metrics)
    bgw.metric("loss", 3.0, loop=job)
    bgw.metric("loss", 4.0, loop=job)
    assert (3.0, 4.0) == job.metrics["loss"].values
    with pytest.raises(TypeError, match=r"loop= takes what start\(\) returned, not str"):
        bgw.metric("loss", 3.0, loop="job")


def test_a_removed_loop_is_told_in_vain(manager: LoopManager):
    """Without a word: nobody looks any more."""
    job = run(manager, lambda: bgw.metric("loss", 1.0))
    job.remove()
    bgw.metric("loss", 2.0, loop=job)


# What is kept of many


def kept(points: list[tuple[float, float]]) -> MetricSnapshot:
    series = Series()
    for point in points:
        series.numbers.extend(point)
        if len(series.numbers) >= CHUNK:
            series.settle()
    return series.as_value("loss")


def test_of_many_points_as_many_are_kept_as_a_chart_shows():
    """The first and the last time, and every peak, are among them."""
    peaks = {17_000: 9.0, 400_000: -9.0, 999_999: 5.0}
    points = [(i * 0.001, peaks.get(i, (i % 10) / 10)) for i in range(1_000_000)]
    metric = kept(points)
    assert MOST_STRETCHES <= len(metric.times) <= 2 * MOST_STRETCHES + 1
    assert (1_000_000, 5.0, -9.0, 9.0) == (
        metric.count,
        metric.last,
        metric.lowest,
        metric.highest,
    )
    at = dict(zip(metric.times, metric.values, strict=True))
    assert [9.0, -9.0, 5.0] == [at[number * 0.001] for number in peaks]


def test_a_chart_goes_along_with_time():
    """A storm at the end takes no room from the quiet time before it."""
    quiet = [(float(second), 1.0) for second in range(100)]
    storm = [(100.0 + i / 100_000, 2.0) for i in range(100_000)]
    metric = kept(quiet + storm)
    assert [at for at, _ in quiet] == [*metric.times[:100]]


def test_a_gap_stays_a_gap():
    """Between what was before and after."""
    metric = kept([(1.0, 1.0), (2.0, nan), (3.0, 3.0), (4.0, inf)])
    assert ((1.0, None, 3.0, None), None, 1.0, 3.0) == (
        metric.values,
        metric.last,
        metric.lowest,
        metric.highest,
    )


def test_a_gap_stays_a_gap_when_points_are_thinned():
    """Two stretches of which the later one has it become one."""
    points = [(0.0, 1.0), (0.0015, 2.0), (0.0017, nan)]
    metric = kept([*points, *((0.001 * number, 3.0) for number in range(2, 2_000))])
    (gap,) = (at for at, value in zip(metric.times, metric.values, strict=True) if value is None)
    assert 0.0017 == gap


def test_the_last_value_is_there_though_others_were_as_low_and_as_high():
    """In the same stretch: a chart ends where the values do."""
    metric = kept([(1.0, 1.0), (1.0001, 9.0), (1.0002, 5.0)])
    assert ((1.0, 1.0001, 1.0002), (1.0, 9.0, 5.0)) == (metric.times, metric.values)


@given(
    st.lists(
        st.tuples(
            st.floats(-1e6, 1e9, allow_nan=False), st.floats(allow_nan=True, allow_infinity=True)
        ),
        max_size=200,
    )
)
def test_no_extreme_is_ever_lost(points: list[tuple[float, float]]):
    """Whatever comes, in whatever order."""
    metric = kept(points)
    finite = [value for _, value in points if abs(value) < inf]
    assert len(points) == metric.count
    assert (min(finite, default=None), max(finite, default=None)) == (metric.lowest, metric.highest)
    told = [value for value in metric.values if value is not None]
    assert min(finite, default=None) == min(told, default=None)
    assert max(finite, default=None) == max(told, default=None)
    assert [*metric.times] == sorted(metric.times)
    assert len(metric.times) == len(metric.values) <= 3 * MOST_STRETCHES + 1
