"""Every scene of the seed, S1 to S8, in real kernels: its own code, written without us in mind.

With our manager of jobs, where its import is all that is changed; and with IPython's own, where the
loop is adopted by the function that carries it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.kernel.conftest import Kernel, kernels
from tests.kernel.seed_cells import (
    AROUND,
    CELL_1,
    CELL_2,
    CELL_3,
    CELL_4,
    IPYTHONS,
    OURS,
    cell_5,
)
from tests.kernel_environments import IPYKERNELS

pytestmark = pytest.mark.timeout(700)  # The first run installs the kernels.

SHOWN_WITHIN = 10.0
"""Seconds; the panel takes one of them at most."""


@dataclass(frozen=True)
class Setting:
    """In what the seed's cells are run."""

    ipykernel: str
    manager: str
    nested: bool

    def __str__(self) -> str:
        whose = "ours" if self.manager == OURS else "IPython's"
        return f"{self.ipykernel}-{whose}-{'nested' if self.nested else 'plain'}"


SETTINGS = [
    Setting(*each) for each in itertools.product(IPYKERNELS, [OURS, IPYTHONS], [True, False])
]
WITH_OURS = [setting for setting in SETTINGS if setting.manager == OURS]
WITH_IPYTHONS = [setting for setting in SETTINGS if setting.manager == IPYTHONS]


_views = itertools.count()


@dataclass
class Seed:
    """The seed's notebook, up to its fourth cell."""

    kernel: Kernel
    setting: Setting
    owners_errors: int = 0
    """How many exceptions of the owner's own may appear: with IPython's manager alone."""

    def run(self, code: str) -> None:
        """Run a cell."""
        self.kernel.run(code)

    def value(self, expression: str) -> Any:
        """What an expression is there."""
        return self.kernel.value(expression)

    def expect_rows(self, table: str, expected: list[Any], fields: Sequence[str]) -> None:
        """Wait until a page that opens the panel now shows these rows, whatever their order."""
        place = {"loops": 0, "tasks": 2}[table]
        model_id = self.value(f"(panel.refresh(), panel.children[{place}].model_id)[1]")
        view = f"view{next(_views)}"
        hello = {"type": "hello", "view": view, "start": 0, "stop": 50}
        self.kernel.send_to_widget(model_id, hello)
        shown: list[Any] = []
        rows: dict[int, Any] = {}
        deadline = time.monotonic() + SHOWN_WITHIN
        while sorted(shown) != sorted(expected):
            assert time.monotonic() < deadline, f"{shown} are shown, and not {expected}"
            frame = self.kernel.next_from_widget(
                model_id, lambda content: content["type"] == "frame" and content["view"] == view
            )
            rows |= dict(frame["rows"])
            shown = [
                tuple(row[field] for field in fields)
                for place, row in rows.items()
                if place < frame["total"]
            ]
        self.kernel.send_to_widget(model_id, {"type": "bye", "view": view})


class Notebook:
    """A kernel for many scenes; a new one after a scene that nothing could bring to its end."""

    def __init__(self, setting: Setting, start_kernel: Callable[[str], Kernel]) -> None:
        self._setting = setting
        self._start_kernel = start_kernel
        self._kernel: Kernel | None = None

    def open(self) -> Seed:
        """The kernel, with the seed's first four cells run."""
        if self._kernel is not None:
            return Seed(self._kernel, self._setting)
        kernel = self._kernel = self._start_kernel(self._setting.ipykernel)
        kernel.run(CELL_1 + self._setting.manager)
        if self._setting.nested:
            kernel.run(CELL_2)
        for cell in (CELL_3, CELL_4, "import sys, ipykernel" + AROUND):
            kernel.run(cell)
        assert kernel.value("ipykernel.__version__").startswith(f"{self._setting.ipykernel}.")
        assert kernel.value("hasattr(asyncio, '_nest_patched')") is self._setting.nested
        return Seed(kernel, self._setting)

    def close(self) -> None:
        """Have the next scene played in a new kernel."""
        if self._kernel is not None:
            self._kernel.close()
            self._kernel = None


@pytest.fixture(scope="module", params=SETTINGS, ids=str)
def notebook(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Notebook]:
    """One kernel for each setting, in which the scenes are played one after the other."""
    with kernels(tmp_path_factory.mktemp("jupyter")) as start_kernel:
        yield Notebook(request.param, start_kernel)


