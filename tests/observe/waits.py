"""Coroutine functions that wait for one thing each, and the words for it."""

from __future__ import annotations

import asyncio
import contextlib
import math
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

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


async def sleep_for_ever() -> None:
    await asyncio.sleep(math.inf)


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


async def condition_that_was_notified() -> None:
    condition = asyncio.Condition()

    async def notifies() -> None:
        async with condition:
            condition.notify_all()
            await asyncio.sleep(3600)

    async with condition:
        notifier = asyncio.create_task(notifies())
        await condition.wait()
    await notifier


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


async def task_in_a_timeout() -> None:
    await asyncio.wait_for(asyncio.create_task(asyncio.sleep(3600), name="fetch-3"), 3600)


async def queue_get_in_a_timeout() -> None:
    await asyncio.wait_for(asyncio.Queue[int]().get(), 3600)


async def event_in_two_timeouts() -> None:
    await asyncio.wait_for(asyncio.wait_for(asyncio.Event().wait(), 3600), 3600)


async def long_task() -> None:
    await asyncio.create_task(asyncio.sleep(3600), name="x" * 500)


async def task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(3600))


async def half_of_a_gather() -> None:
    await asyncio.gather(asyncio.sleep(0), asyncio.sleep(3600), asyncio.sleep(3600))


async def huge_gather() -> None:
    await asyncio.gather(*(asyncio.sleep(3600) for _ in range(1000)))


async def half_of_a_task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))
        group.create_task(asyncio.sleep(3600))


async def half_of_tasks() -> None:
    await asyncio.wait({asyncio.create_task(asyncio.sleep(delay)) for delay in (0, 3600, 3600)})


async def many_tasks() -> None:
    await asyncio.wait({asyncio.create_task(asyncio.sleep(3600)) for _ in range(1000)})


async def as_completed() -> None:
    for each in asyncio.as_completed([asyncio.sleep(0), asyncio.sleep(3600), asyncio.sleep(3600)]):
        await each


async def tasks() -> None:
    await asyncio.wait({asyncio.create_task(asyncio.sleep(3600))})


async def future() -> None:
    await asyncio.get_running_loop().create_future()


async def future_in_a_timeout() -> None:
    await asyncio.wait_for(asyncio.get_running_loop().create_future(), 3600)


async def gather_in_a_timeout() -> None:
    await asyncio.wait_for(
        retrieved(asyncio.gather(asyncio.sleep(3600), asyncio.sleep(3600))), 3600
    )


def retrieved(future: asyncio.Future[Any]) -> asyncio.Future[Any]:
    """Python 3.11's `wait_for` leaves the error of a `gather` that it cancels where it is, and
    asyncio complains.
    """

    def retrieve(future: asyncio.Future[Any]) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            future.exception()

    future.add_done_callback(retrieve)
    return future


async def shielded_task_in_a_timeout() -> None:
    inner = asyncio.create_task(asyncio.sleep(3600), name="fetch-3")
    await asyncio.wait_for(asyncio.shield(inner), 3600)


async def shielded_task() -> None:
    await asyncio.shield(asyncio.create_task(asyncio.sleep(3600), name="fetch-3"))


async def shielded_gather() -> None:
    two = (asyncio.sleep(3600), asyncio.sleep(3600))
    await asyncio.shield(asyncio.gather(*two, return_exceptions=True))


async def shielded_future() -> None:
    await asyncio.shield(asyncio.get_running_loop().create_future())


async def to_thread() -> None:
    await asyncio.to_thread(GATE.wait, 10.0)


async def executor() -> None:
    await running_job()


def running_job() -> asyncio.Future[None]:
    """One that has begun: until then it is a future like any other."""
    has_begun = threading.Event()

    def job() -> None:
        has_begun.set()
        GATE.wait(10.0)

    ends = asyncio.get_running_loop().run_in_executor(None, job)
    assert has_begun.wait(10.0)
    return ends


async def executor_in_a_timeout() -> None:
    await asyncio.wait_for(running_job(), 3600)


async def queue_of_an_executor() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(GATE.wait, 10.0)
        await asyncio.get_running_loop().run_in_executor(pool, int)


class OtherFuture(Future[None]):
    """Whose it is, nobody knows."""

    def running(self) -> bool:
        """A user's bug."""
        raise RuntimeError("must not be called")


async def future_of_their_own() -> None:
    await asyncio.wrap_future(OtherFuture())


async def bare_future() -> None:
    await asyncio.wrap_future(Future[None]())


async def numbers() -> AsyncIterator[int]:
    await asyncio.Event().wait()
    yield 1


class BareYield:
    """An awaitable that tells nobody what it waits for: it is asked again at every turn."""

    def __await__(self) -> Generator[None, None, None]:
        """Never done."""
        while True:
            yield


