"""What goes wrong in a task: as coroutine functions that a child process can import.

Each is given a path. It waits until the test says `go`, says that it has `begun`, and then does its
worst.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn

HOUR: Final = 3600
GIL_HELD_FOR: Final = 1.5
"""Seconds for which C code holds the lock of an interpreter that nobody may kill."""
MANY: Final = 50
"""Tasks that fail at once, as often as the loop turns."""
GO, BEGUN = ".go", ".begun"


def _is_told(path: str) -> bool:
    return Path(path + GO).exists()


def _tell(path: str) -> None:
    Path(path + BEGUN).touch()


async def begin(path: str) -> None:
    """Wait until the test has everything in place, and tell it that it goes on now."""
    await _go(path)
    _tell(path)


async def _go(path: str) -> None:
    while not _is_told(path):  # noqa: ASYNC110 - it may be another process that tells
        await asyncio.sleep(0.01)


async def for_ever() -> None:
    """Waits for nothing, and may be cancelled."""
    await asyncio.Event().wait()


# Those that will not be cancelled


async def swallows_once(path: str) -> None:
    await begin(path)
    try:
        await for_ever()
    except asyncio.CancelledError:
        await for_ever()


async def swallows_for_ever(path: str) -> None:
    await begin(path)
    while True:
        try:
            await for_ever()
        except asyncio.CancelledError:
            continue


async def spawns_when_cancelled(path: str) -> None:
    """Down to the third generation."""
    await begin(path)
    await _spawn_when_cancelled(3)


async def _spawn_when_cancelled(generations: int) -> None:
    try:
        await for_ever()
    finally:
        if generations:
            child = asyncio.create_task(_spawn_when_cancelled(generations - 1))
            child.add_done_callback(lambda _: None)


async def hangs_in_a_generators_finally(path: str) -> None:
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await for_ever()

    _kept.append(numbers())
    async for _ in _kept[-1]:
        await begin(path)
        await for_ever()


_kept: Final[list[Any]] = []


# Those that block the loop


async def spins(path: str) -> None:
    await begin(path)
    while True:
        pass


async def sleeps(path: str) -> None:
    await begin(path)
    time.sleep(HOUR)  # noqa: ASYNC251 - that is what is wrong with it


async def is_in_c_without_the_gil(path: str) -> None:
    await begin(path)
    ctypes.CDLL(None).sleep(HOUR)


async def is_in_c_with_the_gil(path: str) -> None:
    """Everything in its process stands still."""
    await begin(path)
    ctypes.PyDLL(None).usleep(int(GIL_HELD_FOR * 1e6))
    await for_ever()


async def is_in_c_with_the_gil_for_ever(path: str) -> None:
    await begin(path)
    ctypes.PyDLL(None).sleep(HOUR)


async def never_returns_from_a_thread(path: str) -> None:
    def stay() -> None:
        _tell(path)
        _gate.wait()

    await _go(path)
    await asyncio.to_thread(stay)


_gate: Final = threading.Event()


def let_go() -> None:
    """Python waits at its end for the threads of an executor that is asyncio's own."""
    _gate.set()


# Those that raise


class OwnBaseException(BaseException):
    """Nobody catches it by `except Exception`."""


