"""The notebook that has a window, in a real kernel, where Qt has its turn between the cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.kernel.conftest import Kernel
from tests.waiting import until

NOTEBOOK: Final = Path(__file__).parents[2] / "notebooks" / "07_windows.ipynb"
WATCH: Final = """
import threading
drained_in = set()
window.textChanged.connect(lambda: drained_in.add(threading.current_thread().name))
"""


def cells() -> list[str]:
    """The notebook's code."""
    notebook = json.loads(NOTEBOOK.read_text())
    return ["".join(each["source"]) for each in notebook["cells"] if each["cell_type"] == "code"]


def cell_with(code: str) -> str:
    """The first that holds this."""
    return next(source for source in cells() if code in source)


@pytest.fixture
def kernel(start_kernel: Callable[..., Kernel]) -> Kernel:
    """One in which the notebook's cells have run, to the one that shows the window."""
    kernel = start_kernel()
    kernel.run("import os; os.environ['QT_QPA_PLATFORM'] = 'offscreen'")
    for source in cells():
        kernel.run(source)
        if source == cell_with("window.show()"):
            break
    return kernel


def test_the_window_goes_on_while_no_cell_runs(kernel: Kernel):
    """A timer on the main thread brings all that the work tells, in its order."""
    kernel.run(WATCH)
    until(lambda: kernel.value("window.toPlainText().count('tick')") > 10)
    told = kernel.value("window.toPlainText()").splitlines()
    assert [f"tick {number}" for number in range(len(told))] == told
    assert ["MainThread"] == kernel.value("[*drained_in]")
    assert ["running", True] == kernel.value("[str(job.state), window.isVisible()]")
    assert "" == kernel.stderr()


def test_closing_the_window_sets_the_stop_event(kernel: Kernel):
    """As its user does it: while no cell runs."""
    kernel.run("QTimer.singleShot(0, window.close)")
    until(lambda: kernel.value("str(job.state)") == "finished")
    assert [False, False] == kernel.value("[window.isVisible(), window.timer.isActive()]")
    assert "" == kernel.stderr()


def test_a_cell_is_heard_at_once(kernel: Kernel):
    """Also one that comes right after another: Qt's turns are short. And after the last window."""
    for number in range(100):
        assert number == kernel.value(f"{number}")
    kernel.run("QTimer.singleShot(0, window.close)")
    for number in range(100):
        assert number == kernel.value(f"{number}")


def test_the_cell_that_shows_the_window_can_be_run_again(kernel: Kernel):
    """After the last window was closed; there is no other one then."""
    kernel.run("QTimer.singleShot(0, window.close)")
    until(lambda: kernel.value("str(job.state)") == "finished")
    kernel.run(cell_with("window.show()"))
    until(lambda: kernel.value("window.toPlainText().count('tick')") > 10)
    assert ["clock"] == kernel.value("[loop.name for loop in bgw.manager]")


def test_the_work_goes_on_while_a_cell_keeps_the_window_from_it(kernel: Kernel):
    """And what the window has missed comes afterwards."""
    kernel.run(
        "before, deadline = window.toPlainText(), time.monotonic() + 10\n"
        "while lines.qsize() < 2 and time.monotonic() < deadline: time.sleep(0.01)\n"
        "missed = lines.qsize()"
    )
    assert kernel.value("missed") > 1
    until(lambda: kernel.value("lines.qsize()") < 2)
    assert kernel.value("window.toPlainText().startswith(before)")
    assert kernel.value("window.toPlainText() != before")
