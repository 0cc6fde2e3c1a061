"""Progress bars on background loops: whose they are, how they end, and that they write nothing."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from ipywidgets.widgets import widget
from tqdm._monitor import TMonitor
from tqdm.contrib.logging import logging_redirect_tqdm
from tqdm.std import tqdm

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, ProgressSnapshot, TaskSnapshot, output
from bgwidgets.output.tqdm_bars import TqdmCatcher, tqdm_catcher
from tests.output.conftest import LIMIT, Streams
from tests.waiting import until

Work = Callable[..., Coroutine[Any, Any, Any]]


def task(job: BackgroundLoop, name: str) -> TaskSnapshot:
    (found,) = [task for task in job.tasks if task.name == name]
    return found


def shown(job: BackgroundLoop, name: str | None = None) -> ProgressSnapshot:
    """The bar in the row of a task, when it is there."""

    def find() -> ProgressSnapshot | None:
        wanted = name or job.name
        return next((task.progress for task in job.tasks if task.name == wanted), None)

    return until(find)


def bars(job: BackgroundLoop) -> list[tuple[str, float, int]]:
    """All bars of the main task."""
    detail = job.task_detail(task(job, job.name).id)
    return [(bar.description, bar.done, bar.depth) for bar in detail.progress]


def run(manager: LoopManager, work: Any, *arguments: Any) -> BackgroundLoop:
    """Its end is waited for."""
    job = manager.start(work, *arguments, name="work")
    job.wait(LIMIT)
    return job


async def wait_for(gate: threading.Event) -> None:
    await asyncio.to_thread(gate.wait, LIMIT)


def test_a_bar_that_is_closed_while_one_looks_is_shown_all_the_same(
    manager: LoopManager, gate: threading.Event, caplog: pytest.LogCaptureFixture
):
    """Tqdm then takes its average speed away, between the question whether there is one and its
    use.
    """

    async def work() -> None:
        bar: Any = bgw.progress(total=8, desc="files")

        def close_amid() -> float:
            bar._ema_dt = lambda: None
            return 1.0

        bar._ema_dt = close_amid
        await wait_for(gate)
        bar.close()

    assert ("files", 0) == ((progress := shown(manager.start(work))).description, progress.done)
    assert [] == caplog.records


def test_a_bar_belongs_to_the_task_that_made_it(manager: LoopManager, gate: threading.Event):
    """With all that tqdm knows of it; the loop shows it too."""

    async def work() -> None:
        with bgw.progress(total=8, desc="files", unit="B", unit_scale=True, colour="green") as bar:
            bar.update(2)
            bar.set_postfix(loss=0.5)
            await wait_for(gate)

    job = manager.start(work)
    progress = shown(job)
    assert ("files", 2, 8, "B", True) == (
        progress.description,
        progress.done,
        progress.total,
        progress.unit,
        progress.unit_scale,
    )
    assert ("loss=0.5", "green", 0, None, False, 0.25) == (
        progress.postfix,
        progress.colour,
        progress.depth,
        progress.ended_at,
        progress.left_open,
        progress.fraction,
    )
    snapshot = job.snapshot()
    assert snapshot.progress is not None
    assert ("files", 1) == (snapshot.progress.description, snapshot.open_bars)


def test_rate_and_time_left_are_tqdms(manager: LoopManager, gate: threading.Event):
    """What is done in so many seconds, and what the rest will take."""

    async def work() -> None:
        with bgw.progress(total=1_000, mininterval=0) as bar:
            for _ in range(10):
                await asyncio.sleep(0.01)
                bar.update(10)
            await wait_for(gate)

    job = manager.start(work)
    progress = until(lambda: found if (found := shown(job)).done == 100 else None)
    assert progress.rate is not None
    assert 0 < progress.rate <= 1_000
    assert pytest.approx(900 / progress.rate) == progress.seconds_left


async def numbers(count: int) -> AsyncIterator[int]:
    for number in range(count):
        await asyncio.sleep(0)
        yield number


async def walks_over_an_iterable() -> list[int]:
    return list(bgw.progress(range(3)))


async def walks_asynchronously() -> list[int]:
    return [number async for number in bgw.progress(numbers(3), total=3)]


async def walks_over_a_range_asynchronously() -> list[int]:
    return [number async for number in bgw.progress(range(3))]


async def answer(number: int) -> int:
    await asyncio.sleep(0)
    return number


async def gathers() -> list[int]:
    return list(await bgw.progress.gather(*[answer(number) for number in range(3)]))


async def takes_as_completed() -> list[int]:
    each = bgw.progress.as_completed([answer(number) for number in range(3)])
    return sorted([await future for future in each])


async def updates_by_hand() -> list[int]:
    with bgw.progress(total=3) as bar:
        for _ in range(3):
            bar.update()
    return [0, 1, 2]


@pytest.mark.parametrize(
    "work",
    [
        walks_over_an_iterable,
        walks_asynchronously,
        walks_over_a_range_asynchronously,
        gathers,
        takes_as_completed,
        updates_by_hand,
    ],
    ids=lambda work: work.__name__,
)
def test_it_is_used_as_tqdm_is(manager: LoopManager, work: Work, capfd: pytest.CaptureFixture[str]):
    """The last value stays with the ended task, and nothing is written."""
    job = run(manager, work)
    assert [0, 1, 2] == job.result()
    progress = shown(job)
    assert (3, 3, False) == (progress.done, progress.total, progress.left_open)
    assert progress.ended_at is not None
    snapshot = job.snapshot()
    assert (progress, 0) == (snapshot.progress, snapshot.open_bars)
    assert ("", "") == capfd.readouterr()


def test_nested_bars_stand_in_order(manager: LoopManager, gate: threading.Event):
    """The row shows the outermost, the details all; `leave=False` leaves nothing."""

    async def work() -> None:
        with bgw.progress(total=2, desc="epochs") as epochs:
            epochs.update()
            for name in ("warm-up", "training"):
                for _ in bgw.progress(range(3), desc=name, leave=name == "warm-up"):
                    if name == "training":
                        await wait_for(gate)

    job = manager.start(work)
    until(lambda: len(bars(job)) == 3)
    assert [("epochs", 1, 0), ("training", 0, 1), ("warm-up", 3, 1)] == bars(job)
    assert "epochs" == shown(job).description
    gate.set()
    job.wait(LIMIT)
    assert [("epochs", 1, 0), ("warm-up", 3, 1)] == bars(job)


def test_of_many_bars_that_ended_the_last_are_kept(manager: LoopManager):
    """Ten of each task."""

    async def work() -> None:
        for number in range(30):
            bgw.progress(total=1, desc=str(number)).close()

    job = run(manager, work)
    assert [(str(number), 0, 0) for number in range(29, 19, -1)] == bars(job)


def test_a_total_may_be_unknown(manager: LoopManager, gate: threading.Event):
    """Then nobody knows how much is left."""

    async def work() -> None:
        bar = bgw.progress(desc="lines")
        bar.update(7)
        await wait_for(gate)

    progress = shown(manager.start(work))
    assert (7, None, None, None) == (
        progress.done,
        progress.total,
        progress.seconds_left,
        progress.fraction,
    )


@pytest.mark.parametrize("error", [ValueError("broke"), asyncio.CancelledError()])
def test_a_bar_ends_with_its_task(manager: LoopManager, error: BaseException):
    """An exception leaves it open, and it does not run for ever."""

    async def work() -> None:
        for number in bgw.progress(range(10), desc="outer"):
            bar = bgw.progress(total=5, desc="inner")
            bar.update()
            if number == 3:
                raise error

    job = run(manager, work)
    progress = shown(job)
    assert ("outer", 10, True) == (progress.description, progress.total, progress.left_open)
    assert progress.ended_at is not None
    assert 0 == job.snapshot().open_bars


def test_a_loop_that_is_left_early_leaves_its_bar_open(manager: LoopManager):
    """By an exception that is caught, or a `break`; a bar that is full was not left."""

    async def work() -> None:
        for number in bgw.progress(range(10), desc="broken off"):
            if number == 3:
                break
        with contextlib.suppress(ValueError), bgw.progress(total=10, desc="failed") as bar:
            bar.update(4)
            raise ValueError
        try:
            int("broke")
        except ValueError:
            list(bgw.progress(range(10), desc="full"))
            list(bgw.progress(iter([1, 2]), desc="unknown"))

    job = run(manager, work)
    ended = job.task_detail(task(job, "work").id).progress
    assert [("unknown", False), ("full", False), ("failed", True), ("broken off", True)] == [
        (bar.description, bar.left_open) for bar in ended
    ]


def test_a_bar_that_somebody_keeps_ends_with_its_task(manager: LoopManager, gate: threading.Event):
    """Although the loop goes on, and the bar is never closed."""
    kept: list[Any] = []

    async def child() -> None:
        kept.append(bgw.progress(total=5))
        kept[0].update(2)

    async def work() -> None:
        await asyncio.create_task(child(), name="child")
        await wait_for(gate)

    job = manager.start(work)
    progress = until(lambda: found if (found := shown(job, "child")).ended_at is not None else None)
    assert (2, True) == (progress.done, progress.left_open)
    until(lambda: job.snapshot().open_bars == 0)


def test_a_disabled_bar_is_shown_nowhere(manager: LoopManager):
    async def work() -> list[int]:
        return list(bgw.progress(range(3), disable=True))

    job = run(manager, work)
    assert ([0, 1, 2], None) == (job.result(), task(job, "work").progress)


def test_each_task_has_its_own(manager: LoopManager, gate: threading.Event):
    """The loop's row shows the one that has been open for longest."""

    async def child(count: int) -> None:
        with bgw.progress(total=10) as bar:
            bar.update(count)
            await wait_for(gate)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            for count in (1, 2):
                group.create_task(child(count), name=f"child-{count}")

    job = manager.start(work)
    assert (1, 2) == (shown(job, "child-1").done, shown(job, "child-2").done)
    snapshot = job.snapshot()
    assert snapshot.progress is not None
    assert (1, 2) == (snapshot.progress.done, snapshot.open_bars)
    assert task(job, "work").progress is None


