"""One notebook in a real JupyterLab page, driven as by its user; every wait has a deadline."""

from __future__ import annotations

import json
import secrets
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import ConsoleMessage, Locator, Page
from playwright.sync_api import Error as PlaywrightError

from tests.jupyter_dirs import KERNEL
from tests.lab import kernel_client
from tests.lab.lab_server import LabFailure, LabServer

OPEN_LIMIT: Final = 60.0
LIMIT: Final = 30.0
_DRIVER: Final = (Path(__file__).parent / "driver.js").read_text()


class Notebook:
    """A notebook in a page of its own with a kernel of its own. Made by `Notebook.open`."""

    def __init__(self, lab: LabServer, page: Page, path: str) -> None:
        self.lab = lab
        self.page = page
        self.path = path
        self.console_errors: list[str] = []
        """Errors of the page's scripts and what it wrote to the console as an error."""
        self.watch(page)

    @classmethod
    def open(
        cls, lab: LabServer, page: Page, cells: list[str], *, kernel: str = KERNEL
    ) -> Notebook:
        """Write a notebook with these code cells, open it and wait for its kernel."""
        path = f"test-{secrets.token_hex(4)}.ipynb"
        (lab.notebooks / path).write_text(json.dumps(_notebook_file(cells, kernel)))
        notebook = cls(lab, page, path)
        page.add_init_script(_DRIVER)
        try:
            page.goto(
                f"{lab.page_of(path)}&token={lab.token}",
                timeout=OPEN_LIMIT * 1000,
                wait_until="domcontentloaded",
            )
            notebook.wait_ready()
        except PlaywrightError as error:
            raise notebook._failure(f"the page did not open: {error.message}") from error
        return notebook

    def watch(self, page: Page) -> None:
        """Note the errors of this page too, which was opened by the notebook's own."""
        page.on("console", self._note_console)
        page.on("pageerror", lambda error: self.console_errors.append(str(error)))

    # What a user does

    def run(self, index: int, *, wait: bool = True, limit: float = LIMIT) -> None:
        """Run a cell. With `wait`, until it has ended; a cell that raised is then a failure."""
        self._driver("run", index)
        if wait:
            self.wait_idle(limit)
            self._expect_no_error(index)

    def run_all(self, *, limit: float = LIMIT) -> None:
        """Run every cell from the top, each when the one before has ended."""
        for index in range(len(self._driver("outputs"))):
            self.run(index, limit=limit)

    def restart_kernel(self) -> None:
        """Restart the kernel without the question that a user is asked; the page stays as it is."""
        self._driver("restart")
        self.wait_idle()

    def interrupt_kernel(self) -> None:
        """What the stop button does: a KeyboardInterrupt in the running cell."""
        self.lab.request("POST", f"/api/kernels/{self.kernel_id}/interrupt")

    def reload(self) -> None:
        """Save, then load the page anew, as after closing and opening the browser."""
        self.page.evaluate(
            "path => labDriver.track(labDriver.panel(path).context.save())", self.path
        )
        self.wait_idle()
        self.page.goto(self.lab.page_of(self.path), wait_until="domcontentloaded")
        self.wait_ready()

    def set_theme(self, theme: str) -> None:
        """Choose a theme by its name, such as "JupyterLab Dark"."""
        self.page.evaluate("theme => labDriver.setTheme(theme)", theme)
        self._wait_in_page(
            "([, theme]) => document.body.dataset.jpThemeName === theme && labDriver.pending === 0",
            f"theme {theme!r}",
            LIMIT,
            theme,
        )

    # What a user sees

    def output(self, index: int) -> Locator:
        """The output area of a cell, to find buttons and text in."""
        return self.page.locator(
            f'.jp-Cell[data-windowed-list-index="{index}"] .jp-Cell-outputArea'
        )

    def output_text(self, index: int) -> str:
        """The text that stands below a cell now."""
        return str(self._driver("outputText", index))

    def outputs(self) -> list[list[dict[str, Any]]]:
        """Every cell's outputs, as the notebook's file would hold them."""
        outputs: list[list[dict[str, Any]]] = self._driver("outputs")
        return outputs

    def screenshot(self, path: Path) -> None:
        """Write the page as a PNG."""
        self.page.screenshot(path=path)

    # What only a test can

    @property
    def kernel_id(self) -> str:
        """The server's id of this notebook's kernel; a restart keeps it."""
        kernel: dict[str, str] | None = self.page.evaluate(
            "path => { const k = labDriver.kernel(path); return k && { id: k.id }; }", self.path
        )
        if kernel is None:
            raise self._failure("the notebook has no kernel")
        return kernel["id"]

    def python(self, code: str, *, beside_cell: bool = False, limit: float = LIMIT) -> str:
        """Run code in this notebook's kernel, unseen by the page; `str()` of its last expression.

        `beside_cell` is for while a cell runs: it is answered at once, from a thread of its own.
        """
        connection_file = self.lab.dirs.runtime / f"kernel-{self.kernel_id}.json"
        try:
            return kernel_client.evaluate(
                connection_file, code, limit=limit, beside_cell=beside_cell
            )
        except kernel_client.KernelFailure as error:
            raise self._failure(f"{code!r}: {error}") from error

    @property
    def is_running(self) -> bool:
        """Whether a cell runs. The kernel's status does not say it: each message that a subshell
        has handled makes it idle.
        """
        return bool(self.page.evaluate("labDriver.pending > 0"))

    # Waits

    def wait_ready(self, limit: float = OPEN_LIMIT) -> None:
        """Until the notebook is shown and its kernel is idle."""
        self._wait_in_page(
            "([path]) => window.labDriver?.isReady(path)", "the notebook and its kernel", limit
        )

    def wait_idle(self, limit: float = LIMIT) -> None:
        """Until every cell that was run has ended, well or not, and the kernel is idle."""
        self._wait_in_page("([path]) => labDriver.isIdle(path)", "an idle kernel", limit)

    def wait_for_output(self, index: int, text: str, limit: float = LIMIT) -> None:
        """Until this text stands somewhere below the cell."""
        self._wait_in_page(
            "([path, [index, text]]) => labDriver.outputText(path, index).includes(text)",
            f"{text!r} below cell {index}",
            limit,
            [index, text],
        )

    def wait_for_python(
        self, code: str, expected: str, *, beside_cell: bool = False, limit: float = LIMIT
    ) -> None:
        """Until `python(code)` gives what is expected."""
        deadline = time.monotonic() + limit
        while (seen := self.python(code, beside_cell=beside_cell, limit=limit)) != expected:
            if time.monotonic() > deadline:
                raise self._failure(f"{code!r} is {seen!r} after {limit:g} s, not {expected!r}")
            # One frame of the page, so that what it is about to send gets sent.
            self.page.evaluate("() => new Promise(requestAnimationFrame)")

    def close(self) -> None:
        """Close the page, then shut the kernel down; ends also when the page is broken."""
        self.page.close()
        self.lab.shut_down_kernels(self.path)

    # How failures are told

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(message.text)

    def _driver(self, function: str, *arguments: Any) -> Any:
        return self.page.evaluate(
            "([name, ...arguments]) => labDriver[name](...arguments)",
            [function, self.path, *arguments],
        )

    def _wait_in_page(self, predicate: str, what: str, limit: float, argument: Any = None) -> None:
        try:
            self.page.wait_for_function(
                predicate, arg=[self.path, argument], timeout=limit * 1000, polling=20
            )
        except PlaywrightError as error:
            raise self._failure(f"waited {limit:g} s for {what}: {error.message}") from error

    def _expect_no_error(self, index: int) -> None:
        errors = [out for out in self._driver("outputs")[index] if out["output_type"] == "error"]
        if errors:
            raise self._failure(f"cell {index} raised {errors[0]['ename']}")

    def _failure(self, what: str) -> LabFailure:
        return LabFailure(f"{what}\n{self._page_report()}\n{self.lab.log_tail()}")

    def _page_report(self) -> str:
        try:
            status = self.page.evaluate("path => window.labDriver?.kernel(path)?.status", self.path)
            outputs = self._driver("outputs")
        except PlaywrightError as error:
            return f"--- page: {error.message}"
        return "\n".join(
            [
                f"--- kernel: {status or 'none'}",
                *(f"--- cell {i}: {json.dumps(out)[-2000:]}" for i, out in enumerate(outputs)),
                *(f"--- console: {error}" for error in self.console_errors[-10:]),
            ]
        )


def _notebook_file(cells: list[str], kernel: str) -> dict[str, Any]:
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        "cells": [
            {
                "id": f"cell-{index}",
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for index, source in enumerate(cells)
        ],
    }
