"""`figure()`: pictures that are drawn off the loop's thread, whole, and not too often."""

from __future__ import annotations

import asyncio
import pickle
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from typing import Any

import pytest

import bgwidgets as bgw
from bgwidgets import FigureSnapshot, LoopManager
from bgwidgets.output import figures, telling
from bgwidgets.output.drawing_thread import THREAD_NAME, DrawingThread
from bgwidgets.output.figures import Figures
from bgwidgets.output.live_figure import LiveFigure
from tests.output.conftest import LIMIT
from tests.waiting import never_within, until

PNG = b"\x89PNG\r\n"


async def plot(gate: threading.Event) -> str:
    figure = bgw.figure("loss")
    figure.subplots().plot([3, 2, 1])
    await asyncio.to_thread(gate.wait, LIMIT)
    return type(figure).__name__


def drawn(job: bgw.BackgroundLoop, version: int = 1, name: str = "loss") -> FigureSnapshot:
    """The picture, when it was drawn so often."""
    return until(
        lambda: (
            found
            if (found := job.figures.get(name)) is not None and found.version >= version
            else None
        )
    )


def test_a_figure_is_drawn_while_the_work_goes_on(manager: LoopManager, gate: threading.Event):
    """In a thread for that."""
    job = manager.start(plot, gate)
    picture = drawn(job)
    assert picture.png is not None
    assert (PNG, "loss", 1, None) == (
        picture.png[:6],
        picture.name,
        picture.version,
        picture.error,
    )
    assert picture.drawn_at == pytest.approx(time.time(), abs=LIMIT)
    assert len(repr(picture)) < 200, "a cell's output holds the bytes once, as a picture"
    assert (1, {"loss"}) == (job.snapshot().figures, {*manager.figures(job.id)})
    assert THREAD_NAME in {thread.name for thread in threading.enumerate()}


def test_a_name_is_always_the_same_figure(manager: LoopManager):
    """A matplotlib Figure, and made as the first call said."""

    async def work() -> list[Any]:
        first = bgw.figure("loss", figsize=(3, 2))
        return [first is bgw.figure("loss"), [*first.get_size_inches()], bgw.figure("b") is first]

    assert [True, [3.0, 2.0], False] == manager.start(work).result(LIMIT)


def test_the_last_state_is_drawn_when_the_loop_has_ended(manager: LoopManager):
    """Although nobody looked; who asks then waits for it. And then the thread is gone."""

    async def work() -> None:
        bgw.figure("loss").subplots().plot([1])

    job = manager.start(work)
    job.wait(LIMIT)
    assert (job.figures["loss"].png or b"").startswith(PNG)
    until(lambda: THREAD_NAME not in {thread.name for thread in threading.enumerate()})


