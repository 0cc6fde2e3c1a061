"""What is written on a loop goes to that loop's log, and nothing of it anywhere else."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import logging
import sys
import threading
import traceback
import tracemalloc
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from bgwidgets import BackgroundLoop, LoopManager, TaskSnapshot, current, output
from tests.conftest import Complaints
from tests.output.conftest import LIMIT, CellStream, Streams, fill_disk
from tests.waiting import until


def entries(job: BackgroundLoop) -> list[tuple[str, str, str | None]]:
    """What it wrote: text, stream, and the task's name."""
    return [(entry.text, entry.stream, entry.task_name) for entry in job.output.read().entries]


def written_by(manager: LoopManager, work: Any) -> list[tuple[str, str, str | None]]:
    job = manager.start(work, name="main")
    job.wait(LIMIT)
    assert job.exception() is None
    return entries(job)


async def prints_from_everywhere() -> None:
    print("coroutine")
    await asyncio.to_thread(print, "to_thread")
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, print, "executor")
    with ThreadPoolExecutor(1) as pool:
        await loop.run_in_executor(pool, print, "own pool")
    called = asyncio.Event()
    loop.call_soon(print, "callback")
    loop.call_soon(called.set)
    await called.wait()
    await asyncio.create_task(child(), name="child")
    sys.stdout.writelines(["one\n", "two\n"])


async def child() -> None:
    print("child")


def test_prints_from_everywhere_on_a_loop(manager: LoopManager, cell: Streams):
    """With the task, also of the threads that work for it; a callback belongs to none."""
    assert [
        ("coroutine\nto_thread\nexecutor\nown pool\n", "stdout", "main"),
        ("callback\n", "stdout", None),
        ("child\n", "stdout", "child"),
        ("one\ntwo\n", "stdout", "main"),
    ] == joined(written_by(manager, prints_from_everywhere))
    assert ("", "") == (cell.stdout.getvalue(), cell.stderr.getvalue())


def joined(each: list[tuple[str, str, str | None]]) -> list[tuple[str, str, str | None]]:
    """Neighbours of one task and stream in one: how many there are says nothing."""
    together: list[tuple[str, str, str | None]] = []
    for text, *whose in each:
        if together and list(together[-1][1:]) == whose:
            text = together.pop()[0] + text  # noqa: PLW2901
        together.append((text, *whose))  # type: ignore[arg-type]
    return together


def test_a_task_is_known_by_its_number(manager: LoopManager):
    """That of `job.tasks`."""
    job = manager.start(prints_from_everywhere)
    job.wait(LIMIT)
    numbers = {task.name: task.id for task in job.tasks}
    by_name = {entry.task_name: entry.task_id for entry in job.output.read().entries}
    assert {"child": numbers["child"], job.name: numbers[job.name], None: None} == by_name


def test_a_line_has_the_name_that_its_task_has_by_then(manager: LoopManager):
    """An eager task writes before it has its name (from Python 3.12 on), and may get another."""

    def eager() -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        if sys.version_info >= (3, 12):
            loop.set_task_factory(asyncio.eager_task_factory)
        return loop

    async def other() -> None:
        print("other")
        await asyncio.sleep(0)
        asyncio.current_task().set_name("renamed")  # type: ignore[union-attr]
        print("end")

    async def work() -> None:
        print("main")
        await asyncio.sleep(0)
        task = asyncio.create_task(other(), name="named")
        await task
        print("after it")

    job = manager.start(work, name="work", loop_factory=eager)
    job.wait(LIMIT)
    numbers = {task.name: task.id for task in job.tasks}
    lines = [(e.text, e.task_id, e.task_name) for e in job.output.read().entries]
    assert [
        ("main\n", numbers["work"], "work"),
        ("other\nend\n", numbers["renamed"], "renamed"),
        ("after it\n", numbers["work"], "work"),
    ] == lines


