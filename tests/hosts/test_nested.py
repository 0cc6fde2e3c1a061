"""`nested=True`: a loop that can be run from inside of itself, at no cost for any other."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from typing import Any

import pytest
import uvloop

import bgwidgets as bgw
from bgwidgets.states import LoopState

LIMIT = 10.0


async def add(left: int, right: int) -> int:
    """What a library hides behind a plain function."""
    await asyncio.sleep(0)
    return left + right


def plain_add(left: int, right: int) -> Any:
    """The library."""
    return asyncio.run(add(left, right))


async def fail() -> None:
    await asyncio.sleep(0)
    raise KeyError("nested")


def result_of(work: Any, **options: Any) -> Any:
    """What the work returns on a nested loop of its own."""
    job = bgw.start(work, nested=True, replace=True, **options)
    try:
        return job.result(LIMIT)
    finally:
        job.stop(0)


def test_a_plain_function_may_run_a_coroutine():
    """Both ways in which sync libraries do it, several levels deep."""

    async def deep(levels: int) -> int:
        loop = asyncio.get_running_loop()
        below = loop.run_until_complete(deep(levels - 1)) if levels else 0
        return int(plain_add(below, 1))

    assert 6 == result_of(lambda: deep(5))


def test_the_other_tasks_go_on_meanwhile():
    """A nested run waits for what another task does, and both timers and threads wake it."""

    async def work() -> list[str]:
        steps: list[str] = []
        event = asyncio.Event()

        async def other() -> None:
            steps.append("other")
            await asyncio.to_thread(steps.append, "thread")
            await asyncio.sleep(0.001)
            event.set()

        other_task = asyncio.create_task(other())
        asyncio.run(event.wait())
        await other_task
        return steps

    assert ["other", "thread"] == result_of(work)


def test_the_outer_turn_finds_its_callbacks():
    """Those that the outer turn had counted run once, in their order, and none is missed."""

    async def work() -> list[int]:
        loop = asyncio.get_running_loop()
        ran: list[int] = []
        for number in range(50):
            loop.call_soon(ran.append, number)
        loop.call_soon(loop.run_until_complete, asyncio.ensure_future(add(1, 2)))
        for number in range(50, 100):
            loop.call_soon(ran.append, number)
        has_run = asyncio.Event()
        loop.call_soon(has_run.set)
        await has_run.wait()
        await asyncio.sleep(0)  # What runs twice would do so by now.
        return ran

    assert list(range(100)) == result_of(work)


def test_the_current_task_is_itself_again_afterwards():
    """So timeouts and task groups around a nested run go on to work."""

    async def work() -> tuple[bool, bool, int]:
        task = asyncio.current_task()
        inner: list[bool] = []

        async def look() -> None:
            inner.append(asyncio.current_task() is task)

        async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as group:
            asyncio.run(look())
            other = group.create_task(add(1, 2))
        return asyncio.current_task() is task, inner[0], other.result()

    assert (True, False, 3) == result_of(work)


def test_errors_come_out_as_they_are():
    """The coroutine's own exception reaches the caller, and the loop goes on."""

    async def work() -> str:
        with pytest.raises(KeyError, match="nested"):
            asyncio.run(fail())
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(asyncio.sleep(LIMIT))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)
        return "went on"

    assert "went on" == result_of(work)


def test_tasks_that_share_a_context_wait_for_no_one():
    """A context cannot be entered twice; a nested run that needs such a task still ends."""

    async def work() -> int:
        loop = asyncio.get_running_loop()
        context = contextvars.copy_context()

        async def outer() -> int:
            task = loop.create_task(add(1, 2), context=context)
            return int(loop.run_until_complete(task))

        return await loop.create_task(outer(), context=context)

    assert 3 == result_of(work)


@pytest.mark.parametrize(
    ("stop", "state"),
    [("stop_loop", LoopState.STOPPED), ("cancel_tasks", LoopState.CANCELLED)],
)
def test_a_nested_run_can_be_stopped(stop: str, state: LoopState):
    """It is cut short like any other wait."""
    inside = threading.Event()

    async def forever() -> None:
        inside.set()
        await asyncio.sleep(3600)

    async def work() -> None:
        asyncio.run(forever())

    job = bgw.start(work, nested=True)
    assert inside.wait(LIMIT)
    getattr(job, stop)()
    assert state == job.wait(LIMIT)
    assert [] == [task.name for task in job.tasks if not task.state.has_ended]


