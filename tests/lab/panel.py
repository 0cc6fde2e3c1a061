"""The panel below a cell, as its user sees it and clicks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.lab.notebook import Notebook

LIMIT: Final = 10_000
"""Milliseconds to wait for something to appear."""


class Panel:
    """One panel in the output of one cell."""

    def __init__(self, notebook: Notebook, cell: int) -> None:
        self.notebook = notebook
        self._root = notebook.output(cell).locator(".bgw-panel")
        self._root.wait_for(timeout=LIMIT)

    def button(self, name: str) -> Locator:
        """One of the action buttons."""
        return self._root.get_by_role("button", name=name, exact=True)

    def click(self, name: str) -> None:
        """Click an action button as soon as it can be clicked."""
        self.button(name).click(timeout=LIMIT)

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

    def find(self, selector: str) -> Locator:
        """Anything in the panel."""
        return self._root.locator(selector)

    def said(self, text: str) -> Locator:
        """The status line, when it says this."""
        return self.find(".bgw-status").filter(has_text=text)
