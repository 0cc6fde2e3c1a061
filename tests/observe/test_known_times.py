"""When tasks were born and have ended, also where the loop was blocked meanwhile."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from itertools import compress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgwidgets.observe import generations, look, seen_times
from bgwidgets.observe.ended_tasks import ENDED_KEPT
from bgwidgets.observe.generations import NURSERY
from bgwidgets.observe.known_times import (
    EXACT,
    Births,
    births_among,
    births_of_last,
    by_birth,
    known_birth,
    known_end,
    mark,
)
from bgwidgets.observe.ledger import Ledger
from bgwidgets.observe.sightings import Sighted, listener_of
from bgwidgets.observe.task_window import task_window
from bgwidgets.observe.watchdog import watchdog
from bgwidgets.snapshots import TaskSnapshot, WindowRequest
from tests.loop_factories import LoopFactory
from tests.observe.conftest import comes_true, ends_later, for_ever, rows, run, turns

BEGAN = 1000.0
LIMIT = 10.0


class Clock:
    """The time of the day, as the book has it. The loop's own timers go on as ever."""

    def __init__(self) -> None:
        self.now = BEGAN

    def time(self) -> float:
        """As `time.time()`."""
        return self.now

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """It stands still until a test moves it."""
    clock = Clock()
    for module in (generations, look, seen_times):
        monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("latest", "birth", "end"),
    [(0.0, 0.0, 0.0), (0.1, 0.0, 0.1), (0.16, 0.06, 0.1), (0.2, 0.1, 0.1), (0.21, None, None)],
)
def test_what_is_told_is_at_most_a_tenth_of_a_second_off(
    latest: float, birth: float | None, end: float | None
):
    assert pytest.approx(birth) == known_birth(0.0, latest)
    assert pytest.approx(end) == known_end(0.0, latest)


@given(
    sightings=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), max_size=12),
    more=st.integers(0, 3),
    data=st.data(),
)
def test_each_task_was_born_between_the_looks_around_it(
    sightings: list[tuple[int, int]], more: int, data: st.DataObject
):
    """Whichever of them are left, and however many looks have found no more than the one before."""
    marks: list[tuple[float, int]] = []
    now, earliest, latest = 0.0, list[float](), list[float]()
    last = 0.0
    for born, pause in [*sightings, (more, 1)]:
        now += pause / 20
        earliest += [last] * born
        latest += [now] * born
        last = now
        mark(marks, now, len(earliest))
    births: Births = (0.0, marks)
    tasks: list[Any] = list(range(len(earliest)))
    chosen = [data.draw(st.booleans()) for _ in tasks]
    expected = list(compress(map(known_birth, earliest, latest), chosen))
    left = list(compress(tasks, chosen))
    found = by_birth(left, births_among(births, chosen), now)
    assert left == [task for tasks, _ in found for task in tasks]
    assert expected == [birth for tasks, birth in found for _ in tasks]
    for number in range(len(left) + 1):
        last_ones = births_of_last(number, chosen, births, now)
        assert expected[len(left) - number :] == last_ones


def test_a_long_block_leaves_two_marks():
    marks: list[tuple[float, int]] = []
    for number in range(1000):
        mark(marks, float(number), 3)
    assert [(0.0, 3), (999.0, 3)] == marks


def row(ledger: Ledger, name: str) -> TaskSnapshot:
    (found,) = [row for row in rows(ledger) if row.name == name]
    return found


def watcher() -> Sighted:
    """Who is told when this loop is seen from outside."""
    found = listener_of(asyncio.get_running_loop())
    assert found is not None
    return found


def make(name: str, work: Coroutine[Any, Any, Any] | None = None) -> asyncio.Task[Any]:
    return asyncio.create_task(work or for_ever(), name=name)


async def swept(ledger: Ledger) -> None:
    """Until the next sweep."""
    young = ledger._generations.young
    await comes_true(lambda: not young)


async def lasting(ledger: Ledger, task: asyncio.Task[Any]) -> None:
    await comes_true(lambda: ledger.is_lasting(task))


def test_a_birth_is_known_from_the_first_look_to_the_last(clock: Clock, loop_factory: LoopFactory):
    """While the task is young, while it is not so young any more, and when it is lasting."""

    async def watched(ledger: Ledger) -> None:
        task = make("a")
        assert ledger.look().created_at(task) == BEGAN
        clock.now += 0.1
        await swept(ledger)
        clock.now += 100
        assert ledger.look().created_at(task) == BEGAN
        await lasting(ledger, task)
        clock.now += 100
        assert ledger.look().created_at(task) == BEGAN

    run(watched, loop_factory)


