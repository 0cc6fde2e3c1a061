"""Who is blamed for the time in which a loop does not answer, and who is not."""

from __future__ import annotations

import asyncio
import threading
import time
import weakref
from collections.abc import Iterator

import pytest

from bgwidgets.observe.asyncio_internals import glance_at
from bgwidgets.observe.glimpse import Glimpse
from bgwidgets.observe.spell import BLOCKED_AFTER, MANY_SHORT_STEPS, NOBODYS_FAULT, Spell
from bgwidgets.observe.thread_frames import Stack, stacks_of
from bgwidgets.observe.watchdog import LOOK_CLOSER
from bgwidgets.snapshots import SlowStep


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def here() -> Stack:
    """Where this thread is."""
    number = threading.get_ident()
    stack = stacks_of([number])[number]
    in_this_file = [place for place in stack.places if place[0].co_filename == __file__]
    return stack._replace(places=in_this_file[1:])


def seen(loop: asyncio.AbstractEventLoop, stack: Stack, at: float) -> Glimpse:
    """What the loop runs now, as if it were seen in this stack, at that time."""
    return Glimpse(at, stack, *glance_at(loop))


def look(spell: Spell, stack: Stack, at: float) -> SlowStep | None:
    """The next one."""
    return spell.look(seen(spell._loop, stack, at))


def look_twice(spell: Spell, stack: Stack, at: float) -> None:
    """As the watchdog does; what lies before the first look is a gap."""
    look(spell, stack, at - LOOK_CLOSER)
    look(spell, stack, at)


def begun(loop: asyncio.AbstractEventLoop, stack: Stack, *, ago: float) -> Spell:
    """A spell that began so many seconds ago, and the first look at it."""
    began = time.monotonic() - ago
    spell = Spell(loop, None, asked_at=began, since=began)
    spell.first_look(seen(loop, stack, began))
    return spell


def test_a_step_that_was_seen_once_is_not_blamed(loop: asyncio.AbstractEventLoop):
    """It may have been one of many short ones."""
    assert begun(loop, here(), ago=0.3).over(time.monotonic()) is None


def test_what_was_seen_twice_has_a_line(loop: asyncio.AbstractEventLoop):
    """Though the loop had just turned at the first look, and nobody came round for a third."""
    stack = here()
    spell = begun(loop, stack, ago=0.3)
    assert look(spell, stack, spell.asked_at + LOOK_CLOSER) is None
    step = spell.over(time.monotonic())
    assert step is not None
    assert (step.where or "").startswith("test_spell.py:")


def test_a_step_that_was_seen_again_is(loop: asyncio.AbstractEventLoop):
    """With its length, and when it began."""
    stack = here()
    spell = begun(loop, stack, ago=0.3)
    now = time.monotonic()
    for at in (now, now + LOOK_CLOSER):
        assert look(spell, stack, at) is None
    assert spell.is_blocked
    step = spell.over(now + 0.1)
    assert step is not None
    assert 0.4 == pytest.approx(step.seconds, abs=0.02)
    assert time.time() - 0.3 == pytest.approx(step.at, abs=0.05)
    assert (step.where or "").startswith("test_spell.py:")
    assert step.where == spell.blocked_by()


def test_a_step_that_is_seen_on_both_sides_of_a_gap_is_not_blamed_yet(
    loop: asyncio.AbstractEventLoop,
):
    """In a gap nobody looked: others may have kept it from going on."""
    stack = here()
    spell = begun(loop, stack, ago=0.3)
    now = time.monotonic()
    look(spell, stack, now)
    assert spell.culprit() is None
    assert spell.over(now + LOOK_CLOSER) is None


def test_time_in_which_no_thread_could_run_is_nobodys(loop: asyncio.AbstractEventLoop):
    """Neither is the loop blocked by it, nor is the step slow."""
    stack = here()
    spell = begun(loop, stack, ago=3.05)
    spell.overslept(3.0)
    now = time.monotonic()
    look(spell, stack, now)
    assert not spell.is_blocked
    assert spell.over(now) is None


def test_when_the_loop_has_something_else_to_run_next_it_is_another_step(
    loop: asyncio.AbstractEventLoop,
):
    """For all that it is the same code."""
    stack = here()
    first = loop.call_soon(int)
    loop.call_soon(float)
    spell = begun(loop, stack, ago=0.3)
    loop._ready.popleft()  # type: ignore[attr-defined]
    now = spell.asked_at
    for _ in range(int(BLOCKED_AFTER / LOOK_CLOSER) + 2):
        now += LOOK_CLOSER
        look(spell, stack, now)
        loop._ready.popleft()  # type: ignore[attr-defined]
        loop.call_soon(int)
    assert spell.is_blocked
    assert MANY_SHORT_STEPS == spell.blocked_by()
    assert spell.over(now) is None
    first.cancel()


@pytest.mark.parametrize(("is_late", "words"), [(True, NOBODYS_FAULT), (False, None)])
def test_of_a_time_in_which_nobody_looked_it_is_not_said_that_there_were_many_short_steps(
    loop: asyncio.AbstractEventLoop, *, is_late: bool, words: str | None
):
    """Nor is the step blamed that is seen after it: it may be the first that is not at fault."""
    stack = here()
    before = loop.call_soon(int)
    loop.call_soon(float)
    spell = begun(loop, stack, ago=3.2)
    look(spell, stack, spell.asked_at + 0.08)
    if is_late:
        spell.overslept(3.0)
    loop._ready.popleft()  # type: ignore[attr-defined]
    now = spell.asked_at + 3.16
    look(spell, stack, now)
    look(spell, stack, now + LOOK_CLOSER)
    assert spell.is_blocked
    assert words == spell.blocked_by()
    assert spell.culprit() is None
    assert spell.over(now + 2 * LOOK_CLOSER) is None
    for count in range(2, 9):  # The same, for long enough.
        look(spell, stack, now + count * LOOK_CLOSER)
    assert (spell.blocked_by() or "").startswith("test_spell.py:")
    before.cancel()


