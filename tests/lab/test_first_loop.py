"""The main job, in a real JupyterLab: start a loop in a cell, see it, and end it by a click."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import expect

from tests.lab.notebook import Notebook
from tests.lab.panel import LIMIT, Panel

OpenNotebook = Callable[..., Notebook]

NOTEBOOK: Final = Path(__file__).parents[2] / "notebooks" / "01_first_loop.ipynb"

STOPS: Final = [
    ("Stop event", "finished"),
    ("Stop loop", "stopped"),
    ("Cancel tasks", "cancelled"),
]


def scene() -> list[str]:
    """The example notebook's cells, as far as the panel, in one."""
    cells = [
        "".join(cell["source"])
        for cell in json.loads(NOTEBOOK.read_text())["cells"]
        if cell["cell_type"] == "code"
    ]
    last = next(number for number, cell in enumerate(cells) if "bgw.panel(" in cell)
    return ["\n".join(cells[: last + 1])]


AGAIN: Final = "job = bgw.start(race, 400, 2000, replace=True)"
WATCH_STDERR: Final = """
import io, sys, threading
stderr_of_threads = io.StringIO()
threading.excepthook = lambda args: stderr_of_threads.write(repr(args))
import logging
logging.basicConfig(stream=stderr_of_threads, level=logging.WARNING)
"""


def open_scene(open_notebook: OpenNotebook, *more: str) -> tuple[Notebook, Panel]:
    """The scene with its panel, running."""
    notebook = open_notebook([WATCH_STDERR, *scene(), *more])
    notebook.run(0)
    notebook.run(1)
    return notebook, Panel(notebook, 1)


def expect_quiet(notebook: Notebook) -> None:
    """Neither a word on stderr below any cell, nor an error in the page."""
    assert [] == [
        output
        for cell in notebook.outputs()
        for output in cell
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]
    assert "" == notebook.python("stderr_of_threads.getvalue()")
    assert [] == notebook.console_errors


def test_the_panel_shows_the_loop_and_both_tasks(open_notebook: OpenNotebook):
    """Their states, their age, where each waits; and it refreshes by itself."""
    notebook, panel = open_scene(open_notebook)

    panel.wait_for_state(panel.loop("race"), "running")
    for name in ("race", "sprinter"):
        row = panel.task(name)
        panel.wait_for_state(row, "pending")
        panel.wait_for_text(row, "waiting", "sleep, ")
        panel.wait_for_text(row, "waiting", " left · In[2]:")
    panel.wait_for_text(panel.task("sprinter"), "age", "0:03")
    assert "2 of 2" in panel.cell(panel.loop("race"), "tasks")
    assert "running" == notebook.python("job.state")
    expect_quiet(notebook)


@pytest.mark.parametrize(("button", "expected"), STOPS)
def test_a_click_ends_the_loop(open_notebook: OpenNotebook, button: str, expected: str):
    """Each button in its own way: seen in the panel, true in Python, quiet on stderr."""
    notebook, panel = open_scene(open_notebook)
    panel.wait_for_state(panel.task("sprinter"), "pending")

    panel.click(button)

    panel.wait_for_state(panel.loop("race"), expected)
    panel.wait_for_state(panel.task("sprinter"), "cancelled")
    notebook.wait_for_python("job.state", expected)
    assert "[]" == notebook.python("[t.name for t in job.tasks if not t.state.has_ended]")
    expect_quiet(notebook)


def test_each_button_in_turn_on_fresh_loops(open_notebook: OpenNotebook):
    """In one panel, which follows the newest loop; a late or second click does no harm."""
    notebook, panel = open_scene(open_notebook, AGAIN)
    notebook.python("late = bgw.panel()")
    for button, expected in STOPS:
        notebook.run(2)
        # A click is for the loop that the page shows: as soon as it shows this one, and twice.
        panel.wait_for_state(panel.loop("race"), "running")
        panel.button(button).dblclick(timeout=LIMIT)
        notebook.wait_for_python("job.state", expected)
        panel.wait_for_state(panel.loop("race"), expected)
        # After the end it can only be clicked by a program.
        expect(panel.button(button)).to_be_disabled(timeout=LIMIT)
        notebook.python(f"late.{button.lower().replace(' ', '_')}_button.click()")
        assert expected == notebook.python("job.state")
    expect_quiet(notebook)