@pytest.mark.usefixtures("cell")
def test_two_ways_to_a_stream_each_know_whose_a_line_is(manager: LoopManager):
    """One that was kept before a cell captures its output, and one that is found meanwhile."""
    kept, turns, captures = sys.stdout, 20, threading.Event()

    async def through_what_was_kept(mine: asyncio.Semaphore, others: asyncio.Semaphore) -> None:
        for _ in range(turns):
            await mine.acquire()
            print("kept", file=kept)
            others.release()

    async def through_what_is_there(mine: asyncio.Semaphore, others: asyncio.Semaphore) -> None:
        for _ in range(turns):
            await mine.acquire()
            print("found")
            others.release()

    async def main() -> None:
        print("before")
        await asyncio.to_thread(captures.wait, LIMIT)
        one, other = asyncio.Semaphore(1), asyncio.Semaphore(0)
        async with asyncio.TaskGroup() as group:
            group.create_task(through_what_was_kept(one, other), name="kept")
            group.create_task(through_what_is_there(other, one), name="found")

    job = manager.start(main, name="main")
    with contextlib.redirect_stdout(io.StringIO()):
        captures.set()
        job.wait(LIMIT)
    lines = [(line, task) for text, _, task in entries(job) for line in text.splitlines()]
    assert lines == [("before", "main"), *[("kept", "kept"), ("found", "found")] * turns]


def test_what_a_pools_thread_writes_after_its_task_has_gone_is_nobodys(manager: LoopManager):
    """Not that of the task for which it worked before."""
    may_go_on = threading.Event()

    def late() -> None:
        assert may_go_on.wait(LIMIT)
        print("late")

    async def quick(pool: ThreadPoolExecutor) -> None:
        await asyncio.get_running_loop().run_in_executor(pool, print, "quick")

    async def slow(pool: ThreadPoolExecutor) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.get_running_loop().run_in_executor(pool, late)

    async def main() -> None:
        with ThreadPoolExecutor(1) as pool:
            await asyncio.create_task(quick(pool), name="quick")
            has_gone = asyncio.Event()
            _slow = ref(await started(slow(pool)), lambda _: has_gone.set())
            async with asyncio.timeout(LIMIT):
                await has_gone.wait()
            may_go_on.set()

    async def started(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="slow")
        await asyncio.wait([task])
        return task

    written = [(text, task) for text, _, task in written_by(manager, main)]
    assert written == [("quick\n", "quick"), ("late\n", None)]


def test_a_plain_function(manager: LoopManager):
    def plain() -> None:
        print("plain")

    assert [("plain\n", "stdout", "main")] == written_by(manager, plain)


def test_logging_and_tracebacks(manager: LoopManager):
    """Also by a handler that was made before."""
    handler = logging.StreamHandler()
    logger = logging.getLogger("tests.output")
    logger.addHandler(handler)

    async def tells() -> None:
        logger.error("logged")
        traceback.print_exception(LookupError("lost"))
        print("by hand", file=sys.stderr)

    try:
        ((text, stream, task),) = joined(written_by(manager, tells))
    finally:
        logger.removeHandler(handler)
    assert ("stderr", "main") == (stream, task)
    assert "logged\nLookupError: lost\nby hand\n" == text


def test_two_loops_and_a_cell_at_the_same_time(manager: LoopManager, cell: Streams):
    """Each gets its own, in order and byte for byte."""
    together = threading.Barrier(3)

    def count(name: str) -> None:
        together.wait(LIMIT)
        for number in range(3_000):
            print(name, number)

    async def counts(name: str) -> None:
        count(name)

    jobs = [manager.start(counts, "one"), manager.start(count, "two")]
    count("cell")
    for job in jobs:
        job.wait(LIMIT)
    for name, job in zip(("one", "two"), jobs, strict=True):
        assert "".join(f"{name} {number}\n" for number in range(3_000)) == job.output.text()
    assert "".join(f"cell {number}\n" for number in range(3_000)) == cell.stdout.getvalue()


def test_what_one_loop_submits_to_another(manager: LoopManager):
    """Goes to the one that it runs on."""
    other = manager.start(name="other")

    async def submits() -> None:
        print("here")
        await asyncio.wrap_future(other.submit(child(), name="submitted"))

    assert [("here\n", "stdout", "main")] == written_by(manager, submits)
    assert [("child\n", "stdout", "submitted")] == entries(other)


