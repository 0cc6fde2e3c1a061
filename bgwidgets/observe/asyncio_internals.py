"""asyncio's private names that this package touches: here and nowhere else.

Seen on CPython 3.11 to 3.13 and on uvloop 0.22-0.23 (whose tasks are asyncio's own). Each is
looked for, and where it is missing the nearest public way is taken.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import heapq
import inspect
import os
import selectors
import sys
import threading
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, compress, islice
from operator import attrgetter
from pathlib import Path
from types import (
    BuiltinMethodType,
    CodeType,
    CoroutineType,
    FrameType,
    FunctionType,
    MethodType,
)
from typing import Any, Final, Protocol, TypeGuard

from bgwidgets.observe.thread_frames import Place, variable_in


def peek_exception(task: asyncio.Future[Any]) -> BaseException | None:
    """What a finished, not cancelled task raised, without counting as having looked.

    `Task.exception()` would mute asyncio's own "exception was never retrieved".
    """
    if hasattr(task, "_exception"):
        error: BaseException | None = task._exception  # noqa: SLF001 - this module's purpose
        return error
    return task.exception()


def coroutine_of(task: asyncio.Task[Any]) -> Any:
    """What a task runs; None where an eager one had ended before anybody saw it.

    By asyncio's own method, whatever the task's class makes of it.
    """
    if _CRASHES_WITHOUT_COROUTINE:
        return getattr(task, "_coro", None)
    try:
        return asyncio.Task.get_coro(task)
    except TypeError:
        return _kind_of(task).get_coro(task)


_CRASHES_WITHOUT_COROUTINE: Final = (3, 12) <= sys.version_info < (3, 12, 2)
"""Whether `get_coro` takes the process down where an eager task had ended at its birth."""


def own_name_of(task: asyncio.Task[Any]) -> str:
    """A task's name, which may be of a class of its own; by asyncio's method, as above."""
    try:
        return asyncio.Task.get_name(task)
    except TypeError:
        return _kind_of(task).get_name(task)


def _kind_of(task: asyncio.Task[Any]) -> type[asyncio.Task[Any]]:
    """Which of asyncio's own kinds of tasks it is. Raises TypeError when it is none."""
    for kind in _TASKS:
        if issubclass(type(task), kind):
            return kind
    raise TypeError(f"no asyncio.Task: {type(task).__qualname__}")


def all_done(tasks: list[asyncio.Task[Any]]) -> list[bool]:
    """For each whether it has ended. Three times as fast as asking one by one."""
    try:
        return list(map(asyncio.Task.done, tasks))
    except TypeError:  # Some task of another kind.
        return [task.done() for task in tasks]


def all_cancelled(tasks: list[asyncio.Task[Any]]) -> list[bool]:
    """For each ended task whether it was cancelled. As fast as `all_done`."""
    try:
        return list(map(asyncio.Task.cancelled, tasks))
    except TypeError:
        return [task.cancelled() for task in tasks]


