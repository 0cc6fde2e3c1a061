"""The harness itself: what the browser tests build on is seen to work before they are believed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.lab.lab_server import LabFailure, LabServer
from tests.lab.notebook import Notebook
from tests.processes import ProcessesLeft

OpenNotebook = Callable[..., Notebook]

BUTTON = """
import ipywidgets
clicks = 0
def count(button):
    global clicks
    clicks += 1
    button.description = f"clicked {clicks}"
button = ipywidgets.Button(description="click me")
button.on_click(count)
button
"""


def test_cells_run_in_order_and_their_output_is_read(open_notebook: OpenNotebook):
    """run_all runs from the top; output_text is what stands below a cell, not what is in it."""
    notebook = open_notebook(["x = 20 + 1", "print(f'x is {x}')\nx * 2"])

    notebook.run_all()

    assert "" == notebook.output_text(0)
    assert ["x is 21", "42"] == notebook.output_text(1).split("\n")


def test_a_click_in_the_page_reaches_the_kernel(open_notebook: OpenNotebook):
    """A real ipywidgets.Button is drawn, clicked in the page, answered by Python and drawn anew."""
    notebook = open_notebook([BUTTON])
    notebook.run(0)

    notebook.output(0).get_by_role("button", name="click me").click()

    notebook.wait_for_python("clicks", "1")
    notebook.output(0).get_by_role("button", name="clicked 1").wait_for()
    assert [] == notebook.console_errors


def test_python_reads_and_changes_the_kernel_unseen_by_the_page(open_notebook: OpenNotebook):
    """python() shares the cells' variables, leaves no output and takes no execution number."""
    notebook = open_notebook(["x = 1", "print(x)"])
    notebook.run(0)

    assert "1" == notebook.python("x")
    assert "" == notebook.python("x = 'two\\nlines'")
    assert "two\nlines" == notebook.python("x")
    assert "3" == notebook.python("import asyncio; y = await asyncio.sleep(0, 3)\ny")

    assert "" == notebook.output_text(0)
    notebook.run(1)
    assert "two\nlines" == notebook.output_text(1).strip()
    assert "2" == notebook.python("get_ipython().execution_count - 1")


def test_python_says_what_was_raised(open_notebook: OpenNotebook):
    """Code that raises, in its statements or its last expression, fails with its traceback."""
    notebook = open_notebook([])

    with pytest.raises(LabFailure, match="ZeroDivisionError"):
        notebook.python("1 / 0")
    with pytest.raises(LabFailure, match="no_such_name"):
        notebook.python("no_such_name = no_such_name + 1")


def test_python_is_answered_beside_a_running_cell(open_notebook: OpenNotebook):
    """While a cell waits, python(beside_cell=True) answers from another thread and can free it."""
    notebook = open_notebook(
        [
            "import threading\ngo_on = threading.Event()",
            "cell = threading.get_ident()\nprint('started')\nprint('seen', go_on.wait(30))",
        ]
    )
    notebook.run(0)
    notebook.run(1, wait=False)
    notebook.wait_for_output(1, "started")

    assert "False" == notebook.python("threading.get_ident() == cell", beside_cell=True)
    notebook.python("go_on.set()", beside_cell=True)

    notebook.wait_idle()
    assert "seen True" in notebook.output_text(1)


def test_python_gives_up_on_a_busy_kernel(open_notebook: OpenNotebook):
    """A deadline holds while a cell runs, and interrupting that cell frees the kernel."""
    notebook = open_notebook(["import threading\nprint('started')\nthreading.Event().wait(60)"])
    notebook.run(0, wait=False)
    notebook.wait_for_output(0, "started")

    with pytest.raises(LabFailure, match="kernel is busy"):
        notebook.python("1", limit=0.2)

    notebook.interrupt_kernel()
    notebook.wait_idle()
    assert "KeyboardInterrupt" in notebook.output_text(0)


def test_a_cell_that_raises_fails_the_test_with_what_was_seen(open_notebook: OpenNotebook):
    """The failure names the error, and shows the cell's outputs and the server's log."""
    notebook = open_notebook(["print('before')\nraise KeyError('missing')"])

    with pytest.raises(LabFailure, match="cell 0 raised KeyError") as failure:
        notebook.run(0)

    assert "before" in str(failure.value)
    assert "JupyterLab server log" in str(failure.value)


def test_a_wait_that_is_in_vain_ends_at_its_deadline(open_notebook: OpenNotebook):
    """What was waited for and what stood there instead are both in the message."""
    notebook = open_notebook(["print('this')"])
    notebook.run(0)

    with pytest.raises(LabFailure, match=r"waited 0\.2 s for 'that' below cell 0") as failure:
        notebook.wait_for_output(0, "that", limit=0.2)

    assert "this" in str(failure.value)


def test_a_restart_gives_an_empty_kernel_and_leaves_the_page(open_notebook: OpenNotebook):
    """After a restart the names are gone, the old output is still shown, and cells run again."""
    notebook = open_notebook(["import os\npid = os.getpid()\nprint('old output')"])
    notebook.run(0)
    first = notebook.python("pid")

    notebook.restart_kernel()

    assert "False" == notebook.python("'pid' in globals()")
    assert "old output" in notebook.output_text(0)
    notebook.run(0)
    assert first != notebook.python("pid")


def test_a_reload_keeps_the_kernel_and_the_saved_output(open_notebook: OpenNotebook):
    """A page that is loaded anew shows what was saved and talks to the same kernel."""
    notebook = open_notebook(["x = 1\nprint('saved output')"])
    notebook.run(0)

    notebook.reload()

    assert "saved output" in notebook.output_text(0)
    assert "1" == notebook.python("x")


def test_the_theme_changes_the_page_for_one_test_only(
    open_notebook: OpenNotebook, lab: LabServer, tmp_path: Path
):
    """set_theme darkens the page; the reset before each test makes it light again."""
    background = "getComputedStyle(document.body).getPropertyValue('--jp-layout-color1')"
    notebook = open_notebook([])
    light = notebook.page.evaluate(background)

    notebook.set_theme("JupyterLab Dark")

    assert light != notebook.page.evaluate(background)
    notebook.screenshot(tmp_path / "dark.png")
    assert (tmp_path / "dark.png").read_bytes().startswith(b"\x89PNG")
    notebook.close()
    lab.reset_settings()
    assert light == open_notebook([]).page.evaluate(background)


def test_page_errors_are_collected(open_notebook: OpenNotebook):
    """What goes wrong in the page's scripts is there for a test to look at."""
    notebook = open_notebook(
        ["from IPython.display import Javascript\nJavascript(\"console.error('from the page')\")"]
    )

    notebook.run(0)

    notebook.output(0).locator(".jp-OutputArea-output").wait_for(state="attached")
    assert any("from the page" in error for error in notebook.console_errors)


def test_a_process_that_a_kernel_leaves_behind_is_ended_and_is_a_failure(
    open_notebook: OpenNotebook, lab: LabServer
):
    """A child in a session of its own outlives its kernel: it is found, named, and ended."""
    sleeper = [sys.executable, "-c", "import threading; threading.Event().wait(300)"]
    notebook = open_notebook([])
    pid = int(
        notebook.python(
            "import subprocess\n"
            f"child = subprocess.Popen({sleeper!r}, start_new_session=True)\n"
            "child.pid"
        )
    )
    notebook.close()

    with pytest.raises(ProcessesLeft, match=rf"processes left behind.*\n(.*\n)*{pid} "):
        lab.expect_no_kernels(limit=1.0)

    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not psutil.pid_exists(pid)
