"""Names that users give are kept as texts and nothing else."""

from __future__ import annotations

from enum import Enum, StrEnum

import pytest

from bgwidgets.plain_text import plain_text
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
