"""What a widget's page loads: its script, and its style sheet: the theme's variables, which all of
them share, then its own rules.

Each widget loads one style sheet, in which a page could not import another: it has no address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_THEME: Final = Path(__file__).with_name("theme.css")


def script_of(module: str) -> str:
    """The text of the script beside the module's file.

    Not its path: of a file anywidget (seen: 0.11) has the text watched, and whoever
    watches it, which is every widget that was ever made, is kept alive by that.
    """
    return Path(module).with_suffix(".js").read_text(encoding="utf-8")


def style_of(module: str) -> str:
    """The style sheet beside the module whose `__file__` this is, with the theme before it."""
    own = Path(module).with_suffix(".css")
    return f"{_THEME.read_text('utf-8')}\n{own.read_text('utf-8')}"
