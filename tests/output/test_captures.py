"""Who captures what: a cell its own prints and no loop's, a loop its own and nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from bgwidgets import BackgroundLoop, LoopManager, output
from tests.output.conftest import LIMIT, CellStream, Streams


async def says(text: str) -> None:
    print(text)
    print(text, file=sys.stderr)


def say(job: BackgroundLoop, text: str) -> None:
    job.submit(says(text)).result(LIMIT)


def written(job: BackgroundLoop, stream: str = "stdout") -> str:
    return "".join(entry.text for entry in job.output.read().entries if entry.stream == stream)


@contextlib.contextmanager
def redirected_on(job: BackgroundLoop, target: Any) -> Iterator[None]:
    """The loop redirects its prints in here."""
    begun, end = threading.Event(), asyncio.Event()

    async def redirects() -> None:
        with contextlib.redirect_stdout(target):
            begun.set()
            await end.wait()

    done = job.submit(redirects())
    assert begun.wait(LIMIT)
    try:
        yield
    finally:
        job.submit(_set(end)).result(LIMIT)
        done.result(LIMIT)


async def _set(event: asyncio.Event) -> None:
    event.set()


def test_what_a_cell_captures_is_the_cells_alone(manager: LoopManager, cell: Streams):
    """Byte for byte, both streams, while both write; also what is captured within a capture."""
    together = threading.Barrier(2)
    go = threading.Event()

    def count(name: str) -> None:
        together.wait(LIMIT)
        for number in range(3_000):
            print(name, number)
            print(name, number, file=sys.stderr)
        go.set()

    job = manager.start(count, "job")
    outer, out, err = io.StringIO(), io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(outer):
        print("before")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            count("cell")
            job.wait(LIMIT)
        print("after")
    cells = "".join(f"cell {number}\n" for number in range(3_000))
    jobs = "".join(f"job {number}\n" for number in range(3_000))
    assert [cells, cells] == [out.getvalue(), err.getvalue()]
    assert [jobs, jobs] == [written(job), written(job, "stderr")]
    assert "before\nafter\n" == outer.getvalue()
    assert ("", "") == (cell.stdout.getvalue(), cell.stderr.getvalue())
    assert sys.stdout is cell.stdout


def test_a_loop_that_is_started_while_a_cell_captures(manager: LoopManager, cell: Streams):
    """Prints into its log then, and when the capture is over."""
    manager.start().stop(0)
    kept = io.StringIO()
    with contextlib.redirect_stdout(kept):
        job = manager.start()
        say(job, "within")
        print("cell")
    say(job, "after")
    assert ("cell\n", "within\nafter\n", "") == (
        kept.getvalue(),
        written(job),
        cell.stdout.getvalue(),
    )


@pytest.mark.usefixtures("cell")
def test_what_is_written_to_the_capture_by_its_name_stays_there(manager: LoopManager):
    """Whoever writes it; and it is found as it is in what a cell has of it."""
    kept = io.StringIO()

    async def writes() -> None:
        print("by name", file=kept)

    job = manager.start()
    with contextlib.redirect_stdout(kept) as given:
        assert given is kept
        job.submit(writes()).result(LIMIT)
        here: Any = sys.stdout
        assert "by name\n" == here.getvalue() == kept.getvalue()
    assert {} == vars(kept)
    assert "" == written(job)


def test_a_cell_may_send_one_stream_to_the_other_or_nowhere(manager: LoopManager, cell: Streams):
    """A loop's goes where it ever went."""
    job = manager.start()
    with contextlib.redirect_stdout(sys.stderr):
        print("to stderr", flush=True)
        say(job, "first")
    with contextlib.redirect_stdout(None):
        print("nowhere", flush=True)
        say(job, "second")
    assert ("first\nsecond\n", "") == (written(job), cell.stdout.getvalue())
    assert "to stderr\n" == cell.stderr.getvalue()


def test_a_loop_redirects_for_itself_alone(manager: LoopManager, cell: Streams):
    """Neither a cell's prints nor another loop's come there; its worker threads' do."""
    mine, other, kept = manager.start(), manager.start(), io.StringIO()

    async def in_a_thread() -> None:
        await asyncio.to_thread(print, "to_thread")

    with redirected_on(mine, kept):
        print("cell", flush=True)
        sys.stdout.writelines(["more\n"])
        say(mine, "mine")
        say(other, "other")
        mine.submit(in_a_thread()).result(LIMIT)
        say(manager.start(name="new"), "new")
    say(mine, "after")
    assert "mine\nto_thread\n" == kept.getvalue()
    assert ("after\n", "other\n") == (written(mine), written(other))
    assert "new\n" == written(manager["new"])
    assert "cell\nmore\n" == cell.stdout.getvalue()
    assert sys.stdout is cell.stdout


def test_a_loop_that_redirects_to_nowhere(manager: LoopManager, cell: Streams):
    """To silence a library, as it is done."""
    job = manager.start()
    with redirected_on(job, None):
        say(job, "silent")
        print("cell")
    say(job, "after")
    assert ("after\n", "cell\n") == (written(job), cell.stdout.getvalue())


