"""A panel that was there before: after a reload, in another view, without its kernel."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.lab.notebook import Notebook
from tests.lab.panel import LIMIT, Panel

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator

    from tests.lab.lab_server import LabServer

OpenNotebook = Callable[..., Notebook]

START: Final = """
import asyncio, threading
import bgwidgets as bgw
async def race():
    side = asyncio.create_task(asyncio.sleep(3600), name="sprinter")
    await asyncio.sleep(3600)
job = bgw.start(race, name="race", replace=True)
"""
PANEL: Final = "panel = bgw.panel()\npanel"


@pytest.fixture
def shown(open_notebook: OpenNotebook) -> Notebook:
    """A running loop and its panel, in the second cell."""
    notebook = open_notebook([START, PANEL])
    notebook.run(0)
    notebook.run(1)
    panel = Panel(notebook, 1)
    panel.wait_for_state(panel.loop("race"), "running")
    return notebook


def expect_live(notebook: Notebook, panel: Panel) -> None:
    """It shows what happens, and a click takes effect."""
    panel.wait_for_state(panel.loop("race"), "running")
    panel.click("Cancel tasks")
    panel.wait_for_state(panel.loop("race"), "cancelled")
    notebook.wait_for_python("job.state", "cancelled")


class View(Panel):
    """A panel anywhere in a page."""

    def __init__(self, notebook: Notebook, root: Locator) -> None:
        self.notebook = notebook
        self._root = root
        root.wait_for(timeout=3 * LIMIT)


# -- live again


def test_a_reloaded_page_is_live(shown: Notebook):
    """The widget is there again, under the same name."""
    shown.reload()
    expect_live(shown, Panel(shown, 1))


def test_a_second_view_of_the_output_is_live(shown: Notebook):
    """JupyterLab's "Create New View for Cell Output"; both show what a click in one does."""
    shown.page.evaluate(
        """(path) => {
          const panel = labDriver.panel(path);
          panel.content.activeCellIndex = 1;
          window.jupyterapp.commands.execute("notebook:create-output-view");
        }""",
        shown.path,
    )
    other = View(shown, shown.page.locator(".jp-LinkedOutputView .bgw-panel"))
    expect_live(shown, other)
    first = Panel(shown, 1)
    first.wait_for_state(first.loop("race"), "cancelled")


def test_a_second_tab_is_live(shown: Notebook, lab: LabServer, browser: BrowserContext):
    """On the saved notebook; the first tab sees what a click in the second does."""
    save(shown)
    page = browser.new_page()
    try:
        page.goto(f"{lab.url}/lab/tree/{shown.path}?reset", wait_until="domcontentloaded")
        other = View(shown, page.locator(".jp-Cell-outputArea .bgw-panel"))
        expect_live(shown, other)
        first = Panel(shown, 1)
        first.wait_for_state(first.loop("race"), "cancelled")
    finally:
        page.close()


def test_a_notebook_that_was_closed_and_opened_again_is_live(shown: Notebook):
    """Its kernel went on, and nothing was put away, however long it was closed."""
    save(shown)
    forget_at_once(shown)
    shown.page.evaluate("path => labDriver.panel(path).close()", shown.path)
    expect(shown.page.locator(".bgw-panel")).to_have_count(0, timeout=LIMIT)
    shown.page.evaluate(
        "path => window.jupyterapp.commands.execute('docmanager:open', { path })", shown.path
    )
    shown.wait_ready()
    expect_live(shown, Panel(shown, 1))


# -- put away


def test_a_cell_that_is_run_again_and_again_leaves_nothing(shown: Notebook):
    """No thread, no comm, no widget: also while IPython keeps every panel as its output."""
    shown.python("import comm, gc; from ipywidgets.widgets.widget import _instances")
    shown.run(1)
    counts = (
        "(len(comm.get_comm_manager().comms), len(_instances),"
        " [t.name for t in threading.enumerate()].count('bgwidgets-panel'))"
    )
    forget_at_once(shown)
    shown.wait_for_python(f"panel.comm is not None and {ALL_BUT_ONE_AWAY}", "True")
    before = shown.python(counts)
    for _ in range(5):
        shown.run(1)
        panel = Panel(shown, 1)
        panel.wait_for_state(panel.loop("race"), "running")
    shown.wait_for_python(counts, before)
    expect_live(shown, Panel(shown, 1))


