"""Work for child processes. It loads little, for each child has to load it anew."""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NoReturn

import bgwidgets
from bgwidgets import StopEvent, current
from bgwidgets.hosts import outcome


class OurError(Exception):
    """An error of a user's own, with arguments of its own."""

    def __init__(self, code: int, *, hint: str) -> None:
        super().__init__(code)
        self.code, self.hint = code, hint

    def __reduce__(self) -> tuple[Any, ...]:
        return _our_error, (self.code, self.hint)


def _our_error(code: int, hint: str) -> OurError:
    return OurError(code, hint=hint)


class OneWayError(Exception):
    """It can be pickled, and not unpickled."""

    def __init__(self, code: int, *, hint: str) -> None:
        super().__init__(f"{code} {hint}")


async def answer(value: Any = 42) -> Any:
    return value


async def for_ever() -> None:
    await asyncio.sleep(3600)


async def raises_ours() -> None:
    raise OurError(7, hint="so")


async def raises_ours_when_cancelled() -> None:
    try:
        sys.stdout.write("begun\n")
        await for_ever()
    finally:
        await raises_ours()


async def raises_one_way() -> None:
    raise OneWayError(7, hint="so")


def plain(value: int) -> int:
    return value + 1


class SlowToUnpickle:
    """Unpickled, it says so, and waits until the test has opened its gate."""

    begun: Final = threading.Event()
    gate: Final = threading.Event()

    def __getstate__(self) -> dict[str, Any]:
        return {"pickled": True}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.begun.set()
        assert self.gate.wait(10)


async def returns_what_is_slow_to_unpickle() -> SlowToUnpickle:
    return SlowToUnpickle()


class ErrorSlowToUnpickle(Exception):
    """As `SlowToUnpickle`, but not where it was pickled: there it is tried whether it can be."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _slowly_unpickled, (os.getpid(),)


def _slowly_unpickled(pickled_in: int) -> ErrorSlowToUnpickle:
    if os.getpid() != pickled_in:
        SlowToUnpickle().__setstate__({})
    return ErrorSlowToUnpickle()


async def raises_what_is_slow_to_unpickle() -> None:
    raise ErrorSlowToUnpickle


class ExitsWhenUnpickled:
    """It ends whoever unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.exit, (3,)


async def returns_what_exits() -> ExitsWhenUnpickled:
    return ExitsWhenUnpickled()


async def returns_a_lock() -> dict[str, Any]:
    return {"model": {"lock": threading.Lock()}}


async def many_tasks(count: int) -> None:
    async def sleeper() -> None:
        await asyncio.sleep(3600)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(sleeper(), name=f"sleeper-{number}")


async def some_end() -> None:
    async def fails() -> None:
        raise OurError(1, hint="failed")

    async def returns() -> None:
        await asyncio.sleep(0)

    tasks = [
        asyncio.create_task(fails(), name="failing"),
        asyncio.create_task(returns(), name="returning"),
    ]
    await asyncio.gather(*tasks, return_exceptions=True)


async def some_end_and_some_do_not() -> None:
    async def counts() -> None:
        for _ in bgwidgets.progress(range(10)):
            await asyncio.sleep(3600)

    await some_end()
    counting = asyncio.create_task(counts(), name="counts")
    await asyncio.gather(counting, asyncio.create_task(for_ever(), name="sleeper"))


async def spins() -> None:
    while True:
        pass


async def holds_the_gil() -> None:
    ctypes.PyDLL(None).sleep(3600)


async def crashes() -> None:
    ctypes.string_at(0)


async def exits(code: int) -> None:
    os._exit(code)


async def measures() -> None:
    bgwidgets.metric("loss", 0.25)
    await for_ever()


async def measures_and_ends(end: str) -> None:
    """Nobody has looked at it yet."""
    bgwidgets.metric("loss", 0.25)
    print("the end")
    job = current()
    assert job is not None
    if end == "kill()":
        job.kill()
        await job.stop_event.wait()
    os._exit(3)


async def exits_while_another_thread_holds_its_log(code: int) -> None:
    """As one that prints much more than a kernel reads which stands still."""
    job = current()
    assert job is not None
    log, is_held = job.output, threading.Event()
    print("begun")

    def hold() -> None:
        with log._guard:
            is_held.set()
            time.sleep(3600)

    threading.Thread(target=hold, daemon=True).start()
    is_held.wait()
    print("not told yet", end="")
    os._exit(code)


def _start_a_child(*, new_session: bool = False) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(3600)"]
    child = subprocess.Popen(command, start_new_session=new_session)
    # Past all threads of this process, which may stand still soon.
    os.write(1, f"it is there: {child.pid}\n".encode())


async def has_a_child() -> None:
    _start_a_child()
    await asyncio.sleep(3600)


async def has_a_child_of_its_own_session() -> None:
    _start_a_child(new_session=True)
    await asyncio.sleep(3600)


