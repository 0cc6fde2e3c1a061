"""The second example in a real JupyterLab: a function's own loop, seen and stopped in the panel."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect

from tests.lab.live import OpenNotebook
from tests.lab.panel import LIMIT, Panel
from tests.lab.reader import Reader

if TYPE_CHECKING:
    from playwright.sync_api import Locator

NOTEBOOK: Final = "02_the_seed.ipynb"

JOB: Final = r"<function run_loop at \w+>"


def loop_row(panel: Panel, name: str) -> Locator:
    """The row of the loop with just this name: `run_loop` is not `run_loop-2`."""
    exactly = re.compile(rf"^\s*{re.escape(name)}\s*$")
    cell = panel.notebook.page.locator(".bgw-col-name").filter(has_text=exactly)
    return panel.find(".bgw-loops .bgw-row").filter(has=cell)


def expect_race(panel: Panel, loop: str) -> None:
    """The loop runs, and both of its tasks are shown by their names."""
    panel.wait_for_state(loop_row(panel, loop), "running")
    panel.find(f'[role=grid][aria-label="Tasks of {loop}"]').wait_for(timeout=LIMIT)
    for task in ("sprinter", "stopper"):
        panel.wait_for_state(panel.task(task), "pending")
        panel.wait_for_text(panel.task(task), "waiting", "left · In[")
    expect(panel.find(".bgw-tasks .bgw-row")).to_have_count(2, timeout=LIMIT)


def expect_end(panel: Panel, loop: str, state: str, *, stopper: str) -> None:
    """The loop and both tasks are shown in the states in which this stop leaves them."""
    panel.wait_for_state(loop_row(panel, loop), state)
    panel.wait_for_state(panel.task("stopper"), stopper)
    panel.wait_for_state(panel.task("sprinter"), "cancelled")


def test_a_reader_who_only_runs_the_cells(open_notebook: OpenNotebook):
    """Every cell does what its words say; in the end all is stopped, in both panels."""
    reader = Reader(open_notebook, NOTEBOOK)
    first = reader.run_to_panel()
    expect_race(first, "run_loop")
    assert "finished" in reader.reads("race.request_stop()")
    expect_end(first, "run_loop", "finished", stopper="finished")
    assert "stopped" in reader.reads("race.stop_loop()")
    expect_end(first, "run_loop", "stopped", stopper="cancelled")
    assert "cancelled" in reader.reads("race.cancel_tasks()")
    expect_end(first, "run_loop", "cancelled", stopper="cancelled")
    second = reader.run_to_panel()
    expect_race(second, "run_loop-2")

    last = reader.run_to_the_end()

    assert "{'run_loop': 'finished', 'run_loop-2': 'finished', 'elsewhere': 'finished'}" == last
    for panel in (first, second):
        for loop in ("run_loop", "run_loop-2", "elsewhere"):
            panel.wait_for_state(loop_row(panel, loop), "finished")
    assert "set()" == reader.notebook.python(
        "{thread.name for thread in threading.enumerate() if 'bgw-watch' in thread.name}"
    )
    reader.expect_quiet()


def test_a_reader_who_clicks_each_button(open_notebook: OpenNotebook):
    """Three fresh runs, three stops by a click; the cell that follows then finds it done."""
    reader = Reader(open_notebook, NOTEBOOK)
    panel = reader.run_to_panel()

    def click(button: str, state: str, *, stopper: str, call: str) -> None:
        expect_race(panel, "run_loop")
        panel.click(button)
        expect_end(panel, "run_loop", state, stopper=stopper)
        assert f"<LoopState.{state.upper()}: '{state}'>" == reader.reads(call)
        expect_end(panel, "run_loop", state, stopper=stopper)

    click("Stop event", "finished", stopper="finished", call="race.request_stop()")
    assert re.fullmatch(rf"Completed jobs:\n0 : {JOB}", reader.reads("jobs.status()"))
    assert "{}" == reader.reads("jobs.remove(0)")

    reader.run_to("race.restart()")
    click("Stop loop", "stopped", stopper="cancelled", call="race.stop_loop()")

    reader.run_to("race.restart()")
    click("Cancel tasks", "cancelled", stopper="cancelled", call="race.cancel_tasks()")
    status = reader.reads("jobs.status()")
    assert re.fullmatch(rf"Dead jobs:\n1 : {JOB}\n2 : {JOB}", status)
    assert "Flushing 2 Dead jobs." == reader.reads("jobs.flush()")
    reader.expect_quiet()


def test_a_click_on_one_of_two_leaves_the_other_running(open_notebook: OpenNotebook):
    """Two rows, each with its tasks and a stop event of its own."""
    reader = Reader(open_notebook, NOTEBOOK)
    reader.run_to_panel()
    panel = reader.run_to_panel()
    expect_race(panel, "run_loop-2")
    loop_row(panel, "run_loop").click(timeout=LIMIT)
    expect_race(panel, "run_loop")

    panel.click("Stop event")

    expect_end(panel, "run_loop", "finished", stopper="finished")
    shown = reader.reads("for loop in bgw.manager")
    assert ["finished", "True", "running", "False"] == re.findall(
        r"finished|running|True|False", shown
    )
    loop_row(panel, "run_loop-2").click(timeout=LIMIT)
    expect_race(panel, "run_loop-2")
    panel.click("Stop event")
    expect_end(panel, "run_loop-2", "finished", stopper="finished")
    reader.expect_quiet()


def test_a_loop_of_ipythons_own_manager_is_stopped_by_a_click(open_notebook: OpenNotebook):
    """`adopt` lists it with both tasks, and the button sets the event that lies on the function."""
    reader = Reader(open_notebook, NOTEBOOK)
    reader.run_to_panel()
    panel = reader.run_to_panel()
    reader.run_to("bgw.adopt(run_loop")
    expect_race(panel, "elsewhere")

    panel.click("Stop event")

    expect_end(panel, "elsewhere", "finished", stopper="finished")
    assert "True" == reader.notebook.python("run_loop.stop_event.is_set()")
    assert "finished" in reader.run_to_the_end()
    reader.expect_quiet()