def test_restart_and_remove_finished(open_notebook: OpenNotebook):
    """Restart runs the work again under the same name; Remove finished clears the list."""
    notebook, panel = open_scene(open_notebook)
    panel.click("Stop loop")
    panel.wait_for_state(panel.loop("race"), "stopped")
    panel.select("race")

    panel.click("Restart")

    panel.wait_for_state(panel.loop("race"), "running")
    notebook.wait_for_python("job.run_number", "2")
    panel.click("Stop loop")
    panel.wait_for_state(panel.loop("race"), "stopped")
    panel.click("Remove finished")
    panel.loop("race").wait_for(state="detached", timeout=LIMIT)
    assert "0" == notebook.python("len(bgw.manager)")
    expect_quiet(notebook)


def test_one_task_is_cancelled_by_the_button_in_its_row(open_notebook: OpenNotebook):
    """The others, and the loop, go on."""
    notebook, panel = open_scene(open_notebook)
    row = panel.task("sprinter")
    panel.wait_for_state(row, "pending")

    row.get_by_role("button", name="Cancel task sprinter").click(timeout=LIMIT)

    panel.wait_for_state(row, "cancelled")
    assert "running" == notebook.python("job.state")
    expect_quiet(notebook)


def test_a_failed_loop_shows_its_traceback(open_notebook: OpenNotebook):
    """One line in its row, all of it behind a tab; `result()` raises the original exception."""
    notebook, panel = open_scene(
        open_notebook,
        "async def fail():\n    raise KeyError('the price of tea')\nfailed = bgw.start(fail)",
    )
    notebook.run(2)

    panel.wait_for_state(panel.loop("fail"), "failed")
    panel.wait_for_text(panel.loop("fail"), "note", "KeyError: 'the price of tea'")
    panel.select("fail")
    panel.tab("Error").click(timeout=LIMIT)
    trace = panel.find(".bgw-trace").inner_text(timeout=LIMIT)
    assert trace.startswith("Traceback (most recent call last):")
    assert "raise KeyError('the price of tea')" in trace
    assert "True" == notebook.python(
        "try:\n    failed.result()\nexcept KeyError as error:\n    caught = error\n"
        "caught is failed.exception()"
    )
    expect_quiet(notebook)


def test_a_users_text_is_never_html(open_notebook: OpenNotebook):
    """Names and errors of loops and tasks show letter by letter; so do prints, the names of metrics
    and figures, and what a command says.
    """
    evil = "<img src=x onerror=window.hacked=1>"
    notebook, panel = open_scene(
        open_notebook,
        f"evil = {evil!r}\n"
        "async def work():\n"
        "    side = asyncio.create_task(asyncio.sleep(0), name=evil)\n"
        "    await side\n"
        "    print(evil)\n"
        "    bgw.metric(evil, 1)\n"
        "    bgw.figure(evil).gca().set_title(evil)\n"
        "    raise ValueError(evil)\n"
        "bad = bgw.start(work, name=evil)",
    )
    notebook.run(2)

    panel.wait_for_text(panel.loop("<img"), "note", f"ValueError: {evil}")
    assert evil == panel.cell(panel.loop("<img"), "name")
    panel.loop("<img").click(timeout=LIMIT)
    panel.task("<img").first.wait_for(timeout=LIMIT)
    panel.tab("Error").click(timeout=LIMIT)
    panel.find(".bgw-trace").filter(has_text=evil).wait_for(timeout=LIMIT)
    panel.tab("Output").click(timeout=LIMIT)
    panel.find(".bgw-text").filter(has_text=evil).first.wait_for(timeout=LIMIT)
    panel.click("Restart")
    panel.said(f"{evil} was restarted").wait_for(timeout=LIMIT)
    assert 0 == panel.find("img").count()
    panel.tab("Plots").click(timeout=LIMIT)
    panel.find(".bgw-plots-body").filter(has_text=evil).wait_for(timeout=LIMIT)
    assert 0 == panel.find("img[src='x']").count()
    assert notebook.page.evaluate("window.hacked === undefined")