@pytest.fixture
def seed(notebook: Notebook) -> Iterator[Seed]:
    """The seed's notebook, in which nothing has been started yet. Fails a scene that complains on
    stderr, or that leaves anything behind.
    """
    seed = notebook.open()
    yield seed
    # Whatever came of this scene, the next finds an empty list.
    left = seed.value("[str(loop) for loop in bgw.manager if not loop.state.has_ended]")
    seed.run("bgw.manager.stop_all(0)\nbgw.manager.remove_finished()")
    complaints = seed.kernel.stderr()
    if seed.value("len(bgw.manager)"):
        notebook.close()
    if not seed.owners_errors:
        assert "" == complaints
    assert complaints.count("Traceback (most recent call last)") <= seed.owners_errors
    assert complaints.count("Exception in thread") <= seed.owners_errors
    assert "destroyed" not in complaints
    assert "never retrieved" not in complaints
    assert [] == left


CLOSED = (False, True, 0)
"""The thread is gone, the loop is closed, and nothing is pending."""
FINISHED = ("finished", [("task1", "cancelled"), ("task2", "finished")], CLOSED)
STOPPED = ("stopped", [("task1", "cancelled"), ("task2", "cancelled")], CLOSED)
CANCELLED = ("cancelled", [("task1", "cancelled"), ("task2", "cancelled")], CLOSED)

STOPS = {
    "a.stopx.set()": FINISHED,
    "loop.request_stop()": FINISHED,
    "click('stop_event_button', loop)": FINISHED,
    "a.loop.stop()": STOPPED,
    "loop.stop_loop()": STOPPED,
    "click('stop_loop_button', loop)": STOPPED,
    "a.task2.cancel(); a.task1.cancel()": CANCELLED,
    "loop.cancel_tasks()": CANCELLED,
    "click('cancel_tasks_button', loop)": CANCELLED,
}
"""The seed's three stops, each as written, by a call and by a click; and what comes of it."""


def expect_errors_of(seed: Seed, *states: str) -> None:
    """With IPython's own manager, these ends may let the owner's own exception appear."""
    if seed.setting.manager == IPYTHONS:
        seed.owners_errors = len([state for state in states if state != "finished"])


def test_the_loop_is_listed_with_its_tasks_and_its_stop_event(seed: Seed):
    """S1: in Python and in the panel, by the names that the function gave them; and all is alive:
    the event that was found is the seed's own.
    """
    seed.run(cell_5())
    seed.run("loop = with_both_tasks(found())")

    assert ("run_loop", "adopted", "running") == seed.value(
        "(loop.name, loop.host, str(loop.state))"
    )
    assert [("task1", "sprinter", False), ("task2", "stopper", True)] == seed.value(
        "sorted((task.name, task.coroutine, task.is_main) for task in loop.tasks)"
    )
    assert (False, False, None) == seed.value(
        "(a.stopx.is_set(), loop.stop_event.is_set(), loop.snapshot().why_no_stop_event)"
    )
    seed.expect_rows("loops", [("run_loop", "running", 2)], ("name", "state", "unfinished"))
    expected = [("task2", "stopper", True, "pending"), ("task1", "sprinter", False, "pending")]
    seed.expect_rows("tasks", expected, ("name", "coroutine", "main", "state"))

    seed.run("loop.stop_event.set(); state = loop.wait(LIMIT); out.join(LIMIT)")

    assert (True, True) == seed.value("(a.stopx.is_set(), loop.snapshot().stop_requested)")
    seed.expect_rows("loops", [("finished", 0, True)], ("state", "unfinished", "stop_requested"))
    seed.expect_rows("tasks", [("task2", "finished"), ("task1", "cancelled")], ("name", "state"))


def test_the_first_test_of_the_seed(seed: Seed):
    """S1: nobody stops it. It ends when stopper does, and sprinter is not left pending."""
    # Long enough for the cell that adopts it: ours needs none.
    seed.run(cell_5(num_stopper=101 if seed.setting.manager == IPYTHONS else 11))
    seed.run("loop = found()")
    assert FINISHED == seed.value("ended(loop, out)")
    assert f"Completed jobs:\n0 : {seed.value('str(run_loop)')}\n\n" == seed.value(
        "printed(jobs.status)"
    )
    seed.run("jobs.remove(0)")
    assert "" == seed.value("printed(jobs.status)")


