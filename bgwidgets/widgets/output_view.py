"""What stands in the place of the table of tasks while the output of a loop is looked at."""

from __future__ import annotations

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class OutputView(PanelPart):
    """A loop's output, live: asked for and told by custom messages.

    The tab itself is the table's, which tells this widget in the page whether it is open. In a
    window of its own (pop_out.js) it stands without a table.
    """

    _esm = script_of(__file__)
    _css = style_of(__file__)
