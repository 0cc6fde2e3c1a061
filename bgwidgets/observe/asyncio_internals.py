"""asyncio's private names that this package touches: here and nowhere else.

Seen on CPython 3.11 to 3.13 and on uvloop 0.22-0.23 (whose tasks are asyncio's own). Each is
looked for, and where it is missing the nearest public way is taken.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import sys
from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final


def peek_exception(task: asyncio.Future[Any]) -> BaseException | None:
    """What a finished, not cancelled task raised, without counting as having looked.

    `Task.exception()` would mute asyncio's own "exception was never retrieved".
    """
    if hasattr(task, "_exception"):
        error: BaseException | None = task._exception  # noqa: SLF001 - this module's purpose
        return error
    return task.exception()


def coroutine_of(task: asyncio.Task[Any]) -> object:
    """What a task runs; None where an eager one had ended before anybody saw it.

    Asked for that, Python 3.12.0 and 3.12.1 crash.
    """
    if (3, 12) <= sys.version_info < (3, 12, 2) and task.done():
        return None if task.get_loop().get_task_factory() is not None else task.get_coro()
    return task.get_coro()


def failed_among(tasks: list[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """Those of these ended tasks that raised, without counting as having looked. Fast where, as
    mostly, none did.
    """
    try:
        errors = list(map(_exception_of, tasks))
    except AttributeError:  # Some task of the user's own.
        return [task for task in tasks if not task.cancelled() and peek_exception(task)]
    if errors.count(None) == len(errors):
        return []
    return [task for task, error in zip(tasks, errors, strict=True) if error is not None]


_exception_of: Final = attrgetter("_exception")


def let_go_of(task: asyncio.Task[Any]) -> None:
    """Do not log "Task was destroyed but it is pending" for a task that was given up on purpose.

    Whoever gives it up says so in a report of its own.
    """
    if hasattr(task, "_log_destroy_pending"):
        task._log_destroy_pending = False  # noqa: SLF001 - this module's purpose
    coroutine = task.get_coro()
    if not inspect.iscoroutine(coroutine):
        return
    if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
        coroutine.close()  # Nor "was never awaited".


def hide(task: asyncio.Task[Any]) -> None:
    """Keep a task of our own out of `asyncio.all_tasks()`, so that nobody cancels it there.

    `_unregister_task` is described under "Extending asyncio", for all its underscore.
    """
    asyncio._unregister_task(task)  # noqa: SLF001 - this module's purpose


def future_waited_for(task: asyncio.Task[Any]) -> asyncio.Future[Any] | None:
    """The future on which a suspended task waits; None when it waits for none or it is unknown."""
    future: asyncio.Future[Any] | None = getattr(task, "_fut_waiter", None)
    return future


def thread_id_of(loop: asyncio.AbstractEventLoop) -> int | None:
    """The number of the thread in which a loop runs; None when it does not run or does not tell."""
    number: int | None = getattr(loop, "_thread_id", None)
    return number


def is_what_its_runner_waits_for(task: asyncio.Task[Any]) -> bool:
    """Whether `run_until_complete` returns when this task has ended. False where it is unknown.

    In the thread of the task's loop.
    """
    callbacks = getattr(task, "_callbacks", None) or ()
    # asyncio's own `_run_until_complete_cb`, uvloop's `run_until_complete.<locals>.done_cb`.
    names = [getattr(callback, "__qualname__", "") for callback, _ in callbacks]
    if any("run_until_complete" in name for name in names):
        return True
    # nest_asyncio's leaves no callback: it looks at the task after every turn.
    frame = sys._getframe()  # noqa: SLF001 - documented, for all its underscore
    while (frame := frame.f_back) is not None:  # type: ignore[assignment] # the loop's end
        if frame.f_code.co_name == "run_until_complete" and frame.f_locals.get("f") is task:
            return True
    return False


def classes_with(method: str, base: type) -> list[type]:
    """`base`, and each class below it that has this method of its own."""
    below: list[type] = [base]
    for cls in below:
        below += filter(lambda each: each not in below, cls.__subclasses__())
    return [cls for cls in below if method in vars(cls)]


def is_of_closing(task: asyncio.Task[Any]) -> bool:
    """Whether it only closes a loop's generators or its executor, as `asyncio.run` does at last."""
    name = getattr(task.get_coro(), "__qualname__", "")
    return str(name).startswith("BaseEventLoop.shutdown_")


