"""A loop's output as it comes, written to wherever the caller's own goes."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import sys
from concurrent.futures import Future
from typing import Any, Final

from bgwidgets.output.encoding import encodable
from bgwidgets.output.log import OutputLog
from bgwidgets.output.reading import OutputEntry, OutputReading, Stream

LOOKED_EVERY: Final = 0.1
"""Seconds."""
AT_ONCE: Final = 200_000
"""Characters of what is new; of more the end is shown, and how many lines were left out."""


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
        self._open_lines: tuple[OutputEntry, ...] = ()
        """Those that have no end yet."""
        self._unfinished = ""
        """What is shown of one of them, among what goes to stdout."""
        self._is_ended = False
        """Whether that line has come to an end since, and not another one in between."""

    def look(self, *, is_over: bool = False) -> None:
        """Show what is new."""
        if self._is_seen and self._tail is None:
            return
        if self._log.version != self._version:
            # Of the tail as much as one has asked for.
            reading = self._log.read(self._after, limit=AT_ONCE if self._tail is None else None)
            self._after, self._version = reading.after, reading.version
            self._show(reading)
        if is_over:
            self._end_all()
        else:
            self._go_on()
        sys.stdout.flush()

    def _show(self, reading: OutputReading) -> None:
        entries, left_out = reading.entries, reading.dropped
        if self._tail is not None:
            entries, missing = _last(entries, self._tail)
            left_out, self._tail = min(left_out, missing), None
        if left_out:
            self._write_lines(f"… {left_out:,} lines left out\n", "stdout")
        # A bar that was open when it was last looked at, say, and has moved on and ended since.
        self._is_ended = self._unfinished not in {each.text for each in reading.open_lines}
        for entry in entries:
            if entry.data is not None and _display(entry.data):
                continue
            self._write_lines(entry.text, entry.stream)
        self._open_lines = reading.open_lines

    def _write_lines(self, text: str, stream: Stream) -> None:
        before, self._unfinished = self._unfinished, ""
        if before and text.startswith(before):
            text = text[len(before) :]
        elif before:
            first, end, others = text.partition("\n")
            if self._is_ended:
                text = f"{first}{' ' * (len(before) - len(first))}{end}{others}"
            _write("\r" if self._is_ended or not first.strip() else "\n")
        _write(text, stream)

    def _go_on(self) -> None:
        """Of several lines with no end, with the one that was begun last."""
        before = self._unfinished
        line = self._open_lines[-1].text if self._open_lines else ""
        if line == before:
            return
        if line.startswith(before):
            _write(line[len(before) :])
        else:  # A progress bar, say, which is drawn over itself.
            _write(f"\r{line}{' ' * (len(before) - len(line))}")
        self._unfinished = line

    def _end_all(self) -> None:
        """Nothing more will come, so each of them is a line now; first the one that is shown."""
        shown = self._unfinished
        lines = [line for line in self._open_lines if line.text]
        for line in sorted(lines, key=lambda line: not line.text.startswith(shown)):
            goes_on = shown and line.text.startswith(shown)
            self._write_lines(f"{line.text}\n", "stdout" if goes_on else line.stream)
        if self._unfinished:
            _write("\n")


def _write(text: str, stream: Stream = "stdout") -> None:
    (sys.stderr if stream == "stderr" else sys.stdout).write(encodable(text))


def _last(entries: tuple[OutputEntry, ...], lines: int) -> tuple[tuple[OutputEntry, ...], int]:
    """The last entries, so many lines of them, and how many lines there are too few."""
    kept: list[OutputEntry] = []
    for entry in reversed(entries):
        if lines <= 0:
            break
        own = entry.text.splitlines(keepends=True)[-lines:]
        kept.append(entry if entry.data is not None else _cut(entry, "".join(own)))
        lines -= len(own)
    return tuple(reversed(kept)), max(0, lines)


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
