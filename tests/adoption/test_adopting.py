"""Adopting loops of other kinds, and what is refused."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, NoReturn

import pytest
import uvloop

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from bgwidgets.hosts import foreign_stop_event
from tests.adoption.conftest import LIMIT, Owner, until


async def for_ever() -> None:
    await asyncio.Event().wait()


async def listen(stop_event: asyncio.Event) -> None:
    await stop_event.wait()


class Running:
    """A loop that runs in somebody else's thread for ever, or until its owner stops it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, name: str = "theirs") -> None:
        self.loop = loop
        turns = threading.Event()
        loop.call_soon(turns.set)
        self.owner = Owner(loop.run_forever, name=name)
        self.owner.start()
        assert turns.wait(LIMIT)

    def spawn(self, coroutine: Any) -> None:
        """Start a task in it."""
        self.loop.call_soon_threadsafe(self.loop.create_task, coroutine)

    def end(self, *, is_cleaned_up: bool = True) -> None:
        """Let its owner end it."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.loop.stop)
        self.owner.join()
        if is_cleaned_up:
            until(self.loop.is_closed)


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_running_loop_is_adopted_with_its_tasks(manager: LoopManager, factory: Any):
    """Those that it had, and those that come; when its owner ends it, it is finished."""
    theirs = Running(factory())
    theirs.spawn(for_ever())
    job = manager.adopt(theirs.loop)
    until(lambda: ["for_ever"] == [task.coroutine for task in job.tasks])
    theirs.spawn(asyncio.sleep(3600))
    until(lambda: ["sleep", "for_ever"] == [task.coroutine for task in job.tasks])
    snapshot = job.snapshot()
    assert ("theirs", "adopted", True) == (snapshot.thread_name, snapshot.host, snapshot.adopted)
    assert 7 == job.submit(asyncio.sleep(0, 7)).result(LIMIT)

    theirs.end()

    assert LoopState.FINISHED == job.wait(LIMIT)
    assert {"cancelled", "finished"} == {task.state for task in job.tasks}


def test_code_on_an_adopted_loop_belongs_to_it(manager: LoopManager):
    """`current()` finds the handle there."""

    async def who() -> bgw.BackgroundLoop | None:
        return bgw.current()

    theirs = Running(asyncio.new_event_loop())
    job = manager.adopt(theirs.loop)
    until(lambda: job.state is LoopState.RUNNING)
    future = asyncio.run_coroutine_threadsafe(who(), theirs.loop)
    until(future.done)
    assert future.result() in {job, None}
    until(lambda: asyncio.run_coroutine_threadsafe(who(), theirs.loop).result(LIMIT) is job)
    theirs.end()


def test_the_only_event_among_the_tasks_arguments_is_the_stop_event(manager: LoopManager):
    """Where the loop came without a function."""
    theirs = Running(asyncio.new_event_loop())
    event = asyncio.Event()
    theirs.spawn(listen(event))
    job = manager.adopt(theirs.loop)
    until(lambda: job.tasks != [])
    job.request_stop()
    until(event.is_set)
    until(lambda: job.tasks[0].state.has_ended)
    theirs.end()


def test_an_event_that_is_named_is_taken(manager: LoopManager):
    """Before any that could be guessed."""
    theirs = Running(asyncio.new_event_loop())
    guessed, named = asyncio.Event(), asyncio.Event()
    theirs.spawn(listen(guessed))
    job = manager.adopt(theirs.loop, stop_event=named)
    until(lambda: job.tasks != [])
    job.request_stop()
    until(named.is_set)
    assert not guessed.is_set()
    theirs.end()


def test_without_an_event_it_says_so(manager: LoopManager):
    """And the ladder goes on to its next step."""
    theirs = Running(asyncio.new_event_loop())
    theirs.spawn(for_ever())
    job = manager.adopt(theirs.loop)
    until(lambda: job.tasks != [])
    with pytest.raises(bgw.NoStopEvent, match=r"name it with adopt\(\.\.\., stop_event=event\)"):
        job.request_stop()
    report = job.stop(grace=LIMIT)
    assert (LoopState.STOPPED, ("cancel_tasks", "stop_loop")) == (report.outcome, report.steps)
    theirs.owner.join()


class Proxy:
    """Stands for something that is not there now, as werkzeug's do outside of a request."""

    @property  # type: ignore[misc] # so that it can fail
    def __class__(self) -> NoReturn:  # type: ignore[override] # the same
        raise RuntimeError("working outside of the application's context")


