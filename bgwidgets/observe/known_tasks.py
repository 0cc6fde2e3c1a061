"""What a loop's tasks are called, and the numbers by which commands name them."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, replace
from typing import Any, Final

from bgwidgets.identifiers import new_id
from bgwidgets.observe.asyncio_internals import coroutine_of
from bgwidgets.observe.ended_tasks import EndedTask, Entry
from bgwidgets.observe.names import name_of, name_of_coroutine
from bgwidgets.observe.weak_by_identity import WeakByIdentity

_DEFAULT_NAME: Final = re.compile(r"Task-\d+")
Task = asyncio.Task[Any]


@dataclass(frozen=True, slots=True)
class About:
    """What a task does not tell by itself."""

    is_main: bool = False
    called: str | None = None
    """What its owner calls it, for as long as it has no name of its own."""
    runs: str | None = None
    """The qualified name of what it runs, where its coroutine does not tell: a plain function in a
    worker thread, or what an eager task has run already."""


NOTHING_ABOUT: Final = About()


class KnownTasks:
    """One loop's, for as long as they are held. Any thread may ask; nothing blocks."""

    def __init__(self) -> None:
        self._about: Final[dict[Task, About]] = {}
        self._ids: Final[dict[Task, int]] = {}
        self._by_id: Final[dict[int, Task]] = {}
        self._former: Final[WeakByIdentity[Task, int]] = WeakByIdentity()
        """The numbers of those that are not in the book any more: who looks just then, or holds one
        of which nothing is recorded, is to see no other."""

    # In the loop's thread

    def note(self, task: Task, about: About) -> None:
        """This is known of the task."""
        self._about[task] = about

    def is_main_now(self, task: Task) -> None:
        """It is this task that the loop's runner waits for, and no other."""
        for other, about in list(self._about.items()):
            self._about[other] = replace(about, is_main=False)
        self._about[task] = replace(self.about(task), is_main=True)

    def take(self, task: Task) -> tuple[About, int | None]:
        """What is known of it, and its number if it was given one; and forget both."""
        number = self._ids.get(task)
        if number is not None:
            with contextlib.suppress(TypeError):  # A task of a factory's own.
                self._former[task] = number
            del self._ids[task]
            self._by_id.pop(number, None)
        return self._about.pop(task, NOTHING_ABOUT), number

    def forget(self, tasks: list[Task]) -> None:
        """The same for many, of which nothing is to be told; mostly nothing is known of them."""
        if not (self._ids.keys().isdisjoint(tasks) and self._about.keys().isdisjoint(tasks)):
            for task in tasks:
                self.take(task)

    # From any thread

    def number(self, task: Task) -> int:
        """By which commands name it; it is given when first asked for.

        So a hundred thousand tasks that nobody looks at have none, and need no room for it.
        """
        number = self._ids.setdefault(task, self._former.get(task) or new_id())
        self._by_id[number] = task
        return number

    def number_so_far(self, task: Task) -> int | None:
        """The same; None when nobody has asked for it yet."""
        return self._ids.get(task) or self._former.get(task)

    def take_back(self, task: Task, number: int) -> None:
        """It is in no book any more, so nobody will come to forget its number."""
        self._ids.pop(task, None)
        self._by_id.pop(number, None)

    def task_of(self, number: int) -> Task | None:
        """The task of that number, as long as it is held."""
        return self._by_id.get(number)

    def about(self, task: Task) -> About:
        """What is known of a task beyond itself."""
        return self._about.get(task, NOTHING_ABOUT)

    def functions(self) -> list[Task]:
        """The tasks that stand for a function in a worker thread."""
        return [task for task, about in list(self._about.items()) if about.runs]

    def are_all_plain(self) -> bool:
        """Whether each is called what it says, and runs it."""
        return not any(about.called or about.runs for about in list(self._about.values()))

    def name(self, entry: Entry) -> str:
        """A task's name now."""
        return entry.name if type(entry) is EndedTask else named(entry, self.about(entry))

    def coroutine(self, entry: Entry) -> str:
        """The qualified name of what a task runs."""
        return entry.coroutine if type(entry) is EndedTask else runs(entry, self.about(entry))


def named(task: Task, about: About) -> str:
    """The name of a task of which this is known."""
    name = name_of(task)
    return about.called if about.called and _DEFAULT_NAME.fullmatch(name) else name


def runs(task: Task, about: About) -> str:
    """The qualified name of what a task runs of which this is known."""
    return about.runs or name_of_coroutine(coroutine_of(task))