def test_a_worker_thread_shows_it_for_its_task(manager: LoopManager, gate: threading.Event):
    """Of `to_thread`, of `run_in_executor` and of a plain function."""

    def count() -> None:
        with bgw.progress(total=4) as bar:
            bar.update(3)
            gate.wait(LIMIT)

    async def in_executor() -> None:
        await asyncio.get_running_loop().run_in_executor(None, count)

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.to_thread(count), name="to_thread")
            group.create_task(in_executor(), name="in_executor")

    job = manager.start(work)
    plain = manager.start(count, name="plain")
    seen = [shown(job, "to_thread"), shown(job, "in_executor"), shown(plain)]
    assert [3, 3, 3] == [progress.done for progress in seen]
    assert [None] == [task.progress for task in job.tasks if task.name == "work"]


def test_a_restart_begins_anew(manager: LoopManager, gate: threading.Event):
    """The bars of the run before are gone, also those of a thread that was given up."""
    opened: list[Any] = []
    goes_on = threading.Event()

    def work() -> None:
        if not opened:
            opened.append(bgw.progress(total=4, desc="before"))
            gate.wait(LIMIT)
            bgw.progress(total=4, desc="late")
            goes_on.set()
        else:
            bgw.current().stop_event.wait_sync(LIMIT)  # type: ignore[union-attr] # it is there

    job = manager.start(work)
    assert "before" == shown(job).description
    job.restart(grace=0)
    gate.set()
    assert goes_on.wait(LIMIT)
    assert (None, 0) == (job.snapshot().progress, job.snapshot().open_bars)


