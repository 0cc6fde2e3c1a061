"""The panel below a cell, as its user sees it and clicks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.lab.notebook import Notebook

LIMIT: Final = 10_000
"""Milliseconds to wait for something to appear."""

EFFECT: Final = """
(panel, [button, row, state, limit]) => new Promise((resolve, reject) => {
  const isSo = (element) => [element.textContent, element.ariaLabel].includes(button);
  const element = [...panel.querySelectorAll("button")].find(isSo);
  const isThere = () => [...panel.querySelectorAll(`.bgw-row[data-bgw-state="${state}"]`)].some(
    (each) => each.querySelector(".bgw-col-name > span").textContent === row,
  );
  const began = performance.now();
  const observer = new MutationObserver(() => {
    if (!isThere()) return;
    observer.disconnect();
    resolve((performance.now() - began) / 1000);
  });
  const all = { subtree: true, childList: true, attributes: true, characterData: true };
  observer.observe(panel, all);
  setTimeout(() => reject(new Error(`${button}: ${row} is not ${state}`)), limit);
  if (isThere()) reject(new Error(`${row} is ${state} already`));
  else element.click();
})
"""


class Panel:
    """One panel in the output of one cell."""

    def __init__(self, notebook: Notebook, cell: int, window: Page | None = None) -> None:
        """`window`: the one that the panel was popped out into."""
        self.notebook = notebook
        self._root = (window or notebook.output(cell)).locator(".bgw-panel")
        self._root.wait_for(timeout=LIMIT)

    def button(self, name: str) -> Locator:
        """One of the action buttons."""
        return self._root.get_by_role("button", name=name, exact=True)

    def click(self, name: str) -> None:
        """Click an action button as soon as it can be clicked."""
        self.button(name).click(timeout=LIMIT)

    def effect_of(self, button: str, row: str, state: str) -> float:
        """Click a button, by what it says or is called; the seconds until a row is in this state.

        Measured inside the page, so the driver's delays are not in it.
        """
        return float(self._root.evaluate(EFFECT, [button, row, state, LIMIT]))

    @property
    def live(self) -> Locator:
        """The mark that says whether clicks are heard while a cell runs."""
        return self.find(".bgw-live:visible")

    def loop(self, name: str) -> Locator:
        """A loop's row."""
        return self._row("loops", name)

    def task(self, name: str) -> Locator:
        """A task's row."""
        return self._row("tasks", name)

    def _row(self, table: str, name: str) -> Locator:
        cell = self._root.page.locator(f".bgw-col-name:has-text('{name}')")
        return self._root.locator(f".bgw-{table} .bgw-row").filter(has=cell)

    def cell(self, row: Locator, column: str) -> str:
        """What stands in a row's column."""
        return row.locator(f".bgw-col-{column}").inner_text(timeout=LIMIT)

    def wait_for_state(self, row: Locator, state: str) -> None:
        """Until the row's state is this one, in a word that is seen."""
        word = row.locator(".bgw-col-state").filter(has_text=state)
        word.wait_for(timeout=LIMIT)

    def wait_for_text(self, row: Locator, column: str, text: str) -> None:
        """Until this text stands in the row's column."""
        row.locator(f".bgw-col-{column}").filter(has_text=text).wait_for(timeout=LIMIT)

    def select(self, loop: str) -> None:
        """Click on a loop's row, and wait until its tasks are shown."""
        self.loop(loop).click(timeout=LIMIT)
        self._root.get_by_role("grid", name=f"Tasks of {loop}", exact=True).wait_for(timeout=LIMIT)

    def tab(self, name: str) -> Locator:
        """One of the tabs above the tasks."""
        return self._root.get_by_role("tab", name=name)

    def pop_out(self) -> tuple[Page, Panel]:
        """Click that button; the window, and the panel in it."""
        with self._root.page.expect_popup(timeout=LIMIT) as opened:
            self.button("Pop out").click(timeout=LIMIT)
        self.notebook.watch(opened.value)
        return opened.value, Panel(self.notebook, 0, opened.value)

    def find(self, selector: str) -> Locator:
        """Anything in the panel."""
        return self._root.locator(selector)

    def said(self, text: str) -> Locator:
        """The status line, when it says this."""
        return self.find(".bgw-status").filter(has_text=text)
