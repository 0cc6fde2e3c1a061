"""What a process says just before it ends by itself, or crashes, is there."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from tests.output.conftest import LIMIT

SAID = "why it ends"


async def exits() -> None:
    print(SAID)
    os._exit(3)


async def exits_in_the_middle_of_a_line() -> None:
    print(SAID, end="")
    os._exit(3)


async def aborts() -> None:
    print(SAID)
    os.abort()


async def has_itself_killed() -> None:
    print(SAID)
    if (own := bgw.current()) is not None:
        own.kill()
    signal.pause()


async def flushes_and_is_killed() -> None:
    print(SAID, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


async def flushes_stderr_and_is_killed() -> None:
    sys.stderr.write(f"{SAID}\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


async def logs_and_is_killed() -> None:
    logging.basicConfig(format="%(message)s")
    logging.getLogger("work").error(SAID)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    "work",
    [
        exits,
        exits_in_the_middle_of_a_line,
        aborts,
        has_itself_killed,
        flushes_and_is_killed,
        flushes_stderr_and_is_killed,
        logs_and_is_killed,
    ],
)
def test_what_is_said_last_is_there(
    manager: LoopManager, tmp_path: Path, work: Callable[[], Coroutine[Any, Any, None]]
):
    """In the log, and in its file."""
    held = manager.start(host="process", name="says")
    held.output.to_file(tmp_path / "says.log")
    held.submit_call(work)
    expected = LoopState.KILLED if work is has_itself_killed else LoopState.LOST
    assert expected == held.wait(LIMIT)
    assert SAID == held.output.text().splitlines()[0]
    assert SAID == (tmp_path / "says.log").read_text().splitlines()[0]


def test_flushing_each_of_many_lines_sends_few_messages(manager: LoopManager):
    """`logging` flushes with each record."""

    def flushes_often() -> int:
        told: list[str] = []
        job = bgw.current()
        assert job is not None
        assert job.output.reporter is not None
        wrote = job.output.reporter.wrote

        def counts(text: str, place: Any, whose: Any) -> None:
            told.append(text)
            wrote(text, place, whose)

        job.output.reporter.wrote = counts  # type: ignore[method-assign]
        for number in range(20_000):
            print(number, flush=True)
        return len(told)

    job = manager.start(flushes_often, host="process")
    assert job.result(LIMIT) < 2_000
    assert [str(number) for number in range(20_000)] == job.output.text().split()
