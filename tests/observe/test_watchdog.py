"""One thread for all loops, which is there while it is needed."""

from __future__ import annotations

import asyncio
import contextlib
import dis
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bgwidgets.observe import watchdog as watchdog_module
from bgwidgets.observe.heartbeat import BEAT, Heartbeat
from bgwidgets.observe.sightings import listen
from bgwidgets.observe.spell import NOBODYS_FAULT
from bgwidgets.observe.thread_frames import stacks_of
from bgwidgets.observe.threads_at_work import longest_wait
from bgwidgets.observe.watchdog import LOOK_EVERY, OVERSLEPT, Watchdog
from tests.loop_factories import LoopFactory
from tests.waiting import LIMIT, never_within, until


class Watched:
    """A loop in a thread, watched from its beginning."""

    def __init__(self, watchdog: Watchdog, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        # Looked up at each call, for a test may replace it.
        self.heartbeat = Heartbeat(loop, lambda now: watchdog.overslept(now))  # noqa: PLW0108
        self._watchdog = watchdog
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.heartbeat.start()
        self._watchdog.watch(self.heartbeat)
        self.loop.run_forever()

    def call(self, function: Callable[..., object], *args: Any) -> None:
        """In the loop's thread, soon."""
        self.loop.call_soon_threadsafe(function, *args)

    def end(self) -> None:
        """No longer watched, and closed."""
        self._watchdog.unwatch(self.heartbeat)
        self.call(self.loop.stop)
        self._thread.join(LIMIT)
        assert not self._thread.is_alive()
        self.heartbeat.stop()
        self.loop.close()


class Overslept(Heartbeat):
    """Only notes what it is told."""

    def __init__(self) -> None:
        self.thread_id = None
        self.told: list[float] = []

    def overslept(self, seconds: float) -> None:
        """It is noted."""
        self.told.append(seconds)

    def look(self, *_: object) -> bool:
        """There is no loop."""
        return False


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    """One of the test's own, gone at its end."""
    watchdog = Watchdog()
    yield watchdog
    for heartbeat in list(watchdog._heartbeats.values()):
        watchdog.unwatch(heartbeat)
    until(lambda: watchdog._thread is None)


def test_nothing_is_unseen_where_nothing_is_watched(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
):
    """Whether the loop that was watched last was ever looked at or not."""
    now = 1000.0
    watched = Overslept()
    monkeypatch.setattr(watchdog, "_thread", threading.current_thread())
    monkeypatch.setattr(time, "monotonic", lambda: now)
    watchdog.watch(watched)
    now += 5
    assert watchdog.unseen() == 5
    watchdog.unwatch(watched)
    assert watchdog.unseen() == 0
    watchdog.watch(watched)
    assert watchdog.unseen() == 0
    watchdog.unwatch(watched)
    monkeypatch.undo()


@pytest.fixture
def watched(watchdog: Watchdog, loop_factory: LoopFactory) -> Iterator[Watched]:
    """A loop of each kind."""
    one = Watched(watchdog, loop_factory())
    yield one
    one.end()


def thread_of(watchdog: Watchdog) -> threading.Thread | None:
    return watchdog._thread


def test_the_thread_ends_after_the_last_loop_and_begins_anew(watchdog: Watchdog):
    """It is a daemon, and one serves all."""
    assert thread_of(watchdog) is None
    loops = [Watched(watchdog, asyncio.new_event_loop()) for _ in range(3)]
    first = until(lambda: thread_of(watchdog))
    until(lambda: len(watchdog._heartbeats) == 3)
    assert first is thread_of(watchdog)
    assert first.daemon
    for loop in loops:
        loop.end()
    first.join(LIMIT)
    assert not first.is_alive()

    again = Watched(watchdog, asyncio.new_event_loop())
    second = until(lambda: thread_of(watchdog))
    assert first is not second
    assert second.is_alive()
    again.end()


def test_an_idle_loop_is_not_blocked_and_not_late(watched: Watched):
    """It is not asked for anything either: it has only its own beat. But where the machine is so
    busy that its thread cannot run, it is late: so it is looked at until it can.
    """
    until(lambda: watched.heartbeat.pulse().lag is not None)
    asked: list[object] = []

    def is_left_alone() -> bool:
        asked.clear()
        before = watched.heartbeat.pulse().slow_steps
        with contextlib.suppress(AssertionError):
            never_within(0.3, lambda: asked or watched.heartbeat.pulse().blocked)
            return before == watched.heartbeat.pulse().slow_steps
        return False

    ask = watched.loop.call_soon_threadsafe

    def note_and_ask(*args: Any) -> object:
        asked.append(args)
        return ask(*args)

    with pytest.MonkeyPatch.context() as patch:
        # A loop in C has no room for this; what it is asked is not seen.
        with contextlib.suppress(AttributeError):
            patch.setattr(watched.loop, "call_soon_threadsafe", note_and_ask)
        until(is_left_alone)


def test_a_callback_that_blocks_is_named_without_a_task(watched: Watched):
    """By its line."""
    gate = threading.Event()

    def block() -> None:
        gate.wait(LIMIT)

    watched.call(block)
    blocked_by = until(lambda: watched.heartbeat.pulse().blocked_by)
    line = block.__code__.co_firstlineno + 1
    assert blocked_by.startswith(f"test_watchdog.py:{line} block · threading.py:")
    assert watched.heartbeat.blocking_task() is None
    gate.set()
    until(lambda: watched.heartbeat.pulse().blocked is False)
    (slow,) = [step for step in watched.heartbeat.pulse().slow_steps if step.where != NOBODYS_FAULT]
    assert (None, blocked_by) == (slow.task, slow.where)


def test_whose_step_has_begun_when_it_is_looked_at_is_told_with_a_line_of_its_own(
    loop_factory: LoopFactory,
):
    """In the time between the first sight of all loops and the look at this one, others may run."""
    loop = loop_factory()
    heartbeat, stands, goes_on = Heartbeat(loop), threading.Barrier(2), threading.Barrier(2)

    async def first() -> None:
        await asyncio.sleep(0)
        stands.wait(LIMIT)
        goes_on.wait(LIMIT)

    async def second() -> None:
        await asyncio.sleep(0)
        stands.wait(LIMIT)
        goes_on.wait(LIMIT)

    async def main() -> None:
        heartbeat.start()
        tasks = [loop.create_task(each(), name=each.__name__) for each in (first, second)]
        await asyncio.gather(*tasks)

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    stands.wait(LIMIT)
    number = thread.ident or 0
    before = stacks_of([number])[number]
    goes_on.wait(LIMIT)
    stands.wait(LIMIT)
    began = time.monotonic()
    line = second.__code__.co_firstlineno + 3
    until(lambda: heartbeat.look(before, began) and heartbeat.pulse().blocked_by)
    words = heartbeat.pulse().blocked_by or ""
    assert words.startswith(f"second · test_watchdog.py:{line} second · ")
    goes_on.wait(LIMIT)
    thread.join(LIMIT)
    assert not thread.is_alive()
    heartbeat.stop()
    loop.close()


def test_a_loop_that_nobody_runs_is_not_blocked(watchdog: Watchdog):
    """Nor is it late when it is run again."""
    loop = asyncio.new_event_loop()
    heartbeat = Heartbeat(loop, watchdog.overslept)
    heartbeat.start()
    watchdog.watch(heartbeat)
    loop.run_until_complete(asyncio.sleep(0.1))
    never_within(2 * BEAT, lambda: heartbeat.pulse().blocked)
    assert heartbeat.pulse().lag is None
    loop.run_until_complete(asyncio.sleep(0.3))  # The beat that was due in between comes now.
    lags = [lag for lag in heartbeat.pulse().lag_history if lag is not None]
    # There is none at all where it was looked at before it ran for the first time.
    assert max(lags, default=0.0) < BEAT
    watchdog.unwatch(heartbeat)
    heartbeat.stop()
    loop.close()


def test_one_loop_that_cannot_be_looked_at_does_not_blind_it(
    watchdog: Watchdog, caplog: pytest.LogCaptureFixture
):
    """That one is let go of, which is logged; the others are watched on."""

    class Broken(Heartbeat):
        def look(self, *_: object) -> bool:
            raise RuntimeError("broken")

    good = Watched(watchdog, asyncio.new_event_loop())
    broken = Broken(good.loop)
    watchdog.watch(broken)
    until(lambda: id(broken) not in watchdog._heartbeats)
    gate = threading.Event()
    good.call(gate.wait, LIMIT)
    until(lambda: good.heartbeat.pulse().blocked)
    gate.set()
    good.end()
    assert ["A loop is watched no longer: looking at it failed"] == caplog.messages


class Listener:
    """Notes what it is told of a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.told = list[str]()
        self.not_turned_for = 0.0
        listen(loop, self)

    def does_not_turn(self, since: float) -> None:
        """Since when."""
        self.told.append("does not turn")
        self.not_turned_for = time.time() - since

    def turns_again(self) -> None:
        """In whatever thread."""
        self.told.append("turns again")


def test_of_a_time_in_which_nobody_looked_it_is_not_known_whether_the_loop_turned():
    """What has ended in it is noted at once, before the loop says that it has ended just now."""
    loop = asyncio.new_event_loop()
    heartbeat, listener = Heartbeat(loop), Listener(loop)
    last = heartbeat._looked_at
    heartbeat.look(None, last + LOOK_EVERY)
    assert [] == listener.told
    heartbeat._seen_to_turn_at -= 3.0
    heartbeat.look(None, last + 3.0)
    assert ["does not turn", "turns again"] == listener.told
    assert 3.0 == pytest.approx(listener.not_turned_for, abs=LOOK_EVERY)
    heartbeat.stop()
    loop.close()


def test_a_loop_turns_again_when_all_has_been_told_that_ended_before(watched: Watched):
    """Some of it is told in the same turn, after the answer."""
    listener, gate = Listener(watched.loop), threading.Event()

    def block() -> None:
        gate.wait(LIMIT)
        watched.loop.call_soon(listener.told.append, "told")

    watched.call(block)
    until(lambda: "does not turn" in listener.told)
    gate.set()
    until(lambda: "turns again" in listener.told)
    assert ["told", "turns again"] == [each for each in listener.told if each != "does not turn"]


def test_for_how_long_nobody_has_looked_is_known(watchdog: Watchdog):
    """Not at all while no loop is watched; and a look that takes long counts from its beginning."""
    assert 0.0 == watchdog.unseen()
    stands, goes_on = threading.Event(), threading.Event()

    class Slow(Overslept):
        def look(self, *_: object) -> bool:
            stands.set()
            return not goes_on.wait(LIMIT)

    heartbeat = Slow()
    watchdog.watch(heartbeat)
    assert stands.wait(LIMIT)
    until(lambda: watchdog.unseen() > 3 * LOOK_EVERY)
    goes_on.set()
    until(lambda: watchdog.unseen() < LOOK_EVERY)
    watchdog.unwatch(heartbeat)
    until(lambda: watchdog.unseen() == 0.0)


def test_a_little_late_is_nothing_to_speak_of():
    """Every thread has to wait for the others at times."""
    watchdog = Watchdog()
    assert 0.0 == watchdog.overslept(1e9)
    watchdog._wakes_at = 100.0
    assert 0.0 == watchdog.overslept(99.0)
    assert 0.0 == watchdog.overslept(100.0 + OVERSLEPT)
    assert 0.5 == watchdog.overslept(100.5)


def test_where_many_threads_run_python_code_each_has_to_wait(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
):
    """So being late says nothing of C code; but being later than that does."""
    monkeypatch.setattr(watchdog_module, "count_at_work", lambda *_: 25)
    heartbeat = Overslept()
    watchdog._heartbeats[0] = heartbeat
    longest = longest_wait(25)
    assert longest > OVERSLEPT
    for late, expected in (longest - 0.05, []), (longest + 0.05, [longest + 0.05]):
        watchdog._wakes_at = time.monotonic() - late
        watchdog._look()
        assert pytest.approx(expected, abs=0.04) == heartbeat.told
    monkeypatch.setattr(watchdog_module, "count_at_work", lambda *_: 1)
    watchdog._wakes_at = time.monotonic() - 0.2
    watchdog._look()
    assert 2 == len(heartbeat.told)
    del watchdog._heartbeats[0]


def test_who_has_moved_a_moment_ago_is_still_at_work(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
):
    """Though at the last looks all were seen right behind a call of a function in C."""
    code, now = threading.Event.wait.__code__, 1000.0
    call = next(each.offset for each in dis.get_instructions(code) if "CALL" in each.opname)
    places = dict.fromkeys(range(-25, 0), (code, call))
    monkeypatch.setattr(watchdog_module, "places_of_other_threads", places.copy)
    told = []
    for moves, late in [(True, 0.0), (False, 0.0), (False, 0.3), (False, 2.0), (False, 0.3)]:
        now += LOOK_EVERY
        watchdog._wakes_at = now
        if moves:
            watchdog._judge_lateness(now)
            places.update(dict.fromkeys(places, (code, call + 2)))
        now += late
        watchdog._judge_lateness(now)
        told.append(watchdog._wakes_at == now and late > 0)
    assert [False, False, False, True, True] == told


def test_who_waits_for_the_lock_amid_a_look_has_overslept_as_well(watchdog: Watchdog):
    """A look reads files: in between, C code of another thread may take the lock and keep it."""

    class TakesLong(Overslept):
        def look(self, *_: object) -> bool:
            """Stands for that."""
            threading.Event().wait(3 * OVERSLEPT)
            return True

    heartbeat = TakesLong()
    watchdog._heartbeats[0] = heartbeat
    watchdog._wakes_at = time.monotonic()
    assert watchdog._look()
    assert [pytest.approx(3 * OVERSLEPT, abs=0.1)] == heartbeat.told
    del watchdog._heartbeats[0]


def test_when_the_watch_overslept_nobody_is_blamed(watched: Watched):
    """It is said once, and not at every look, while it goes on; but a longer time is."""
    until(lambda: watched.heartbeat.pulse().lag is not None)
    for seconds in (0.3, 0.3, 0.2, 0.3, 0.7, 0.6):
        watched.heartbeat.overslept(seconds)
    steps = watched.heartbeat.pulse().slow_steps
    said = [(step.task, step.where, step.seconds) for step in steps]
    assert [(None, NOBODYS_FAULT, 0.3), (None, NOBODYS_FAULT, 0.7)] == said


def test_what_was_due_while_the_watch_overslept_was_late(watched: Watched):
    """The last minute says so, whether or not a beat was due just then."""
    until(lambda: watched.heartbeat.pulse().lag is not None)
    watched.heartbeat.overslept(0.7)
    assert 0.7 == max(lag or 0.0 for lag in watched.heartbeat.pulse().lag_history)


def test_a_step_is_not_charged_for_the_time_in_which_the_watch_overslept(watched: Watched):
    """It did not run either, in all that time or in most of it."""
    gate = threading.Event()
    watched.call(gate.wait, LIMIT)
    until(lambda: watched.heartbeat.pulse().blocked)
    watched.heartbeat.overslept(10.0)
    gate.set()
    until(lambda: watched.heartbeat.pulse().blocked is False)
    assert {NOBODYS_FAULT} == {step.where for step in watched.heartbeat.pulse().slow_steps}


def test_an_answer_that_comes_before_the_watch_wakes_up_blames_nobody(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch
):
    """The loop's thread may be the first to run again."""
    watched, gate = Watched(watchdog, asyncio.new_event_loop()), threading.Event()
    watched.call(gate.wait, LIMIT)
    until(lambda: watched.heartbeat.pulse().blocked)
    monkeypatch.setattr(watchdog, "overslept", lambda _now: 10.0)
    gate.set()
    until(lambda: watched.heartbeat.pulse().blocked is False)
    said = {step.where for step in watched.heartbeat.pulse().slow_steps}
    assert set() == said - {NOBODYS_FAULT}
    watched.end()


def test_a_look_keeps_nothing_of_what_it_saw(watchdog: Watchdog):
    """What the functions of other threads hold goes when they return, without a collector."""

    class Thing:
        """Something large, say."""

    held: list[weakref.ref[Thing]] = []
    is_held = threading.Event()
    may_go = threading.Lock()

    def hold() -> None:
        thing = Thing()
        held.append(weakref.ref(thing))
        is_held.set()
        may_go.acquire(timeout=LIMIT)

    gc.disable()
    try:
        with may_go:
            thread = threading.Thread(target=hold, daemon=True)
            thread.start()
            assert is_held.wait(LIMIT)
            watchdog._look()
        thread.join(LIMIT)
        assert held[0]() is None
    finally:
        gc.enable()
