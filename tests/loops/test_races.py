"""Several threads at once, and processes that fork: nothing is lost, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState, loop_manager
from bgwidgets.loop_manager import _stop_all_at_exit
from tests.loops.conftest import LIMIT
from tests.waiting import until

ROUNDS = 40


async def for_ever() -> None:
    await asyncio.Event().wait()


async def until_asked() -> None:
    me = bgw.current()
    assert me is not None
    await me.stop_event.wait()


def at_once(*calls: Callable[[], object]) -> list[BaseException]:
    """Call each in a thread of its own, as nearly at the same moment as can be; their errors."""
    barrier = threading.Barrier(len(calls))
    errors: list[BaseException] = []

    def run(call: Callable[[], object]) -> None:
        barrier.wait(LIMIT)
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test looks at it
            errors.append(error)

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert not any(thread.is_alive() for thread in threads)
    return errors


@pytest.mark.usefixtures("quick_switches")
@pytest.mark.parametrize(
    "rounds",
    [15, pytest.param(1000, marks=[pytest.mark.long, pytest.mark.timeout(1200)])],
)
def test_whatever_is_submitted_while_the_loop_is_stopped_is_answered(
    manager: LoopManager, rounds: int
):
    """By eight threads, of which one cancels what it has submitted: refused at once, or with a
    result, an error or a cancellation; and asyncio has nothing to complain of.
    """
    for number in range(rounds):
        job = manager.start(until_asked)
        futures: list[Future[int]] = []
        stop = (partial(job.stop, 0), job.stop_loop, job.cancel_tasks, job.request_stop)
        submitters = [
            *[partial(submit_until_refused, job, futures)] * 6,
            partial(submit_and_cancel_until_refused, job, futures),
        ]
        assert [] == at_once(*submitters, stop[number % len(stop)])
        assert job.wait(LIMIT).has_ended
        for future in futures:
            assert answer_of(future) in {1, CancelledError, bgw.LoopEnded}
        manager.remove_finished()


def submit_until_refused(job: bgw.BackgroundLoop, futures: list[Future[int]]) -> None:
    while True:
        try:
            futures += [job.submit(asyncio.sleep(0, 1)), job.submit(asyncio.sleep(3600, 1))]
        except bgw.LoopEnded:
            return


def submit_and_cancel_until_refused(job: bgw.BackgroundLoop, futures: list[Future[int]]) -> None:
    last: deque[Future[int]] = deque(maxlen=10)  # The oldest of them has probably begun.
    while True:
        try:
            last.append(job.submit(goes_on_when_cancelled()))
        except bgw.LoopEnded:
            return
        futures.append(last[-1])
        last[0].cancel()


async def goes_on_when_cancelled() -> int:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(3600)
    return 1


def answer_of(future: Future[int]) -> object:
    """Its result, or the type of its error; never hangs."""
    try:
        return future.result(LIMIT)
    except BaseException as error:  # noqa: BLE001 - of whatever kind
        return type(error)


def test_a_restarted_loop_stays_on_the_list(manager: LoopManager):
    """Whoever clears the list at that moment takes nothing off it that runs."""
    for _ in range(ROUNDS):
        job = manager.start(for_ever)
        job.cancel_tasks()
        job.wait(LIMIT)
        errors = at_once(job.restart, manager.remove_finished)
        assert [] == errors
        assert LoopState.RUNNING == job.state
        assert job in manager
        job.stop(0)
        manager.remove_finished()


def start_in_its_place(manager: LoopManager, started: list[bgw.BackgroundLoop]) -> None:
    started.append(manager.start(until_asked, name="mine", replace=True))


def test_a_restart_and_a_replacement_leave_one_loop(manager: LoopManager):
    """Both want the name: the loser is told, and nothing runs beside the list."""
    for _ in range(ROUNDS):
        job = manager.start(until_asked, name="mine")
        job.stop(0)
        others: list[bgw.BackgroundLoop] = []
        errors = at_once(job.restart, partial(start_in_its_place, manager, others))
        assert all(isinstance(error, bgw.DuplicateName) for error in errors)
        running = [loop for loop in (job, *others) if not loop.state.has_ended]
        assert running == [loop for loop in manager if not loop.state.has_ended]
        assert 1 == len(running)
        manager.stop_all(0)
        manager.remove_finished()


def test_many_may_replace_at_once(manager: LoopManager):
    """Each replaces the one before; one is left, and nobody is told to do what was done."""
    for _ in range(ROUNDS // 4):
        replace = partial(start_in_its_place, manager, [])
        assert [] == at_once(replace, replace, replace)
        assert ["running"] == [loop.state for loop in manager]


@pytest.fixture
def ctrl_c_interrupts() -> Iterator[None]:
    """Also where it is ignored, as in a job that a shell runs in the background.

    SIGUSR1 does nothing, but have the main thread look what signals there are.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    nothing = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield
    signal.signal(signal.SIGUSR1, nothing)
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_a_ctrl_c_during_the_start_leaves_nothing(manager: LoopManager):
    """The loop that comes up later is stopped at once: its work does not begin."""
    is_asked, go_on, begun = threading.Event(), threading.Event(), list[int]()

    def slow() -> asyncio.AbstractEventLoop:
        is_asked.set()
        go_on.wait(LIMIT)
        return asyncio.new_event_loop()

    async def work() -> None:
        begun.append(1)

    def press_ctrl_c() -> None:
        is_asked.wait(LIMIT)
        main_thread = threading.main_thread().ident or 0
        signal.pthread_kill(main_thread, signal.SIGINT)
        # One that comes just before a thread begins to wait for a lock does not end its waiting.
        while not go_on.wait(0.05):
            signal.pthread_kill(main_thread, signal.SIGUSR1)

    presser = threading.Thread(target=press_ctrl_c)
    presser.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            manager.start(work, loop_factory=slow)
    finally:
        go_on.set()
        presser.join(LIMIT)
    # With a pause between two looks, or it would keep the loop's thread from running.
    until(lambda: all(thread.name != "bgw-work" for thread in threading.enumerate()))
    assert ([], 0) == (begun, len(manager))