def failed_among(tasks: list[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    """Those of these ended tasks that raised, without counting as having looked. Fast where, as
    mostly, none did.
    """
    try:
        errors = list(map(_exception_of, tasks))
    except AttributeError:  # Some task of the user's own.
        return [task for task in tasks if not task.cancelled() and peek_exception(task) is not None]
    # By identity: a user's exception may be equal to anything, or raise when it is compared.
    if not [error for error in errors if error is not None]:
        return []
    return [task for task, error in zip(tasks, errors, strict=True) if error is not None]


_exception_of: Final = attrgetter("_exception")


def let_go_of(task: asyncio.Task[Any]) -> None:
    """Do not log "Task was destroyed but it is pending" for a task that was given up on purpose.

    Whoever gives it up says so in a report of its own.
    """
    if hasattr(task, "_log_destroy_pending"):
        task._log_destroy_pending = False  # noqa: SLF001 - this module's purpose
    coroutine = coroutine_of(task)
    if not inspect.iscoroutine(coroutine):
        return
    if inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
        coroutine.close()  # Nor "was never awaited".


def hide(task: asyncio.Task[Any]) -> None:
    """Keep a task of our own out of `asyncio.all_tasks()`, so that nobody cancels it there.

    `_unregister_task` is described under "Extending asyncio", for all its underscore.
    """
    asyncio._unregister_task(task)  # noqa: SLF001 - this module's purpose


def _in_c_and_in_python(name: str, in_python: object) -> tuple[type, ...]:
    in_c = getattr(sys.modules.get("_asyncio"), name, None)
    kinds = (getattr(asyncio, name), in_python, in_c)
    return tuple({kind for kind in kinds if isinstance(kind, type)})


# Where nest_asyncio was applied, there may be some of both kinds.
_TASKS: Final = _in_c_and_in_python("Task", getattr(asyncio.tasks, "_PyTask", None))
_FUTURES: Final = _in_c_and_in_python("Future", getattr(asyncio.futures, "_PyFuture", None))


def is_task(thing: object) -> TypeGuard[asyncio.Task[Any]]:
    """Whether it is one of asyncio's tasks, in C or in Python."""
    return issubclass(type(thing), _TASKS)


def is_future(thing: object) -> TypeGuard[asyncio.Future[Any]]:
    """Whether it is one of asyncio's futures, in C or in Python, or a task."""
    return issubclass(type(thing), _FUTURES)


def is_done(future: asyncio.Future[Any]) -> bool:
    """Whether it has ended, by asyncio's own method, whatever the future's class makes of it."""
    try:
        return asyncio.Future.done(future)
    except TypeError:  # It is in pure Python.
        return _future_kind_of(future).done(future)


def was_cancelled(future: asyncio.Future[Any]) -> bool:
    """Whether it has ended by being cancelled; asked in the same way."""
    try:
        return asyncio.Future.cancelled(future)
    except TypeError:
        return _future_kind_of(future).cancelled(future)


def _future_kind_of(future: asyncio.Future[Any]) -> type[asyncio.Future[Any]]:
    return next(kind for kind in _FUTURES if issubclass(type(future), kind))


def future_waited_for(task: asyncio.Task[Any]) -> asyncio.Future[Any] | None:
    """The future on which a suspended task waits; None when it waits for none or it is unknown."""
    future: asyncio.Future[Any] | None = getattr(task, "_fut_waiter", None)
    return future


# Who waits for whom. All of these only look, in any thread: each copy is one step of C code.

AWAITS_A_FUTURE: Final[CodeType | None] = getattr(
    getattr(getattr(asyncio.futures, "_PyFuture", None), "__await__", None), "__code__", None
)
"""The generator by which a future in pure Python is awaited, where nest_asyncio was applied."""
WAITS_FOR_ITS_FUTURES: Final = frozenset({"wait", "_wait"})
"""Functions that hold a set of the futures that they wait for."""
WAITS_FOR_ITS_TASK: Final = frozenset({"wait_for", "_cancel_and_wait"})
"""Functions that hold a task and wait for something that its end sets. Until Python 3.11 `wait_for`
made one; since then it awaits, in the task itself, whatever it is given."""
WAITS_FOR_ITS_GROUP: Final = frozenset({"TaskGroup.__aexit__", "TaskGroup._aexit"})
WAITS_FOR_THE_NEXT: Final = frozenset(
    {
        "as_completed.<locals>._wait_for_one",  # until Python 3.12
        "_AsCompletedIterator._wait_for_one",
    }
)
COMPLETES: Final = "as_completed"
"""The generator, until Python 3.12, that holds the futures of which `_wait_for_one` awaits one."""

_SET_BY: Final = {
    "shield.<locals>._outer_done_callback": "inner",
    "_chain_future.<locals>._call_check_cancel": "source",  # wrap_future, run_in_executor
}
"""Callbacks of a future that stands for another, by name; and their variable that holds that."""
_SETS: Final = {
    "gather.<locals>._done_callback": "outer",
    "_wait.<locals>._on_completion": "waiter",
    "as_completed.<locals>._on_completion": "done",
    "shield.<locals>._inner_done_callback": "outer",
    "_chain_future.<locals>._call_set_state": "destination",
}
"""Callbacks by which a future sets another, by name; and their variable that holds the other."""


def callbacks_of(future: Any) -> list[Callable[..., Any]]:
    """What a future, asyncio's or concurrent.futures', calls when it is done."""
    try:
        if issubclass(type(future), _FUTURES):
            return [callback for callback, _ in getattr(future, "_callbacks", None) or ()]
        if issubclass(type(future), concurrent.futures.Future):
            return list(getattr(future, "_done_callbacks", ()))
    except Exception:  # noqa: BLE001 - a class of the user's may answer in any way
        return []
    return []  # Whatever else a task may wait for, it has no names that are known here.


def take_done_callbacks(
    future: concurrent.futures.Future[Any],
) -> list[Callable[[concurrent.futures.Future[Any]], object]]:
    """What a future calls when it is done, and now no more; for one that is not done. Any thread.

    None of it where `concurrent.futures` keeps them otherwise than it does in Python 3.11 to 3.13.
    """
    condition = getattr(future, "_condition", None)
    if condition is None or not hasattr(future, "_done_callbacks"):
        return []
    with condition:
        if future.done():
            return []  # Whoever has resolved it calls them.
        callbacks = list(future._done_callbacks)  # noqa: SLF001 - see above
        future._done_callbacks = []  # noqa: SLF001 - the same
    return callbacks


def function_name(callback: object) -> str:
    """The qualified name of a callback that is a function: of nothing that may answer by itself."""
    return callback.__qualname__ if isinstance(callback, FunctionType) else ""


def future_behind(callbacks: list[Callable[..., Any]]) -> Any:
    """The future for which the one with these callbacks stands: `shield`'s, an executor's; or None.

    One that `wrap_future` has wrapped is of concurrent.futures.
    """
    for callback in callbacks:
        variable = _SET_BY.get(function_name(callback))
        if variable is not None and _is_asyncios(callback):
            return variable_of(callback, variable)
    return None


def gathered_by(future: Any) -> list[asyncio.Future[Any]] | None:
    """What `gather` waits for, when it made this future."""
    if type(future).__name__ != "_GatheringFuture":
        return None
    children: list[asyncio.Future[Any]] | None = getattr(future, "_children", None)
    return children


GATHER_PASSES_ON: Final[CodeType | None] = getattr(
    getattr(getattr(asyncio.tasks, "_GatheringFuture", None), "cancel", None), "__code__", None
)
"""By which what `gather` returned has all cancelled for which it waits."""
TASK_PASSES_ON: Final[CodeType | None] = getattr(
    getattr(getattr(asyncio.tasks, "_PyTask", None), "cancel", None), "__code__", None
)
"""By which a task in pure Python does, where nest_asyncio was applied; one in C has no frame."""


GROUP_ASKS_AGAIN: Final = frozenset(
    code
    for code in (
        getattr(getattr(asyncio.TaskGroup, name, None), "__code__", None)
        for name in ("__aexit__", "_aexit")
    )
    if code is not None
)
"""By which, from Python 3.13 on, a failed group takes back that its task was cancelled, whoever had
asked for that, and cancels it once more."""


def asked_by_gather(frame: FrameType) -> tuple[object, object]:
    """What `gather` returned and which of those that it waits for it has cancelled just now, in a
    frame of `GATHER_PASSES_ON`; None for what is not found.
    """
    local = frame.f_locals
    return local.get("self"), local.get("child")


def woken_by(callback: Any) -> Any:
    """What a callback of a future wakes or sets: a task, a further future, or None."""
    if type(callback) is functools.partial:
        is_wait_for = function_name(callback.func) == "_release_waiter"
        return callback.args[0] if is_wait_for and callback.args else None
    is_method = type(callback) in {MethodType, BuiltinMethodType}
    owner = callback.__self__ if is_method else None
    if is_task(owner):
        return owner  # `task_wakeup`
    if issubclass(type(owner), asyncio.TaskGroup):
        is_at_its_end = getattr(owner, "_on_completed_fut", None) is not None
        return getattr(owner, "_parent_task", None) if is_at_its_end else None
    if type(owner).__qualname__ == "_AsCompletedIterator":
        return _next_getter(getattr(owner, "_done", None))
    variable = _SETS.get(function_name(callback))
    if variable is None or not _is_asyncios(callback):
        return None
    woken = variable_of(callback, variable)
    return _next_getter(woken) if isinstance(woken, asyncio.Queue) else woken


def _is_asyncios(callback: Any) -> bool:
    return str(getattr(callback, "__module__", "")).startswith("asyncio.")


def variable_of(function: Any, name: str) -> Any:
    """What a variable holds that a function shares with the one around it; None without it."""
    try:
        place = function.__code__.co_freevars.index(name)
        return function.__closure__[place].cell_contents
    except (AttributeError, ValueError, TypeError):
        return None


def _next_getter(queue: Any) -> asyncio.Future[Any] | None:
    return next(iter(list(getattr(queue, "_getters", ()))), None)


def tasks_of_group(group: asyncio.TaskGroup) -> list[asyncio.Task[Any]]:
    """The unfinished tasks of a group."""
    return list(getattr(group, "_tasks", ()))


def task_around(group: asyncio.TaskGroup) -> asyncio.Task[Any] | None:
    """The task that has entered a group."""
    around: asyncio.Task[Any] | None = getattr(group, "_parent_task", None)
    return around


def waits_at_its_end(group: asyncio.TaskGroup) -> asyncio.Task[Any] | None:
    """The task around a group that has just failed, if it waits there for the others to end.

    Not when it is this task that calls, for then nobody cancels it. In the loop's thread.
    """
    around = task_around(group)
    if around is None or not getattr(group, "_exiting", False):
        return None
    return None if asyncio.current_task(around.get_loop()) is around else around


def still_to_complete(held: object) -> list[asyncio.Future[Any]]:
    """What an iterator of `as_completed`, as it is from 3.13 on, waits for; else nothing."""
    if type(held).__qualname__ != "_AsCompletedIterator":
        return []
    return list(getattr(held, "_todo", ()))


def is_pipe(stream: object) -> bool:
    """Whether a stream reads from or writes to a pipe, as those of a subprocess do."""
    name = type(getattr(stream, "_transport", None)).__name__
    # `_UnixReadPipeTransport`; uvloop has `ReadUnixTransport`, and `UnixTransport` for a socket.
    return "Pipe" in name or name in {"ReadUnixTransport", "WriteUnixTransport"}


def is_active(scope: asyncio.Timeout) -> bool:
    """Whether a timeout was entered, not left, and has not run out."""
    return getattr(getattr(scope, "_state", None), "value", None) == "active"


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
    coroutine = coroutine_of(task)
    return type(coroutine) is CoroutineType and coroutine.__qualname__.startswith(
        "BaseEventLoop.shutdown_"
    )


def close_half_made(error: BaseException) -> None:
    """Close what is left of an event loop whose making ended with this error.

    asyncio leaves its selector open where no pair of sockets could be had (seen: 3.11 to 3.13), and
    when the loop is destroyed it fails on stderr to close those sockets.
    """
    traceback = error.__traceback__
    while traceback is not None:
        made = traceback.tb_frame.f_locals.get("self")
        if isinstance(made, asyncio.SelectorEventLoop) and not hasattr(made, "_ssock"):
            vars(made)["_closed"] = True
            if (selector := getattr(made, "_selector", None)) is not None:
                selector.close()
        traceback = traceback.tb_next


def close_what_did_not_begin(error: BaseException) -> None:
    """Close the coroutines that asyncio did not take, as where no loop runs, when it raised this
    error: nobody need be told that they were never awaited.
    """
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__", "").startswith("asyncio."):
            for held in frame.f_locals.values():
                if (
                    isinstance(held, CoroutineType)
                    and inspect.getcoroutinestate(held) == inspect.CORO_CREATED
                ):
                    held.close()


def is_asyncios_refusal(error: BaseException) -> bool:
    """Whether it was asyncio that raised this because of the loop in which it was called, and not
    the code that called it.
    """
    if not isinstance(error, RuntimeError):
        return False
    modules = [
        frame.f_globals.get("__name__", "") for frame, _ in traceback.walk_tb(error.__traceback__)
    ]
    return bool(modules) and modules[-1].startswith("asyncio.")


def running_loop_here() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in the calling thread, if any."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def remind_of(loop: asyncio.AbstractEventLoop) -> None:
    """Have asyncio know again that this loop runs in the calling thread, where somebody's code has
    made it forget. `asyncio._set_running_loop` is for event loops, and some use it for other ends.
    """
    if running_loop_here() is None:
        asyncio._set_running_loop(loop)  # noqa: SLF001 - this module's purpose


def pending_task(
    loop: Any, coroutine: Coroutine[Any, Any, Any], name: str | None = None
) -> asyncio.Task[Any]:
    """A task on a loop that calls back nothing: it never begins, and nobody is told so."""
    task = asyncio.Task(coroutine, loop=loop, name=name)
    let_go_of(task)
    hide(task)
    return task


@contextmanager
def as_running_loop(loop: Any) -> Iterator[None]:
    """In here this loop is the calling thread's running one, and has a current task, whoever asks.
    It need not turn; no other may be running here.
    """
    asyncio._set_running_loop(loop)  # noqa: SLF001 - this module's purpose
    task = pending_task(loop, _nothing())
    try:
        swap_current_task(loop, task)
        yield
    finally:
        # The code in here may have left another.
        asyncio._set_running_loop(loop)  # noqa: SLF001 - this module's purpose
        swap_current_task(loop, None)
        asyncio._set_running_loop(None)  # noqa: SLF001 - this module's purpose


async def _nothing() -> None:
    """What a task runs that never begins."""


def threads_of_default_executor(loop: asyncio.AbstractEventLoop) -> set[threading.Thread] | None:
    """The worker threads, of now and of later, of the executor that a loop has at this moment.

    None where it has none yet, or one of another kind than the standard library's.
    """
    threads: object = getattr(getattr(loop, "_default_executor", None), "_threads", None)
    return threads if isinstance(threads, set) else None


def default_executor(loop: asyncio.AbstractEventLoop) -> object:
    """The executor that `run_in_executor(None, ...)` uses; None where it has none yet."""
    return getattr(loop, "_default_executor", None)


_CALLBACK_RUNNERS: Final = frozenset(
    {asyncio.Handle._run.__code__}  # noqa: SLF001 - this module's purpose
)
_TURNS: Final = ("base_events.py", "nest_asyncio.py", "nest_asyncio2.py")
_WAITS: Final = (
    selectors.SelectSelector.select.__code__.co_filename,
    "windows_events.py",
)
"""Files whose code waits for what comes from the system."""


def runs_a_callback(code: CodeType) -> bool:
    """Whether this is the code that runs a loop's callbacks, one at each call."""
    return code in _CALLBACK_RUNNERS


def turns_a_loop(code: CodeType) -> bool:
    """Whether this is the code of one turn of a loop: between its callbacks, nothing is further in
    but the loop's own work. nest_asyncio has another `_run_once` than asyncio.
    """
    is_run_once = code.co_name == "_run_once" and code.co_filename.endswith(_TURNS)
    return is_run_once or code is turn.__code__


def callback_run_in(thread: int) -> object:
    """Which callback a thread runs that is in code that `runs_a_callback`, and in no Python below
    that; None where it is not known. Any thread; does not block.
    """
    return getattr(variable_in(thread, _CALLBACK_RUNNERS, "self"), "_callback", None)


def waits_for_events(places: Iterable[Place]) -> bool:
    """Whether a thread that is at these places, the innermost first, has nothing to do but to turn
    its loop. False where it is not known. Any thread; does not block.
    """
    for depth, (code, _) in enumerate(places):
        if not code.co_filename.endswith(_WAITS):
            return depth > 0 and turns_a_loop(code)
    return False


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


class _CurrentTasks:
    def __getitem__(self, loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any] | None:
        return asyncio.current_task(loop)


def tasks_now() -> Mapping[Any, Any] | _CurrentTasks:
    """What tells by its loop the task that runs now, in the loop's own thread, for next to nothing.
    Where there is none it says None, or raises a KeyError.
    """
    # Up to Python 3.13 `current_task` looks it up in this table.
    table = getattr(asyncio.tasks, "_current_tasks", None)
    is_used = sys.version_info < (3, 14) and isinstance(table, dict)
    return table if is_used and table is not None else _CurrentTasks()


def glance_at(loop: asyncio.AbstractEventLoop) -> Iterator[weakref.ref[Any] | None]:
    """What a loop runs, lazily: its current task, and what it will run after that. The latter stays
    the same as long as that runs. None where there is none, or the loop does not tell.

    Taken by `list` it is all done in one step of C code, in any thread, which never holds them: a
    step in Python, as `current_task` is up to Python 3.11, would. Does not block.
    """
    table = tasks_now()
    get = table.get if isinstance(table, dict) else asyncio.current_task
    ready = getattr(loop, "_ready", None)
    callbacks = ready if isinstance(ready, deque) else ()
    return chain(
        _weakly_lazily(functools.partial(map, get, (loop,))),
        _weakly_lazily(functools.partial(chain.from_iterable, (callbacks,))),
    )


_weak_references_of: Final = attrgetter("__weakrefoffset__")


def _weakly_lazily(each: Callable[[], Iterator[Any]]) -> Iterator[weakref.ref[Any] | None]:
    """The first of these; None where there is none that can be referred to weakly."""
    # They are taken twice, but nothing has happened in between.
    can_be = map(bool, map(_weak_references_of, map(type, islice(each(), 1))))
    referred_to = map(weakref.ref, compress(islice(each(), 1), can_be))
    return islice(chain(referred_to, (None,)), 1)


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


_SHORT_QUEUE: Final = 32
"""So many callbacks are looked through in no time."""


def take_first_step(loop: Any, task: asyncio.Task[Any]) -> None:
    """Let a task that was just made begin now, and not only at the loop's next turn.

    As `eager_start` of Python 3.12 does, but of a task like any other. Where the loop does not tell
    what it runs last, many wait in line, or another thread has just asked it for something, nothing
    is done, and the task begins as ever. In the loop's thread, where no task is the current one.

    Raises what a task's step raises: SystemExit and KeyboardInterrupt.
    """
    ready: Any = getattr(loop, "_ready", None)
    try:
        handle = ready[-1]
        callback, context = handle._callback, handle._context  # noqa: SLF001
    except (IndexError, TypeError, AttributeError):
        return
    if (
        len(ready) > _SHORT_QUEUE
        or getattr(callback, "__self__", None) is not task
        or asyncio.current_task(loop) is not None
    ):
        return
    if type(callback) is MethodType:
        return  # A task in pure Python: its errors would hold our frames, and what they hold.
    try:
        context.run(int)
    except RuntimeError:  # Somebody's factory has given the task the context that we are in.
        return
    # Before, for what begins now may run the loop from inside. By one step of C code, for another
    # thread may append at any time; it looks through all of them, so there must not be many.
    ready.remove(handle)
    handle._run()  # noqa: SLF001 - this module's purpose


# Making tasks in the place of `create_task`, which is called for every task there is


def is_asyncios_own(create_task: Any) -> bool:
    """Whether this does nothing but make a task: no subclass's, and nobody else's wrap."""
    return getattr(create_task, "__func__", None) is asyncio.BaseEventLoop.create_task


def has_its_own(loop: object, method: str) -> bool:
    """Whether this loop has a method of its own in the place of its class's, or one of C code.

    Not by its `__dict__`: a loop at whose dictionary somebody has looked is slower for good (seen:
    3.11, by a tenth).
    """
    return getattr(getattr(loop, method), "__func__", None) is not getattr(type(loop), method)


def is_uvloops_own(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this is uvloop's, and nobody has put another `create_task` in its place."""
    makers = [cls for cls in type(loop).__mro__ if "create_task" in vars(cls)]
    return makers[0].__module__.startswith("uvloop") and "create_task" not in getattr(
        loop, "__dict__", {}
    )


def makes_plain_tasks(loop: Any, create_task: Any) -> bool:
    """Whether tasks may be made in the place of this loop's `create_task`."""
    return is_asyncios_own(create_task) and getattr(loop, "_task_factory", loop) is None


_OUR_FOLDER: Final = str(Path(__file__).parent) + os.sep
EAGER_TASK_FACTORY: Final[Any] = getattr(asyncio, "eager_task_factory", None)
"""From Python 3.12 on."""
_MAKERS_TAKE_MORE: Final = (
    "kwargs" in inspect.signature(asyncio.BaseEventLoop.create_task).parameters
)
"""Whether `create_task` gives all its options to a factory; up to Python 3.13.2 it does not."""


def make_eager_task(
    loop: asyncio.AbstractEventLoop,
    task_class: Callable[..., asyncio.Task[Any]],
    coro: Any,
    options: dict[str, Any],
) -> asyncio.Task[Any]:
    """What `create_task` makes on a loop with asyncio's own eager factory, of another class.

    A name that is among the options it has from the first step on: asyncio's own factory gives it
    one after that, until Python 3.13.2. But on Python 3.12 (seen: 3.12.1) `asyncio.create_task` and
    `TaskGroup` keep the name to themselves until the task is there.
    """
    return task_class(coro, loop=loop, eager_start=True, **options)


def created_by_its_caller(task_or_handle: Any) -> None:
    """In debug mode these say where they were created: that is not here, but where we were called.

    What somebody's factory has made was created there, and that stays.
    """
    created_at = getattr(task_or_handle, "_source_traceback", None)
    while created_at and created_at[-1].filename.startswith(_OUR_FOLDER):
        del created_at[-1]


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

    def given(name: Any, context: Any) -> dict[str, Any]:
        options = {"name": name, "context": context}
        return {option: value for option, value in options.items() if value is not None}

    def create_task(coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        if loop._task_factory is not None or loop._closed:  # noqa: SLF001
            return slowly(coro, **given(name, context))
        task: Any = task_class[0](coro, loop=loop, name=name, context=context)
        if loop._debug:  # noqa: SLF001
            created_by_its_caller(task)
        append(task)
        if len(nursery) >= limit[0]:
            is_full()
        return task  # type: ignore[no-any-return] # as its class says

    def create_task_with_options(
        coro: Any, *, name: Any = None, context: Any = None, **options: Any
    ) -> asyncio.Task[Any]:
        if options:
            return slowly(coro, **given(name, context), **options)
        return create_task(coro, name=name, context=context)

    if not all(hasattr(loop, name) for name in ("_task_factory", "_debug", "_closed")):
        return slowly
    return create_task_with_options if _MAKERS_TAKE_MORE else create_task


# The steps of tasks, as they pass through the loop


class StepTimer(Protocol):
    """Who is told of one task's steps. In the loop's thread; must not raise."""

    def scheduled(self) -> None:
        """The task is to take a step."""

    def begins(self) -> None:
        """It takes it now."""

    def ended(self, task: asyncio.Task[Any]) -> None:
        """It has taken it."""


class _TimedStep(asyncio.Handle):
    """A step of a task that waits in the loop's queue."""

    __slots__ = ("timer",)
    timer: StepTimer

    def _run(self) -> None:
        task, timer = self._callback.__self__, self.timer  # type: ignore[attr-defined] # a step's
        timer.begins()
        try:
            asyncio.Handle._run(self)  # noqa: SLF001 - its own base, without the price of super()
        finally:
            timer.ended(task)


def can_be_timed(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether `time_steps` works here: on asyncio's own loops, as they put callbacks in their queue
    so far, and where nobody has changed that.
    """
    own = getattr(asyncio.BaseEventLoop, "_call_soon", None)
    code = getattr(own, "__code__", None)
    return (
        isinstance(loop, asyncio.BaseEventLoop)
        and code is not None
        and {"Handle", "_ready", "append"} <= set(code.co_names)
        and "_call_soon" in asyncio.BaseEventLoop.call_soon.__code__.co_names
        and getattr(type(loop), "_call_soon", None) is own
        and not has_its_own(loop, "_call_soon")
        and hasattr(loop, "_ready")
    )


def time_steps(loop: Any, timer_of: Callable[[asyncio.Task[Any]], StepTimer]) -> Callable[[], None]:
    """Tell of every step that a task of this loop takes, but for the first of an eager one.

    Everything that is to run passes through the loop's `_call_soon`; it is replaced on this loop
    alone, and what is returned puts it back. In the loop's thread.
    """
    enqueue = loop._ready.append  # noqa: SLF001 - this module's purpose
    handle_class = asyncio.Handle
    ways: dict[type, Callable[[Any], bool]] = {}

    def call_soon(callback: Any, args: Any, context: Any) -> asyncio.Handle:
        kind = type(callback)
        is_step = ways.get(kind)
        if is_step is None:
            ways[kind] = is_step = _way_to_tell_a_step(kind)
        if is_step(callback):
            handle: Any = _TimedStep(callback, args, loop, context)
            handle.timer = timer = timer_of(callback.__self__)
            timer.scheduled()
        else:
            handle = handle_class(callback, args, loop, context)
        if handle._source_traceback:  # noqa: SLF001 - this module's purpose
            created_by_its_caller(handle)
        enqueue(handle)
        return handle  # type: ignore[no-any-return] # as its class says

    def undo() -> None:
        if loop._call_soon is call_soon:  # noqa: SLF001 - this module's purpose
            del loop._call_soon  # noqa: SLF001 - this module's purpose

    loop._call_soon = call_soon  # noqa: SLF001 - this module's purpose
    return undo


def _way_to_tell_a_step(kind: type) -> Callable[[Any], bool]:
    """How to tell of a callback of this kind whether it takes a step of a task, as none of a task's
    other methods does.
    """
    if kind.__name__ == "TaskStepMethWrapper":
        return bool
    if kind is BuiltinMethodType:
        return lambda callback: callback.__name__ == "task_wakeup"
    if kind is MethodType:
        return _is_step_in_python
    return _is_no_step


def _is_step_in_python(callback: Any) -> bool:
    cls = type(callback.__self__)
    names = ("_Task__step", "_Task__wakeup")
    return is_task(callback.__self__) and callback.__func__ in [
        getattr(cls, name, None) for name in names
    ]


def _is_no_step(callback: object) -> bool:
    del callback
    return False