def test_an_adopted_loop(manager: LoopManager, cell: Streams):
    """Its own thread while it runs, and the threads that work for it; not that thread before and
    after it.
    """
    begun, ready, adopted = (threading.Event() for _ in range(3))
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        begun.set()
        await asyncio.to_thread(adopted.wait, LIMIT)
        print("coroutine")
        await asyncio.to_thread(print, "to_thread")
        await asyncio.get_running_loop().run_in_executor(None, print, "executor")

    def run() -> None:
        print("before")
        asyncio.run(work())
        ready.wait(LIMIT)
        print("after")

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(LIMIT)
    job = manager.adopt(loops[0])
    while not job.tasks:
        pass
    job.submit(asyncio.sleep(0)).result(LIMIT)
    adopted.set()
    job.wait(LIMIT)
    ready.set()
    thread.join(LIMIT)
    assert "coroutine\nto_thread\nexecutor\n" == job.output.text()
    assert "before\nafter\n" == cell.stdout.getvalue()


def test_what_a_loop_hands_to_the_notebooks_own_loop_writes_to_a_cell(
    manager: LoopManager, cell: Streams
):
    """It runs there."""

    async def main() -> None:
        printed = asyncio.Event()
        own = asyncio.get_running_loop()

        async def hands_over() -> None:
            own.call_soon_threadsafe(print, "handed over")
            own.call_soon_threadsafe(printed.set)

        job = manager.start(hands_over)
        await printed.wait()
        await job
        assert "" == job.output.text()

    asyncio.run(main())
    assert "handed over\n" == cell.stdout.getvalue()


def test_a_restarted_loop_goes_on_with_its_log(manager: LoopManager):
    """With the tasks' names as before."""
    job = manager.start(child)
    job.wait(LIMIT)
    job.restart()
    job.wait(LIMIT)
    assert [("child\n", "stdout", "child")] * 2 == entries(job)


def test_late_prints_of_a_thread_that_was_given_up(manager: LoopManager, cell: Streams):
    """Go to the log as long as somebody has it, then nowhere."""
    go_on, done = threading.Semaphore(0), threading.Semaphore(0)

    def stubborn() -> None:
        for number in range(3):
            go_on.acquire(timeout=LIMIT)
            print("late", number)
            done.release()

    job = manager.start(stubborn)
    job.stop_loop()
    job.wait(LIMIT)
    go_on.release()
    assert done.acquire(timeout=LIMIT)
    assert "late 0\n" == job.output.text()
    job.remove()
    go_on.release(2)
    assert done.acquire(timeout=LIMIT)
    assert done.acquire(timeout=LIMIT)
    assert "late 0\nlate 1\nlate 2\n" == job.output.text()
    assert "" == cell.stdout.getvalue()


def test_redirect_stdout_works_for_who_asks_for_it(manager: LoopManager):
    """On a loop as elsewhere."""

    async def redirects() -> str:
        with contextlib.redirect_stdout(io.StringIO()) as kept:
            print("kept")
        print("written")
        return kept.getvalue()

    job = manager.start(redirects)
    assert "kept\n" == job.result(LIMIT)
    assert "written\n" == job.output.text()


@pytest.mark.usefixtures("cell")
@pytest.mark.parametrize("text", ["\n", "x", "no newline " * 20])
def test_whatever_a_loop_writes_does_not_pile_up(manager: LoopManager, text: str):
    """Also when nobody reads it, and each print is an empty one, or one that has no end."""

    async def writes() -> int:
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(100_000):
                sys.stdout.write(text)
            return tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()

    job = manager.start(name="writes")
    assert job.submit(writes()).result(LIMIT) < 600_000
    assert job.output.version == 100_000


def test_what_is_no_text_is_refused_as_ever(manager: LoopManager):
    async def writes_bytes() -> None:
        print("first")
        sys.stdout.write(b"bytes")  # type: ignore[arg-type]

    job = manager.start(writes_bytes)
    with pytest.raises(TypeError, match="write\\(\\) argument must be str, not bytes"):
        job.result(LIMIT)
    assert "first\n" == job.output.text()


def test_the_last_line_is_in_the_snapshot(manager: LoopManager):
    job = manager.start(child)
    job.wait(LIMIT)
    assert "child" == job.snapshot().last_output