def test_a_click_on_cancel_twice_lets_the_clean_up_end(manager: LoopManager):
    """The second one does not cancel what the first one set off; nor does a stop after it."""
    is_on, cleaned = threading.Event(), list[str]()

    async def work() -> None:
        try:
            is_on.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.1)
            cleaned.append("up")

    job = manager.start(work)
    assert is_on.wait(LIMIT)
    job.cancel_tasks()
    job.cancel_tasks()
    job.stop_loop()
    job.wait(LIMIT)
    assert ["up"] == cleaned


@pytest.mark.parametrize("seconds", [0.6])
def test_a_clean_up_has_the_time_that_it_was_promised(manager: LoopManager, seconds: float):
    """Nearly a second after a stop, and five when the main task has ended by itself."""
    cleaned: list[str] = []

    async def clean_up_slowly(begun: asyncio.Event | None = None) -> None:
        try:
            if begun is not None:
                begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(seconds)
            cleaned.append("up")

    async def end_before() -> None:
        begun = asyncio.Event()
        side = asyncio.create_task(clean_up_slowly(begun))
        await begun.wait()
        del side

    stopped = manager.start(clean_up_slowly)
    assert 1 == stopped.submit(asyncio.sleep(0, 1)).result(LIMIT)
    stopped.stop_loop()
    assert (LoopState.STOPPED, ["up"]) == (stopped.wait(LIMIT), cleaned)
    assert (LoopState.FINISHED, ["up", "up"]) == (manager.start(end_before).wait(LIMIT), cleaned)


def test_the_task_that_blocks_a_loop_is_the_one_that_runs(manager: LoopManager):
    """It is not shown as waiting, like the others."""
    is_blocked, go_on = threading.Event(), threading.Event()

    async def block() -> None:
        side = asyncio.create_task(for_ever(), name="side")
        await asyncio.sleep(0)
        is_blocked.set()
        go_on.wait(LIMIT)
        side.cancel()

    job = manager.start(block)
    assert is_blocked.wait(LIMIT)
    states = {task.name: str(task.state) for task in job.tasks}
    counts = job.snapshot().task_counts
    go_on.set()
    assert {"block": "running", "side": "pending"} == states
    assert (1, 1) == (counts[bgw.TaskState.RUNNING], counts[bgw.TaskState.PENDING])


class Nasty(Exception):
    """An error that cannot be shown: to look at its text raises `reason`."""

    def __init__(self, reason: BaseException) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        raise self.reason


@pytest.mark.parametrize(
    "reason", [asyncio.CancelledError(), SystemExit(1), KeyboardInterrupt(), ValueError()]
)
def test_an_error_that_cannot_be_shown_does_no_harm(manager: LoopManager, reason: BaseException):
    """Neither to the list of tasks nor to the loop; also as the main task's error."""

    async def fail() -> None:
        raise Nasty(reason)

    async def work() -> Any:
        side = asyncio.create_task(fail(), name="side")
        await asyncio.wait({side})
        side.exception()
        return [task.error for task in _me().tasks if task.name == "side"]

    def _me() -> bgw.BackgroundLoop:
        me = bgw.current()
        assert me is not None
        return me

    assert ["Nasty: (its text cannot be shown)"] == manager.start(work).result(LIMIT)
    job = manager.start(fail)
    assert isinstance(job.exception(LIMIT), Nasty)
    assert job.snapshot().error is not None


def test_a_forked_process_ends_at_once(manager: LoopManager, monkeypatch: pytest.MonkeyPatch):
    """It has this process's memory but none of its loops, so there is nothing to wait for."""
    monkeypatch.setattr(loop_manager, "EXIT_LIMIT", 3 * LIMIT)
    manager.start(for_ever)
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _stop_all_at_exit()
        os._exit(0)
    assert 0 == os.waitpid(child, 0)[1]
    assert time.monotonic() - began < LIMIT
