"""The script of a widget, as text: given a file, anywidget would tell each widget of its changes,
and for that keep every widget that was ever made (seen: 0.11).
"""

from __future__ import annotations

from pathlib import Path


def script_of(module: str) -> str:
    """The script beside the module whose `__file__` this is."""
    return Path(module).with_suffix(".js").read_text("utf-8")