def test_a_broken_file_is_a_warning_of_the_loop(
    manager: LoopManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """And the loop goes on. With another file, on a disk that has room, it is none any more."""
    path = tmp_path / "a.log"
    job = manager.start()
    job.output.to_file(path)
    with monkeypatch.context() as patch:
        fill_disk(path, patch)
        job.submit(child()).result(LIMIT)
    (warning,) = job.snapshot().warnings
    assert "output not written" == warning.kind
    assert f"{path} cannot be written any more: No space left on device" == warning.text
    assert "child\n" == job.output.text()
    job.output.to_file(tmp_path / "b.log")
    assert () == job.snapshot().warnings
    assert "child\n" == (tmp_path / "b.log").read_text()


def test_a_files_lines_are_whole_whoever_reads_the_log_meanwhile(
    manager: LoopManager, tmp_path: Path
):
    """Who reads takes what was put down, also of a line that has no end yet."""
    job = manager.start()
    job.output.to_file(tmp_path / "a.log")

    async def half(end: str) -> None:
        print("half a line", end=end)

    for end in (", ", ", ", "\n"):
        job.submit(half(end)).result(LIMIT)
        assert job.output.text().endswith(f"half a line{end}")
    assert "half a line, half a line, half a line\n" == (tmp_path / "a.log").read_text()


def test_a_bar_that_is_drawn_over_itself_is_in_the_file_at_once(
    manager: LoopManager, tmp_path: Path
):
    """One who follows it sees it grow."""
    job = manager.start()
    job.output.to_file(tmp_path / "a.log")

    async def draw(percent: int) -> None:
        sys.stdout.write(f"{percent} %\r")

    job.submit(draw(10)).result(LIMIT)
    assert b"10 %\r" == (tmp_path / "a.log").read_bytes()
    job.submit(draw(20)).result(LIMIT)
    assert b"10 %\r20 %\r" == (tmp_path / "a.log").read_bytes()


def test_the_file_is_closed_with_the_loop_and_opened_again(manager: LoopManager, tmp_path: Any):
    """By the next run."""
    job = manager.start()
    job.output.to_file(tmp_path / "a.log")
    job.submit(child()).result(LIMIT)
    job.stop(0)
    assert "child\n" == (tmp_path / "a.log").read_text()
    job.restart()
    job.submit(child()).result(LIMIT)
    job.stop(0)
    assert "child\nchild\n" == (tmp_path / "a.log").read_text()


def test_no_task_is_kept_alive_by_its_output(manager: LoopManager):
    """Nor its result, nor its error; for longer than to the loop's next beat."""

    class Result:
        pass

    def prints() -> None:
        print("x")

    async def returns(*, in_a_thread: bool) -> Result:
        await asyncio.to_thread(prints) if in_a_thread else prints()
        return Result()

    async def main() -> None:
        for in_a_thread in (False, True):
            let_go = asyncio.Event()
            _kept = ref(
                await asyncio.create_task(returns(in_a_thread=in_a_thread)),
                partial(lambda event, _: event.set(), let_go),
            )
            async with asyncio.timeout(LIMIT):
                await let_go.wait()

    manager.start(main).result(LIMIT)


def test_uninstall_puts_everything_back(manager: LoopManager, cell: Streams):
    """As it was; and install begins again."""
    before = [(type(each), dict(vars(each))) for each in (cell.stdout, cell.stderr)]
    job = manager.start()
    assert isinstance(cell.stdout, CellStream)
    assert type(cell.stdout) is not CellStream
    output.uninstall()
    assert before == [(type(each), dict(vars(each))) for each in (cell.stdout, cell.stderr)]
    job.submit(child()).result(LIMIT)
    manager.start(child).wait(LIMIT)
    assert ("child\nchild\n", "") == (cell.stdout.getvalue(), job.output.text())
    output.install()
    job.submit(child()).result(LIMIT)
    assert ("child\nchild\n", "child\n") == (cell.stdout.getvalue(), job.output.text())


def test_who_replaces_write_for_a_while_replaces_it_for_all_but_loops(
    manager: LoopManager, cell: Streams
):
    """As IPython does in every cell. A loop that was started meanwhile is none the worse for it
    when what was there comes back.
    """
    seen: list[str] = []
    original = cell.stdout.write

    def tee(text: str) -> int:
        seen.append(text)
        return original(text)

    cell.stdout.write = tee  # type: ignore[method-assign]
    job = manager.start()
    job.submit(child()).result(LIMIT)
    print("cell")
    cell.stdout.write = original  # type: ignore[method-assign]
    job.submit(child()).result(LIMIT)

    later = cell.stdout.write
    cell.stdout.write = tee  # type: ignore[method-assign]
    job.submit(child()).result(LIMIT)
    print("next cell")
    cell.stdout.write = later  # type: ignore[method-assign]
    job.submit(child()).result(LIMIT)
    assert 4 * "child\n" == job.output.text()
    assert ["cell", "\n", "next cell", "\n"] == seen
    assert "cell\nnext cell\n" == cell.stdout.getvalue()


def test_what_a_loop_puts_in_the_place_of_write_is_for_itself(manager: LoopManager, cell: Streams):
    """As libraries do that keep a copy of all that is printed. Cells that come and go meanwhile do
    not come upon it, nor do they end it; and it may be left there.
    """
    seen: list[str] = []

    async def keep_a_copy() -> Callable[[str], int]:
        original = sys.stdout.write

        def tee(text: str) -> int:
            seen.append(text)
            return original(text)

        sys.stdout.write = tee  # type: ignore[method-assign]
        return original

    async def put_back(original: Callable[[str], int]) -> None:
        sys.stdout.write = original  # type: ignore[method-assign]

    job, other = manager.start(), manager.start()
    original = job.submit(keep_a_copy()).result(LIMIT)
    print("cell")
    found = cell.stdout.write
    cell.stdout.write = lambda text: found(text.upper())  # type: ignore[method-assign]
    print("next cell")
    job.submit(child()).result(LIMIT)
    cell.stdout.write = found  # type: ignore[method-assign]
    other.submit(child()).result(LIMIT)
    job.submit(child()).result(LIMIT)
    assert "cell\nNEXT CELL\n" == cell.stdout.getvalue()
    assert ("child\nchild\n", "child\n") == (job.output.text(), other.output.text())
    assert ["child", "\n", "child", "\n"] == seen

    job.submit(put_back(original)).result(LIMIT)
    job.submit(child()).result(LIMIT)
    assert 4 == len(seen)
    job.submit(keep_a_copy()).result(LIMIT)
    job.stop()
    print("the cell after it")
    assert cell.stdout.getvalue().endswith("CELL\nthe cell after it\n")


def in_a_thread(step: Callable[[], None]) -> None:
    thread = threading.Thread(target=step)
    thread.start()
    thread.join(LIMIT)


@pytest.mark.parametrize("who", [in_a_thread, lambda step: step()])
def test_what_a_loop_found_may_be_put_back_elsewhere(
    manager: LoopManager, cell: Streams, who: Callable[[Callable[[], None]], None]
):
    """By a cell, or a timer: all that is written goes where it belongs, as if nobody had been."""

    async def keeps_a_copy() -> Callable[[str], int]:
        original = sys.stdout.write
        sys.stdout.write = partial(original)  # type: ignore[method-assign]
        return original

    job = manager.start()
    original = job.submit(keeps_a_copy()).result(LIMIT)
    who(lambda: setattr(sys.stdout, "write", original))
    print("cell")
    job.submit(child()).result(LIMIT)
    assert ("cell\n", "child\n") == (cell.stdout.getvalue(), job.output.text())
    job.stop()
    print("next cell")
    assert "cell\nnext cell\n" == cell.stdout.getvalue()


def test_one_copy_may_be_kept_by_a_cell_and_a_loop(manager: LoopManager, cell: Streams):
    """What both print goes through it, and then to each one's own."""
    seen: list[str] = []
    found = [cell.stdout.write]

    def tee(text: str) -> int:
        seen.append(text)
        return found[-1](text)

    async def begins_again() -> None:
        found.append(sys.stdout.write)
        sys.stdout.write = tee  # type: ignore[method-assign]

    cell.stdout.write = tee  # type: ignore[method-assign]
    job = manager.start()
    job.submit(begins_again()).result(LIMIT)
    job.submit(child()).result(LIMIT)
    print("cell")
    assert ["child", "\n", "cell", "\n"] == seen
    assert ("cell\n", "child\n") == (cell.stdout.getvalue(), job.output.text())


def test_lines_of_a_kept_write_are_told_as_those_of_their_task(manager: LoopManager, cell: Streams):
    """Though cells have come and gone since it was looked up, and others have looked anew."""
    steps = [asyncio.Event() for _ in range(2)]

    async def keeps() -> None:
        write = sys.stdout.write
        write("a\n")
        steps[0].set()
        await steps[1].wait()
        write("a again\n")

    async def looks_anew() -> None:
        await steps[0].wait()
        found = cell.stdout.write
        in_a_thread(lambda: setattr(cell.stdout, "write", partial(found)))
        print("b")
        steps[1].set()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(keeps(), name="a")
            group.create_task(looks_anew(), name="b")

    assert [("a\n", "stdout", "a"), ("b\n", "stdout", "b"), ("a again\n", "stdout", "a")] == (
        written_by(manager, work)
    )


@pytest.mark.usefixtures("cell")
def test_who_ends_anothers_line_goes_on_with_his_own(manager: LoopManager):
    """The line is the one's who has begun it."""
    turn = asyncio.Event()

    async def begins() -> None:
        print("a", end="")
        turn.set()
        await asyncio.sleep(0)
        print("a again")

    async def ends() -> None:
        await turn.wait()
        print()
        print("b")

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(begins(), name="a")
            group.create_task(ends(), name="b")

    told = sorted(written_by(manager, work))
    assert [("a\n", "stdout", "a"), ("a again\n", "stdout", "a"), ("b\n", "stdout", "b")] == told


def test_an_empty_print_of_a_loop_takes_none_of_a_cell(manager: LoopManager, cell: Streams):
    """Who has kept what the loop writes with, and calls it elsewhere, writes to there."""

    async def keeps() -> Callable[[str], int]:
        print("loop")
        print()
        return sys.stdout.write

    job = manager.start()
    kept = job.submit(keeps()).result(LIMIT)
    kept("\n")
    kept("cell")
    kept("\n")
    assert ("\ncell\n", "loop\n\n") == (cell.stdout.getvalue(), job.output.text())


def test_a_loop_that_flushes_does_not_wait_for_the_stream(
    manager: LoopManager, cell: Streams, monkeypatch: pytest.MonkeyPatch
):
    """A kernel's waits for another thread; what a cell flushes is flushed as ever."""
    flushed_in: list[str] = []
    flush = CellStream.flush

    def notes(stream: CellStream) -> None:
        flushed_in.append(threading.current_thread().name)
        flush(stream)

    async def flushes() -> None:
        print("loop", flush=True)

    monkeypatch.setattr(CellStream, "flush", notes)
    job = manager.start()
    job.submit(flushes()).result(LIMIT)
    print("cell", flush=True)
    assert ["MainThread"] == flushed_in
    assert ("loop\n", "cell\n") == (job.output.text(), cell.stdout.getvalue())


def test_a_loop_may_delete_what_it_put_in_the_place_of_write(manager: LoopManager, cell: Streams):
    """It writes as before."""

    async def replaces_and_deletes() -> None:
        sys.stdout.write = len  # type: ignore[method-assign]
        print("to nobody")
        del sys.stdout.write
        print("to the log")

    job = manager.start()
    job.submit(replaces_and_deletes()).result(LIMIT)
    print("cell")
    assert ("to the log\n", "cell\n") == (job.output.text(), cell.stdout.getvalue())


def test_a_loop_may_lead_its_writes_through_those_of_another(manager: LoopManager, cell: Streams):
    """What that one found leads to whoever calls it, and round in no circle."""

    async def own_write() -> Callable[[str], int]:
        return sys.stdout.write

    async def writes_with(write: Callable[[str], int]) -> None:
        sys.stdout.write = partial(write)  # type: ignore[method-assign]
        print("b")

    one, two = manager.start(), manager.start()
    two.submit(writes_with(one.submit(own_write()).result(LIMIT))).result(LIMIT)
    assert ("", "b\n") == (one.output.text(), two.output.text())
    assert "" == cell.stdout.getvalue()


class KeepsItsWrite:
    """As structlog's `PrintLogger`, which looks it up once."""

    def __init__(self) -> None:
        self._write = sys.stdout.write

    def say(self, text: str) -> None:
        """In a line of its own."""
        self._write(f"{text}\n")


@pytest.mark.parametrize("is_in_a_class", [True, False], ids=["class in Python", "class in C"])
def test_who_has_kept_write_writes_to_where_he_calls_it(
    manager: LoopManager, cell: Streams, monkeypatch: pytest.MonkeyPatch, is_in_a_class: bool
):
    """However often: of a cell, of a loop's own thread, of a worker of it, and of another loop's;
    they take turns, while all of them are there.
    """
    in_c = io.TextIOWrapper(io.BytesIO())
    if not is_in_a_class:
        monkeypatch.setattr(sys, "stdout", in_c)
        output.install(tee=False)

    async def look() -> KeepsItsWrite:
        print("first")
        return KeepsItsWrite()

    async def say(logger: KeepsItsWrite, text: str) -> None:
        logger.say(text)
        await asyncio.to_thread(logger.say, f"{text} in a thread")

    try:
        one, two = manager.start(), manager.start()
        loggers = {
            "cell": KeepsItsWrite(),
            "one": one.submit(look()).result(LIMIT),
            "worker": one.submit(asyncio.to_thread(KeepsItsWrite)).result(LIMIT),
            "two": two.submit(look()).result(LIMIT),
        }
        for turn in range(2):
            for owner, logger in loggers.items():
                said = f"{owner}'s {turn}"
                one.submit(say(logger, said)).result(LIMIT)
                logger.say(said)
                other = threading.Thread(target=logger.say, args=(f"{said} elsewhere",))
                other.start()
                other.join(LIMIT)
                two.submit(say(logger, said)).result(LIMIT)
    finally:
        output.uninstall()
        output.install()
    texts = [f"{owner}'s {turn}" for turn in range(2) for owner in loggers]
    of_a_loop = "".join(f"{text}\n{text} in a thread\n" for text in texts)
    assert [f"first\n{of_a_loop}"] * 2 == [one.output.text(), two.output.text()]
    in_c.flush()
    seen = cell.stdout.getvalue() + in_c.buffer.getvalue().decode()
    assert "".join(f"{text}\n{text} elsewhere\n" for text in texts) == seen


def test_who_puts_back_the_write_that_he_has_found_wraps_nothing(
    manager: LoopManager, cell: Streams
):
    """As IPython does after each cell, of which there may be thousands. And nothing of ours is left
    there in the end.
    """
    original = cell.stdout.write
    manager.start(child).wait(LIMIT)
    for _ in range(2 * sys.getrecursionlimit()):
        found = cell.stdout.write
        cell.stdout.write = partial(found)  # type: ignore[method-assign]
        print("in a cell")
        cell.stdout.write = found  # type: ignore[method-assign]
    print("after all")
    assert cell.stdout.getvalue().endswith("in a cell\nafter all\n")
    output.uninstall()
    assert original == cell.stdout.write


def test_a_stream_of_a_class_in_c(manager: LoopManager, monkeypatch: pytest.MonkeyPatch):
    """As Python's own are: gets attributes for the time being."""
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    output.install(tee=False)
    try:
        job = manager.start(child)
        job.wait(LIMIT)
        print("main", flush=True)
        stream.writelines(["by ", "lines\n"])
        output.uninstall()
        stream.flush()
        assert {} == vars(stream)
        assert ("child\n", b"main\nby lines\n") == (
            job.output.text(),
            stream.buffer.getvalue(),
        )
    finally:
        output.install(tee=None)


def test_no_hook_keeps_a_stream(manager: LoopManager, monkeypatch: pytest.MonkeyPatch):
    """Those of cells that captured their output are gone when they are gone."""
    stream = CellStream()
    gone = ref(stream)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        manager.start(child).wait(LIMIT)
    del stream
    gc.collect()
    assert gone() is None


def test_what_somebody_else_has_put_there_comes_back(
    manager: LoopManager, cell: Streams, monkeypatch: pytest.MonkeyPatch
):
    """And what is put over ours later leads to the original."""
    seen: list[str] = []
    their_own = seen.append
    monkeypatch.setattr(cell.stdout, "write", their_own, raising=False)
    job = manager.start()
    routed = cell.stdout.write
    output.uninstall()
    assert vars(cell.stdout)["write"] is their_own
    output.install()
    routed("x")
    assert ["x"] == seen
    assert "" == job.output.text()


def test_streams_that_came_later_are_routed_with_the_next_loop(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    job = manager.start()
    later = CellStream()
    monkeypatch.setattr(sys, "stdout", later)
    manager.start(child).wait(LIMIT)
    job.submit(child()).result(LIMIT)
    assert ("", "child\n") == (later.getvalue(), job.output.text())


class Rigid:
    """A stream that takes no attributes."""

    __slots__ = ("_written",)

    def __init__(self) -> None:
        self._written: list[str] = []

    def write(self, text: str) -> int:
        """Keep it."""
        self._written.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing to do."""


def test_a_stream_that_takes_no_attributes_has_one_that_stands_for_it(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """Until everything is put back."""
    rigid = Rigid()
    monkeypatch.setattr(sys, "stdout", rigid)
    output.install(tee=False)
    try:
        job = manager.start(child)
        job.wait(LIMIT)
        print("cell", flush=True)
        assert ("child\n", ["cell", "\n"]) == (job.output.text(), rigid._written)
        assert sys.stdout is not rigid
        output.uninstall()
        assert sys.stdout is rigid
    finally:
        output.install(tee=None)


def test_outside_of_a_kernel_it_is_seen_as_well(
    manager: LoopManager, capsys: pytest.CaptureFixture[str]
):
    """In a terminal a loop's prints are in the terminal, and in its log."""
    job = manager.start(child)
    job.wait(LIMIT)
    print("main")
    assert ("child\nmain\n", "child\n") == (capsys.readouterr().out, job.output.text())


def test_threads_of_the_works_own_belong_to_nobody(manager: LoopManager, cell: Streams):
    """As `current()` says."""

    async def starts_a_thread() -> None:
        thread = threading.Thread(target=lambda: print("thread", current()))
        thread.start()
        thread.join(LIMIT)

    manager.start(starts_a_thread).wait(LIMIT)
    assert "thread None\n" == cell.stdout.getvalue()


def test_of_a_loop_within_a_plain_function_only_to_thread_is_the_jobs(
    manager: LoopManager, cell: Streams
):
    """It has an executor of its own, of which nobody knows."""

    async def work() -> None:
        print("inner loop")
        await asyncio.to_thread(print, "to_thread")
        await asyncio.get_running_loop().run_in_executor(None, print, "executor")

    job = manager.start(lambda: asyncio.run(work()))
    job.wait(LIMIT)
    assert ("inner loop\nto_thread\n", "executor\n") == (job.output.text(), cell.stdout.getvalue())


def test_finalizers_that_print_do_no_harm(manager: LoopManager):
    """They may run in the middle of anything."""

    class Talks:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            print("gone")

    async def drops_them() -> None:
        for number in range(2_000):
            Talks()
            print("line", number)

    job = manager.start(drops_them)
    job.wait(LIMIT)
    lines = job.output.text().splitlines()
    own = [line for line in lines if line.startswith("line")]
    assert len(own) + lines.count("gone") >= 2_000


async def prints_and_goes_on() -> str:
    print("to a stream that was closed")
    return "went on"


def test_a_loop_prints_although_somebody_has_closed_the_stream(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """In a script its prints are seen on the terminal, too, but that is not its business."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)

    async def closes_it() -> str:
        stream.close()
        return await prints_and_goes_on()

    job = manager.start(closes_it)
    assert "went on" == job.result(LIMIT)
    assert "to a stream that was closed\n" == job.output.text()


def test_what_asyncio_says_of_a_lost_task_is_its_loops_whoever_had_it_last(
    manager: LoopManager, cell: Streams, complaints: Complaints, monkeypatch: pytest.MonkeyPatch
):
    """The panel looks at tasks in a thread of its own, and may be the last to have one."""
    monkeypatch.setattr(sys, "stderr", cell.stderr)
    output.install()
    kept: list[asyncio.Task[None]] = []
    failed = threading.Event()

    async def fail() -> None:
        raise OSError("nobody asks")

    async def work() -> None:
        kept.append(asyncio.create_task(fail()))
        await asyncio.wait(kept)
        failed.set()
        await asyncio.Event().wait()

    handler = logging.StreamHandler(sys.stderr)
    logging.getLogger("asyncio").addHandler(handler)
    job = manager.start(work)
    assert failed.wait(LIMIT)
    until(lambda: not any(task.coroutine == "fail" for task in unfinished(job)))
    kept.clear()
    # Whichever thread collects it may be about to write it.
    until(lambda: gc.collect() is not None and "OSError: nobody asks" in job.output.text())
    logging.getLogger("asyncio").removeHandler(handler)
    assert "" == cell.stderr.getvalue()
    complaints.take()


def unfinished(job: BackgroundLoop) -> list[TaskSnapshot]:
    return [task for task in job.tasks if not task.state.has_ended]
