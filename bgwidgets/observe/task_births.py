"""Has every task that a loop makes noted in a list, at the price of an append."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from bgwidgets.exceptions import InvalidWork
from bgwidgets.observe.asyncio_internals import (
    EAGER_TASK_FACTORY,
    created_by_its_caller,
    has_its_own,
    is_asyncios_own,
    is_task,
    is_uvloops_own,
    make_eager_task,
    makes_plain_tasks,
    quick_create_task,
)
from bgwidgets.observe.group_leftovers import group_leftovers
from bgwidgets.observe.timings import CreateTask, Timings
from bgwidgets.observe.watched_task import watched_task_class

Lists = Callable[[object], bool]
"""Whether a task that runs this coroutine is to be noted."""


class TaskBirths:
    """The wrap around one loop's `create_task`.

    On the instance, and not as a task factory: a user may set one of those at any time. It is the
    only attribute that the loop is given. With two more, on Python 3.13 every access to any of
    its attributes takes longer, and tasks cost 1.1 to 1.2 times as much.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        nursery: list[asyncio.Task[Any]],
        limit: list[int],
        is_full: Callable[[], None],
        lists: Lists | None,
        ended_at_birth: Callable[[asyncio.Task[Any], object], None],
        timings: Timings | None,
    ) -> None:
        """Append each new task to `nursery`; `is_full` is called when `limit[0]` are in there.

        An eager task may have ended when it is first seen, and then has no coroutine left.
        """
        self._loop: Final = loop
        self._original: Final = loop.create_task
        self._is_of_its_class: Final = not has_its_own(loop, "create_task")
        with_first_steps = timings.with_first_steps if timings is not None else _as_it_is
        self._create_there: Final = with_first_steps(self._original)
        self._create_eagerly: Final = with_first_steps(self._eagerly)
        self._makes_eager: Final = is_asyncios_own(self._original)
        self._watches_by_factory = False
        self._is_closed = False
        self._knows_of_groups = False
        self._is_uvloops: Final = lists is None and is_uvloops_own(loop)
        self._watched: Final = watched_task_class()
        self._task_class: Final[list[type[asyncio.Task[Any]]]] = [self._watched]
        """In a list of its own: what is called for every task reads it there, and nothing else."""

        def is_noted(coroutine: object) -> bool:
            return not self._is_closed and (lists is None or lists(coroutine))

        self._is_noted: Final = is_noted

        def note(task: asyncio.Task[Any], coroutine: object) -> None:
            if is_noted(coroutine):
                if not issubclass(type(task), self._watched):
                    self._some_do_not_tell()
                if task.done():
                    ended_at_birth(task, coroutine)
                nursery.append(task)
                if len(nursery) >= limit[0]:
                    is_full()

        self._note: Final = note
        create = (
            quick_create_task(loop, nursery, limit, is_full, self._task_class, self._slowly)
            if lists is None and is_asyncios_own(self._original)
            else self._slowly
        )
        self._create: Final = create
        self._factory: Final = self._make
        try:
            loop.create_task = create  # type: ignore[method-assign]
        except AttributeError:  # A loop in C may have no room for attributes of ours.
            self._watches_by_factory = True
            loop.set_task_factory(self._factory)

    def watch_cancellations(self, *, wanted: bool) -> None:
        """Whether tasks are made that tell who had them cancelled. In the loop's thread."""
        self._task_class[0] = self._watched if wanted and not self._is_closed else asyncio.Task
        if not wanted:
            self._some_do_not_tell()

    def create(self, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        """Make a task that is not noted; by the user's own factory, if there is one.

        Raises `InvalidWork` where that makes something else, of which nothing could be told.
        """
        if self._watches_by_factory or makes_plain_tasks(self._loop, self._original):
            return self._task_class[0](coroutine, loop=self._loop, **options)
        create = self._create_eagerly if self._is_asyncios_eager() else self._create_there
        task = create(coroutine, **options)
        if not is_task(task):
            kind = type(task)
            raise InvalidWork(
                f"the loop's task factory made a {kind.__module__}.{kind.__qualname__} of the work,"
                " which is no asyncio.Task: let it return one, of a subclass if you like"
            )
        return task

    def close(self) -> None:
        """Watch no more. In the loop's thread, or when the loop runs no more.

        What somebody has put in the place of ours stays, and may go on to call ours: that makes
        tasks as ever, and notes none.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._task_class[0] = asyncio.Task
        if self._watches_by_factory:
            if self._loop.get_task_factory() is self._factory:
                self._loop.set_task_factory(None)
        elif self._loop.create_task is self._create:
            self._put_back()
        if self._knows_of_groups:
            group_leftovers.unwatch()

    def _put_back(self) -> None:
        if self._is_of_its_class:
            del self._loop.create_task
        else:
            self._loop.create_task = self._original  # type: ignore[method-assign]

    def _slowly(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """For loops that make tasks in a way of their own, or have a factory."""
        factory = None if self._loop.is_closed() else self._loop.get_task_factory()
        if self._is_uvloops and factory is None and not self._loop.is_closed():
            task = self._task_class[0](coro, loop=self._loop, **options)  # As uvloop does.
        elif self._is_asyncios_eager():
            task = self._create_eagerly(coro, **options)
        else:
            task = self._create_there(coro, **options)
        # A factory may return whatever can be awaited and cancelled, with no coroutine or state to
        # tell of. asyncio's own list of tasks does not have it either.
        if is_task(task):
            if self._loop.get_debug():
                created_by_its_caller(task)
            self._note(task, coro)
        return task

    def _is_asyncios_eager(self) -> bool:
        factory = None if self._loop.is_closed() else self._loop.get_task_factory()
        return factory is not None and factory is EAGER_TASK_FACTORY and self._makes_eager

    def _eagerly(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """As asyncio's own eager factory, but of tasks that tell who has them cancelled."""
        return make_eager_task(self._loop, self._class_for(coro), coro, options)

    def _class_for(self, coro: object) -> type[asyncio.Task[Any]]:
        """A task that is not noted must not tell who cancels it, either: it would be held for that,
        and nobody would come to say that it has ended.
        """
        return self._task_class[0] if self._is_noted(coro) else asyncio.Task

    def _some_do_not_tell(self) -> None:
        if not self._knows_of_groups:
            self._knows_of_groups = True
            group_leftovers.watch()

    def _make(
        self, loop: asyncio.AbstractEventLoop, coro: Any, **options: Any
    ) -> asyncio.Task[Any]:
        task = self._class_for(coro)(coro, loop=loop, **options)
        if loop.get_debug():
            created_by_its_caller(task)
        self._note(task, coro)
        return task


def _as_it_is(create_task: CreateTask) -> CreateTask:
    return create_task
