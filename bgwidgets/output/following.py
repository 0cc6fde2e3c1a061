"""A loop's output as it comes, written to wherever the caller's own goes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
from concurrent.futures import Future
from typing import Any, Final

from bgwidgets.output.log import OutputLog
from bgwidgets.output.reading import OutputEntry, OutputReading

LOOKED_EVERY: Final = 0.1
"""Seconds."""
AT_ONCE: Final = 200_000
"""Characters; of more the end is shown, and how many lines were left out."""


def follow(log: OutputLog, ended: Future[Any], tail: int, *, is_seen: bool) -> None:
    """Write what it writes until `ended`. Blocks; KeyboardInterrupt ends it quietly.

    Where it `is_seen` anyway, in a terminal, only its tail is written a second time.
    """
    follower = _Follower(log, tail, is_seen=is_seen)
    with contextlib.suppress(KeyboardInterrupt):
        while not concurrent.futures.wait([ended], LOOKED_EVERY).done:
            follower.look()
        follower.look(is_over=True)


async def follow_async(log: OutputLog, ended: Future[Any], tail: int, *, is_seen: bool) -> None:
    """As `follow`, for async code."""
    follower = _Follower(log, tail, is_seen=is_seen)
    is_over = asyncio.wrap_future(ended)
    while not (await asyncio.wait([is_over], timeout=LOOKED_EVERY))[0]:
        follower.look()
    follower.look(is_over=True)


class _Follower:
    """One who shows a log from now on."""

    def __init__(self, log: OutputLog, tail: int, *, is_seen: bool) -> None:
        self._log: Final = log
        self._is_seen: Final = is_seen
        self._after = 0
        self._version = -1
        self._tail: int | None = tail
        self._unfinished = ""
        """What is shown of a line that had no end yet."""
        self._is_ended = False
        """Whether that line has come to an end since, and not another one in between."""

    def look(self, *, is_over: bool = False) -> None:
        """Show what is new."""
        if self._is_seen and self._tail is None:
            return
        if self._log.version != self._version:
            reading = self._log.read(self._after, limit=AT_ONCE)
            self._after, self._version = reading.after, reading.version
            self._show(reading)
        if is_over and self._unfinished:
            sys.stdout.write("\n")
        sys.stdout.flush()

    def _show(self, reading: OutputReading) -> None:
        entries = reading.entries
        if self._tail is not None:
            entries, self._tail = _last(entries, self._tail), None
        elif reading.dropped:
            self._write_lines(f"… {reading.dropped:,} lines left out\n", sys.stdout)
        # A bar that was open when it was last looked at, say, and has moved on and ended since.
        self._is_ended = self._unfinished not in {each.text for each in reading.open_lines}
        for entry in entries:
            if entry.data is not None and _display(entry.data):
                continue
            self._write_lines(entry.text, sys.stderr if entry.stream == "stderr" else sys.stdout)
        # Of several lines with no end, the one that was begun last.
        line = reading.open_lines[-1].text if reading.open_lines else ""
        if line != self._unfinished:
            self._go_on_with(line)
            self._unfinished = line

    def _write_lines(self, text: str, stream: Any) -> None:
        before, self._unfinished = self._unfinished, ""
        if before and text.startswith(before):
            text = text[len(before) :]
        elif before:
            first, end, others = text.partition("\n")
            if self._is_ended:
                text = f"{first}{' ' * (len(before) - len(first))}{end}{others}"
            sys.stdout.write("\r" if self._is_ended or not first.strip() else "\n")
        stream.write(text)

    def _go_on_with(self, line: str) -> None:
        before = self._unfinished
        if line.startswith(before):
            sys.stdout.write(line[len(before) :])
        else:  # A progress bar, say, which is drawn over itself.
            sys.stdout.write(f"\r{line}{' ' * (len(before) - len(line))}")


def _last(entries: tuple[OutputEntry, ...], lines: int) -> tuple[OutputEntry, ...]:
    """The last entries, so many lines of them."""
    kept: list[OutputEntry] = []
    for entry in reversed(entries):
        if lines <= 0:
            break
        own = entry.text.splitlines(keepends=True)[-lines:]
        kept.append(entry if entry.data is not None else _cut(entry, "".join(own)))
        lines -= len(own)
    return tuple(reversed(kept))


def _cut(entry: OutputEntry, text: str) -> OutputEntry:
    return OutputEntry(number=entry.number, text=text, stream=entry.stream)


def _display(data: Any) -> bool:
    """Display what was displayed. False where nothing can: then its text is written."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    publisher = getattr(shell, "display_pub", None)
    if publisher is None:
        return False
    sys.stdout.flush()
    publisher.publish(data=dict(data), metadata={})
    return True