def test_a_restarted_kernel_is_said_to_be_gone(open_notebook: OpenNotebook):
    """The last picture stays, dimmed, and the panel says that nobody listens."""
    notebook, panel = open_scene(open_notebook)
    panel.wait_for_state(panel.loop("race"), "running")

    notebook.restart_kernel()

    gone = panel.find(".bgw-contact").filter(has_text="kernel restarted")
    gone.wait_for(timeout=LIMIT)
    assert panel.find(".bgw-lost").first.is_visible()


def test_a_second_view_of_the_panel_is_live_too(open_notebook: OpenNotebook):
    """Displayed again in another cell, each shows the same, and a click in one shows in both."""
    notebook, first = open_scene(open_notebook, "both = bgw.panel()\nboth", "both")
    notebook.run(2)
    notebook.run(3)
    one, other = Panel(notebook, 2), Panel(notebook, 3)
    one.wait_for_state(one.task("sprinter"), "pending")

    other.click("Stop loop")

    for panel in (first, one, other):
        panel.wait_for_state(panel.loop("race"), "stopped")
    expect_quiet(notebook)


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_the_panel_can_be_read_in_both_themes(open_notebook: OpenNotebook, theme: str):
    """Its text stands out from its background at least 4.5 to 1 (WCAG AA)."""
    notebook, panel = open_scene(open_notebook)
    notebook.set_theme(theme)
    panel.wait_for_state(panel.task("sprinter"), "pending")

    ratios = panel.find(".bgw-panel, .bgw-table").first.evaluate(CONTRAST)

    assert {} == {text: ratio for text, ratio in ratios.items() if ratio < 4.5}
    assert len(ratios) > 10


CONTRAST: Final = """
(table) => {
  // A canvas turns any colour, color-mix() too, into the bytes that are painted.
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const paint = (layers) => {
    context.clearRect(0, 0, 1, 1);
    for (const colour of layers) {
      context.fillStyle = colour;
      context.fillRect(0, 0, 1, 1);
    }
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (bytes) => {
    const linear = bytes.map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const layersUnder = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement)
      layers.unshift(getComputedStyle(at).backgroundColor);
    return layers;
  };
  const ratios = {};
  const texts = document.createTreeWalker(table.closest(".bgw-panel"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.textContent.trim();
    if (!text || !element.checkVisibility() || element.closest(":disabled")) continue;
    const layers = layersUnder(element);
    const [one, other] = [
      luminance(paint([...layers, getComputedStyle(element).color])),
      luminance(paint(layers)),
    ].sort((a, b) => b - a);
    ratios[text] = Math.min(ratios[text] ?? 99, (one + 0.05) / (other + 0.05));
  }
  return ratios;
}
"""


def test_keys_on_a_button_mean_nothing_to_the_notebook(open_notebook: OpenNotebook):
    """It keeps the focus after a click; there, b would insert a cell, and x cut one."""
    notebook, panel = open_scene(open_notebook)
    cells = notebook.page.locator(".jp-Notebook .jp-CodeCell")
    count = cells.count()
    panel.click("Restart")
    panel.said("race was restarted").wait_for(timeout=LIMIT)
    for button in ("Stop event", "Stop loop", "Cancel tasks", "Restart", "Stop all"):
        panel.button(button).focus()
        for key in ("b", "x", "d", "d"):
            notebook.page.keyboard.press(key)
    # A key that means something is done with by the time that a click is answered.
    panel.click("Stop loop")
    panel.wait_for_state(panel.loop("race"), "stopped")
    expect(cells).to_have_count(count)
    expect_quiet(notebook)