def test_asyncio_run_is_stood_in_for_only_while_somebody_needs_it(
    monkeypatch: pytest.MonkeyPatch,
):
    """Calls in other threads and on other loops are passed on as they came."""
    passed_on: list[dict[str, Any]] = []

    def original(main: Any, **options: Any) -> None:
        passed_on.append(options)
        main.close()

    monkeypatch.setattr(asyncio, "run", original)

    async def not_nested() -> None:
        asyncio.run(add(1, 2), debug=False)

    with bgw.start(nested=True) as one, bgw.start(nested=True, name="other"):
        one.stop(LIMIT)
        assert asyncio.run is not original
        asyncio.run(add(1, 2), debug=True)
        bgw.start(not_nested).result(LIMIT)
    assert asyncio.run is original
    assert [{"debug": True}, {"debug": False}] == passed_on


def test_nothing_of_asyncio_is_replaced_for_others():
    """Tasks stay those in C, and no class gets another method: none but the one by which a loop
    is told of errors that nobody handles, and that only while there are loops.
    """
    methods = dict(vars(asyncio.BaseEventLoop))
    task_class = asyncio.Task
    with bgw.start(nested=True) as job:
        assert job.submit(add(1, 2)).result(LIMIT) == 3
        now = vars(asyncio.BaseEventLoop)
        others = {name for name, method in methods.items() if now[name] is not method}
        assert ({"call_exception_handler"}, set(methods)) == (others, set(now))
        assert asyncio.Task is task_class
    assert methods == dict(vars(asyncio.BaseEventLoop))


def test_a_loop_that_cannot_be_nested_is_refused():
    """Nothing is left of it: no thread, no stand-in, no open loop, no row."""
    original = asyncio.run
    made: list[asyncio.AbstractEventLoop] = []

    def make() -> asyncio.AbstractEventLoop:
        made.append(uvloop.new_event_loop())
        return made[0]

    count = len(bgw.manager)
    with pytest.raises(bgw.InvalidWork, match="asyncio's own event loops, and this is a uvloop"):
        bgw.start(nested=True, loop_factory=make)
    assert (count, True, True) == (
        len(bgw.manager),
        made[0].is_closed(),
        asyncio.run is original,
    )


def test_a_restart_is_nested_too():
    """The option belongs to the work."""

    async def work() -> int:
        return int(plain_add(1, 2))

    job = bgw.start(work, nested=True)
    assert 3 == job.result(LIMIT)
    job.restart()
    assert 3 == job.result(LIMIT)


def test_a_task_cannot_wait_for_itself():
    """That would be for ever."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()

        async def inner() -> None:
            loop.run_until_complete(task)  # type: ignore[arg-type] # it is a task

        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            loop.run_until_complete(task)  # type: ignore[arg-type] # it is a task
        with pytest.raises(RuntimeError, match="cannot wait for itself"):
            asyncio.run(inner())

    result_of(work)


def test_too_many_runs_in_each_other_are_refused():
    """Before Python's stack is full; the others are not disturbed."""

    async def one(number: int) -> int:
        await asyncio.sleep(0)
        return int(plain_add(number, 0))

    async def work() -> list[Any]:
        return await asyncio.gather(*map(one, range(200)), return_exceptions=True)

    results = result_of(work)
    refused = [result for result in results if isinstance(result, RuntimeError)]
    assert set(range(200)) >= {result for result in results if isinstance(result, int)}
    assert 50 == sum(isinstance(result, int) for result in results)
    assert {True} == {"50 runs are nested in each other" in str(error) for error in refused}


def test_cancelled_timers_are_swept_in_a_nested_run_too():
    """However long it lasts."""

    async def inner() -> int:
        for _ in range(2_000):
            async with asyncio.timeout(3600):
                await asyncio.sleep(0)
        return len(asyncio.get_running_loop()._scheduled)  # type: ignore[attr-defined]

    async def work() -> int:
        return int(asyncio.run(inner()))

    assert result_of(work) < 300


@pytest.mark.parametrize("one_context", [False, True])
def test_a_submitted_coroutine_begins_inside_of_a_nested_run(one_context: bool):
    """Inside of no other task; also where that one has its context, which nobody enters twice."""
    context = contextvars.copy_context()

    def in_one_context(
        loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any
    ) -> asyncio.Task[Any]:
        return asyncio.Task(coroutine, loop=loop, **options | {"context": context})

    async def who_runs() -> asyncio.Task[Any] | None:
        return asyncio.current_task()

    async def turn_the_loop() -> bool:
        loop = asyncio.get_running_loop()
        submitted = asyncio.wrap_future(job.submit(who_runs(), name="submitted"))
        inner = loop.run_until_complete(submitted)
        return inner is not asyncio.current_task() and inner.get_name() == "submitted"

    async def set_factory() -> None:
        if one_context:
            asyncio.get_running_loop().set_task_factory(in_one_context)

    with bgw.start(nested=True, replace=True) as job:
        job.submit(set_factory()).result(LIMIT)
        assert job.submit(turn_the_loop()).result(LIMIT)