@pytest.mark.parametrize("stop", STOPS)
def test_each_of_the_three_stops(seed: Seed, stop: str):
    """S2, S3 and S4: it ends at once in the state that is true, closed, with nothing pending.

    S6: with our manager, status and remove print what IPython's do, and true: a job that was
    cancelled does not run for ever, and one that was removed is in no list any more.
    """
    expected = STOPS[stop]
    expect_errors_of(seed, expected[0])
    seed.run(cell_5())
    seed.run("loop = with_both_tasks(found())")
    job = f"0 : {seed.value('str(run_loop)')}\n\n"
    assert f"Running jobs:\n{job}" == seed.value("printed(jobs.status)")

    seed.run(stop)

    assert expected == seed.value("ended(loop, out)")
    assert [True, expected != FINISHED] == seed.value(
        "[task.cancelled() for task in (a.task1, a.task2)]"
    )
    if stop.startswith("click"):
        shown = [("run_loop", expected[0], 0)]
        seed.expect_rows("loops", shown, ("name", "state", "unfinished"))
    if seed.setting.manager == OURS:
        group = "Completed" if expected == FINISHED else "Dead"
        assert f"{group} jobs:\n{job}" == seed.value("printed(jobs.status)")
        assert "" == seed.value("printed(jobs.remove, 0)")
        assert ({}, "", 0) == seed.value("(jobs.all, printed(jobs.status), len(bgw.manager))")


@pytest.mark.parametrize("notebook", WITH_OURS, ids=str, indirect=True)
def test_flush_removes_what_has_ended(seed: Seed):
    """S6: and nothing that runs; it says how many of which, as IPython's does."""
    seed.run(cell_5())
    for number, stop in enumerate(["request_stop", "stop_loop", "cancel_tasks"], 1):
        seed.run(f"loop = with_both_tasks(found({number}))\nloop.{stop}()")
        seed.run("state = loop.wait(LIMIT); out.join(LIMIT)\nout = jobs.new(a, 5000, 2000)")
    seed.run("loop = with_both_tasks(found(4))")

    said = seed.value("printed(jobs.flush)")

    assert "Flushing 1 Completed job.\nFlushing 2 Dead jobs.\n" == said
    assert f"Running jobs:\n3 : {seed.value('str(run_loop)')}\n\n" == seed.value(
        "printed(jobs.status)"
    )
    assert [3] == seed.value("list(jobs.all)")
    assert seed.value("[loop] == list(bgw.manager)")
    seed.run("loop.request_stop()")
    assert FINISHED == seed.value("ended(loop, out)")
    assert "Flushing 1 Completed job.\n" == seed.value("printed(jobs.flush)")
    assert "No jobs to flush.\n" == seed.value("printed(jobs.flush)")


@pytest.mark.parametrize(
    ("stop", "expected"),
    [("request_stop", FINISHED), ("stop_loop", STOPPED), ("cancel_tasks", CANCELLED)],
)
def test_a_stop_right_after_the_start_is_honoured(
    seed: Seed, stop: str, expected: tuple[str, Any, Any]
):
    """S5: nobody need wait for two outputs first. Several times, for each time it comes at another
    moment; it may come before a task has begun, or before the loop has come up.
    """
    expect_errors_of(seed, *[expected[0]] * 4)
    for _ in range(4):
        seed.run(f"{cell_5()}\nloop = found()\nloop.{stop}()")
        state, tasks, is_closed = seed.value("ended(loop, out)")
        assert (expected[0], CLOSED) == (state, is_closed)
        assert {"finished", "cancelled"} >= {state for _, state in tasks}
        seed.run("loop.remove()")


