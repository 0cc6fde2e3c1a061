"""The view of all event loops in this kernel, below the tables."""

from __future__ import annotations

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class LoopFinder(PanelPart):
    """Folded until somebody wants it: only then the kernel looks, once; told by custom messages."""

    _esm = script_of(__file__)
    _css = style_of(__file__)