def test_the_first_task_for_a_while_was_not_born_before_that(clock: Clock):
    async def watched(ledger: Ledger) -> None:
        await asyncio.wait_for(make("before", ends_later()), 9)
        clock.now += 0.1
        await comes_true(lambda: ledger._generations._timer is None)
        clock.now += 100
        make("after")
        assert row(ledger, "after").created_at == clock.now

    run(watched)


def test_who_is_born_after_a_block_was_not_born_before_it(clock: Clock, loop_factory: LoopFactory):
    """The block was seen from outside, which the loop is not told."""

    async def watched(ledger: Ledger) -> None:
        before = make("before")
        for _ in range(200):
            clock.now += 0.025
            watcher().does_not_turn(BEGAN)
        blocked_until = clock.now
        after = make("after")
        for _ in range(2):  # While they are young, and when they are not.
            assert row(ledger, "before").created_at == BEGAN
            assert row(ledger, "after").created_at == pytest.approx(blocked_until)
            await lasting(ledger, before)
            await lasting(ledger, after)
            clock.now += 1

    run(watched, loop_factory)


def test_births_around_a_block_are_known_when_many_have_ended_since(clock: Clock):
    """The sweeps in between take out the tasks that were born there, too."""

    async def watched(ledger: Ledger) -> None:
        make("before")
        await asyncio.wait({make(str(number), ends_later()) for number in range(5)})
        for _ in range(200):
            clock.now += 0.025
            watcher().does_not_turn(BEGAN)
        make("after")
        for _ in range(3):
            await asyncio.wait({make("", ends_later()) for _ in range(NURSERY)})
        assert len(ledger._generations.young) < 3 * NURSERY
        assert row(ledger, "before").created_at == BEGAN
        assert row(ledger, "after").created_at == pytest.approx(clock.now)

    run(watched)


def test_a_birth_that_nobody_knows_is_not_told(clock: Clock):
    """Where the block was not seen, either; and it is taken for as old as the one before."""

    async def watched(ledger: Ledger) -> None:
        make("before")
        clock.now += 5
        task = make("after")
        await lasting(ledger, task)
        later = make("later")
        await lasting(ledger, later)
        assert row(ledger, "after").created_at is None
        assert row(ledger, "later").created_at == clock.now
        for request in (
            WindowRequest(sort="created_at"),
            WindowRequest(sort="age", descending=True),
        ):
            found = task_window(ledger, request).tasks
            names = [task.name for task in found if "for_ever" in task.coroutine]
            assert ["before", "after", "later"] == names

    run(watched)


def test_who_has_ended_before_a_block_did_not_live_until_its_end(
    clock: Clock, loop_factory: LoopFactory
):
    """A young task and a lasting one."""

    async def watched(ledger: Ledger) -> None:
        stop = asyncio.Event()
        old = make("old", stop.wait())
        await lasting(ledger, old)
        clock.now = began = BEGAN + 50
        stop.set()
        await asyncio.wait({old, make("young", ends_later())})
        for _ in range(200):
            clock.now += 0.025
            watcher().does_not_turn(began)
        assert row(ledger, "young").ended_at == pytest.approx(began, abs=EXACT)
        await swept(ledger)
        await turns()
        for name in ("old", "young"):
            ended_at = row(ledger, name).ended_at
            assert ended_at is not None
            assert began <= ended_at <= began + EXACT

    run(watched, loop_factory)


def test_a_lasting_task_that_ends_in_the_midst_of_a_long_turn(clock: Clock):
    """It was not done at one look, and was at the next."""

    async def watched(ledger: Ledger) -> None:
        stop = asyncio.Event()
        task = make("old", stop.wait())
        await lasting(ledger, task)

        def blocks() -> None:
            for _ in range(100):
                clock.now += 0.025
                watcher().does_not_turn(BEGAN)

        blocks()
        middle = clock.now
        stop.set()
        await asyncio.sleep(0)
        assert task.done()
        blocks()
        await turns()
        assert row(ledger, "old").ended_at == pytest.approx(middle, abs=EXACT)

    run(watched)


@pytest.mark.parametrize("reads", [True, False])
def test_an_end_is_not_known_where_nobody_looked_for_long(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, *, reads: bool
):
    """The loop may have stood still since then, and so may the watchdog. Who asks first does not
    matter.
    """

    async def watched(ledger: Ledger) -> None:
        stop = asyncio.Event()
        old = make("old", stop.wait())
        await lasting(ledger, old)
        clock.now += 5
        stop.set()
        await asyncio.sleep(0)
        assert old.done()
        clock.now += 2
        monkeypatch.setattr(watchdog, "unseen", lambda: 2.0)
        if reads:
            assert row(ledger, "old").ended_at is None
        await turns()
        assert row(ledger, "old").ended_at is None

    run(watched)


