"""The pieces of a log: some whole lines of one task, or one thing that was displayed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

from bgwidgets.output.reading import OutputEntry, Stream

COST: Final = 100
"""Bytes that a block takes beside its text."""

Place = tuple[object, Stream]
"""Where an unfinished line belongs: each thread has one for each stream, so that threads which
write at the same time do not get into each other's lines.
"""
Whose = tuple[int | None, str | None]
"""A task's id and name."""
NOBODY: Final[Whose] = (None, None)


class Block:
    """Some whole lines of one task."""

    __slots__ = ("first", "lines", "stream", "text", "whose")

    data: Mapping[str, Any] | None = None
    replaces: int | None = None

    def __init__(self, first: int, text: str, stream: Stream, whose: Whose) -> None:
        self.first: Final = first
        self.text = text
        self.lines: Final = max(1, text.count("\n"))
        self.stream: Final[Stream] = stream
        self.whose: Final = whose

    @property
    def size(self) -> int:
        """Bytes, about."""
        return COST + sys.getsizeof(self.text)

    def entry(self) -> OutputEntry:
        """As it is handed out."""
        return OutputEntry(
            number=self.first,
            text=self.text,
            stream=self.stream,
            task_id=self.whose[0],
            task_name=self.whose[1],
            data=self.data,
            replaces=self.replaces,
        )


class Display(Block):
    """One thing that was displayed."""

    __slots__ = ("data", "replaces")

    def __init__(
        self, first: int, text: str, whose: Whose, data: Mapping[str, Any], replaces: int | None
    ) -> None:
        super().__init__(first, text, "stdout", whose)
        self.data = dict(data)
        self.replaces = replaces

    @property
    def size(self) -> int:
        """With what it is in each MIME type."""
        return super().size + sum(len(str(value)) for value in (self.data or {}).values())