class Unspeakable(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> NoReturn:
        raise ValueError("no text")

    __repr__ = __str__


async def raises_system_exit(path: str) -> None:
    await begin(path)
    raise SystemExit(3)


async def raises_keyboard_interrupt(path: str) -> None:
    await begin(path)
    raise KeyboardInterrupt


async def raises_generator_exit(path: str) -> None:
    await begin(path)
    raise GeneratorExit


async def raises_recursion_error(path: str) -> None:
    await begin(path)
    _recurse()


def _recurse() -> None:
    _recurse()


async def raises_memory_error(path: str) -> None:
    await begin(path)
    bytearray(sys.maxsize)


async def raises_a_base_exception_of_its_own(path: str) -> None:
    await begin(path)
    raise OwnBaseException


async def raises_what_cannot_be_shown(path: str) -> None:
    await begin(path)
    raise Unspeakable


async def fails_thousands_of_times_a_second(path: str) -> None:
    async def fail() -> None:
        raise OSError("one of many")

    await begin(path)
    while True:
        for _ in range(MANY):
            asyncio.create_task(fail())  # noqa: RUF006 - nobody keeps them or asks
        await asyncio.sleep(0.01)


# Those that lay hands on what is not theirs


async def stops_the_loop(path: str) -> None:
    await begin(path)
    asyncio.get_running_loop().stop()
    await for_ever()


async def closes_the_loop(path: str) -> None:
    await begin(path)
    asyncio.get_running_loop().close()


async def closes_stdout(path: str) -> None:
    await begin(path)
    sys.stdout.close()
    await for_ever()


async def breaks_the_exception_handler(path: str) -> None:
    """And has it called again and again."""

    def handle(_loop: object, _context: object) -> NoReturn:
        raise OSError("the handler is broken")

    def fail() -> NoReturn:
        raise OSError("a callback fails")

    await begin(path)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(handle)
    loop.call_soon(fail)
    await for_ever()


# Those that cannot be shown


class Unnameable(Coroutine[Any, Any, Any]):
    """Runs as a coroutine does, and cannot be asked for its name or shown."""

    def __init__(self, path: str) -> None:
        self._inside = _begin_and_stay(path)

    def __getattribute__(self, name: str) -> Any:
        if name in {"__name__", "__qualname__"}:
            raise ValueError("no name")
        return super().__getattribute__(name)

    def __repr__(self) -> NoReturn:
        raise ValueError("nothing to be shown")

    __str__ = __repr__

    def send(self, value: Any) -> Any:
        """As what it runs."""
        return self._inside.send(value)

    def throw(self, *error: Any) -> Any:
        """As what it runs."""
        return self._inside.throw(*error)

    def close(self) -> None:
        """As what it runs."""
        self._inside.close()

    def __await__(self) -> Generator[Any, None, Any]:
        return self._inside.__await__()


async def _begin_and_stay(path: str) -> None:
    await begin(path)
    await for_ever()


class MakesUnnameable:
    """A function of a kind that has no name and cannot be shown."""

    def __getattribute__(self, name: str) -> Any:
        if name in {"__name__", "__qualname__"}:
            raise ValueError("no name")
        return super().__getattribute__(name)

    def __repr__(self) -> NoReturn:
        raise ValueError("nothing to be shown")

    __str__ = __repr__

    async def __call__(self, path: str) -> Any:
        """What cannot be shown runs, as a task of its own."""
        return await asyncio.create_task(Unnameable(path))


class How(StrEnum):
    """What becomes of the task."""

    CALM = "it waits, and may be cancelled"
    STUBBORN_ONCE = "it goes on when it is cancelled, once"
    STUBBORN = "it goes on when it is cancelled, always"
    BLOCKS = "its loop turns no more"
    FAILS = "it fails"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong, and how that is to end."""

    work: Callable[[str], Coroutine[Any, Any, Any]]
    how: How = How.CALM
    error: str = ""
    """The type of what it fails with."""
    throws_out: bool = False
    """Whether it throws a loop's runner out: ours goes back in, anybody else's does not."""
    leaves_a_thread: bool = False
    task_name: str | None = None
    is_nameless: bool = False
    """Whether the loop is called after the work, which has no name."""
    for_ever: Callable[[str], Coroutine[Any, Any, Any]] | None = None
    """What is worse, and only for a process that can be killed."""


FAULTS: Final = {
    "swallows_once": Fault(swallows_once, How.STUBBORN_ONCE),
    "swallows_for_ever": Fault(swallows_for_ever, How.STUBBORN),
    "spawns_when_cancelled": Fault(spawns_when_cancelled),
    "hangs_in_a_generators_finally": Fault(hangs_in_a_generators_finally),
    "spins": Fault(spins, How.BLOCKS),
    "sleeps": Fault(sleeps, How.BLOCKS),
    "is_in_c_without_the_gil": Fault(is_in_c_without_the_gil, How.BLOCKS),
    "is_in_c_with_the_gil": Fault(is_in_c_with_the_gil, for_ever=is_in_c_with_the_gil_for_ever),
    "never_returns_from_a_thread": Fault(never_returns_from_a_thread, leaves_a_thread=True),
    "raises_system_exit": Fault(raises_system_exit, How.FAILS, "SystemExit", throws_out=True),
    "raises_keyboard_interrupt": Fault(
        raises_keyboard_interrupt, How.FAILS, "KeyboardInterrupt", throws_out=True
    ),
    "raises_generator_exit": Fault(raises_generator_exit, How.FAILS, "GeneratorExit"),
    "raises_recursion_error": Fault(raises_recursion_error, How.FAILS, "RecursionError"),
    "raises_memory_error": Fault(raises_memory_error, How.FAILS, "MemoryError"),
    "raises_a_base_exception_of_its_own": Fault(
        raises_a_base_exception_of_its_own, How.FAILS, "OwnBaseException"
    ),
    "raises_what_cannot_be_shown": Fault(raises_what_cannot_be_shown, How.FAILS, "Unspeakable"),
    "fails_thousands_of_times_a_second": Fault(fails_thousands_of_times_a_second),
    "stops_the_loop": Fault(stops_the_loop, throws_out=True),
    "closes_the_loop": Fault(closes_the_loop, How.FAILS, "RuntimeError"),
    "closes_stdout": Fault(closes_stdout),
    "breaks_the_exception_handler": Fault(breaks_the_exception_handler),
    "cannot_be_named_or_shown": Fault(MakesUnnameable(), is_nameless=True),
    "has_a_name_of_a_megabyte": Fault(_begin_and_stay, task_name="n" * 1_000_000),
    "has_surrogates_in_its_name": Fault(_begin_and_stay, task_name="half \ud83d of a pair \udc00"),
    "has_control_characters_in_its_name": Fault(
        _begin_and_stay, task_name="a\x00b\nc\x1b[31md\x07\u202e"
    ),
}
