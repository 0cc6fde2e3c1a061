"""What a loop calls that has no frame of its own is named all the same, if it can be known."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bgwidgets.observe import functions_in_c
from bgwidgets.observe.functions_in_c import IN_C, function_in_c
from tests.hostile_errors import TASKS_ARE_IN_C
from tests.waiting import LIMIT, until


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


class Users:
    """That would tell nothing without being run."""

    def __getattribute__(self, name: str) -> Any:
        pytest.fail(f"the user's code was run for {name}")

    def __call__(self) -> None:
        """It is not to be called."""


def in_python() -> None:
    """Which has a frame while it runs."""


def test_what_a_handle_runs_is_found(loop: asyncio.AbstractEventLoop):
    """While it runs, from another thread."""
    lock = threading.Lock()
    with lock:
        handle = asyncio.Handle(functools.partial(lock.acquire, True, LIMIT), (), loop)
        thread = threading.Thread(target=handle._run, daemon=True)
        thread.start()
        until(lambda: function_in_c(thread.ident or 0) == "lock.acquire")
    thread.join(LIMIT)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    ("callback", "name"),
    [
        (time.sleep, "time.sleep"),
        (functools.partial(functools.partial(time.sleep), 1), "time.sleep"),
        (len, "len"),
        (list, "list"),
        ([].sort, "list.sort"),
        (dict.fromkeys, "dict.fromkeys"),
        (str.upper, IN_C),
        (in_python, None),
        (functools.partial(in_python), None),
        (threading.Event().wait, None),
    ],
)
def test_it_is_named_as_it_is_written(
    callback: Callable[..., Any], name: str | None, monkeypatch: pytest.MonkeyPatch
):
    """What is written in Python has returned, or has not begun, when there is no frame of it."""
    monkeypatch.setattr(functions_in_c, "callback_run_in", lambda _: callback)
    assert name == function_in_c(threading.get_ident())


def test_no_code_of_the_users_is_run_for_it(monkeypatch: pytest.MonkeyPatch):
    """What is of a class of his own may answer in any way."""
    monkeypatch.setattr(functions_in_c, "callback_run_in", lambda _: Users())
    assert IN_C == function_in_c(threading.get_ident())


def test_where_the_loop_shows_no_frame_it_is_some_function():
    assert IN_C == function_in_c(threading.get_ident())


@pytest.mark.skipif(not TASKS_ARE_IN_C, reason="a step of a task in Python is a function in Python")
def test_a_step_of_a_task_is_not_named(monkeypatch: pytest.MonkeyPatch):
    """The task's name is told anyway, and its method would tell nothing."""
    callbacks: list[Any] = []

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()

        async def wait() -> None:
            await future

        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        callbacks.extend(callback for callback, _ in future._callbacks or ())
        future.set_result(None)
        await task

    asyncio.run(main())
    (wakes_it,) = callbacks
    monkeypatch.setattr(functions_in_c, "callback_run_in", lambda _: wakes_it)
    assert IN_C == function_in_c(threading.get_ident())
