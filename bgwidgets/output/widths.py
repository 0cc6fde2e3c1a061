"""How many columns of a terminal characters take: none, one or two."""

from __future__ import annotations

import unicodedata
from functools import lru_cache


@lru_cache(maxsize=4096)
def width(character: str) -> int:
    """The columns of one: two of a wide one, none of what is put on the one before it."""
    if character < "\u0300":
        return 1
    if unicodedata.combining(character) or unicodedata.category(character) in {"Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def columns(text: str) -> list[str]:
    """What is in each column; the second one of a wide character is empty."""
    found: list[str] = []
    for character in text:
        wide = width(character)
        if wide:
            found.append(character)
            found += [""] * (wide - 1)
        elif found:
            # Put on the character before it, be that a wide one.
            place = -1 if found[-1] or len(found) == 1 else -2
            found[place] += character
        else:
            found.append(character)
    return found


def laid_over(part: str, below: str) -> str:
    """The text below, with a part of it at its beginning written over."""
    if part.isascii() and below.isascii():
        return part + below[len(part) :]
    rest = columns(below)[len(columns(part)) :]
    if rest and not rest[0]:
        rest[0] = " "  # Half of a wide character is left.
    return part + "".join(rest)
