"""What stands in the place of the table of tasks while a detail tab is open."""

from __future__ import annotations

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class TaskDetails(PanelPart):
    """Await chain, error, history, timings: asked for and told by custom messages.

    The tabs themselves are the table's, which tells this widget in the page which one is open.
    """

    _esm = script_of(__file__)
    _css = style_of(__file__)
