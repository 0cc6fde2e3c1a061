"""What the loop's work has measured and plotted, in the place of the table of tasks."""

from __future__ import annotations

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class PlotsView(PanelPart):
    """Charts and figures of one loop: asked for and told by custom messages while the tab is open.

    The tab itself is the table's, which tells this widget in the page when it is open.
    """

    _esm = script_of(__file__)
    _css = style_of(__file__)