def test_an_end_is_known_where_somebody_looked(clock: Clock, monkeypatch: pytest.MonkeyPatch):
    """A moment ago: so it was in the turn before."""

    async def watched(ledger: Ledger) -> None:
        stop = asyncio.Event()
        await lasting(ledger, make("old", stop.wait()))
        clock.now += 5
        stop.set()
        monkeypatch.setattr(watchdog, "unseen", lambda: 0.05)
        await turns()
        assert row(ledger, "old").ended_at == pytest.approx(clock.now)

    run(watched)


def test_who_was_seen_unfinished_by_a_sweep_has_ended_later(clock: Clock):
    """However long before the sweep it was born."""

    async def watched(ledger: Ledger) -> None:
        stop = asyncio.Event()
        make("one", stop.wait())
        clock.now += 0.15
        await swept(ledger)
        stop.set()
        await turns()
        clock.now += 0.15
        await comes_true(lambda: not ledger._generations.older)
        assert row(ledger, "one").ended_at == pytest.approx(BEGAN + 0.25)

    run(watched)


def test_who_has_ended_after_a_block_did_so_when_it_was_over(clock: Clock):
    """It was seen unfinished until then."""

    async def watched(ledger: Ledger) -> None:
        task = make("young", ends_later())
        for _ in range(200):
            clock.now += 0.025
            watcher().does_not_turn(BEGAN)
        await asyncio.wait({task})
        await swept(ledger)
        assert row(ledger, "young").ended_at == clock.now

    run(watched)


def test_an_end_that_nobody_knows_is_not_told(clock: Clock):
    """Where nobody has seen when the block began."""

    async def watched(ledger: Ledger) -> None:
        await asyncio.wait({make("young", ends_later())})
        clock.now += 5
        await swept(ledger)
        found = row(ledger, "young")
        assert (None, None) == (found.created_at, found.ended_at)
        (oldest, youngest) = task_window(ledger, WindowRequest(sort="age", descending=True)).tasks
        assert youngest.name == "young" != oldest.name

    run(watched)


@pytest.mark.parametrize("in_the_midst_of", ["_note", "_forget_the_dead"])
def test_looks_from_outside_hold_no_task(in_the_midst_of: str, monkeypatch: pytest.MonkeyPatch):
    """Who holds one to the last runs what of the user's comes at its end; and the watchdog would
    see no block meanwhile.
    """
    looks, goes_on, gone_in = threading.Event(), threading.Event(), list[str]()

    class Result:
        def __del__(self) -> None:
            gone_in.append(threading.current_thread().name)

    async def returns() -> Result:
        return Result()

    def looks_slowly(*_: object) -> None:
        looks.set()
        goes_on.wait(LIMIT)

    async def watched(ledger: Ledger) -> None:
        for _ in range(3):
            asyncio.create_task(returns())  # noqa: RUF006 - nobody holds it
        await turns()
        outside = threading.Thread(target=watcher().does_not_turn, args=(time.time(),))
        outside.start()
        await asyncio.to_thread(looks.wait, LIMIT)
        for _ in range(2 * ENDED_KEPT):
            asyncio.create_task(ends_later())  # noqa: RUF006
        await turns()
        await swept(ledger)
        await swept(ledger)
        assert 3 == len(gone_in)
        goes_on.set()
        outside.join(LIMIT)
        assert {threading.current_thread().name} == set(gone_in)

    monkeypatch.setattr(seen_times.SeenTimes, in_the_midst_of, looks_slowly)
    run(watched)


def test_looks_from_outside_leave_tasks_of_another_kind_alone(clock: Clock):
    """Their code is not to run in that thread."""
    is_looked_at = False

    class Strange(asyncio.Task[Any]):
        def done(self) -> bool:
            """Only in the loop's turn."""
            assert not is_looked_at
            return super().done()

    async def watched(ledger: Ledger) -> None:
        nonlocal is_looked_at
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **more: Strange(coro, loop=loop, **more))
        await asyncio.wait({make("strange", ends_later())})
        is_looked_at = True
        clock.now += 0.025
        watcher().does_not_turn(BEGAN)
        is_looked_at = False
        assert row(ledger, "strange").ended_at == pytest.approx(clock.now)

    run(watched)
