"""The live tables: one widget of two kinds, for loops and for tasks."""

from __future__ import annotations

import traitlets

from bgwidgets.widgets.page_scripts import script_of
from bgwidgets.widgets.style_sheets import style_of
from bgwidgets.widgets.unchanged_by_pages import PanelPart


class TaskTable(PanelPart):
    """A virtual table: only the rows in sight travel, as custom messages.

    The page never writes a trait of it, for trait changes stall while a cell runs; what is shown
    is not a trait either, for a trait would be sent whole.
    """

    _esm = script_of(__file__)
    _css = style_of(__file__)

    kind = traitlets.Enum(("loops", "tasks"), default_value="tasks").tag(sync=True)
