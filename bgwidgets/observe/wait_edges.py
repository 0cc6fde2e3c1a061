"""Which tasks a task waits for, and which wait for it.

Both are read off the futures between them and the callbacks of those, so the cost is that of the
answer, however many tasks a loop has. A task that another one feeds through a queue or wakes by an
event is not seen: nothing ties the two together.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import re
from collections.abc import Iterable
from types import GeneratorType
from typing import Any, Final

from bgwidgets.observe.asyncio_internals import (
    COMPLETES,
    WAITS_FOR_ITS_FUTURES,
    WAITS_FOR_ITS_GROUP,
    WAITS_FOR_ITS_TASK,
    WAITS_FOR_THE_NEXT,
    callbacks_of,
    coroutine_of,
    function_name,
    future_behind,
    future_waited_for,
    gathered_by,
    is_future,
    is_task,
    still_to_complete,
    tasks_of_group,
    variable_of,
    woken_by,
)
from bgwidgets.observe.names import name_of as name_of_task
from bgwidgets.observe.suspended import Step, Wait, first_held, held_by, name_of, wait_of

Task = asyncio.Task[Any]

_MOST_FUTURES: Final = 100_000
"""How many futures between tasks are followed; of whoever gathers more, some are left out."""
_NO_NAME: Final = re.compile(r"Task-\d+$")
_RESOLVES: Final = "_resolves.<locals>.resolve"
"""Our own callback, of a submitted coroutine's task, that sets its future."""
_PASSES_ON: Final = "_passes_on.<locals>.pass_on"
"""And that of the future, which has the task cancelled."""


def tasks_waited_for(task: Task) -> list[Task]:
    """The unfinished tasks, of any loop, for which a task waits. Any thread; does not block."""
    future = future_waited_for(task)
    if future is None:
        return []
    found = _tasks_behind([future])
    if not found:
        found = _tasks_behind(futures_held(wait_of(coroutine_of(task))))
    return [each for each in found if not each.done() and each is not task]


def futures_held(wait: Wait, most: float = math.inf) -> list[asyncio.Future[Any]]:
    """What asyncio's own function waits for in which a task is suspended, where that is futures.

    Of more than `most` there is none in the list, so that nobody waits for a long one.
    """
    outside = wait.caller
    for step in wait.inner:
        name = name_of(step)
        if name in WAITS_FOR_ITS_FUTURES:
            sets = [held for held in held_by(step) if type(held) is set and len(held) <= most]
            return _only_futures(sets[0].copy()) if sets else []
        if name in WAITS_FOR_ITS_GROUP:
            group = first_held(step, asyncio.TaskGroup)
            return [*tasks_of_group(group)] if group is not None else []
        if name in WAITS_FOR_THE_NEXT:
            return _still_to_complete(step, outside)
        if name in WAITS_FOR_ITS_TASK:
            if (made := _task_held_by(step)) is not None:
                return [made]
            # It was given a future: what `gather`, `shield` or an executor returned. Beside it,
            # it holds one of its own, for which the task is suspended.
            if given := [held for held in held_by(step) if is_future(held)]:
                return given
        outside = step
    return []


def made_by_wait_for(wait: Wait, task: Task) -> Task | None:
    """The task in which `wait_for` runs what it was given; None where it runs it in place.

    Up to Python 3.11 it makes one, unless it was given a future. One that the user made and did not
    name looks the same.
    """
    if name_of(wait.inner[-1]) != "wait_for" or is_task(future_waited_for(task)):
        return None
    made = _task_held_by(wait.inner[-1])
    return made if made is not None and _NO_NAME.match(name_of_task(made)) else None


def _task_held_by(step: Step) -> Task | None:
    return next((held for held in held_by(step) if is_task(held)), None)


def _still_to_complete(step: Step, outside: Step | None) -> list[asyncio.Future[Any]]:
    for held in held_by(step):
        if todo := still_to_complete(held):
            return todo
    # Until Python 3.12 it does not hold them, but the generator does over which the user iterates.
    for held in held_by(outside) if outside is not None else ():
        if type(held) is GeneratorType and held.gi_code.co_qualname == COMPLETES:
            generator = Step(held, held.gi_code, held.gi_frame)
            sets = [each.copy() for each in held_by(generator) if type(each) is set]
            return [each for each in _only_futures(*sets) if not each.done()]
    return []


def _only_futures(*collections: Iterable[object]) -> list[asyncio.Future[Any]]:
    held = dict.fromkeys(each for collection in collections for each in collection)
    return [each for each in held if asyncio.isfuture(each)]


def _tasks_behind(futures: list[Any]) -> list[Task]:
    """The tasks among futures, and those whose ends set them."""
    tasks: dict[Task, None] = {}
    seen: set[int] = set()
    waiting = futures[::-1]
    while waiting and len(seen) < _MOST_FUTURES:
        future = waiting.pop()
        if future is None or id(future) in seen:
            continue
        seen.add(id(future))
        if is_task(future):
            tasks[future] = None
        elif (gathered := gathered_by(future)) is not None:
            waiting.extend(gathered[::-1])
        elif isinstance(future, concurrent.futures.Future):
            if (submitted := task_submitted(future)) is not None:
                tasks[submitted] = None
        else:
            waiting.append(future_behind(callbacks_of(future)))
    return list(tasks)


def task_submitted(future: concurrent.futures.Future[Any]) -> Task | None:
    """The task, of another loop, whose end resolves a future that threads can wait for.

    That of `asyncio.run_coroutine_threadsafe` and of `submit()`.
    """
    callbacks = callbacks_of(future)
    source = future_behind(callbacks)
    if is_task(source):
        return source
    for callback in callbacks:
        if function_name(callback) == _PASSES_ON:
            task = variable_of(callback, "task")
            return task if is_task(task) else None
    return None


def tasks_waiting_for(task: Task) -> list[Task]:
    """The tasks, of any loop, that wait for a task. Any thread; does not block."""
    return [*dict.fromkeys([*_told_by_asyncio(task), *_tasks_woken_by(task)])]


def _tasks_woken_by(task: Task) -> list[Task]:
    tasks: dict[Task, None] = {}
    seen: set[int] = set()
    waiting: list[Any] = [task]
    while waiting and len(seen) < _MOST_FUTURES:
        future = waiting.pop()
        if id(future) in seen:
            continue
        seen.add(id(future))
        for callback in callbacks_of(future):
            woken = woken_by(callback)
            if woken is None and function_name(callback) == _RESOLVES:
                woken = variable_of(callback, "future")
            if is_task(woken):
                if not woken.done() and woken is not task:
                    tasks[woken] = None
            elif woken is not None:
                waiting.append(woken)
    return list(tasks)


def _told_by_asyncio(task: Task) -> list[Task]:
    """What Python 3.14 and newer know of it by themselves."""
    capture = getattr(asyncio, "capture_call_graph", None)
    if capture is None:
        return []
    tasks: list[Task] = []
    try:
        graphs = list(capture(task, limit=0).awaited_by)
    except (RecursionError, AttributeError):  # It does not look out for circles.
        return []
    while graphs:
        graph = graphs.pop(0)
        if is_task(graph.future):
            tasks.append(graph.future)
        else:
            graphs.extend(graph.awaited_by)
    return tasks