@pytest.mark.parametrize("again", ["loop.restart()", "click('restart_button', loop)"])
@pytest.mark.parametrize("notebook", WITH_OURS, ids=str, indirect=True)
def test_a_restart(seed: Seed, again: str):
    """S7: without defining run_loop again: the same row, a fresh loop and event, a new job."""
    seed.run(cell_5())
    seed.run("loop = with_both_tasks(found()); first = (a.loop, a.stopx)")
    seed.run("loop.stop_loop(); state = loop.wait(LIMIT); out.join(LIMIT)")

    seed.run(again)
    seed.run("until(lambda: loop.run_number == 2, 'no restart')\nloop = with_both_tasks(loop)")

    assert seed.value("a.loop.is_running() and a.loop is not first[0] and a.stopx is not first[1]")
    assert ("running", False) == seed.value("(str(loop.state), loop.stop_event.is_set())")
    seed.expect_rows("loops", [("run_loop", "running", 2)], ("name", "state", "unfinished"))
    dead_and_running = [line for line in seed.value("printed(jobs.status)").split("\n") if line]
    function = seed.value("str(run_loop)")
    assert ["Running jobs:", f"1 : {function}", "Dead jobs:", f"0 : {function}"] == dead_and_running
    seed.run("loop.request_stop()")
    assert FINISHED == seed.value("ended(loop, jobs[1])")


def test_started_again_after_it_was_removed(seed: Seed):
    """S7: as the seed does it, but for defining run_loop again."""
    expect_errors_of(seed, *[end[0] for end in STOPS.values()])
    for number, (stop, expected) in enumerate(STOPS.items()):
        if number == 0:
            seed.run(cell_5())
        else:
            seed.run("out = jobs.new(a, num_sprinter, num_stopper)")
        seed.run("loop = with_both_tasks(found())")
        assert ("run_loop", False) == seed.value("(loop.name, loop.stop_event.is_set())")
        seed.run(stop)
        assert expected == seed.value("ended(loop, out)"), stop
        seed.run("jobs.remove(out.num)")
        if seed.setting.manager == IPYTHONS:
            seed.run("loop.remove()")
        assert 0 == seed.value("len(bgw.manager)")


@pytest.mark.parametrize("notebook", WITH_IPYTHONS, ids=str, indirect=True)
def test_what_was_adopted_cannot_be_restarted(seed: Seed):
    """S7: who started it, and with what, is not known; it says what to do instead."""
    seed.run(cell_5())
    seed.run(
        """
loop = with_both_tasks(found())
loop.request_stop()
state = loop.wait(LIMIT)
out.join(LIMIT)
try:
    loop.restart()
except bgw.CannotRestart as error:
    said = str(error)
"""
    )
    assert "start it there again" in seed.value("said")


@pytest.mark.parametrize(
    ("one", "other"), [("first", "second"), ("second", "first")], ids=["older", "newer"]
)
def test_the_same_function_started_twice(seed: Seed, one: str, other: str):
    """S8: the fifth cell twice. The second run overwrites what the function carries; there are two
    rows, two events and two pairs of tasks all the same; a stop of the one is none of the other.
    """
    expect_errors_of(seed, "finished", "stopped")
    seed.run(cell_5())
    seed.run("first, job = with_both_tasks(found()), out\nevents = [a.stopx]; loops = [a.loop]")
    seed.run(cell_5())
    seed.run("until(lambda: a.loop is not loops[0], 'no second loop')")
    seed.run("second = with_both_tasks(found(2))\nevents.append(a.stopx); loops.append(a.loop)")
    assert ["run_loop", "run_loop-2"] == seed.value("[loop.name for loop in bgw.manager]")
    seed.expect_rows("loops", [("run_loop-2", 2), ("run_loop", 2)], ("name", "unfinished"))
    assert 4 == seed.value("len({task.id for loop in bgw.manager for task in loop.tasks})")

    seed.run(f"{one}.request_stop()\nstate = {one}.wait(LIMIT)")

    assert ("finished", "running") == seed.value(f"(str({one}.state), str({other}.state))")
    is_set = [one == "first", one == "second"]
    assert is_set == seed.value("[event.is_set() for event in events]")
    assert is_set == seed.value("[loop.stop_event.is_set() for loop in (first, second)]")
    assert is_set == seed.value("[loop.is_closed() for loop in loops]")
    running = seed.value(f"[str(task.state) for task in {other}.tasks]")
    assert {"pending", "running"} >= set(running)

    seed.run(f"{other}.stop_loop()\nstate = {other}.wait(LIMIT)\njob.join(LIMIT); out.join(LIMIT)")

    assert ("finished", "stopped") == seed.value(f"(str({one}.state), str({other}.state))")
    assert is_set == seed.value("[event.is_set() for event in events]")
    assert [True, True] == seed.value("[loop.is_closed() for loop in loops]")
    assert [False, False] == seed.value("[job.is_alive(), out.is_alive()]")