async def has_a_child_and_holds_the_gil() -> None:
    _start_a_child()
    await holds_the_gil()


async def has_a_fork_that_exits(code: int) -> int:
    """Returns its exit code."""
    pid = os.fork()
    if pid == 0:
        sys.exit(code)
    return await _exit_code_of(pid)


async def has_a_fork_that_fails() -> str:
    loop = asyncio.get_running_loop()
    pid = os.fork()
    if pid == 0:
        loop.call_soon(loop.call_soon, os._exit, 3)  # When all has been said of this error.
        raise OurError(1, hint="in the fork")
    assert await _exit_code_of(pid) == 3
    return "the loop itself"


async def _exit_code_of(pid: int) -> int:
    for _ in range(500):
        ended, status = os.waitpid(pid, os.WNOHANG)  # noqa: ASYNC222 - it does not block
        if ended:
            return os.waitstatus_to_exitcode(status)
        await asyncio.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)  # noqa: ASYNC222 - it was killed
    raise TimeoutError("the fork did not end")


def own_stop_event() -> StopEvent:
    job = current()
    assert job is not None
    return job.stop_event


async def waits_for_its_event() -> str:
    await own_stop_event().wait()
    return "asked to stop"


async def sets_its_event() -> None:
    own_stop_event().set()
    await asyncio.sleep(3600)


async def tells_of_itself() -> dict[str, Any]:
    job = current()
    assert job is not None
    return {
        "name": job.name,
        "id": job.id,
        "host": job.host,
        "state": str(job.state),
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "main": threading.current_thread() is threading.main_thread(),
        "modules": sorted(name for name in sys.modules if "." not in name),
    }


async def submits_to_itself() -> int:
    job = current()
    assert job is not None
    value: int = await asyncio.wrap_future(job.submit(answer(5)))
    return value


async def kills_itself() -> None:
    job = current()
    assert job is not None
    job.kill()
    await asyncio.sleep(3600)


async def prints() -> None:
    async def says(text: str) -> None:
        print(text)

    await asyncio.create_task(says("from a task"), name="speaker")
    print("to stderr", file=sys.stderr)
    os.write(1, b"by descriptor\n")
    subprocess.run([sys.executable, "-c", "print('by another process')"], check=True)
    await asyncio.to_thread(print, "from a worker")
    print("no end yet", end="", flush=True)


async def prints_much(lines: int) -> None:
    for number in range(lines):
        print(f"line {number}")
        if not number % 1000:
            await asyncio.sleep(0)


async def prints_long_lines(lines: int, length: int) -> str:
    for _ in range(lines):
        print("x" * length)
        await asyncio.sleep(0)
    return "done"


def waits_in_a_thread() -> str:
    own_stop_event().wait_sync()
    return "asked to stop"


def sleeps_in_a_thread() -> None:
    print("it is there")
    time.sleep(3600)


async def returns_much(size: int) -> bytes:
    return bytes(size)


class SlowToPickle:
    """Pickled only when something is written to this FIFO."""

    def __init__(self, fifo: Path) -> None:
        self._fifo = fifo

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (self._fifo.read_text(),)


_has_returned: Final[list[asyncio.Event]] = []


async def waits_for_the_next() -> str:
    _has_returned.append(asyncio.Event())
    await _has_returned[0].wait()
    return "done"


async def returns_what_is_slow_to_pickle(fifo: Path) -> SlowToPickle:
    for event in _has_returned:
        event.set()
    return SlowToPickle(fifo)


class RaisesAtPickling:
    """What it raises need not be an `Exception`."""

    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def __reduce__(self) -> NoReturn:
        raise self._error


async def returns_what_raises_at_pickling(error: type[BaseException]) -> RaisesAtPickling:
    return RaisesAtPickling(error)


async def leaves_shared_memory() -> str:
    from multiprocessing import shared_memory  # It is seldom needed.

    memory = shared_memory.SharedMemory(create=True, size=1000)
    return memory.name


async def has_shared_memory(then: Callable[[], object]) -> None:
    """Prints its name, and does that."""
    from multiprocessing import shared_memory  # It is seldom needed.

    print(shared_memory.SharedMemory(create=True, size=1000).name, flush=True)
    then()
    await for_ever()


async def never_exits() -> str:
    atexit.register(threading.Event().wait)
    return "done"


async def cannot_tell_of_its_tasks() -> str:
    outcome._record = lambda _: threading.Lock()  # type: ignore[assignment,return-value]
    return "the result"


def says_what_is_no_message() -> None:
    for fd in Path("/proc/self/fd").iterdir():
        try:
            if fd.readlink().name.startswith("socket:"):
                os.write(int(fd.name), b"this is no message at all")
        except FileNotFoundError:
            continue  # That of the listing itself.
    time.sleep(3600)