def test_a_loop_that_shows_nothing_new_need_not_be_looked_at(
    manager: LoopManager, gate: threading.Event
):
    """But for as long as a bar is open it must be."""

    async def work() -> None:
        with bgw.progress(total=2):
            await asyncio.sleep(0)
            await wait_for(gate)

    job = manager.start(work)
    watch = manager.watch()
    until(lambda: job.snapshot().open_bars)
    (first,) = watch.look([job.id])
    (second,) = watch.look([job.id])
    assert first is not second
    gate.set()
    job.wait(LIMIT)
    (last,) = watch.look([job.id])
    assert 0 == last.open_bars
    assert last.progress is not None


def test_a_bar_that_got_slow_tells_of_each_step(manager: LoopManager, gate: threading.Event):
    """Fast at first, tqdm tells only of many; tqdm's own thread would find out after 10 s."""

    async def work() -> None:
        for number in bgw.progress(range(400_000)):
            if number == 150_000:
                await asyncio.sleep(0.2)
            if number > 150_000:
                await asyncio.sleep(0.05)
            if gate.is_set():
                return

    job = manager.start(work)
    until(lambda: shown(job).done > 150_010)
    gate.set()
    job.wait(LIMIT)


# tqdm's own


def plain(*arguments: Any, **options: Any) -> Any:
    from tqdm import tqdm

    return tqdm(*arguments, **options)


def auto(*arguments: Any, **options: Any) -> Any:
    from tqdm.auto import tqdm

    return tqdm(*arguments, **options)


def in_notebooks(*arguments: Any, **options: Any) -> Any:
    from tqdm.notebook import tqdm

    return tqdm(*arguments, **options)


