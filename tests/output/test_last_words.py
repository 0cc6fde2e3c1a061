"""What a process says just before it ends by itself, or crashes, is there."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import posix
import signal
import sys
from collections.abc import Callable, Coroutine
from multiprocessing import get_context
from os import _exit
from pathlib import Path
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import LoopManager, LoopState
from bgwidgets.hosts.child_reporter import ChildReporter
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


async def exits_by_keyword() -> None:
    print(SAID)
    os._exit(status=3)


async def exits_by_its_other_name() -> None:
    print(SAID)
    posix._exit(3)


def _with_a_name_of_its_own() -> Callable[[], Coroutine[Any, Any, None]]:
    """As a function of a notebook: it is pickled together with what its cell has imported."""

    async def exits_by_a_name_of_its_own() -> None:
        print(SAID)
        _exit(3)

    return exits_by_a_name_of_its_own


exits_by_a_name_of_its_own = _with_a_name_of_its_own()


async def exits_after_a_mistake() -> None:
    with contextlib.suppress(TypeError):
        os._exit("3")  # type: ignore[arg-type]
    print(SAID)
    os._exit(3)


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
        exits_by_keyword,
        exits_by_its_other_name,
        exits_by_a_name_of_its_own,
        exits_after_a_mistake,
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


def exits_elsewhere() -> list[int | None]:
    """The exit codes of a process of its own that was told to exit, by its name and by another."""
    codes = []
    for end in (os._exit, posix._exit):
        process = get_context("spawn").Process(target=end, args=(3,))
        process.start()
        process.join()
        codes.append(process.exitcode)
        process.close()
    return codes


def test_a_process_that_the_work_starts_is_ended_as_ever(manager: LoopManager):
    """What is called there was pickled here, by its name."""
    assert [3, 3] == manager.start(exits_elsewhere, host="process").result(LIMIT)


def describes_the_end() -> tuple[str, str | None, bool]:
    return str(inspect.signature(os._exit)), os._exit.__doc__, os._exit is posix._exit


def test_what_ends_a_process_looks_as_ever(manager: LoopManager):
    expected = (str(inspect.signature(os._exit)), os._exit.__doc__, True)
    assert expected == manager.start(describes_the_end, host="process").result(LIMIT)


def fails(*_: object) -> None:
    raise OSError("in the middle")


def cannot_tell_its_output() -> None:
    ChildReporter.tell_output = fails  # type: ignore[method-assign, assignment]


def cannot_tell_its_metrics() -> None:
    own: Any = bgw.current()
    type(own._run.host.agent.findings.metrics).as_values = fails


async def measures_and_ends(cannot: Callable[[], None], *, by_kill: bool) -> None:
    bgw.metric("loss", 0.25)
    print(SAID)
    cannot()
    if by_kill:
        own = bgw.current()
        assert own is not None
        own.kill()
        signal.pause()
    os._exit(3)


@pytest.mark.parametrize("by_kill", [True, False])
@pytest.mark.parametrize("cannot", [cannot_tell_its_output, cannot_tell_its_metrics])
def test_what_cannot_be_told_keeps_nothing_else_back(
    manager: LoopManager, cannot: Callable[[], None], by_kill: bool
):
    """Neither the rest of what is said last, nor the end; and that it is missing is said."""
    job = manager.start(measures_and_ends, cannot, by_kill=by_kill, host="process")
    assert (LoopState.KILLED if by_kill else LoopState.LOST) == job.wait(LIMIT)
    if cannot is cannot_tell_its_output:
        assert 0.25 == job.metrics["loss"].last
    else:
        assert SAID == job.output.text().splitlines()[0]
    said = "bgwidgets: not all of its last words were told: OSError: in the middle"
    assert said in job.output.text().splitlines()


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
