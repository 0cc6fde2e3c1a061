"""The panel in a browser window of its own, popped out of a real JupyterLab."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import expect

from tests.lab.live import OpenNotebook, busy, expect_buttons_to_act, expect_mark, open_panel
from tests.lab.panel import LIMIT

HIDE: Final = """() => {
  Object.defineProperty(document, "hidden", { value: true });
  Object.defineProperty(document, "visibilityState", { value: "hidden" });
  document.dispatchEvent(new Event("visibilitychange"));
  window.requestAnimationFrame = () => 0;
}"""
"""As a browser does it to a page behind others: headless, it never does. Timers are left alone."""


def test_it_is_live_while_the_notebook_is_hidden(open_notebook: OpenNotebook):
    """Rows go on, buttons act, by click and by key, also while a cell runs."""
    notebook, panel = open_panel(open_notebook)

    window, popped = panel.pop_out()
    notebook.page.evaluate(HIDE)

    expect(panel.find(".bgw-out")).to_have_text("The panel is in a window of its ownBring it back")
    expect(panel.find(".bgw-grid:visible")).to_have_count(0)
    popped.wait_for_state(popped.loop("loop-0"), "running")
    age = popped.cell(popped.loop("loop-0"), "age")
    expect(popped.loop("loop-0").locator(".bgw-col-age")).not_to_have_text(age, timeout=LIMIT)
    with busy(notebook, "sleeps"):
        expect_mark(popped, "live")
        expect_buttons_to_act(notebook, popped)
    popped.select("loop-2")
    window.keyboard.press("s")
    popped.wait_for_state(popped.loop("loop-2"), "stopped")
    window.close()
    assert [] == notebook.console_errors


def test_a_closed_window_brings_it_back(open_notebook: OpenNotebook):
    """Live, in the cell; and it can be popped out again, and be called back from there."""
    notebook, panel = open_panel(open_notebook)
    window, popped = panel.pop_out()
    popped.click("Stop event")
    popped.wait_for_state(popped.loop("loop-5"), "finished")

    window.close()

    expect(panel.find(".bgw-out")).to_be_hidden(timeout=LIMIT)
    panel.wait_for_state(panel.loop("loop-5"), "finished")
    panel.select("loop-4")
    panel.click("Stop event")
    panel.wait_for_state(panel.loop("loop-4"), "finished")
    window, popped = panel.pop_out()
    popped.wait_for_state(popped.loop("loop-4"), "finished")
    with window.expect_event("close", timeout=LIMIT):
        panel.button("Bring it back").click(timeout=LIMIT)
    expect(panel.button("Pop out")).to_be_focused()
    panel.wait_for_state(panel.loop("loop-4"), "finished")
    assert [] == notebook.console_errors


def test_the_window_has_the_theme_and_ends_with_the_panel(open_notebook: OpenNotebook):
    """Colours follow JupyterLab's; the window goes when the panel is closed."""
    notebook, panel = open_panel(open_notebook)
    window, popped = panel.pop_out()
    popped.wait_for_state(popped.loop("loop-0"), "running")
    colour = "() => getComputedStyle(document.body).backgroundColor"
    before = window.evaluate(colour)

    notebook.set_theme("JupyterLab Dark")

    window.wait_for_function(f"before => ({colour})() !== before", arg=before, timeout=LIMIT)
    assert window.evaluate(colour) == panel.find(".bgw-loops").evaluate(
        "element => getComputedStyle(element).backgroundColor"
    )
    with window.expect_event("close", timeout=LIMIT):
        notebook.python("_.close()")
    assert [] == notebook.console_errors
