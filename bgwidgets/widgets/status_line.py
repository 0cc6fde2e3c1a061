"""The line beside the panel's buttons."""

from __future__ import annotations

from pathlib import Path

import anywidget


class StatusLine(anywidget.AnyWidget):
    """Says what is selected, and for a while what a command did; told by custom messages."""

    _esm = Path(__file__).with_suffix(".js")
    _css = Path(__file__).with_suffix(".css")