def test_a_step_that_began_in_a_spell_is_blamed_when_it_has_lasted_long_enough_itself(
    loop: asyncio.AbstractEventLoop,
):
    """Until then it may be one of many that are each short enough, and it is chance who is seen."""
    stack = here()
    handles = [loop.call_soon(int) for _ in range(6)]
    spell = begun(loop, stack, ago=0.3)
    now = spell.since

    def look_for(seconds: float) -> None:
        nonlocal now
        ends_at = now + seconds
        while now < ends_at - LOOK_CLOSER / 2:
            now += LOOK_CLOSER
            look(spell, stack, now)

    look_for(2 * LOOK_CLOSER)
    for _ in handles[1:]:
        loop._ready.popleft()  # type: ignore[attr-defined]
        look_for(BLOCKED_AFTER - LOOK_CLOSER)
        assert spell.culprit() is None
        assert not spell.is_one_step()
        assert spell.blocked_by() in {MANY_SHORT_STEPS, None}
    assert spell.is_blocked
    look_for(2 * LOOK_CLOSER)
    culprit = spell.culprit()
    assert culprit is not None
    assert culprit.seconds == pytest.approx(BLOCKED_AFTER, abs=LOOK_CLOSER)
    assert culprit.where == spell.blocked_by()


def test_a_step_that_began_after_the_glimpse_is_not_taken_for_the_one_that_was_seen(
    loop: asyncio.AbstractEventLoop,
):
    """Between the two the loop may have turned; the time before is not put down to it."""
    stack = here()
    loop.call_soon(int)
    loop.call_soon(float)
    before = seen(loop, stack, time.monotonic() - 0.3)
    loop._ready.popleft()  # type: ignore[attr-defined]
    spell = Spell(loop, None, asked_at=before.at, since=before.at)
    spell.first_look(before)
    now = time.monotonic()
    look(spell, stack, now)
    assert not spell.is_one_step()
    assert spell.over(now) is None


OWN_WORK = asyncio.BaseEventLoop.call_soon.__code__


def test_where_the_loop_does_its_own_work_nobody_is_blamed(loop: asyncio.AbstractEventLoop):
    """Its thread waits for its turn among others that compute."""
    stack = Stack(threading.get_ident(), [(OWN_WORK, -1)])
    spell = begun(loop, stack, ago=0.3)
    look_twice(spell, stack, time.monotonic())
    assert spell.is_blocked
    assert spell.is_one_step()
    assert spell.blocked_by() is None
    assert spell.culprit() is None
    assert spell.over(time.monotonic()) is None


def test_a_step_that_calls_the_loop_at_its_end_is_told_with_the_line_that_took_so_long(
    loop: asyncio.AbstractEventLoop,
):
    """Where it was seen before that: the task is the current one for a little longer."""

    async def work() -> None:
        spell = begun(loop, here(), ago=0.3)
        now = time.monotonic()
        look_twice(spell, here(), now)
        blocked_by = spell.blocked_by()
        assert (blocked_by or "").startswith("worker · test_spell.py:")
        look(spell, Stack(threading.get_ident(), [(OWN_WORK, -1)]), now + LOOK_CLOSER)
        assert blocked_by == spell.blocked_by()
        assert "worker" == getattr(spell.over(now + 2 * LOOK_CLOSER), "task", None)

    loop.run_until_complete(loop.create_task(work(), name="worker"))


def test_after_a_look_at_an_idle_loop_it_begins_anew(loop: asyncio.AbstractEventLoop):
    """It has turned; what was slow before is said then."""
    stack = here()
    spell = begun(loop, stack, ago=0.3)
    look_twice(spell, stack, time.monotonic())
    assert spell.look_while_idle(time.monotonic()) is not None
    assert not spell.is_blocked
    assert spell.over(time.monotonic()) is None


def test_the_task_of_a_step_is_not_held(loop: asyncio.AbstractEventLoop):
    """Or its end, with what comes of the user's then, would be in the watchdog's thread. Its name
    is known all the same.
    """
    spells = list[Spell]()

    async def work() -> None:
        spells.append(begun(loop, here(), ago=0.3))
        look_twice(spells[0], here(), time.monotonic())
        assert spells[0].task is asyncio.current_task()

    async def main() -> weakref.ref[asyncio.Task[None]]:
        task = asyncio.create_task(work(), name="worker")
        await task
        return weakref.ref(task)

    task = loop.run_until_complete(main())
    assert task() is None
    (spell,) = spells
    assert spell.task is None
    step = spell.over(time.monotonic())
    assert step is not None
    assert "worker" == step.task


def test_what_runs_next_is_not_held(loop: asyncio.AbstractEventLoop):
    """As above."""
    callback = weakref.ref(loop.call_soon(int))
    spell = begun(loop, here(), ago=0.3)
    loop._ready.clear()  # type: ignore[attr-defined]
    assert callback() is None
    assert look(spell, here(), time.monotonic()) is None
    assert not spell.is_one_step()
