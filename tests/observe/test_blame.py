"""Who keeps a thread: the user's line, and what it calls there."""

from __future__ import annotations

import asyncio
import contextlib
import dis
import linecache
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from bgwidgets import StopEvent
from bgwidgets.observe.blame import Seen, seen_at
from bgwidgets.observe.names import LONGEST_NAME, name_of
from bgwidgets.observe.thread_frames import Place, Stack, stacks_of
from tests.observe.conftest import Library

LIMIT = 10.0


@contextmanager
def busy(function: Callable[..., object], *args: Any) -> Iterator[threading.Thread]:
    """`function(gate, *args)` runs in a thread; at the end the gate is opened."""
    gate = threading.Event()
    thread = threading.Thread(target=runner, args=(function, gate, *args), daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        gate.set()
        thread.join(LIMIT)
        assert not thread.is_alive()


def runner(function: Callable[..., object], *args: Any) -> None:
    """Stands for what runs a loop."""
    function(*args)


RUNNER: CodeType = runner.__code__


def look(thread: threading.Thread) -> Seen:
    number = thread.ident or 0
    return seen_at(stacks_of([number]).get(number), RUNNER)


def seen_in_the_end(thread: threading.Thread, words: str) -> str:
    """Waits until the thread is seen there."""
    deadline = time.monotonic() + LIMIT
    where = None
    while words not in (where := look(thread).where or ""):
        assert time.monotonic() < deadline, where
    return where


def test_a_line_of_the_users_own_is_named_with_its_function():
    def spin(gate: threading.Event) -> None:
        while not gate.is_set():
            pass

    with busy(spin) as thread:
        line = spin.__code__.co_firstlineno
        where = seen_in_the_end(thread, "spin")
    assert where.split(" · ")[0] in {f"test_blame.py:{line + n} spin" for n in (1, 2)}


def scan(_: threading.Event, numbers: Iterable[int]) -> bool:
    found = False
    for number in numbers:
        if number:
            found = True
    return found


def test_a_loop_that_calls_nothing_is_named_by_a_line_of_its_own():
    """Python 3.11 has no number for the jump at which it lets other threads run."""
    with busy(scan, repeat(0, 10_000_000)) as thread:
        where = seen_in_the_end(thread, "scan")
    first = scan.__code__.co_firstlineno
    assert where in {f"test_blame.py:{line} scan" for line in range(first + 1, first + 6)}


def test_a_function_in_c_is_named_by_the_source():
    """It has no frame, but Python knows what it runs of the line."""

    def wait(_gate: threading.Event) -> None:
        time.sleep(0.2)

    with busy(wait) as thread:
        line = wait.__code__.co_firstlineno + 1
        assert f"test_blame.py:{line} wait · time.sleep" == seen_in_the_end(thread, "sleep")


def test_what_it_calls_of_ours_is_told_as_it_is_written():
    """And not as what goes on in there, of which nobody wants to hear."""
    event = StopEvent()

    def wait(_gate: threading.Event) -> None:
        event.wait_sync(LIMIT)

    with busy(wait) as thread:
        line = wait.__code__.co_firstlineno + 1
        assert f"test_blame.py:{line} wait · event.wait_sync" == seen_in_the_end(thread, "wait_")
        event.set()


def test_a_function_in_c_is_not_guessed_when_the_source_has_changed(tmp_path: Path):
    """The line that is there now says something else."""
    file = tmp_path / "changed.py"
    code = "def wait(gate):\n    import time; time.sleep(0.2)\n"
    names: dict[str, Any] = {}
    exec(compile(code, str(file), "exec"), names)  # noqa: S102 - its own
    file.write_text("def wait(gate):\n    import love; hate.more(0.2)\n")
    linecache.checkcache()
    with busy(names["wait"]) as thread:
        assert "changed.py:2 wait" == seen_in_the_end(thread, "wait")


def test_far_below_in_a_library_the_users_line_is_named(
    library: Library,
):
    """And the innermost line of the library."""
    deep = library(
        "def deep(gate, depth):\n"
        "    if depth:\n"
        "        return deep(gate, depth - 1)\n"
        "    while not gate.is_set():\n"
        "        gate.is_set\n"
    )["deep"]

    def fit(gate: threading.Event) -> None:
        deep(gate, 500)

    with busy(fit) as thread:
        where = seen_in_the_end(thread, "deep")
    line = fit.__code__.co_firstlineno + 1
    assert where.startswith(f"test_blame.py:{line} fit · ")
    # `is_set` itself is the standard library's: at times it is the innermost.
    assert "lib.py:" in where or "threading.py:" in where


def test_where_nothing_is_the_users_the_library_is_named(
    library: Library,
):
    """Rather than the standard library further in."""
    serve = library("def serve(gate):\n    gate.wait(10)\n")["serve"]
    with busy(serve) as thread:
        assert seen_in_the_end(thread, "wait").startswith("lib.py:2 serve · threading.py:")


def calls_in(function: Any) -> list[Place]:
    """Wherever it may be in a function in C."""
    code: CodeType = function.__code__
    return [(code, each.offset) for each in dis.get_instructions(code) if "CALL" in each.opname]


@pytest.mark.parametrize(
    "function",
    [
        asyncio.selector_events.BaseSelectorEventLoop._read_from_self,  # type: ignore[attr-defined]
        asyncio.BaseEventLoop._call_soon,  # type: ignore[attr-defined]
    ],
)
def test_what_is_the_loops_own_work_is_not_blamed(function: Callable[..., object]):
    """It never takes long: a thread that is seen there waits for its turn among others."""
    seen = {seen_at(Stack(0, [place]), RUNNER) for place in calls_in(function)}
    assert {Seen(None)} == seen


def at(*functions: Any) -> Seen:
    """What is seen where these call each other, the innermost first."""
    return seen_at(Stack(0, [(each.__code__, 0) for each in functions]), RUNNER)


TURN: Any = asyncio.BaseEventLoop._run_once  # type: ignore[attr-defined]


def test_between_its_callbacks_a_loop_blames_nobody():
    """Nor who runs it, who is the user's where a loop is adopted; but what is his in there."""
    in_the_turn = (asyncio.TimerHandle.__lt__, TURN)
    assert Seen(None) == at(*in_the_turn, runner) == at(TURN, runner) == at(*in_the_turn, busy)
    line = scan.__code__.co_firstlineno
    assert f"test_blame.py:{line} scan" == at(scan, *in_the_turn, runner).where


def test_what_the_loop_was_given_is_blamed_though_it_is_in_c():
    """It has no frame then, but the loop's own code says what it calls."""
    transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    places = calls_in(transport._read_ready__data_received)
    (where,) = {seen_at(Stack(0, [place]), RUNNER).where for place in places} - {None}
    assert (where or "").endswith(" · self._protocol.data_received")


def test_a_debugger_is_seen_as_one(tmp_path: Path):
    """Its user stops the loop, and not the code."""
    file = tmp_path / "pdb.py"
    file.write_text("def interaction(gate):\n    gate.wait(10)\n")
    names: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), names)  # noqa: S102 - its own

    def work(gate: threading.Event) -> None:
        names["interaction"](gate)

    with busy(work) as thread:
        seen_in_the_end(thread, "work")
        deadline = time.monotonic() + LIMIT
        while not look(thread).in_debugger:
            assert time.monotonic() < deadline


