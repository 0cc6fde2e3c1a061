"""The example of a producer and its plot in a real JupyterLab: its bar, its chart, its picture."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import expect

from tests.lab.live import OpenNotebook
from tests.lab.panel import LIMIT, Panel
from tests.lab.reader import Reader

NOTEBOOK: Final = "04_producer_and_plot.ipynb"
WIDTH: Final = """
picture => new Promise((resolve) => {
  // Not decode(): it fails when the next picture takes this one's place meanwhile.
  const look = () =>
    picture.complete && picture.naturalWidth > 0
      ? resolve(picture.naturalWidth)
      : setTimeout(look, 20);
  look();
})
"""


def expect_plots(panel: Panel) -> None:
    """The chart goes on with the steps, and the figure with the visits of the painter."""
    chart = panel.find('[role=slider][aria-label="height over time"]')
    expect(chart).to_be_visible(timeout=LIMIT)
    newest = panel.find(".bgw-chart .bgw-number")
    for _ in range(2):
        expect(newest).not_to_have_text(newest.inner_text(timeout=LIMIT), timeout=LIMIT)
    picture = panel.find(".bgw-plot img")
    before = picture.get_attribute("src", timeout=LIMIT) or ""
    expect(picture).not_to_have_attribute("src", before, timeout=LIMIT)
    assert 700 == picture.evaluate(WIDTH)


def test_a_reader_sees_it_walk(open_notebook: OpenNotebook):
    """The bar, the plots, the queue that fills when the painter is gone, and the end by a click."""
    reader = Reader(open_notebook, NOTEBOOK)
    panel = reader.run_to_panel()
    steps = panel.task("walker").get_by_role("progressbar")
    expect(steps).to_have_attribute("aria-label", "Progress of walker: steps", timeout=LIMIT)
    expect(panel.task("walker").locator(".bgw-col-progress")).to_contain_text("it/s", timeout=LIMIT)
    panel.tab("Plots").click(timeout=LIMIT)
    expect_plots(panel)
    cell = reader.run_to("walk_so_far")
    in_the_cell = reader.notebook.output(cell).locator("img")
    assert 700 == in_the_cell.evaluate(WIDTH, timeout=LIMIT)
    expect_plots(panel)

    panel.tab("Tasks").click(timeout=LIMIT)
    reader.run_to("job.cancel_tasks(paints.id)")
    panel.wait_for_state(panel.task("painter"), "cancelled")
    panel.wait_for_text(panel.task("walker"), "waiting", "queue put")

    panel.click("Stop event")
    panel.wait_for_state(panel.loop("walk"), "finished")
    panel.wait_for_state(panel.task("walker"), "cancelled")
    expect(panel.task("walker").locator(".bgw-col-progress")).to_contain_text("left open")
    last = reader.run_to_the_end()
    assert "{'walker': 'cancelled', 'painter': 'cancelled', 'walk': 'finished'}" == last
    reader.expect_quiet()
