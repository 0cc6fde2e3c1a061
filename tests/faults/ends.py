"""The ways in which a loop is told to end: the three buttons of a real panel, and `stop()`."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from bgwidgets import BackgroundLoop, ControlPanel
from tests.widgets.panel_page import Page

GRACE: Final = 0.2
"""Seconds between the steps of a stop that somebody holds out against."""
PATIENT: Final = 2.0
"""Where nobody does: the machine alone must not make it take the next step."""
STOP_TAKES: Final = 3.0
"""Seconds that a stop may take besides."""


class Way(StrEnum):
    """How it is told."""

    STOP_EVENT = "stop_event_button"
    STOP_LOOP = "stop_loop_button"
    CANCEL_TASKS = "cancel_tasks_button"
    STOP = "stop()"


def click(way: Way, job: BackgroundLoop, panel: ControlPanel, page: Page) -> None:
    """Click the button, if it is one; returns when the panel has said what came of it."""
    if way is Way.STOP:
        return
    page.heard.clear()
    panel.selected = job.id
    getattr(panel, way).click()
    page.wait_for("status", lambda message: message["type"] == "said")
