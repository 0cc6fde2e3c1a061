"""The line beside the panel's buttons."""

from __future__ import annotations

import anywidget

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of


class StatusLine(anywidget.AnyWidget):
    """Says what is selected, and for a while what a command did; told by custom messages."""

    _esm = script_of(__file__)
    _css = style_of(__file__)
