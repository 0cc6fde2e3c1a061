"""The panel in a browser window of its own, popped out of a real JupyterLab."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import expect

from tests.lab.live import OpenNotebook, busy, expect_buttons_to_act, expect_mark, open_panel
from tests.lab.panel import LIMIT
from tests.reading_aids import expect_no_violations

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
    expect_no_violations(notebook.page)
    expect_no_violations(window, None)
    colour = "() => getComputedStyle(document.body).backgroundColor"
    before = window.evaluate(colour)

    notebook.set_theme("JupyterLab Dark")

    window.wait_for_function(f"before => ({colour})() !== before", arg=before, timeout=LIMIT)
    assert window.evaluate(colour) == panel.find(".bgw-loops").evaluate(
        "element => getComputedStyle(element).backgroundColor"
    )
    expect_no_violations(window, None)
    with window.expect_event("close", timeout=LIMIT):
        notebook.python("_.close()")
    assert [] == notebook.console_errors


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_it_can_be_read_heard_and_reached(open_notebook: OpenNotebook, theme: str):
    """In the cell too, as axe-core judges it; by Tab each of its controls has its turn."""
    notebook, panel = open_panel(open_notebook)
    notebook.set_theme(theme)
    panel.task("side").click(timeout=LIMIT)
    panel.find(".bgw-finder-toggle").click(timeout=LIMIT)
    panel.find(".bgw-found").first.wait_for(timeout=LIMIT)
    expect_no_violations(notebook.page)

    panel.find(".bgw-filter").focus()
    reached = []
    for _ in range(16):
        notebook.page.keyboard.press("Tab")
        reached.append(
            notebook.page.evaluate("""() => {
              const element = document.activeElement;
              const { outlineStyle } = getComputedStyle(element);
              const isSeen = outlineStyle !== "none" || element.matches(".bgw-grid");
              return `${element.ariaLabel ?? element.textContent}${isSeen ? "" : ": unseen"}`;
            }""")
        )
    assert ["Refresh interval", "Pause", "Pop out", "Background loops"] == reached[:4]
    buttons = ["Stop event", "Stop loop", "Cancel tasks", "Restart", "Stop all"]
    assert buttons == [name for name in reached if name in buttons]
    assert [] == [name for name in reached if name.endswith(": unseen")]
    assert [] == notebook.console_errors
