"""No test of the widgets may leave a thread behind."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from bgwidgets.loop_manager import LoopManager
from bgwidgets.widgets.control_panel import ControlPanel
from tests.widgets.bench import Bench
from tests.widgets.panel_page import LIMIT, Page

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Every thread that a test starts ends with it."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + LIMIT
    started = [thread for thread in threading.enumerate() if thread not in before]
    for thread in started:
        thread.join(max(0.0, deadline - time.monotonic()))
    assert [thread.name for thread in started if thread.is_alive()] == []


@pytest.fixture
def bench() -> Bench:
    """A feed without a thread, with the test in the place of page, panel and clock."""
    return Bench()


@pytest.fixture
def manager() -> Iterator[LoopManager]:
    """Whose loops are stopped at the end."""
    manager = LoopManager()
    yield manager
    manager.stop_all(grace=0)


@pytest.fixture
def panel(manager: LoopManager) -> Iterator[ControlPanel]:
    """Closed at the end."""
    panel = ControlPanel(manager)
    yield panel
    panel.close()


@pytest.fixture
def page(panel: ControlPanel) -> Page:
    """Shows the panel."""
    page = Page(panel)
    page.open()
    return page
