"""The view of all event loops in this kernel, below the tables."""

from __future__ import annotations

from pathlib import Path

import anywidget

from bgwidgets.widgets.style_sheets import style_of


class LoopFinder(anywidget.AnyWidget):
    """Folded until somebody wants it: only then the kernel looks, once; told by custom messages."""

    _esm = Path(__file__).with_suffix(".js")
    _css = style_of(__file__)
