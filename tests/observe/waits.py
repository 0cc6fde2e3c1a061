"""Coroutine functions that wait for one thing each, and the words for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

from bgwidgets import StopEvent

GATE = threading.Event()
"""What the worker threads wait for."""


async def locked() -> asyncio.Lock:
    lock = asyncio.Lock()
    await lock.acquire()
    return lock


async def full_queue() -> asyncio.Queue[int]:
    queue: asyncio.Queue[int] = asyncio.Queue(1)
    await queue.put(1)
    return queue


async def sleep() -> None:
    await asyncio.sleep(3600)


async def sleep_with_a_timeout() -> None:
    async with asyncio.timeout(3600):
        await asyncio.sleep(3600)


async def queue_get() -> None:
    await asyncio.Queue[int]().get()


async def priority_queue_get() -> None:
    await asyncio.PriorityQueue[int]().get()


async def queue_put() -> None:
    await (await full_queue()).put(2)


async def queue_join() -> None:
    await (await full_queue()).join()


async def event() -> None:
    await asyncio.Event().wait()


async def stop_event() -> None:
    await StopEvent().wait()


async def lock() -> None:
    async with await locked():
        pass


async def condition() -> None:
    condition = asyncio.Condition()
    async with condition:
        await condition.wait()


async def condition_wait_for() -> None:
    condition = asyncio.Condition()
    async with condition:
        await condition.wait_for(lambda: False)


async def conditions_lock() -> None:
    async with asyncio.Condition(await locked()):
        pass


async def semaphore() -> None:
    async with asyncio.Semaphore(0):
        pass


async def bounded_semaphore() -> None:
    await asyncio.BoundedSemaphore(0).acquire()


async def barrier() -> None:
    await asyncio.Barrier(2).wait()


async def gather() -> None:
    await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(3600))


async def task() -> None:
    await asyncio.create_task(asyncio.sleep(3600), name="fetch-3")


async def long_task() -> None:
    await asyncio.create_task(asyncio.sleep(3600), name="x" * 500)


async def task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(3600))


async def tasks() -> None:
    await asyncio.wait({asyncio.create_task(asyncio.sleep(3600))})


async def future() -> None:
    await asyncio.get_running_loop().create_future()


async def shielded() -> None:
    await asyncio.shield(asyncio.sleep(3600))


async def to_thread() -> None:
    await asyncio.to_thread(GATE.wait, 10.0)


async def executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, GATE.wait, 10.0)


WAITS: list[tuple[Callable[[], Awaitable[None]], str]] = [
    (sleep, "sleep"),
    (sleep_with_a_timeout, "sleep"),
    (queue_get, "queue get"),
    (priority_queue_get, "queue get"),
    (queue_put, "queue put"),
    (queue_join, "queue join"),
    (event, "event"),
    (stop_event, "stop event"),
    (lock, "lock"),
    (condition, "condition"),
    (condition_wait_for, "condition"),
    (conditions_lock, "lock"),
    (semaphore, "semaphore"),
    (bounded_semaphore, "semaphore"),
    (barrier, "barrier"),
    (gather, "gather"),
    (task, "task fetch-3"),
    (long_task, "task " + "x" * 100),
    (task_group, "task group"),
    (tasks, "tasks"),
    (future, "future"),
    (shielded, "future"),
    (to_thread, "worker thread"),
    (executor, "future"),
]
