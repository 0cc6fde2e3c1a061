"""Text as it may travel to the page."""

from __future__ import annotations

import re
from typing import Final

LONGEST_CELL: Final = 300
_TURNS_TEXT_ROUND: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What begins or ends a stretch of text that runs the other way, and that which stands beside it
with it. A text in a language that is written from right to left needs none of them.
"""


def clean(text: str, longest: int = LONGEST_CELL) -> str:
    """Text as it is shown: as it may travel, and with an escape in the place of each character that
    would turn round what is shown beside it.
    """
    if not text.isascii():
        text = _TURNS_TEXT_ROUND.sub(lambda found: f"\\u{ord(found[0]):04x}", text[: longest + 1])
    return sendable(text, longest)


def sendable(text: str, longest: int = LONGEST_CELL) -> str:
    """Text as it may travel: bounded in length, and without the half characters JSON refuses."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return text.encode("utf-8", "replace").decode("utf-8")