def of_a_users_class(*arguments: Any, **options: Any) -> Any:
    from tqdm import tqdm

    class Mine(tqdm):  # type: ignore[misc] # untyped
        def __init__(self, items: Any) -> None:
            super().__init__(items, total=len(items))

    return Mine(*arguments, **options)


@pytest.mark.parametrize("tqdm", [plain, auto, in_notebooks, of_a_users_class])
def test_tqdms_own_bars_are_caught(
    manager: LoopManager, tqdm: Callable[..., Any], capfd: pytest.CaptureFixture[str]
):
    """They are of the class that the code asked for, and write nothing."""

    async def work() -> list[int]:
        bar = tqdm(range(3))
        return [*bar]

    job = run(manager, work)
    assert [0, 1, 2] == job.result()
    assert (3, 3) == (shown(job).done, shown(job).total)
    assert ("", "") == capfd.readouterr()


def test_a_notebooks_bar_makes_no_widget(manager: LoopManager):
    """All that is done to one is done to nothing."""
    before = len(widget._instances)

    async def work() -> bool:
        from tqdm.notebook import tqdm

        bar = tqdm(total=3, colour="red")
        bar.update(2)
        bar.set_description("a")
        bar.colour = "blue"
        bar.reset(total=5)
        bar.clear()
        bar.close()
        return isinstance(bar, tqdm)

    job = run(manager, work)
    assert job.result() is True
    assert ("a", 5) == (shown(job).description, shown(job).total)
    assert before == len(widget._instances)


def test_a_bar_with_a_file_of_its_own_writes_there(manager: LoopManager):
    """And is shown all the same."""
    file = io.StringIO()

    async def work() -> None:
        from tqdm import tqdm

        for _ in tqdm(range(3), file=file):
            await asyncio.sleep(0)

    job = run(manager, work)
    assert 3 == shown(job).done
    assert "3/3" in file.getvalue()


@pytest.mark.parametrize("way", ["tqdm.write", "to stderr", "logging"])
def test_a_line_among_bars_wipes_no_bar_of_a_cell(
    manager: LoopManager, cell: Streams, monkeypatch: pytest.MonkeyPatch, way: str
):
    """Nor is one drawn into the loop's output: there is the line, and nothing else."""
    logger = logging.getLogger("work")
    monkeypatch.setattr(logger, "handlers", [logging.StreamHandler(cell.stderr)])
    monkeypatch.setattr(logger, "propagate", False)

    def work() -> None:
        for _ in tqdm(range(1)):
            if way == "logging":
                with logging_redirect_tqdm([logger]):
                    logger.warning("a line")
            else:
                tqdm.write("a line", file=sys.stderr if way == "to stderr" else None)

    with tqdm(total=10, desc="the cell's", file=cell.stderr):
        before = cell.stderr.getvalue()
        job = run(manager, work)
        assert "the cell's:   0%" in before
        assert before == cell.stderr.getvalue()
    assert "a line\n" == job.output.text()
    cell.stderr.truncate(0)
    with tqdm(total=10, desc="the cell's", file=cell.stderr):
        tqdm.write("of the cell", file=cell.stderr)
    wiped, _, drawn = cell.stderr.getvalue().partition("of the cell\n")
    assert (True, True) == (wiped.endswith(" \r"), "the cell's:   0%" in drawn)


def test_a_line_in_a_file_with_a_bar_stands_above_the_bar(manager: LoopManager):
    """A bar with a file of its own is drawn there: it makes room, and comes again."""
    file = io.StringIO()

    def work() -> None:
        with tqdm(total=3, file=file):
            file.truncate(0)
            tqdm.write("a line", file=file)

    run(manager, work)
    wiped, _, drawn = file.getvalue().partition("a line\n")
    assert (True, True) == (wiped.endswith(" \r"), "0/3" in drawn)


def test_a_bar_in_a_file_leaves_no_lines_to_bars_that_are_not_there(
    manager: LoopManager, gate: threading.Event
):
    """Another loop's are not, nor those around it that are in its row; one in the same file is."""
    file, other_file = io.StringIO(), io.StringIO()
    drawn: list[str] = []

    async def holds_one_open(files: list[io.StringIO | None]) -> None:
        with contextlib.ExitStack() as stack:
            for each in files:
                stack.enter_context(tqdm(total=3, file=each))
            await wait_for(gate)

    def work() -> None:
        with tqdm(total=3), tqdm(total=3, file=file):
            drawn.append(file.getvalue())
            with tqdm(total=3, file=file):
                drawn.append(file.getvalue())

    shown(manager.start(holds_one_open, [None, other_file]))
    run(manager, work)
    gate.set()
    assert [False, True] == ["\n" in text for text in drawn]


