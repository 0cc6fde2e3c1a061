"""A loop that is the kernel's: protected, but for the tasks that the user made on it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from bgwidgets.observe import discovery
from tests.adoption.conftest import LIMIT, until
from tests.adoption.test_adopting import Running, for_ever

KERNELS = "<the kernel>"

_of_the_kernel: dict[str, Any] = {}
exec(  # noqa: S102 - a coroutine whose code is in another file
    compile(
        "async def serve(event): await event.wait()\n"
        "async def await_it(task, waits): waits.set(); await task",
        KERNELS,
        "exec",
    ),
    _of_the_kernel,
)


@pytest.fixture
def kernels_loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A loop in a thread that is taken for the kernel's, with one of the kernel's tasks."""
    monkeypatch.setattr(
        discovery,
        "why_kernels",
        lambda thread: "it is the kernel's" if thread and thread.name == "kernel" else None,
    )
    monkeypatch.setattr("bgwidgets.observe.kernels_own._kernels_folders", lambda: (KERNELS,))
    running = Running(asyncio.new_event_loop(), name="kernel")
    event = asyncio.Event()
    running.spawn(_of_the_kernel["serve"](event))
    yield running
    if running.loop.is_running():
        running.loop.call_soon_threadsafe(running.loop.stop)
    running.owner.join()
    for task in asyncio.all_tasks(running.loop):
        task.cancel()
    running.loop.run_until_complete(asyncio.sleep(0))
    running.loop.close()


def test_only_the_users_tasks_are_listed_and_each_can_be_cancelled(
    manager: LoopManager, kernels_loop: Running
):
    """Those from before the adoption, and those that come; the rest is refused."""
    kernels_loop.spawn(for_ever())
    job = manager.adopt(kernels_loop.loop)
    until(lambda: ["for_ever"] == [task.coroutine for task in job.tasks])
    kernels_loop.spawn(asyncio.sleep(3600))
    event = asyncio.Event()  # Held here, or the task would be garbage.
    kernels_loop.spawn(_of_the_kernel["serve"](event))
    until(lambda: ["sleep", "for_ever"] == [task.coroutine for task in job.tasks])

    job.cancel_tasks(job.tasks[0].id)

    until(lambda: ["cancelled", "pending"] == [task.state for task in job.tasks])
    for refused in (job.cancel_tasks, job.stop_loop, job.request_stop, job.stop):
        with pytest.raises(bgw.ProtectedLoop, match="it is the kernel's"):
            refused()
    with pytest.raises(bgw.UnknownTask):
        job.cancel_tasks(999_999_999)
    assert LoopState.RUNNING == job.state


def test_a_loop_of_the_kernel_is_not_cleaned_up_after(manager: LoopManager, kernels_loop: Running):
    """It is the kernel's own affair what becomes of it."""
    job = manager.adopt(kernels_loop.loop)
    until(lambda: job.state is LoopState.RUNNING)
    kernels_loop.loop.call_soon_threadsafe(kernels_loop.loop.stop)
    assert LoopState.FINISHED == job.wait(LIMIT)
    assert not kernels_loop.loop.is_closed()


def test_a_task_of_the_kernels_has_no_number(manager: LoopManager, kernels_loop: Running):
    """Also where it waits for the user's, in whose detail it is told of: so none can name it."""
    users: list[asyncio.Task[None]] = []
    waits = asyncio.Event()

    def make() -> None:
        users.append(kernels_loop.loop.create_task(for_ever()))
        kernels_loop.loop.create_task(_of_the_kernel["await_it"](users[0], waits))

    kernels_loop.loop.call_soon_threadsafe(make)
    until(waits.is_set)
    job = manager.adopt(kernels_loop.loop)
    until(lambda: ["for_ever"] == [task.coroutine for task in job.tasks])
    (link,) = job.task_detail(job.tasks[0].id).waited_by
    assert ("await_it", None) == (link.coroutine, link.id)
    assert 1 == len(job.tasks)
