"""What is pressed in the panel is for the panel: to the notebook around it, x cuts the cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from playwright.sync_api import expect

from tests.lab.live import OpenNotebook, open_panel
from tests.lab.notebook import Notebook
from tests.lab.panel import LIMIT, Panel

if TYPE_CHECKING:
    from playwright.sync_api import Position

PLACES: Final[dict[str, Position]] = {
    ".bgw-sum": {"x": 8, "y": 8},
    ".bgw-bar": {"x": 3, "y": 3},
    ".bgw-loops .bgw-head .bgw-col-mark": {"x": 4, "y": 4},
    ".bgw-actions": {"x": 3, "y": 3},
    ".bgw-actions .bgw-does-remove_finished": {"x": 8, "y": 8},
    ".bgw-status": {"x": 8, "y": 8},
    ".bgw-tabs": {"x": 520, "y": 8},
    ".bgw-tasks .bgw-head .bgw-col-mark": {"x": 4, "y": 4},
    ".bgw-tasks .bgw-foot": {"x": 300, "y": 8},
}
"""Where a click meets nothing that could have the focus, a grey button among it."""
FOCUSED: Final = """(panel) => {
  const { activeElement } = document;
  return panel.contains(activeElement) && activeElement.getAttribute("aria-label");
}"""


def focused(panel: Panel) -> object:
    """What has the focus, by its label."""
    return panel.find(":scope").evaluate(FOCUSED)


def cells(notebook: Notebook) -> int:
    count: int = notebook.page.evaluate(
        "path => labDriver.panel(path).content.widgets.length", notebook.path
    )
    return count


def test_wherever_it_is_clicked_the_keys_are_its_own(open_notebook: OpenNotebook):
    """The nearest grid has the focus; x, d d and b leave the cells alone, and Ctrl S saves them."""
    notebook, panel = open_panel(open_notebook)
    before = cells(notebook)
    for place, position in PLACES.items():
        notebook.page.evaluate("document.activeElement.blur()")
        panel.find(place).first.click(position=position, force=True, timeout=LIMIT)
        of_tasks = ".bgw-tasks" in place or ".bgw-tabs" in place
        assert focused(panel) == ("Tasks of loop-5" if of_tasks else "Background loops"), place
        for key in ("x", "b", "d", "d"):
            notebook.page.keyboard.press(key)
        assert cells(notebook) == before, place
    expect(panel.said("'loop-5' is running: stop it")).to_be_visible()
    notebook.page.evaluate(
        "path => { labDriver.panel(path).context.model.dirty = true; }", notebook.path
    )
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_function(
        "path => !labDriver.panel(path).context.model.dirty", arg=notebook.path, timeout=LIMIT
    )
    assert [] == notebook.console_errors


@pytest.mark.parametrize("by_key", [False, True])
def test_a_button_that_turns_grey_hands_the_focus_to_the_grid(
    open_notebook: OpenNotebook, *, by_key: bool
):
    """Stop loop, once more in vain, and x: the ended loop is removed, not the cell."""
    notebook, panel = open_panel(open_notebook)
    before = cells(notebook)
    stop = panel.button("Stop loop")
    if by_key:
        stop.focus()
        notebook.page.keyboard.press("Enter")
    else:
        stop.click()
    panel.wait_for_state(panel.loop("loop-5"), "stopped")
    expect(stop).to_be_disabled(timeout=LIMIT)
    assert focused(panel) == "Background loops"
    stop.click(force=True)
    assert focused(panel) == "Background loops"
    notebook.page.keyboard.press("x")
    expect(panel.loop("loop-5")).to_have_count(0, timeout=LIMIT)
    assert cells(notebook) == before


def test_text_can_be_marked_all_the_same(open_notebook: OpenNotebook):
    """In the status line, say, to copy it."""
    notebook, panel = open_panel(open_notebook)
    line = panel.said("run 1")
    box = line.bounding_box()
    assert box is not None
    mouse, in_first_line = notebook.page.mouse, box["y"] + box["height"] / 4
    mouse.move(box["x"] + box["width"] - 2, in_first_line)
    mouse.down()
    mouse.move(box["x"] + box["width"] - 80, in_first_line, steps=4)
    mouse.up()
    marked = notebook.page.evaluate("getSelection().toString()").strip()
    assert marked
    assert marked in line.inner_text()
    assert focused(panel) == "Background loops"
