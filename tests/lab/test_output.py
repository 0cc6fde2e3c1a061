"""The output of a loop in a real JupyterLab: of a job that prints as fast as it can, too."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

from playwright.sync_api import expect

from tests.lab.panel import LIMIT, Panel
from tests.lab.test_pop_out import HIDE
from tests.reading_aids import expect_no_violations
from tests.waiting import until

if TYPE_CHECKING:
    from tests.lab.lab_server import LabServer
    from tests.lab.live import OpenNotebook

FLOOD: Final = """
import asyncio
import bgwidgets as bgw

async def flood():
    number = 0
    while not bgw.current().stop_event.is_set():
        for _ in range(1000):
            number += 1
            print(f"line {number} of very many")
        await asyncio.sleep(0.005)
    print("the end")

job = bgw.start(flood)
bgw.panel()
"""
TWO: Final = """
import asyncio, sys
import bgwidgets as bgw

async def tick(name):
    number = 0
    while True:
        print(f"{name} {number}", file=sys.stderr if name == "b" else sys.stdout)
        number += 1
        await asyncio.sleep(0.1)

async def work():
    async with asyncio.TaskGroup() as group:
        for name in "ab":
            group.create_task(tick(name), name=f"tick-{name}")

job = bgw.start(work)
bgw.panel()
"""
CLICKS: Final = """
async (root, count) => {
  const button = root.querySelector("[aria-pressed]");
  const took = [];
  for (let click = 0; click < count; click++) {
    await new Promise((done) => setTimeout(done, 150));
    // From a moment that the page does not choose, until what was clicked is painted.
    const began = performance.now();
    await new Promise((done) => setTimeout(done));
    button.click();
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    took.push((performance.now() - began) / 1000);
  }
  return took;
}
"""
RESPONSIVE: Final = 0.2
"""Seconds."""


def test_a_flood_of_lines_freezes_nothing(lab: LabServer, open_notebook: OpenNotebook):
    """100,000 lines a second: the page follows and takes clicks, the server drops no message."""
    notebook = open_notebook([FLOOD])
    notebook.run(0)
    panel = Panel(notebook, 0)
    panel.tab("Output").click(timeout=LIMIT)
    expect(panel.find(".bgw-amount")).to_contain_text("dropped", timeout=LIMIT)

    before = panel.find(".bgw-written").last.inner_text()
    took = panel.find(".bgw-output").evaluate(CLICKS, 16)
    assert statistics.median(took) < RESPONSIVE
    assert panel.find(".bgw-written").last.inner_text() != before
    assert panel.find(".bgw-written").count() <= 300

    panel.find(".bgw-output-body").evaluate("body => { body.scrollTop -= 500; }")
    to_end = panel.find(".bgw-to-end")
    expect(to_end).to_contain_text("new lines", timeout=LIMIT)

    def have_come_to_rest() -> bool:
        lines, said = panel.find(".bgw-text").all_inner_texts(), to_end.inner_text()
        expect(to_end).not_to_have_text(said, timeout=LIMIT)
        return panel.find(".bgw-text").all_inner_texts() == lines

    # Once the kernel has sent those around what is looked at now.
    until(have_come_to_rest)
    to_end.click()
    expect(to_end).to_be_hidden()

    panel.click("Stop event")
    expect(panel.find(".bgw-text").last).to_have_text("the end", timeout=LIMIT)
    assert "rate exceeded" not in lab.log_tail(100_000)
    assert "rate exceeded" not in notebook.output(0).inner_text()
    assert notebook.console_errors == []


def test_it_is_seen_by_task_searched_and_popped_out(open_notebook: OpenNotebook):
    """By mouse and by key; the window goes on while the notebook is hidden."""
    notebook = open_notebook([TWO])
    notebook.run(0)
    panel = Panel(notebook, 0)
    panel.task("tick-a").click(timeout=LIMIT)
    notebook.page.keyboard.press("o")
    expect(panel.find(".bgw-output-body")).to_be_focused(timeout=LIMIT)
    panel.find("[data-bgw-stream=stderr]").first.wait_for(timeout=LIMIT)
    expect_no_violations(notebook.page)

    notebook.page.keyboard.press("/")
    notebook.page.keyboard.type("b 3")
    expect(panel.find(".bgw-hits")).to_contain_text("of", timeout=LIMIT)
    expect(panel.find(".bgw-hit")).to_contain_text("b 3", timeout=LIMIT)
    notebook.page.keyboard.press("Escape")
    panel.find(".bgw-whose:visible").filter(has_text="tick-a").first.click(timeout=LIMIT)
    expect(panel.find(".bgw-text").filter(has_text="b ")).to_have_count(0, timeout=LIMIT)
    expect(panel.find(".bgw-task-filter")).to_have_value(
        panel.find(".bgw-whose").first.get_attribute("data-bgw-task") or "", timeout=LIMIT
    )

    with notebook.page.expect_popup(timeout=LIMIT) as opened:
        panel.button("Pop out the output").click(timeout=LIMIT)
    window = opened.value
    notebook.watch(window)
    window.locator(".bgw-written").first.wait_for(timeout=LIMIT)
    expect_no_violations(window, None)
    notebook.page.evaluate(HIDE)
    for _ in range(3):
        last = window.locator(".bgw-text").last.inner_text()
        expect(window.locator(".bgw-text").last).not_to_have_text(last, timeout=LIMIT)
    assert window.title().startswith("Output of work · ")
    window.close()
    assert notebook.console_errors == []
