"""Names that users give are kept as texts and nothing else."""

from __future__ import annotations

from enum import Enum, StrEnum

import pytest

from bgwidgets.plain_text import as_shown, is_read_in, plain_text
from bgwidgets.snapshots import WindowRequest


class Odd(str):
    """It stays what it is when it is asked for a text."""

    __slots__ = ()

    def __str__(self) -> str:
        return self


class Name(StrEnum):
    """As they are written now,"""

    LOSS = "loss"


class OldName(str, Enum):  # noqa: UP042 - which is what is tested
    """and as they were."""

    LOSS = "loss"


@pytest.mark.parametrize("text", ["loss", Odd("loss"), Name.LOSS, OldName.LOSS])
def test_whatever_class_it_is_of(text: str):
    assert ("loss", str) == (plain_text(text), type(plain_text(text)))
    assert str is type(WindowRequest(filter=text).filter)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("race <b> 名 מרוץ \u200f", "race <b> 名 מרוץ \u200f"),
        ("nul\x00\x1b[31mred\x7f\x85", r"nul\x00\x1b[31mred\x7f\x85"),
        ("\u202egpj.exe\u2066", r"\u202egpj.exe\u2066"),
        ("two\nlines\tand a tab\r", "two\nlines\tand a tab\\x0d"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(text: str, shown: str):
    """All else is as it is, in whatever language."""
    assert shown == as_shown(text)


@pytest.mark.parametrize("typed", ["\x1b", r"\x1b[31mred", "x1b[", "l\x00", r"l\x00\x1b"])
def test_a_text_is_found_as_it_is_and_as_it_is_read(typed: str):
    """Also a part of an escape, for it is typed letter by letter."""
    assert is_read_in(typed, "nul\x00\x1b[31mred")
    assert not is_read_in(typed, "null [31mred")


def test_what_is_read_as_a_space_or_a_question_mark_is_found_by_one():
    """As a browser shows white space, and half a character."""
    assert is_read_in("line break tab ?lone", "line\nbreak \t tab \ud800lone")
    assert not is_read_in("linebreak", "line\nbreak")


@pytest.mark.parametrize("space", ["\u00a0", "\u2009", "\u3000", " \u200b", "\u00ad \u2060"])
def test_what_has_no_width_is_not_typed_and_any_space_is_one(space: str):
    assert is_read_in("price feed", f"price{space}feed")
    assert is_read_in("prices", "pri\u200bces\ufeff")
