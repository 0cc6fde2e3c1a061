"""One JupyterLab and one browser for this folder; a notebook, a page and a kernel for each test."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.chromium import running_chromium
from tests.jupyter_dirs import KERNEL
from tests.lab.lab_server import LabServer, running_lab
from tests.lab.notebook import Notebook

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext


@pytest.fixture(scope="package")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    with running_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    """One context for all pages: from the second on, JupyterLab's scripts come from its cache."""
    with running_chromium() as chromium:
        yield chromium.new_context(viewport={"width": 1280, "height": 900})


@pytest.fixture
def open_notebook(lab: LabServer, browser: BrowserContext) -> Iterator[Callable[..., Notebook]]:
    """`open_notebook([cell, ...])`: a notebook, its page, its kernel; all gone after the test."""
    lab.reset_settings()
    with ExitStack() as stack:
        # Called in reverse: this one last, when every notebook is closed.
        stack.callback(lab.expect_no_kernels)
        # Also those of a page that did not come up.
        stack.callback(lab.shut_down_kernels)

        def open_one(cells: list[str], *, kernel: str = KERNEL) -> Notebook:
            page = browser.new_page()
            stack.callback(page.close)
            notebook = Notebook.open(lab, page, cells, kernel=kernel)
            stack.callback(notebook.close)
            return notebook

        yield open_one


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the server and the kernels wrote."""
    report = yield
    server = getattr(item, "funcargs", {}).get("lab")
    if report.failed and isinstance(server, LabServer):
        report.sections.append(("JupyterLab", server.log_tail()))
    return report
