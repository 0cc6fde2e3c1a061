"""The style sheet of a widget's page: the theme's variables, which all of them share, then its own
rules.

Each widget loads one style sheet, in which a page could not import another: it has no address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

_THEME: Final = Path(__file__).with_name("theme.css")


def style_of(module: str) -> str:
    """The style sheet beside the module whose `__file__` this is, with the theme before it."""
    own = Path(module).with_suffix(".css")
    return f"{_THEME.read_text('utf-8')}\n{own.read_text('utf-8')}"
