"""The line beside the panel's buttons."""

from __future__ import annotations

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class StatusLine(PanelPart):
    """Says what is selected, and for a while what a command did; told by custom messages."""

    _esm = script_of(__file__)
    _css = style_of(__file__)