async def rebinds(*args: Any, **options: Any) -> None:
    """Has let go of its arguments, as one does to free memory."""
    args = options = None  # type: ignore[assignment] # noqa: F841 - that is what is odd
    await for_ever()


async def is_given(_proxy: Proxy, event: asyncio.Event) -> None:
    await event.wait()


def test_odd_arguments_are_passed_over(manager: LoopManager):
    """The event beside them is found all the same."""
    theirs = Running(asyncio.new_event_loop())
    event = asyncio.Event()
    theirs.spawn(rebinds(1, more=2))
    theirs.spawn(is_given(Proxy(), event))
    job = manager.adopt(theirs.loop)
    until(lambda: len(job.tasks) == 2)
    job.request_stop()
    until(event.is_set)
    assert 1 == job.submit(ends_at_once()).result(LIMIT)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)
    theirs.owner.join()


async def ends_at_once() -> int:
    return 1


def test_a_function_that_carries_something_odd_is_adopted(manager: LoopManager):
    """Beside its loop."""
    theirs = Running(asyncio.new_event_loop())

    def carries() -> None:
        """Has been called already."""

    carries.proxy = Proxy()  # type: ignore[attr-defined]
    carries.loop = theirs.loop  # type: ignore[attr-defined]
    job = manager.adopt(carries)
    until(lambda: job.state is LoopState.RUNNING)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)
    theirs.owner.join()


def test_an_event_that_cannot_be_looked_for_is_missing(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """It is said why, and the loop is adopted."""

    def fail(_tasks: object) -> NoReturn:
        raise ValueError("not today")

    theirs = Running(asyncio.new_event_loop())
    theirs.spawn(for_ever())
    with monkeypatch.context() as patch:
        patch.setattr(foreign_stop_event, "_among_arguments", fail)
        job = manager.adopt(theirs.loop)
        until(lambda: job.tasks != [])
        with pytest.raises(bgw.NoStopEvent, match=r"could not be looked for \(ValueError: not"):
            job.request_stop()
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)
    theirs.owner.join()


@pytest.mark.parametrize(
    "fails", ["adopted.Ledger", "adopted.write_down", "owners_main.is_what_its_runner_waits_for"]
)
def test_an_adoption_that_fails_says_why(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch, fails: str
):
    """Nobody waits for it, and the loop goes on as if nothing had been."""

    def fail(*_args: object, **_options: object) -> NoReturn:
        raise ValueError("not today")

    theirs = Running(asyncio.new_event_loop())
    before = theirs.loop.create_task
    theirs.spawn(for_ever())
    with monkeypatch.context() as patch:
        patch.setattr(f"bgwidgets.hosts.{fails}", fail)
        job = manager.adopt(theirs.loop)
        assert LoopState.FAILED == job.wait(LIMIT)
    with pytest.raises(ValueError, match="not today"):
        job.result(LIMIT)
    assert "ValueError: not today" == job.snapshot().error_line
    with pytest.raises(bgw.LoopEnded):
        job.submit(ends_at_once())
    assert before == theirs.loop.create_task
    assert 1 == asyncio.run_coroutine_threadsafe(ends_at_once(), theirs.loop).result(LIMIT)
    job.remove()
    again = manager.adopt(theirs.loop)
    until(lambda: again.tasks != [])
    again.stop_loop()
    assert LoopState.STOPPED == again.wait(LIMIT)
    theirs.owner.join()


def test_single_tasks_can_be_cancelled(manager: LoopManager):
    theirs = Running(asyncio.new_event_loop())
    theirs.spawn(for_ever())
    theirs.spawn(listen(asyncio.Event()))
    job = manager.adopt(theirs.loop)
    until(lambda: 2 == len(job.tasks))
    (one,) = (task for task in job.tasks if task.coroutine == "for_ever")
    with pytest.raises(bgw.UnknownTask):
        job.cancel_tasks(one.id, 999_999)
    job.cancel_tasks(one.id)
    until(lambda: ["cancelled"] == [task.state for task in job.tasks if task.id == one.id])
    assert LoopState.RUNNING == job.state
    theirs.end()