def test_a_thread_that_is_gone_is_nowhere():
    assert Seen(None) == seen_at(None, RUNNER)


class Loud(str):
    """A name that runs code of its own whenever it can."""

    __slots__ = ()

    def loud(self, *_args: object) -> Any:
        """A user's bug."""
        raise RuntimeError("must not be called")

    __getitem__ = __len__ = __format__ = __iter__ = loud


class LoudTask(asyncio.Task[Any]):
    """A task of the same kind."""

    def get_name(self) -> str:
        """A user's bug."""
        raise RuntimeError("must not be called")


def test_a_tasks_name_is_cut_and_runs_no_code():
    async def main() -> tuple[str, str]:
        one, two = asyncio.sleep(0), asyncio.sleep(0)
        long = asyncio.get_running_loop().create_task(one, name="x" * 5000)
        loud = LoudTask(two, name=Loud("loud"))
        names = name_of(long), name_of(loud)
        await asyncio.gather(long, loud)
        return names

    with contextlib.closing(asyncio.new_event_loop()) as loop:
        long, loud = loop.run_until_complete(main())
    assert "x" * LONGEST_NAME == long
    assert loud in {"loud", "(a task without a name)"}


def test_what_is_no_task_has_no_name():
    assert "(a task without a name)" == name_of(object())  # type: ignore[arg-type] # on purpose