def test_a_panel_that_was_put_away_can_be_displayed_again(open_notebook: OpenNotebook):
    """The same object, with its settings; the page knows it under its old name."""
    notebook = open_notebook([START, PANEL, "panel"])
    notebook.run(0)
    notebook.run(1)
    panel = Panel(notebook, 1)
    panel.wait_for_state(panel.loop("race"), "running")
    notebook.python("panel.filter = 'sprinter'")
    forget_at_once(notebook)
    notebook.page.evaluate(
        """(path) => {
          labDriver.panel(path).content.activeCellIndex = 1;
          window.jupyterapp.commands.execute("notebook:clear-cell-output");
        }""",
        notebook.path,
    )
    notebook.wait_for_python("panel.comm is None", "True")
    notebook.run(2)
    again = Panel(notebook, 2)
    again.task("sprinter").wait_for(timeout=LIMIT)
    assert "sprinter" == again.find(".bgw-filter").input_value()
    expect_live(notebook, again)


ALL_BUT_ONE_AWAY: Final = (
    "[type(w).__name__ for w in list(_instances.values())].count('ControlPanel') == 1"
)


def forget_at_once(notebook: Notebook) -> None:
    """Panels are put away 0.2 seconds after their last output was cleared, and not after ten."""
    notebook.python(
        "import bgwidgets.widgets.attendance as attendance; attendance.FORGOTTEN_AFTER = 0.2"
    )


def save(notebook: Notebook) -> None:
    """Write the notebook's file."""
    notebook.page.evaluate(
        "path => labDriver.track(labDriver.panel(path).context.save())", notebook.path
    )
    notebook.wait_idle()


# -- the kernel is gone


def expect_dead(notebook: Notebook, word: str) -> None:
    """It is said, and there is nothing that can be clicked; the last picture stays."""
    panel = Panel(notebook, 1)
    panel.find(".bgw-contact").filter(has_text=word).wait_for(timeout=LIMIT)
    for control in (".bgw-button", ".bgw-pause"):
        found = panel.find(control)
        assert found.count() > 0
        assert found.evaluate_all("all => all.every((each) => each.inert)")
    assert panel.loop("race").is_visible()


def test_a_restarted_kernel_is_said(shown: Notebook):
    """The new one knows nothing of this panel. Its cell run again, there is a new one."""
    shown.restart_kernel()
    expect_dead(shown, "kernel restarted")
    shown.run(0)
    shown.run(1)
    panel = Panel(shown, 1)
    panel.wait_for_state(panel.loop("race"), "running")
    assert panel.find(".bgw-contact").inner_text() == ""
    expect_live(shown, panel)


def test_a_kernel_that_was_shut_down_is_said(shown: Notebook):
    """By its user, in the menu."""
    shown.page.evaluate("path => { labDriver.panel(path).sessionContext.shutdown(); }", shown.path)
    expect_dead(shown, "kernel gone")


def test_a_kernel_that_was_restarted_elsewhere_is_said(shown: Notebook, lab: LabServer):
    """In another tab, say: this page is told only that a kernel starts."""
    lab.restart_kernel(shown.path)
    expect_dead(shown, "kernel restarted")


def test_a_kernel_that_died_is_said(shown: Notebook):
    """The server starts another in its place."""
    shown.page.evaluate(
        """(path) => {
          const kernel = labDriver.panel(path).sessionContext.session.kernel;
          kernel.requestExecute({ code: "import os; os._exit(1)", silent: true });
        }""",
        shown.path,
    )
    expect_dead(shown, "kernel restarted")
    # JupyterLab asks what to do about it.
    dialog = shown.page.locator(".jp-Dialog")
    if dialog.count():
        dialog.locator("button").first.click(timeout=LIMIT)


def test_a_kernel_that_holds_its_breath_comes_back(shown: Notebook):
    """C code that keeps the interpreter's lock silences every thread of it for a while."""
    shown.page.evaluate(
        """(path) => {
          const kernel = labDriver.panel(path).sessionContext.session.kernel;
          const code = "import ctypes; ctypes.PyDLL(None).sleep(6)";
          kernel.requestExecute({ code, silent: true });
        }""",
        shown.path,
    )
    expect_dead(shown, "no contact with the kernel")
    panel = Panel(shown, 1)
    expect(panel.find(".bgw-contact")).to_have_text("", timeout=2 * LIMIT)
    expect_live(shown, panel)


def test_without_a_kernel_the_saved_notebook_shows_how_things_stood(
    shown: Notebook, lab: LabServer, browser: BrowserContext
):
    """In a notebook that JupyterLab does not trust, as one that was sent by mail."""
    save(shown)
    file = lab.notebooks / shown.path
    copy = lab.notebooks / f"copy-of-{shown.path}"
    copy.write_text(file.read_text().replace("race", "r&lt;b>ce"))
    page = browser.new_page()
    try:
        page.goto(f"{lab.url}/lab/tree/{copy.name}?reset", wait_until="domcontentloaded")
        output = page.locator(".jp-Cell-outputArea")
        output.get_by_text("Background loops").wait_for(timeout=3 * LIMIT)
        assert output.locator(".bgw-panel").count() == 0
    finally:
        page.close()
