"""All event loops of a real kernel, seen and adopted from the panel in a real JupyterLab."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, expect

from tests.lab.notebook import Notebook
from tests.lab.panel import LIMIT, Panel

OpenNotebook = Callable[..., Notebook]

SCENE = """
import asyncio, threading
import bgwidgets as bgw

async def mine():
    await asyncio.Event().wait()

theirs = asyncio.new_event_loop()
threading.Thread(target=theirs.run_forever, name="theirs", daemon=True).start()
task = asyncio.create_task(mine(), name="my-task")
panel = bgw.panel()
panel
"""


def unfold(panel: Panel) -> None:
    """Show the view, with what was found."""
    panel.button("Loops in this kernel").click(timeout=LIMIT)
    panel.find(".bgw-found").first.wait_for(timeout=LIMIT)


def is_cut_off(line: Locator) -> bool:
    """Whether some of its text does not fit."""
    cut_off = "line => line.scrollWidth > line.clientWidth || line.scrollHeight > line.clientHeight"
    return bool(line.evaluate(cut_off))


def test_by_keyboard_alone(open_notebook: OpenNotebook):
    """Unfold, reach a button, press it; and no key does anything to the notebook meanwhile."""
    notebook = open_notebook([SCENE, "", ""])
    notebook.run(0)
    panel = Panel(notebook, 0)
    cells = notebook.page.locator(".jp-Notebook .jp-Cell")
    panel.button("Loops in this kernel").focus()
    keys = notebook.page.keyboard
    keys.press("Enter")
    panel.button("Adopt theirs").wait_for(timeout=LIMIT)
    for key in ("b", "a", "x", "d", "d"):
        keys.press(key)
    keys.press("Tab")
    expect(panel.button("Look again")).to_be_focused()
    keys.press("Tab")
    expect(panel.button("Adopt theirs")).to_be_focused()
    keys.press("Enter")
    panel.wait_for_state(panel.loop("theirs"), "running")
    expect(cells).to_have_count(3)
    assert [] == notebook.console_errors


def test_a_loop_is_found_adopted_and_stopped(open_notebook: OpenNotebook):
    """One click lists it; then the buttons act on it."""
    notebook = open_notebook([SCENE])
    notebook.run(0)
    panel = Panel(notebook, 0)
    unfold(panel)
    found = panel.find(".bgw-found-name").all_inner_texts()
    assert {"MainThread", "Control", "IOPub", "theirs"} <= set(found)
    # Of the kernel's own, only that of the cells has tasks of the user's to be seen.
    control = panel.find(".bgw-found").filter(has_text="thread Control")
    assert "it is the kernel's own (thread Control), which would go down" in control.inner_text()
    assert 0 == control.get_by_role("button").count()
    offered = panel.find(".bgw-found-action").all_inner_texts()
    assert ["Adopt", "Watch"] == offered

    panel.button("Adopt theirs").click(timeout=LIMIT)

    panel.wait_for_state(panel.loop("theirs"), "running")
    panel.said("theirs is listed now").wait_for(timeout=LIMIT)
    expect(panel.button("Stop event")).to_be_disabled()
    panel.said("no stop event: no asyncio.Event was found").wait_for(timeout=20_000)
    assert "no asyncio.Event" in str(panel.button("Stop event").get_attribute("title"))
    panel.click("Stop loop")
    panel.wait_for_state(panel.loop("theirs"), "stopped")
    assert "True" == notebook.python("theirs.is_closed()")
    assert [] == notebook.console_errors


def test_the_notebooks_own_loop_is_watched_and_stays_protected(open_notebook: OpenNotebook):
    """Its user's tasks are listed, and cancelled by their crosses; nothing else can be done."""
    notebook = open_notebook([SCENE])
    notebook.run(0)
    panel = Panel(notebook, 0)
    unfold(panel)
    reason = panel.find(".bgw-found").filter(has_text="MainThread").inner_text()
    assert "the notebook's own loop, and the kernel would go down with it" in reason

    panel.button("Watch MainThread").click(timeout=LIMIT)

    panel.wait_for_text(panel.loop("MainThread"), "name", "protected")
    for button in ("Stop event", "Stop loop", "Cancel tasks", "Restart"):
        expect(panel.button(button)).to_be_disabled(timeout=LIMIT)
    why = panel.said("the kernel would go down with it")
    why.wait_for(timeout=20_000)
    assert not is_cut_off(why)
    notebook.page.set_viewport_size({"width": 760, "height": 900})
    expect(why).to_be_visible(timeout=LIMIT)
    assert not is_cut_off(why)
    notebook.page.set_viewport_size({"width": 1280, "height": 900})
    row = panel.task("my-task")
    panel.wait_for_state(row, "pending")
    row.locator(".bgw-cancel").click(timeout=LIMIT)
    panel.wait_for_state(row, "cancelled")
    assert "True" == notebook.python("task.cancelled()")
    # What a page could forge is refused as well.
    asked = 'panel._pretend({"type": "command", "command": "stop_loop", "loop": panel.selected})'
    pretend = "type(panel)._pretend = lambda self, m: self.children[0]._handle_custom_msg(m, [])"
    notebook.python(f"(exec({pretend!r}), {asked})")
    panel.said("'MainThread' is protected").wait_for(timeout=LIMIT)
    assert "running" == notebook.python("str(bgw.manager['MainThread'].state)")
    assert [] == notebook.console_errors