def test_a_cells_capture_and_a_loops_that_end_in_the_order_in_which_they_began(
    manager: LoopManager, cell: Streams
):
    """Neither ends the other, and nothing of them is left in the end."""
    job, other, loops, cells = manager.start(), manager.start(), io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as loops_end:
        loops_end.enter_context(redirected_on(job, loops))
        with contextlib.ExitStack() as cells_end:
            cells_end.enter_context(contextlib.redirect_stdout(cells))
            loops_end.close()
            print("captured")
            say(job, "in its log")
            say(other, "other")
        print("shown")
    say(job, "after")
    assert ("", "captured\n", "shown\n") == (
        loops.getvalue(),
        cells.getvalue(),
        cell.stdout.getvalue(),
    )
    assert ("in its log\nafter\n", "other\n") == (written(job), written(other))
    assert sys.stdout is cell.stdout


def test_a_loops_redirection_outlives_the_cells_capture_in_which_it_began(
    manager: LoopManager, cell: Streams
):
    """And the cell sees its own stream meanwhile."""
    job, loops, cells = manager.start(), io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as loops_end:
        with contextlib.redirect_stdout(cells):
            loops_end.enter_context(redirected_on(job, loops))
            print("captured")
        print("shown")
        say(job, "redirected")
    print("in the end")
    say(job, "after")
    assert ("redirected\n", "captured\n", "shown\nin the end\n") == (
        loops.getvalue(),
        cells.getvalue(),
        cell.stdout.getvalue(),
    )
    assert "after\n" == written(job)
    assert sys.stdout is cell.stdout


@pytest.mark.usefixtures("cell")
def test_write_can_be_replaced_on_what_is_captured(manager: LoopManager):
    """As IPython does for each cell, also within `%%capture`."""
    job, kept, seen = manager.start(), io.StringIO(), list[str]()
    with contextlib.redirect_stdout(kept):
        original = sys.stdout.write

        def tee(text: str) -> int:
            seen.append(text)
            return original(text)

        sys.stdout.write = tee  # type: ignore[method-assign]
        say(job, "job")
        print("cell")
        sys.stdout.write = original  # type: ignore[method-assign]
        print("after")
        say(job, "job")
    assert (["cell", "\n"], "cell\nafter\n") == (seen, kept.getvalue())
    assert "job\njob\n" == written(job)


@pytest.mark.usefixtures("cell")
def test_a_handler_that_is_made_while_a_cell_captures(manager: LoopManager):
    """Writes a loop's to the loop's log, as every handler."""
    job, kept = manager.start(), io.StringIO()

    async def logs() -> None:
        logger.error("logged")

    logger = logging.getLogger("tests.captures")
    with contextlib.redirect_stderr(kept):
        handler = logging.StreamHandler()
        logger.addHandler(handler)
        job.submit(logs()).result(LIMIT)
    try:
        job.submit(logs()).result(LIMIT)
    finally:
        logger.removeHandler(handler)
    assert ("logged\nlogged\n", "") == (written(job, "stderr"), kept.getvalue())


@pytest.mark.usefixtures("cell")
def test_uninstall_puts_back_what_captures(manager: LoopManager):
    """The two classes of `contextlib`, and what is captured with at that moment."""
    before = [dict(vars(each)) for each in (contextlib.redirect_stdout, contextlib.redirect_stderr)]
    output.uninstall()
    originals = [
        dict(vars(each)) for each in (contextlib.redirect_stdout, contextlib.redirect_stderr)
    ]
    assert "__enter__" not in originals[0]
    output.install()
    job, kept = manager.start(), io.StringIO()
    assert before != originals
    with contextlib.redirect_stdout(kept):
        with redirected_on(job, io.StringIO()):
            output.uninstall()
            assert originals == [
                dict(vars(each))
                for each in (contextlib.redirect_stdout, contextlib.redirect_stderr)
            ]
        print("as without us")
    assert "as without us\n" == kept.getvalue()
    assert isinstance(sys.stdout, CellStream)


def test_outside_of_a_kernel_a_capture_has_it_as_well(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """It is seen where it was ever seen; and the loop's log has it."""
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    job, kept = manager.start(), io.StringIO()
    with contextlib.redirect_stdout(kept):
        say(job, "job")
        print("main")
    assert ("job\nmain\n", "job\n") == (kept.getvalue(), written(job))


def test_cells_and_loops_that_capture_all_the_time_get_their_own(
    manager: LoopManager, cell: Streams
):
    """In whatever order they begin and end, and whatever the others print in that moment."""
    wrong: list[str] = []
    together = threading.Barrier(4)

    def captures(name: str) -> None:
        together.wait(LIMIT)
        for number in range(300):
            with contextlib.redirect_stdout(io.StringIO()) as kept:
                print(name, number)
                if number % 3 == 0:
                    time.sleep(0)  # Let others come in between.
                print(name, number, "more")
            if kept.getvalue() != f"{name} {number}\n{name} {number} more\n":
                wrong.append(kept.getvalue())

    jobs = [manager.start(captures, f"job {number}") for number in range(3)]
    captures("cell")
    for job in jobs:
        job.wait(LIMIT)
    assert [] == wrong
    assert ["", "", ""] == [written(job) for job in jobs]
    assert ("", True) == (cell.stdout.getvalue(), sys.stdout is cell.stdout)


def test_captures_leave_nothing_behind(manager: LoopManager, cell: Streams):
    """However many there were; and an error in one goes on."""
    job = manager.start()
    for number in range(300):
        with contextlib.suppress(LookupError), contextlib.redirect_stdout(io.StringIO()) as kept:
            print(number)
            raise LookupError
        assert f"{number}\n" == kept.getvalue()
    say(job, "after")
    assert ("after\n", "") == (written(job), cell.stdout.getvalue())
    assert sys.stdout is cell.stdout