def test_only_who_can_wait_waits_for_the_last_picture(
    manager: LoopManager, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """The panel shows what there is."""
    draw = figures.Sketch.draw

    def slow(sketch: figures.Sketch) -> None:
        gate.wait(LIMIT)
        draw(sketch)

    monkeypatch.setattr(figures.Sketch, "draw", slow)

    def work() -> None:
        bgw.figure("loss").subplots().plot([1])

    job = manager.start(work)
    job.wait(LIMIT)
    assert manager.figures(job.id)["loss"].png is None
    gate.set()
    assert job.figures["loss"].png is not None


def test_what_nobody_looks_at_is_drawn_once(
    manager: LoopManager, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """And again as soon as somebody looks."""
    monkeypatch.setattr(figures, "LOOKED_AT_FOR", 0.0)
    drawings: list[int] = []
    draw = figures.Sketch.draw

    def counted(sketch: figures.Sketch) -> None:
        drawings.append(1)
        draw(sketch)

    monkeypatch.setattr(figures.Sketch, "draw", counted)

    async def work() -> None:
        figure = bgw.figure("loss")
        axes = figure.subplots()
        while not gate.is_set():
            axes.plot([1, 2])
            await asyncio.sleep(0.2)

    job = manager.start(work)
    until(lambda: drawings)
    never_within(1.0, lambda: len(drawings) > 1)
    monkeypatch.setattr(figures, "LOOKED_AT_FOR", 10.0)
    drawn(job, version=2)


def test_a_figure_that_does_not_change_is_not_drawn_again(
    manager: LoopManager, gate: threading.Event
):
    job = manager.start(plot, gate)
    assert drawn(job).version == 1
    never_within(0.8, lambda: job.figures["loss"].version > 1)


@pytest.mark.parametrize("is_whole", [True, False], ids=["whole each time", "never whole"])
def test_a_figure_that_changes_all_the_time_is_drawn_twice_a_second(
    manager: LoopManager, gate: threading.Event, is_whole: bool
):
    """At most, and not so much less."""

    async def work() -> None:
        figure = bgw.figure("loss")
        (line,) = figure.subplots().plot([1, 2])
        number = 0
        while not gate.is_set():
            number += 1
            with figure if is_whole else nullcontext():
                line.set_data([1, 2], [1, number])
            await asyncio.sleep(0.002)

    job = manager.start(work)
    second = drawn(job, version=2)  # The first may have to wait for matplotlib.
    fourth = drawn(job, version=4)
    assert fourth.drawn_at is not None
    assert second.drawn_at is not None
    assert fourth.version == 4
    assert 0.9 < fourth.drawn_at - second.drawn_at < LIMIT


def count_axes(copy: Any) -> int:
    figure = copy._make()
    return len(figure.axes)


def test_within_a_with_block_it_is_not_copied():
    """However long it takes; afterwards it is whole."""
    changes: list[int] = []
    figure = LiveFigure(lambda: changes.append(1))
    entered, leave = threading.Event(), threading.Event()

    def change() -> None:
        with figure:
            figure.clear()
            entered.set()
            leave.wait(LIMIT)
            figure.subplots(1, 2)

    thread = threading.Thread(target=change)
    thread.start()
    assert entered.wait(LIMIT)
    assert figure.copied() is None
    assert figure.copied(may_be_torn=True) is None
    leave.set()
    thread.join(LIMIT)
    copy = figure.copied()
    assert copy is not None
    assert 2 == count_axes(copy)
    assert figure.whole_at >= figure.changed_at
    assert changes != []


def test_a_copy_that_was_made_during_a_change_is_thrown_away(monkeypatch: pytest.MonkeyPatch):
    """Whether it broke the copy, or only the picture."""
    from bgwidgets.output import live_figure

    figure = LiveFigure(lambda: None)
    copy_of = live_figure._copy_of

    def changed_meanwhile(copied: Any) -> Any:
        figure.text(0, 0, "meanwhile")
        return copy_of(copied)

    def broken_meanwhile(copied: Any) -> Any:
        changed_meanwhile(copied)
        raise RuntimeError("dictionary changed size during iteration")

    for breaking in (changed_meanwhile, broken_meanwhile):
        monkeypatch.setattr(live_figure, "_copy_of", breaking)
        assert figure.copied() is None
    with pytest.raises(RuntimeError, match="changed size"):
        figure.copied(may_be_torn=True)
    monkeypatch.setattr(live_figure, "_copy_of", changed_meanwhile)
    assert figure.copied(may_be_torn=True) is not None


def test_draw_idle_says_that_it_is_whole():
    """And draws nothing by itself."""
    changes: list[int] = []
    figure = LiveFigure(lambda: changes.append(1))
    figure.canvas.draw_idle()
    assert figure.whole_at == figure.changed_at > 0
    assert changes != []


def test_a_copy_is_a_plain_figure():
    """So is what a user pickles: nothing of ours is needed to read it."""
    from matplotlib.figure import Figure

    figure = LiveFigure(lambda: None)
    figure.subplots().plot([1, 2])
    copy = pickle.loads(pickle.dumps(figure))  # noqa: S301 - its own
    assert Figure is type(copy)
    assert 1 == len(copy.axes)
    assert [] == [name for name in vars(copy) if "bgw" in name]


def test_what_cannot_be_pickled_is_drawn_all_the_same():
    """A function for the labels, say."""
    figure = LiveFigure(lambda: None)
    figure.subplots().xaxis.set_major_formatter(lambda value, _: f"{value} s")
    copy = figure.copied()
    assert copy is not None
    assert copy.as_png().startswith(PNG)


def test_saving_a_figure_does_not_disturb_it(tmp_path: Any):
    """Its own way into a file still works."""
    figure = LiveFigure(lambda: None)
    figure.subplots().plot([1, 2])
    figure.savefig(tmp_path / "loss.png", dpi=50)
    figure.canvas.draw()
    assert (tmp_path / "loss.png").read_bytes().startswith(PNG)


def test_a_thousand_changes_in_several_threads_break_nothing(
    manager: LoopManager, gate: threading.Event
):
    """Neither the work nor the picture."""

    def change(name: str) -> None:
        for number in range(40):
            with bgw.figure(name) as figure:
                figure.clear()
                figure.subplots().plot(range(number + 2))

    async def work() -> None:
        await asyncio.gather(*[asyncio.to_thread(change, "loss") for _ in range(3)])

    job = manager.start(work)
    while not job.state.has_ended:
        for picture in job.figures.values():
            assert picture.error is None
        gate.wait(0.05)
    job.result(LIMIT)
    until(lambda: THREAD_NAME not in {thread.name for thread in threading.enumerate()})
    assert (None, ()) == (job.figures["loss"].error, job.snapshot().warnings)


def test_an_error_while_drawing_is_said(manager: LoopManager, gate: threading.Event):
    """With the figure, and among the loop's warnings; the work does not notice."""

    async def work() -> None:
        figure = bgw.figure("loss")
        figure.text(0.5, 0.5, r"$\nosuchcommand$")
        await asyncio.to_thread(gate.wait, LIMIT)

    job = manager.start(work)
    error = until(lambda: job.figures["loss"].error if job.figures else None)
    assert "nosuchcommand" in " ".join(
        (error, *(warning.text for warning in job.snapshot().warnings))
    )
    (warning,) = job.snapshot().warnings
    assert ("figure not drawn", job.figures["loss"].png) == (warning.kind, None)
    assert warning.text.startswith("figure 'loss' could not be drawn: ")


def test_a_figure_that_wants_to_exit_ends_no_others(manager: LoopManager, gate: threading.Event):
    """Those of all loops are drawn by the same thread, which goes on."""

    def leave(*_: object) -> str:
        raise SystemExit(3)

    async def work() -> None:
        good, bad = bgw.figure("good"), bgw.figure("bad")
        axes = good.subplots()
        bad.subplots().xaxis.set_major_formatter(leave)
        while not gate.is_set():
            with good:
                axes.plot([1, 2])
            await asyncio.sleep(0.1)

    job = manager.start(work)
    assert "SystemExit: 3" == until(lambda: getattr(job.figures.get("bad"), "error", None))
    version = job.figures["good"].version
    until(lambda: job.figures["good"].version > version + 1)


def test_there_are_not_too_many_figures():
    """A figure for each item would fill the memory."""
    many = Figures(1, lambda *_: None)
    for number in range(20):
        many.figure(str(number), {})
    with pytest.raises(ValueError, match="one figure more than the 20"):
        many.figure("one-more", {})
    many.close()


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_a_figure_needs_a_name(name: Any):
    with pytest.raises(TypeError, match="a figure's name is a text"):
        Figures(1, lambda *_: None).figure(name, {})


def test_outside_of_loops_it_warns_once(
    manager: LoopManager, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
):
    """The figure is there all the same; with `loop=` it is the loop's."""
    monkeypatch.setattr(telling, "_said_already", set())
    with pytest.warns(RuntimeWarning, match=r"outside of any .+ loop=job") as warned:
        figure = bgw.figure("loss")
    assert bgw.figure("loss") is not figure
    assert [__file__] == [each.filename for each in warned]
    job = manager.start(plot, gate)
    assert bgw.figure("loss", loop=job) is bgw.figure("loss", loop=job)


def test_a_restart_begins_anew(manager: LoopManager):
    async def work() -> None:
        if bgw.current().run_number == 1:  # type: ignore[union-attr] # it is there
            bgw.figure("loss")

    job = manager.start(work)
    job.wait(LIMIT)
    assert {"loss"} == {*job.figures}
    job.restart()
    job.wait(LIMIT)
    assert ({}, 0) == (job.figures, job.snapshot().figures)


class Broken:
    """A picture that raises."""

    is_done = False

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def due_at(self, now: float) -> float:
        """At once."""
        return now

    def draw(self) -> None:
        """Cannot be done."""
        raise self._error


@pytest.mark.parametrize("error", [RuntimeError("broke"), SystemExit(3)], ids=repr)
def test_a_picture_that_breaks_does_not_end_the_thread_of_all(
    caplog: pytest.LogCaptureFixture, error: BaseException
):
    """It is told, and drawn no more."""
    thread = DrawingThread()
    thread.add(Broken(error))
    until(lambda: thread._thread is None)
    assert ["a figure could not be drawn"] == caplog.messages


def test_a_thread_that_was_stopped_draws_no_more():
    """And whoever stops it waits for the picture that is being drawn."""
    begun, goes_on, drawn_to_the_end = threading.Event(), threading.Event(), threading.Event()

    class Slow(Broken):
        def __init__(self) -> None:
            super().__init__(RuntimeError("is not raised"))

        def draw(self) -> None:
            """Takes its time."""
            begun.set()
            goes_on.wait(LIMIT)
            drawn_to_the_end.set()

    drawing = DrawingThread()
    drawing.add(Slow())
    assert begun.wait(LIMIT)
    stopping = threading.Thread(target=drawing.stop)
    stopping.start()
    until(lambda: drawing._is_stopped)
    assert stopping.is_alive()
    goes_on.set()
    stopping.join(LIMIT)
    assert (False, True) == (stopping.is_alive(), drawn_to_the_end.is_set())
    drawing.add(Slow())
    assert drawing._thread is None or not drawing._thread.is_alive()


@pytest.mark.parametrize("run", range(3))
def test_the_interpreter_may_end_while_a_picture_is_drawn(run: int):
    """Without a word: nothing is killed in the midst of C++ code."""
    del run
    script = (
        "import threading, bgwidgets as bgw\n"
        "from bgwidgets.output.figures import Sketch\n"
        "begun, draw = threading.Event(), Sketch.draw\n"
        "Sketch.draw = lambda sketch: (begun.set(), draw(sketch))\n"
        "job = bgw.start(lambda: bgw.figure('a').subplots(4, 4) is None)\n"
        "job.result(60)\n"
        "assert begun.wait(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=90, check=False
    )
    assert (0, "", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("code", "output"),
    [
        ("print('matplotlib.pyplot' in sys.modules)", "False\n"),
        ("print([name for name in sys.modules if name.startswith('PyQt')])", "[]\n"),
    ],
)
def test_pyplot_is_never_imported(code: str, output: str):
    """It belongs to the cells."""
    script = (
        "import sys, threading, bgwidgets as bgw\n"
        "job = bgw.start(lambda: bgw.figure('a').subplots().plot([1]) and None)\n"
        "job.result(60)\n"
        "for thread in threading.enumerate():\n"
        "    if thread.name == 'bgw-figures': thread.join(60)\n"
        "assert job.figures['a'].version == 1\n"
        f"{code}"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=90, check=False
    )
    assert (output, "") == (done.stdout, done.stderr)


def test_without_matplotlib_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(sys.modules, "bgwidgets.output.live_figure")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"needs matplotlib: pip install 'bgwidgets\[plot\]'"):
        figures.live_figure(lambda: None, {})
