"""Text as it may travel to the page."""

from __future__ import annotations

from typing import Final

from bgwidgets.plain_text import as_shown

LONGEST_CELL: Final = 300


def clean(text: str, longest: int = LONGEST_CELL) -> str:
    """Text as it is shown: as it may travel, and with an escape in the place of each character that
    cannot be seen or would turn round what is shown beside it.
    """
    return sendable(as_shown(text[: longest + 1]), longest)


def sendable(text: str, longest: int = LONGEST_CELL) -> str:
    """Text as it may travel: bounded in length, and without the half characters JSON refuses."""
    if len(text) > longest:
        text = f"{text[: longest - 1]}…"
    return text.encode("utf-8", "replace").decode("utf-8")
