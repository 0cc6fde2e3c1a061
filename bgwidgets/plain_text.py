"""Texts that users give as names."""

from __future__ import annotations

import re
from typing import Final, TypeVar

Text = TypeVar("Text", str, str | None)

_MISLEADING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tabs and the ends of lines
    "\u202a-\u202e\u2066-\u2069]"
)
"""What has no look of its own, and what begins or ends a stretch of text that runs the other way,
and that which stands beside it with it. A text in a language that is written from right to left
needs none of these.
"""
_WHITE: Final = re.compile(r"\s+")
_WITHOUT_WIDTH: Final = re.compile("[\u00ad\u200b\u2060\ufeff]")
"""Where a word may be broken, and where not: nobody sees them, and nobody types them."""


def plain_text(text: Text) -> Text:
    """The same text as a `str` and nothing else. Any thread; does not block.

    One of a class of the user's own, a member of a `StrEnum` say, would drag that class along to
    wherever the name goes; another process may not have it. What is no text at all stays.
    """
    if type(text) is str or not isinstance(text, str):
        return text
    return str.__str__(text)


def as_shown(text: str) -> str:
    """The same text as somebody reads it: with an escape in the place of each character that cannot
    be seen or would turn round what is shown beside it. Any thread; does not block.
    """
    return text if text.isprintable() else _MISLEADING.sub(_escape, text)


def is_read_in(text: str, whole: str) -> bool:
    """Whether this is a part of that as it is, or as somebody reads it who then types it: white
    space of any kind is one space there, half a character is a question mark, and what has no width
    is not there. Any thread; does not block.
    """
    if text in whole:
        return True
    if whole.isprintable():
        return False
    read = _WHITE.sub(" ", _WITHOUT_WIDTH.sub("", as_shown(whole)))
    return text in read.encode("utf-8", "replace").decode("utf-8")


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
