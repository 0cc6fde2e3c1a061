"""Texts that stand for what is no text: they are written all the same."""

from __future__ import annotations


def encoded(text: str) -> bytes:
    """As UTF-8, whatever is in it. Names of files that are no UTF-8 come out as they came."""
    try:
        return text.encode(errors="surrogateescape")
    except UnicodeEncodeError:  # Half of a pair, as cut off JSON has it: shown as Python would.
        return text.encode(errors="backslashreplace")


def encodable(text: str) -> str:
    """As a Jupyter kernel can send it: it can do so with what was no UTF-8, and not with halves."""
    return encoded(text).decode(errors="surrogateescape")
