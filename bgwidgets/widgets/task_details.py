"""What stands in the place of the table of tasks while a detail tab is open."""

from __future__ import annotations

from pathlib import Path

import anywidget


class TaskDetails(anywidget.AnyWidget):
    """Await chain, error, history, timings: asked for and told by custom messages.

    The tabs themselves are the table's, which tells this widget in the page which one is open.
    """

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