class OwnFuture:
    """An awaitable whose future somebody will set."""

    def __await__(self) -> Generator[Any, None, None]:
        """Wait for it."""
        yield from asyncio.get_running_loop().create_future()


class OwnIterator:
    """An awaitable in C, as far as can be seen: no frame, no coroutine."""

    def __await__(self) -> OwnIterator:
        """Itself."""
        return self

    def __iter__(self) -> OwnIterator:
        """Itself."""
        return self

    def __next__(self) -> asyncio.Future[None]:
        """A future, as a task wants it."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future._asyncio_future_blocking = True
        return future


async def bare_yield() -> None:
    await BareYield()


async def own_iterator() -> None:
    await OwnIterator()  # type: ignore[misc] # an iterator is enough at run time


@contextlib.contextmanager
def two_sockets() -> Iterator[socket.socket]:
    """One of a connected pair."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours


@contextlib.contextmanager
def nobody_answers() -> Iterator[int]:
    """A port that listens, and that has had enough."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            other = stack.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def sock_recv() -> None:
    with two_sockets() as ours:
        await asyncio.get_running_loop().sock_recv(ours, 10)


async def sock_recv_into() -> None:
    with two_sockets() as ours:
        await asyncio.get_running_loop().sock_recv_into(ours, bytearray(10))


async def sock_sendall() -> None:
    with two_sockets() as ours:
        await asyncio.get_running_loop().sock_sendall(ours, bytes(50_000_000))


async def sock_accept() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        await asyncio.get_running_loop().sock_accept(listener)


async def sock_connect() -> None:
    with nobody_answers() as port, socket.socket() as ours:
        ours.setblocking(False)
        await asyncio.get_running_loop().sock_connect(ours, ("127.0.0.1", port))


async def create_connection() -> None:
    with nobody_answers() as port:
        loop = asyncio.get_running_loop()
        await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)


async def open_connection() -> None:
    with nobody_answers() as port:
        await asyncio.open_connection("127.0.0.1", port)


async def serve_forever() -> None:
    server = await asyncio.start_unix_server(lambda _reader, _writer: None, sock=listening())
    async with server:
        await server.serve_forever()


def listening() -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("")  # A name that Linux finds.
    return listener


SOCKETS: list[tuple[Callable[[], Awaitable[None]], str]] = [
    (sock_recv, "socket read"),
    (sock_recv_into, "socket read"),
    (sock_sendall, "socket write"),
    (sock_accept, "socket accept"),
    (sock_connect, "socket connect"),
    (create_connection, "socket connect"),
    (open_connection, "socket connect"),
    (serve_forever, "socket accept"),
]

WAITS: list[tuple[Callable[[], Awaitable[None]], str]] = [
    (sleep, "sleep, 60 min left"),
    (sleep_for_ever, "sleep, for ever"),
    (sleep_with_a_timeout, "sleep, 60 min left"),
    (queue_get, "queue get"),
    (priority_queue_get, "queue get"),
    (queue_put, "queue put"),
    (queue_join, "queue join"),
    (event, "event"),
    (stop_event, "stop event"),
    (lock, "lock"),
    (condition, "condition"),
    (condition_wait_for, "condition"),
    (condition_that_was_notified, "lock"),
    (conditions_lock, "lock"),
    (semaphore, "semaphore"),
    (bounded_semaphore, "semaphore"),
    (barrier, "barrier"),
    (gather, "gather of 2 (2 left)"),
    (half_of_a_gather, "gather of 3 (2 left)"),
    (huge_gather, "gather of 1000"),
    (task, "task fetch-3"),
    (task_in_a_timeout, "task fetch-3"),
    (queue_get_in_a_timeout, "queue get"),
    (event_in_two_timeouts, "event"),
    (long_task, "task " + "x" * 100),
    (task_group, "task group (1 left)"),
    (half_of_a_task_group, "task group (1 left)"),
    (tasks, "tasks (1 left)"),
    (half_of_tasks, "tasks (2 left)"),
    (many_tasks, "tasks"),
    (as_completed, "tasks (2 left)"),
    (future, "future"),
    (future_in_a_timeout, "future"),
    (shielded_task, "task fetch-3, shielded"),
    (gather_in_a_timeout, "gather of 2 (2 left)"),
    (shielded_task_in_a_timeout, "task fetch-3, shielded"),
    (executor_in_a_timeout, "executor"),
    (shielded_gather, "gather of 2 (2 left), shielded"),
    (shielded_future, "future, shielded"),
    (to_thread, "worker thread"),
    (executor, "executor"),
    (queue_of_an_executor, "future of another thread"),
    (bare_future, "future of another thread"),
    (future_of_their_own, "future of another thread"),
    (own_iterator, "unknown"),
    *SOCKETS,
]
