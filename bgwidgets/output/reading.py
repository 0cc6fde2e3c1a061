"""What an output log hands out to those who show it: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputEntry:
    """Some lines in a row that one task wrote to one stream, or one thing that it displayed."""

    number: int
    """That of its first line, and never that of another entry."""
    text: str
    """Whole lines, each with its newline, and ANSI colours as written; of an open line as much as
    there is. Of what was displayed, its plain text.
    """
    stream: Stream = "stdout"
    task_id: int | None = None
    """The task that began it; None where that is not known, or it was no task."""
    task_name: str | None = None
    data: Mapping[str, Any] | None = None
    """Of what was displayed: what it is in each MIME type. HTML in it is not to be trusted: who
    shows a log shows pictures and text.
    """
    replaces: int | None = None
    """The number of the entry that this one stands for from now on (`update_display`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReading:
    """What is new in a log since the last reading."""

    entries: tuple[OutputEntry, ...]
    """In order."""
    open_lines: tuple[OutputEntry, ...]
    """The lines that have no end yet, all of them, as they are now: they take the place of those of
    the last reading. A thread that writes half a line has one.
    """
    after: int
    """To be handed to the next reading."""
    dropped: int
    """How many lines between the last reading and the first entry are not to be had."""
    is_cleared: bool
    """Whether the log was cleared since the last reading: take away what that one gave."""
    version: int
    """As `OutputLog.version` was."""