def test_a_loop_that_does_not_answer_is_unresponsive(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """A flag, not a state; and it goes when the loop answers."""
    monkeypatch.setattr("bgwidgets.hosts.adopted.ANSWERS_WITHIN", 0.02)
    theirs = Running(asyncio.new_event_loop())
    go_on = threading.Event()
    job = manager.adopt(theirs.loop)
    until(lambda: job.state is LoopState.RUNNING)
    until(lambda: not job.snapshot().unresponsive)
    theirs.loop.call_soon_threadsafe(go_on.wait, LIMIT)
    until(lambda: job.snapshot().unresponsive)
    assert LoopState.RUNNING == job.state
    go_on.set()
    until(lambda: not job.snapshot().unresponsive)
    theirs.end()


def test_a_loop_of_ours_needs_no_adoption(manager: LoopManager):
    """The handle that there is, is returned."""

    async def my_loop() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    job = manager.start()
    loop = job.submit(my_loop()).result(LIMIT)
    assert manager.adopt(loop) is job
    assert [job] == list(manager)


def test_what_cannot_be_adopted_is_refused(manager: LoopManager):
    """With what can."""
    for nonsense in (42, "run_loop", None):
        with pytest.raises(bgw.InvalidWork, match="a function that carries"):
            manager.adopt(nonsense)
    not_an_event: Any = "stopx"
    with pytest.raises(bgw.InvalidWork, match=r"is an asyncio\.Event, not str"):
        manager.adopt(for_ever, stop_event=not_an_event)
    assert 0 == len(manager)


# -- discover


def test_every_running_loop_is_discovered(manager: LoopManager):
    """Ours, asyncio's and uvloop's, each known by its thread; the same loop has the same id."""
    before = {loop.id for loop in manager.discover()}  # A library's own may live for ever.
    job = manager.start(for_ever)
    plain = Running(asyncio.new_event_loop(), "plain")
    fast = Running(uvloop.new_event_loop(), "fast")
    found = {loop.name: loop for loop in manager.discover() if loop.id not in before}
    assert {"for_ever": False, "plain": True, "fast": True} == {
        name: loop.protected for name, loop in found.items()
    }
    assert (job.id, "thread") == (found["for_ever"].id, found["for_ever"].host)
    assert found["plain"].id == {loop.name: loop.id for loop in manager.discover()}["plain"]
    for theirs in (plain, fast):
        theirs.loop.call_soon_threadsafe(theirs.loop.stop)
        theirs.owner.join()
        theirs.loop.close()


def test_a_discovered_loop_is_protected_until_somebody_says_otherwise(manager: LoopManager):
    """Each command is refused with the reason; `protected=False` lifts that."""
    theirs = Running(asyncio.new_event_loop())
    (found,) = (loop for loop in manager.discover() if loop.name == "theirs")
    job = manager.adopt(found)
    until(lambda: job.state is LoopState.RUNNING)
    for command in (job.request_stop, job.stop_loop, job.cancel_tasks, job.stop):
        with pytest.raises(bgw.ProtectedLoop, match="it was not started here"):
            command()
    assert [] == manager.stop_all(0)
    assert LoopState.RUNNING == job.state
    theirs.end(is_cleaned_up=False)
    job.wait(LIMIT)
    assert not theirs.loop.is_closed(), "who protects a loop leaves it to its owner"
    theirs.loop.run_until_complete(asyncio.sleep(0))
    theirs.loop.close()
    job.wait(LIMIT)

    theirs = Running(asyncio.new_event_loop())
    (found,) = (loop for loop in manager.discover() if loop.name == "theirs")
    job = manager.adopt(found, protected=False)
    until(lambda: job.state is LoopState.RUNNING)
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)


def test_a_loop_that_is_gone_cannot_be_adopted(manager: LoopManager):
    """A snapshot outlives what it shows."""
    theirs = Running(asyncio.new_event_loop())
    (found,) = (loop for loop in manager.discover() if loop.name == "theirs")
    theirs.loop.call_soon_threadsafe(theirs.loop.stop)
    theirs.owner.join()
    theirs.loop.close()
    del theirs
    with pytest.raises(bgw.UnknownLoop, match=r"look again with discover\(\)"):
        manager.adopt(found)
