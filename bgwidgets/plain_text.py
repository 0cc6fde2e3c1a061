"""Texts that users give as names."""

from __future__ import annotations

from typing import TypeVar

Text = TypeVar("Text", str, str | None)


def plain_text(text: Text) -> Text:
    """The same text as a `str` and nothing else. Any thread; does not block.

    One of a class of the user's own, a member of a `StrEnum` say, would drag that class along to
    wherever the name goes; another process may not have it. What is no text at all stays.
    """
    if type(text) is str or not isinstance(text, str):
        return text
    return str.__str__(text)
