"""The panel in a browser window of its own."""

from __future__ import annotations

import traitlets

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class PopOut(PanelPart):
    """Opens that window, and stands in the panel's place until it is closed.

    All of it happens in the page: the kernel knows of one more view of the panel, and no more.
    """

    _esm = script_of(__file__)
    _css = style_of(__file__)

    panel = traitlets.Unicode(
        help="The id of the panel's model. As a reference, each would wait for the other."
    ).tag(sync=True)

    def _takes(self, content: object) -> bool:
        del content
        return False
