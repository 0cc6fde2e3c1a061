"""What is left of a task that never ended comes to life on no other loop or thread."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, LoopState, TaskState, current
from bgwidgets.hosts import adopted, agent, brake, stopping
from bgwidgets.hosts.loop_that_never_turns import LoopThatNeverTurns, never_turns
from bgwidgets.hosts.never_ended import MOST_CLOSES, NeverEnded
from bgwidgets.observe.asyncio_internals import running_loop_here
from bgwidgets.unraisable import tell
from tests.adoption.conftest import Owner
from tests.loop_factories import LOOP_FACTORIES, LoopFactory
from tests.loops.conftest import LIMIT
from tests.waiting import until

CLOSER = "bgwidgets-closer"
MANY = 10_000
"""Rounds: so many nobody makes who waits in each."""

AtTheEnd = Callable[[], object]


async def goes_on(at_the_end: AtTheEnd, begun: threading.Event) -> None:
    """Swallows every CancelledError; what it does at its end nobody should see."""
    try:
        while True:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
    finally:
        at_the_end()


async def collects() -> None:
    """Whatever is garbage."""
    gc.collect()


@pytest.fixture
def other(manager: LoopManager) -> BackgroundLoop:
    """A loop in whose thread the garbage collector comes round."""
    return manager.start(name="other")


def collect_in(other: BackgroundLoop) -> None:
    other.submit(collects()).result(LIMIT)


def stop(job: BackgroundLoop) -> None:
    job.stop_loop()
    assert LoopState.STOPPED == job.wait(LIMIT)


@pytest.fixture
def left(manager: LoopManager, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`left(work, *args)`: it was stopped, has not ended, and its loop was removed."""
    monkeypatch.setattr(stopping, "STOP_LIMIT", 0.4)  # None of these ends by then, or at all.

    def leave(work: Callable[..., Coroutine[Any, Any, None]], *args: Any, count: int = 1) -> None:
        begun = threading.Event()
        job = manager.start(work, *args, begun)
        assert begun.wait(LIMIT)
        stop(job)
        assert count == job.snapshot().unfinished_tasks
        job.remove()

    return leave


@pytest.fixture(autouse=True)
def closer_has_ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], bool]]:
    """Whether its thread has gone, as it does with the last that it has to close. It is the test's
    own: what another test holds does not keep it.
    """
    before, closer = set(threading.enumerate()), NeverEnded()
    for module in (agent, adopted):
        monkeypatch.setattr(module, "never_ended", closer)

    def has_ended() -> bool:
        return CLOSER not in [thread.name for thread in set(threading.enumerate()) - before]

    yield has_ended
    until(has_ended)


def test_it_is_closed_in_a_thread_of_our_own(other: BackgroundLoop, left: Callable[..., None]):
    """And not in that of the loop that makes garbage."""
    where: list[tuple[str, object, object]] = []

    def tells() -> None:
        loop = running_loop_here()
        turns = loop is not None and loop.is_running()
        where.append((threading.current_thread().name, turns, current()))

    left(goes_on, tells)
    collect_in(other)
    until(lambda: where)
    assert [(CLOSER, False, None)] == where
    assert LoopState.RUNNING == other.state


def test_its_finally_holds_up_nobody(other: BackgroundLoop, left: Callable[..., None]):
    begun, gate = threading.Event(), threading.Event()

    def blocks() -> None:
        begun.set()
        gate.wait(LIMIT)

    left(goes_on, blocks)
    collect_in(other)
    assert begun.wait(LIMIT)
    assert 1 == other.submit(asyncio.sleep(0, 1)).result(LIMIT)
    gate.set()


def test_what_comes_after_one_that_does_not_return_waits(left: Callable[..., None]):
    begun, gate, after = threading.Event(), threading.Event(), list[str]()

    def blocks() -> None:
        begun.set()
        gate.wait(LIMIT)

    left(goes_on, blocks)
    gc.collect()
    assert begun.wait(LIMIT)
    left(goes_on, lambda: after.append(threading.current_thread().name))
    gc.collect()
    assert [] == after
    gate.set()
    until(lambda: after)
    assert [CLOSER] == after


def test_its_finally_starts_no_task_on_another_loop(
    other: BackgroundLoop,
    left: Callable[..., None],
    closer_has_ended: Callable[[], bool],
    capfd: pytest.CaptureFixture[str],
):
    """Nor is anybody told that it could not start one."""
    tried = threading.Event()

    async def cleans_up() -> None:
        await asyncio.sleep(3600)

    def starts_one() -> None:
        tried.set()
        asyncio.create_task(cleans_up())  # noqa: RUF006 - as somebody's clean-up does

    left(goes_on, starts_one)
    collect_in(other)
    assert tried.wait(LIMIT)
    until(closer_has_ended)
    unfinished = [task.coroutine for task in other.tasks if not task.state.has_ended]
    assert [] == unfinished
    assert ("", "") == capfd.readouterr()