def test_no_thread_of_tqdms_comes_with_a_bar_of_a_loop(manager: LoopManager, gate: threading.Event):
    """It would wake up bars that got slow, which who looks at them does."""

    def tqdms() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if isinstance(thread, TMonitor)}

    class Fresh(tqdm):  # type: ignore[misc] # not typed
        monitor = None  # No bar of another test has made one.

    async def work() -> None:
        with Fresh(total=3):
            await wait_for(gate)

    before = tqdms()
    shown(manager.start(work))
    assert before == tqdms()


def test_pandas_shows_its_bars(manager: LoopManager, capfd: pytest.CaptureFixture[str]):
    """`progress.pandas()` is tqdm's."""
    pandas = pytest.importorskip("pandas")

    async def work() -> int:
        bgw.progress.pandas(desc="rows")
        return int(pandas.Series([1, 2, 3]).progress_apply(lambda number: number + 1).sum())

    job = run(manager, work)
    assert (9, "rows", 3) == (job.result(), shown(job).description, shown(job).done)
    assert ("", "") == capfd.readouterr()


def test_outside_of_loops_bars_are_as_ever(capfd: pytest.CaptureFixture[str]):
    """Of tqdm's own class, on stderr."""
    from tqdm.auto import tqdm

    assert [0, 1, 2] == list(bgw.progress(range(3), desc="cell"))
    bar = tqdm(total=1)
    bar.close()
    assert tqdm is type(bar)
    assert issubclass(bgw.progress, tqdm)
    assert "cell: 100%" in capfd.readouterr().err


def test_a_bar_of_a_loop_leaves_the_lines_of_the_others_alone(
    manager: LoopManager, gate: threading.Event
):
    """A bar in a terminal stands where it would without it."""

    async def work() -> None:
        with bgw.progress(total=3):
            await wait_for(gate)

    job = manager.start(work)
    shown(job)
    with bgw.progress(total=3, file=io.StringIO()) as bar:
        assert 0 == bar.pos


SCRIPT = """
import asyncio, sys
import bgwidgets as bgw

assert not any(name.startswith("tqdm") for name in sys.modules)

async def work():
    {code}
    for _ in tqdm(range(3)):
        await asyncio.sleep(0)

job = bgw.start(work)
job.result(30)
print(job.tasks[0].progress.done, job.tasks[0].progress.total)
print([type(finder).__name__ for finder in sys.meta_path if "bgw" in type(finder).__module__])
"""


@pytest.mark.parametrize("code", ["from tqdm import tqdm", "from tqdm.auto import tqdm"])
def test_a_bar_is_caught_where_the_work_itself_imports_tqdm(code: str):
    """Nothing of ours stays on the import path after that."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT.format(code=code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ("3 3\n[]\n", "") == (done.stdout, done.stderr)


def test_uninstall_gives_tqdm_back(manager: LoopManager, cell: Streams):
    """Bars are drawn as they would be without us, also on loops that start later; until install."""

    async def work() -> None:
        for _ in tqdm(range(3)):
            pass
        for _ in bgw.progress(range(4)):
            pass

    tqdm_catcher.uninstall()
    before = {**vars(tqdm)}
    tqdm_catcher.install()
    run(manager, work)
    changed = [name for name, found in vars(tqdm).items() if before.get(name) is not found]
    assert ["__new__", "external_write_mode"] == changed
    output.uninstall()
    assert before == {**vars(tqdm)}
    job = run(manager, work)
    assert None is task(job, job.name).progress
    drawn = cell.stderr.getvalue()
    assert ("3/3" in drawn, "4/4" in drawn) == (True, True)
    output.install()
    job = run(manager, work)
    assert [("", 4, 0), ("", 3, 0)] == bars(job)
    assert drawn == cell.stderr.getvalue()


def test_everything_is_put_back():
    """As it was, also when it was changed twice."""
    bgw.progress  # noqa: B018 - now bars are caught
    ours = vars(tqdm)["__new__"]
    catcher = TqdmCatcher()
    catcher.install()
    assert ours is not vars(tqdm)["__new__"]
    catcher.uninstall()
    catcher.uninstall()
    assert ours is vars(tqdm)["__new__"]