def running_loop_here() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in the calling thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


# Turning a loop by hand, from inside of one of its own turns

_OF_A_LOOP_THAT_CAN_BE_TURNED: Final = (
    "_ready",
    "_scheduled",
    "_selector",
    "_process_events",
    "_clock_resolution",
    "_timer_cancelled_count",
    "_stopping",
)
_LONGEST_SELECT: Final = 24 * 3600.0
"""Seconds; `asyncio.base_events.MAXIMUM_SELECT_TIMEOUT`."""
_MOST_TIMERS: Final = 100
_CANCELLED_TIMERS: Final = 0.5
"""The same for `_MIN_SCHEDULED_TIMER_HANDLES` and `_MIN_CANCELLED_TIMER_HANDLES_FRACTION`."""


def can_be_turned(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `turn` knows its way about this loop: one of asyncio's own, as they are so far."""
    return all(hasattr(loop, name) for name in _OF_A_LOOP_THAT_CAN_BE_TURNED)


def turn(loop: Any, is_over: Callable[[], bool]) -> None:
    """One turn of a loop that `can_be_turned`, in its own thread: as `BaseEventLoop._run_once`.

    Ends early when `is_over`, or when the loop was told to stop; then it must not be turned again.
    """
    ready, scheduled = loop._ready, loop._scheduled  # noqa: SLF001 - this module's purpose
    while scheduled and scheduled[0]._cancelled:  # noqa: SLF001 - this module's purpose
        loop._timer_cancelled_count -= 1  # noqa: SLF001 - this module's purpose
        heapq.heappop(scheduled)._scheduled = False  # noqa: SLF001 - this module's purpose
    _sweep_cancelled_timers(loop)
    timeout: float | None = None
    if ready or loop._stopping:  # noqa: SLF001 - this module's purpose
        timeout = 0
    elif scheduled:
        timeout = min(max(0.0, scheduled[0].when() - loop.time()), _LONGEST_SELECT)
    loop._process_events(loop._selector.select(timeout))  # noqa: SLF001 - this module's purpose
    now = loop.time() + loop._clock_resolution  # noqa: SLF001 - this module's purpose
    while scheduled and scheduled[0].when() < now:
        timer = heapq.heappop(scheduled)
        timer._scheduled = False  # noqa: SLF001 - this module's purpose
        ready.append(timer)
    for _ in range(len(ready)):
        if not ready or is_over():
            return
        handle = ready.popleft()
        if not handle._cancelled:  # noqa: SLF001 - this module's purpose
            _run_also_where_entered(handle)


def _sweep_cancelled_timers(loop: Any) -> None:
    """As asyncio does, which otherwise keeps a cancelled timer until its time has come."""
    scheduled = loop._scheduled  # noqa: SLF001 - this module's purpose
    count = loop._timer_cancelled_count  # noqa: SLF001 - this module's purpose
    if len(scheduled) <= _MOST_TIMERS or count <= len(scheduled) * _CANCELLED_TIMERS:
        return
    living = []
    for timer in scheduled:
        if timer._cancelled:  # noqa: SLF001 - this module's purpose
            timer._scheduled = False  # noqa: SLF001 - this module's purpose
        else:
            living.append(timer)
    heapq.heapify(living)
    scheduled[:] = living
    loop._timer_cancelled_count = 0  # noqa: SLF001 - this module's purpose


def _run_also_where_entered(handle: Any) -> None:
    """Run a callback, whose context may be the one that a callback further out runs in.

    A context cannot be entered twice, so it then runs in a copy. That happens only where somebody
    gives one context to several tasks; what such a step sets in it, the others do not see.
    """
    context = handle._context  # noqa: SLF001 - this module's purpose
    try:
        context.run(int)
    except RecursionError:
        raise
    except RuntimeError:
        handle._context = context.copy()  # noqa: SLF001 - this module's purpose
    handle._run()  # noqa: SLF001 - this module's purpose


def turns_left_of(loop: Any) -> int:
    """How many callbacks the turn that is under way may still want to run."""
    return len(loop._ready)  # noqa: SLF001 - this module's purpose


def pad_turn(loop: Any, count: int) -> None:
    """Give the turn that is under way at least `count` callbacks to run; idle ones do no harm."""
    ready = loop._ready  # noqa: SLF001 - this module's purpose
    while len(ready) < count:
        idle = asyncio.Handle(int, (), loop)
        idle.cancel()
        ready.append(idle)


def is_stopping(loop: Any) -> bool:
    """Whether `loop.stop()` was called, and the loop has not left its run yet."""
    return bool(loop._stopping)  # noqa: SLF001 - this module's purpose


def swap_current_task(
    loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None
) -> asyncio.Task[Any] | None:
    """Make another task the current one, or none; returns the one that it was."""
    before = asyncio.current_task(loop)
    if before is task:
        return before  # 3.12.1 raises a KeyError where there is none to swap.
    swap: Any = getattr(asyncio.tasks, "_swap_current_task", None)  # From Python 3.12 on.
    if swap is not None:
        swap(loop, task)
        return before
    if before is not None:
        asyncio._leave_task(loop, before)  # noqa: SLF001 - this module's purpose
    if task is not None:
        asyncio._enter_task(loop, task)  # noqa: SLF001 - this module's purpose
    return before


# Making tasks in the place of `create_task`, which is called for every task there is


def is_asyncios_own(create_task: Any) -> bool:
    """Whether this does nothing but make a task: no subclass's, and nobody else's wrap."""
    return getattr(create_task, "__func__", None) is asyncio.BaseEventLoop.create_task


def is_uvloops_own(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is uvloop's, and nobody has put another `create_task` in its place."""
    makers = [cls for cls in type(loop).__mro__ if "create_task" in vars(cls)]
    return makers[0].__module__.startswith("uvloop") and "create_task" not in getattr(
        loop, "__dict__", {}
    )


def makes_plain_tasks(loop: Any, create_task: Any) -> bool:
    """Whether tasks may be made in the place of this loop's `create_task`."""
    return is_asyncios_own(create_task) and getattr(loop, "_task_factory", loop) is None


def quick_create_task(
    loop: Any,
    nursery: list[asyncio.Task[Any]],
    limit: list[int],
    is_full: Callable[[], None],
    task_class: list[type[asyncio.Task[Any]]],
    slowly: Callable[..., asyncio.Task[Any]],
) -> Callable[..., asyncio.Task[Any]]:
    """A `create_task` that also appends to `nursery`, and costs one append more than asyncio's.

    `slowly` makes the task where the loop has a factory, and on Python 3.13.3 and later where there
    are more options.
    """
    append = nursery.append

    def create_task(
        coro: Any, *, name: Any = None, context: Any = None, **options: Any
    ) -> asyncio.Task[Any]:
        if loop._task_factory is not None or options or loop._closed:  # noqa: SLF001
            if name is not None:
                options["name"] = name
            if context is not None:
                options["context"] = context
            return slowly(coro, **options)
        task: Any = task_class[0](coro, loop=loop, name=name, context=context)
        if loop._debug and task._source_traceback:  # noqa: SLF001
            del task._source_traceback[-1]  # noqa: SLF001 - this frame, as asyncio's own does
        append(task)
        if len(nursery) >= limit[0]:
            is_full()
        return task  # type: ignore[no-any-return] # as its class says

    known = all(hasattr(loop, name) for name in ("_task_factory", "_debug", "_closed"))
    return create_task if known else slowly
