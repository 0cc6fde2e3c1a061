"""The line beside the panel's buttons."""

from __future__ import annotations

from pathlib import Path

import anywidget

from bgwidgets.widgets.style_sheets import style_of


class StatusLine(anywidget.AnyWidget):
    """Says what is selected, and for a while what a command did; told by custom messages."""

    _esm = Path(__file__).with_suffix(".js")
    _css = style_of(__file__)