def test_a_task_group_is_closed_too(left: Callable[..., None], capfd: pytest.CaptureFixture[str]):
    """It awaits its tasks even then, and is closed once more."""
    closed: list[str] = []

    async def group(begun: threading.Event) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(goes_on(lambda: closed.append("inner"), begun))
                await goes_on(lambda: closed.append("body"), begun)
        finally:
            closed.append("outer")

    left(group, count=2)
    gc.collect()
    until(lambda: len(closed) == 3)
    assert {"inner", "body", "outer"} == set(closed)
    assert ("", "") == capfd.readouterr()


def test_it_may_go_on_for_ever_even_then(left: Callable[..., None]):
    """Then it is kept, and others are closed."""
    times, closed, over = list[str](), threading.Event(), threading.Event()

    async def never_ends(begun: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        while not over.is_set():
            begun.set()
            try:
                await loop.create_future()
            except BaseException as error:  # noqa: BLE001 - as somebody writes it
                times.append(type(error).__name__)

    left(never_ends)
    left(goes_on, closed.set)
    gc.collect()
    assert closed.wait(LIMIT)
    told = times.copy()
    gc.collect()
    assert told == times
    assert "GeneratorExit" in times
    over.set()


async def under_a_timeout() -> None:
    async with asyncio.timeout(3600):
        await asyncio.sleep(3600)


async def in_a_group() -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(asyncio.sleep(3600))


async def over_a_network() -> None:
    """Where nobody listens."""
    await asyncio.open_connection("127.0.0.1", 9)


async def in_a_thread() -> None:
    await asyncio.to_thread(threading.Event().wait, 0.01)


@pytest.mark.parametrize(
    "awaits",
    [
        lambda: asyncio.sleep(3600),
        lambda: asyncio.sleep(0),
        lambda: asyncio.Queue[int]().get(),
        lambda: asyncio.Event().wait(),
        lambda: asyncio.wait_for(asyncio.sleep(3600), 3600),
        lambda: asyncio.wait({asyncio.create_task(asyncio.sleep(3600))}),
        lambda: asyncio.gather(asyncio.sleep(3600), asyncio.sleep(3600)),
        lambda: asyncio.shield(asyncio.sleep(3600)),
        under_a_timeout,
        in_a_group,
        over_a_network,
        in_a_thread,
    ],
)
def test_it_may_go_on_past_all_errors(
    left: Callable[..., None],
    closer_has_ended: Callable[[], bool],
    capfd: pytest.CaptureFixture[str],
    awaits: Callable[[], Awaitable[object]],
):
    """It then waits where it is, and costs nothing: what it awaits never comes."""
    rounds, told = 0, list[int]()

    async def never_ends(begun: threading.Event) -> None:
        nonlocal rounds
        await asyncio.sleep(0)
        while True:
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                continue
            except:  # noqa: E722 - as somebody writes it
                break
        while rounds < MANY:
            rounds += 1
            try:
                await awaits()
            except:  # noqa: E722, S112 - as somebody writes it
                continue
        told.append(rounds)

    left(never_ends)
    gc.collect()
    until(closer_has_ended)
    assert [] == told
    assert 1 <= rounds <= 2 * MOST_CLOSES
    assert ("", "") == capfd.readouterr()


def test_what_fails_at_once_for_ever_goes_round_slowly(
    left: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    """It cannot be ended, but costs nothing."""
    monkeypatch.setattr(brake, "MANY", 10)
    monkeypatch.setattr(brake, "PAUSE", 0.01)
    rounds, slept = 0, list[float]()
    monkeypatch.setattr(brake, "time", SimpleNamespace(sleep=slept.append))

    def fails() -> None:
        raise OSError

    def goes_round() -> None:
        nonlocal rounds
        while len(slept) < 5 and rounds < MANY:
            rounds += 1
            with contextlib.suppress(OSError):
                fails()

    left(goes_on, goes_round)
    gc.collect()
    until(lambda: len(slept) >= 5)
    assert {0.01} == set(slept)
    assert 5 <= rounds <= 15


@pytest.mark.parametrize("run", ["run_until_complete", "run_forever"])
def test_its_loop_refuses_to_be_run(left: Callable[..., None], run: str):
    """As a loop does in whose thread another one runs; what was to be run is no riddle either."""
    said = list[str]()

    def runs_it() -> None:
        try:
            getattr(asyncio.get_running_loop(), run)(*([collects()] if "until" in run else []))
        except RuntimeError as error:
            said.append(str(error))

    left(goes_on, runs_it)
    gc.collect()
    until(lambda: said)
    assert ["this event loop has ended, and turns no more"] == said


def test_in_a_fork_the_thread_goes_too_when_its_parent_was_in_the_midst_of_it():
    """What the parent's thread was closing has not come along."""
    closer = NeverEnded()
    closer._owners, closer._thread = 1, threading.current_thread()
    closer._forget_thread()
    assert {"_owners": 0, "_thread": None}.items() <= vars(closer).items()


class AlreadyWaitedOn:
    """What knows its loop since somebody has waited for it: another one it would refuse at once."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.queue = asyncio.Queue[int]()
        self.event = asyncio.Event()
        self.condition = asyncio.Condition()
        self.stream = asyncio.StreamReader()
        self.future = self.loop.create_future()


async def a_queue(known: AlreadyWaitedOn) -> None:
    await known.queue.get()


async def an_event(known: AlreadyWaitedOn) -> None:
    await known.event.wait()


async def a_condition(known: AlreadyWaitedOn) -> None:
    async with known.condition:
        await known.condition.wait()


async def a_stream(known: AlreadyWaitedOn) -> None:
    await known.stream.read()


async def a_timeout(known: AlreadyWaitedOn) -> None:
    async with asyncio.timeout(3600):
        await known.event.wait()


async def in_an_executor(known: AlreadyWaitedOn) -> None:
    """Of a loop that is closed by then."""
    await known.loop.run_in_executor(None, threading.Event().wait, 0.01)


async def on_its_loop(known: AlreadyWaitedOn) -> None:
    await known.loop.create_task(asyncio.sleep(3600))


async def through_gather(known: AlreadyWaitedOn) -> None:
    await asyncio.gather(known.queue.get(), known.event.wait())


async def through_shield(known: AlreadyWaitedOn) -> None:
    await asyncio.shield(known.future)


KNOWN = [
    a_queue,
    an_event,
    a_condition,
    a_stream,
    a_timeout,
    in_an_executor,
    on_its_loop,
    through_gather,
    through_shield,
]


@pytest.mark.parametrize("loop_factory", LOOP_FACTORIES)
@pytest.mark.parametrize("awaits", KNOWN)
def test_it_may_go_on_past_all_errors_of_what_belongs_to_its_loop(
    manager: LoopManager,
    closer_has_ended: Callable[[], bool],
    capfd: pytest.CaptureFixture[str],
    awaits: Callable[[AlreadyWaitedOn], Awaitable[object]],
    loop_factory: LoopFactory,
):
    """It waits there as well, be it that the loop was closed long ago."""
    rounds, told, begun, over = 0, list[int](), threading.Event(), threading.Event()

    async def never_ends() -> None:
        nonlocal rounds
        known = AlreadyWaitedOn()
        while rounds < MANY:
            try:
                begun.set()
                await awaits(known)
            except:  # noqa: E722, S112 - as somebody writes it
                continue
            finally:
                rounds += over.is_set()
        told.append(rounds)

    job = manager.start(never_ends, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    stop(job)
    job.remove()
    over.set()
    del job
    gc.collect()
    until(closer_has_ended)
    assert [] == told
    assert rounds <= 2 * MOST_CLOSES
    assert ("", "") == capfd.readouterr()


def test_its_loop_is_for_others_what_it_was(left: Callable[..., None]):
    """While what is left goes on in its name; and for all when that is over."""
    begun, gate = threading.Event(), threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def keeps_its_loop(begun_: threading.Event) -> None:
        loops.append(asyncio.get_running_loop())
        await goes_on(blocks, begun_)

    def blocks() -> None:
        loops[0].call_soon(print)
        begun.set()
        gate.wait(LIMIT)

    left(keeps_its_loop)
    gc.collect()
    assert begun.wait(LIMIT)
    assert loops[0].is_closed()
    with pytest.raises(RuntimeError, match="closed"):
        loops[0].call_soon(print)
    before = threading.active_count()
    gate.set()
    until(lambda: threading.active_count() < before)
    assert "call_soon" not in vars(loops[0])
    with pytest.raises(RuntimeError, match="closed"):
        loops[0].call_soon(print)


@pytest.mark.parametrize("kind", [OSError, RuntimeError, NotImplementedError, RecursionError])
def test_its_last_error_is_told(
    left: Callable[..., None], monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
):
    """As Python tells of what nobody can catch."""
    told: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    def fails() -> None:
        raise kind("the disk is full")

    left(goes_on, fails)
    gc.collect()
    until(lambda: told)
    assert [f"{kind.__name__}: the disk is full"] == [
        f"{each.exc_type.__name__}: {each.exc_value}" for each in told
    ]
    told.clear()


def test_that_asyncio_refuses_its_last_deed_is_not_told(
    left: Callable[..., None],
    closer_has_ended: Callable[[], bool],
    capfd: pytest.CaptureFixture[str],
):
    """Nor is that what it did not begin was never awaited."""
    tried = threading.Event()

    async def flush() -> None:
        """Never begins."""

    def runs_another_loop() -> None:
        tried.set()
        asyncio.run(flush())

    left(goes_on, runs_another_loop)
    gc.collect()
    assert tried.wait(LIMIT)
    until(closer_has_ended)
    assert ("", "") == capfd.readouterr()


def test_its_last_error_is_on_stderr_where_there_is_no_hook(
    left: Callable[..., None],
    closer_has_ended: Callable[[], bool],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
):
    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)

    def fails() -> None:
        raise OSError("the disk is full")

    left(goes_on, fails)
    gc.collect()
    until(closer_has_ended)
    told = capfd.readouterr().err
    assert told.startswith("Exception ignored in a task that had not ended when its loop did: <cor")
    assert told.endswith("OSError: the disk is full\n")


def test_what_cannot_be_shown_does_not_keep_an_error_from_being_told(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    class Unshown:
        def __repr__(self) -> str:
            raise ValueError("not shown")

    monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
    tell(OSError("the disk is full"), "Exception ignored in", Unshown())
    assert (
        "Exception ignored in: <object repr() failed>\nOSError: the disk is full\n"
        == capfd.readouterr().err
    )


def test_it_is_not_closed_while_somebody_looks_at_the_loop(manager: LoopManager):
    """Nor while the loop is listed."""
    begun, closed = threading.Event(), threading.Event()
    job = manager.start(goes_on, closed.set, begun)
    assert begun.wait(LIMIT)
    stop(job)
    job.remove()
    gc.collect()
    assert [TaskState.CANCELLING] == [task.state for task in job.tasks]
    assert not closed.is_set()
    del job
    until(lambda: gc.collect() >= 0 and closed.is_set())


def test_a_manager_that_is_dropped_is_not_kept_by_it():
    begun, closed = threading.Event(), threading.Event()
    manager = LoopManager()
    job = manager.start(goes_on, closed.set, begun)
    assert begun.wait(LIMIT)
    stop(job)
    del manager, job
    until(lambda: gc.collect() >= 0 and closed.is_set())


def test_the_same_on_an_adopted_loop(manager: LoopManager, other: BackgroundLoop):
    begun, where = threading.Event(), list[str]()
    loops: list[asyncio.AbstractEventLoop] = []

    def owns() -> None:
        loops.append(asyncio.new_event_loop())
        loops[0].run_until_complete(
            goes_on(lambda: where.append(threading.current_thread().name), begun)
        )

    owner = Owner(owns)
    owner.thread.start()
    assert begun.wait(LIMIT)
    job = manager.adopt(loops.pop())
    stop(job)
    job.remove()
    owner.thread.join(LIMIT)
    del job, owner
    collect_in(other)
    until(lambda: where)
    assert [CLOSER] == where
    assert LoopState.RUNNING == other.state


@pytest.mark.parametrize("loop_factory", LOOP_FACTORIES)
def test_tasks_that_start_two_each_at_their_end_are_held(
    manager: LoopManager,
    other: BackgroundLoop,
    closer_has_ended: Callable[[], bool],
    loop_factory: LoopFactory,
):
    """Eager ones wait at once for what nobody else knows, and would be garbage in the midst of
    the ending: destroyed, they would start the next.
    """
    begun = threading.Event()

    async def breeds() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(2):
                asyncio.create_task(breeds())  # noqa: RUF006 - nobody holds them

    job = manager.start(breeds, loop_factory=loop_factory)
    assert begun.wait(LIMIT)
    stop(job)
    job.remove()
    del job
    collect_in(other)
    until(closer_has_ended)
    unfinished = [task.coroutine for task in other.tasks if not task.state.has_ended]
    assert [] == unfinished


def test_for_a_loop_that_has_no_place_for_other_methods_another_one_stands_in():
    """One in C, say."""

    class InC:
        __slots__ = ()

        def is_running(self) -> bool:
            return False

    loop: Any = InC()
    with never_turns(loop) as running:
        assert isinstance(running, LoopThatNeverTurns)
