"""Lines that have ended and are written over, as by nested bars, are shown as in a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tqdm.std import tqdm

from bgwidgets.output.blocks import NOBODY
from bgwidgets.output.log import OutputLog
from bgwidgets.output.screen import LEAST_HELD

UP, WIPE = "\x1b[A", "\x1b[2K"


class _Pieces:
    """A file that keeps what is written to it, piece by piece."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def write(self, text: str) -> None:
        """Keep it."""
        self.pieces.append(text)

    def flush(self) -> None:
        """Nothing to do."""


def nested_bars(*, leave: bool) -> list[str]:
    """What tqdm writes of three within each other, "one", "two" and "six"."""
    file = _Pieces()

    def bar(name: str) -> tqdm:
        form = "{desc} {n}/{total}"
        return tqdm(
            range(2), desc=name, file=file, leave=leave or None, mininterval=0, bar_format=form
        )

    for _ in bar("one"):
        for _ in bar("two"):
            for _ in bar("six"):
                pass
    return file.pieces


def shown(log: OutputLog) -> list[str]:
    return [line for line in log.text().splitlines() if line]


def in_parts(text: str, size: int) -> OutputLog:
    log = OutputLog()
    for start in range(0, len(text), size):
        log.write(text[start : start + size], stream="stderr")
    return log


def test_of_nested_bars_the_last_state_is_left():
    """Of those that leave nothing behind, nothing."""
    log = OutputLog()
    log.write("".join(nested_bars(leave=False)), stream="stderr")
    log.write("after\n")
    assert "one 2/2\nafter\n" == log.text()
    assert [] == [*log.read().open_lines]


def test_nested_bars_that_are_left():
    """Each once, in the order in which they have ended."""
    log = OutputLog()
    log.write("".join(nested_bars(leave=True)), stream="stderr")
    log.write("after\n", stream="stderr")
    inner = ["six 2/2", "six 2/2", "two 2/2"]
    assert [*inner, *inner, "one 2/2", "after"] == shown(log)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("leave", [False, True])
def test_nested_bars_that_come_bit_by_bit(size: int, leave: bool):
    """The first line may have ended before it is known that it will be written over. That is all,
    also when escape codes come in two parts.
    """
    text = "".join(nested_bars(leave=leave))
    whole, parts = shown(in_parts(text, len(text))), shown(in_parts(text, size))
    assert parts in (whole, ["one 0/2", *whole])


def test_what_may_still_be_written_over_has_no_end_yet():
    """A reader sees it as it is now; others' lines come before it as long as the bars go on."""
    log = OutputLog()
    log.write("\router 1\n\rinner 1" + UP, stream="stderr", task_id=7)
    log.write("a line\n")
    log.write("\router 2\n\rinner 2" + UP, stream="stderr", task_id=8)
    reading = log.read()
    assert ["a line\n"] == [entry.text for entry in reading.entries]
    assert [("outer 2", 7), ("inner 2", 7)] == [
        (line.text, line.task_id) for line in reading.open_lines
    ]
    assert "a line\nouter 2\ninner 2" == log.text()
    assert ("inner 2", "inner 2") == (log.last_line, log.tail(1))
    log.write(f"\r{WIPE}\n\r{WIPE}{UP}", stream="stderr")
    log.write("the end\n")
    assert "a line\nthe end\n" == log.text()


def test_lines_are_whole_when_nobody_goes_up_any_more():
    """Though they are written by the one who did."""
    log = OutputLog()
    log.write(f"one\ntwo\n{UP}{WIPE}")
    for number in range(3 * LEAST_HELD):
        log.write(f"line {number}\n")
    reading = log.read()
    assert () == reading.open_lines
    expected = ["one", *[f"line {number}" for number in range(3 * LEAST_HELD)]]
    assert expected == "".join(entry.text for entry in reading.entries).splitlines()


def test_the_column_stays_when_the_cursor_goes_up_or_down():
    """But for the codes that begin a line."""
    log = OutputLog()
    log.write("abc\ndefg\x1b[1AX\x1b[1BY\x1b[FZ\n")
    assert ["Zbc X", "defg Y"] == shown(log)


def test_the_cursor_goes_up_no_further_than_it_may():
    """A mad number costs nothing, and nothing is lost."""
    log = OutputLog()
    log.write("first\n\x1b[999999999Atop\n\x1b[99999Bbottom\n")
    assert {"first", "top", "bottom"} == set(shown(log))


def test_it_can_be_cleared_and_goes_into_a_file_as_it_came(tmp_path: Path):
    """In the midst of it."""
    log = OutputLog()
    log.write(f"one\ntwo{UP}\r")
    log.to_file(tmp_path / "a.log")
    log.write("ONE\n")
    log.clear()
    log.write("three\n")
    assert "three\n" == log.text()
    log.to_file(None)
    assert (tmp_path / "a.log").read_text().endswith("ONE\nthree\n")


def test_many_lines_after_one_that_was_written_over_cost_no_more():
    """Their bound holds, and each is counted."""
    log = OutputLog(max_bytes=50_000)
    log.write(f"one\n{UP}" + "".join(f"line {number}\n" for number in range(20_000)))
    log.write(f"wide\n{UP}" + "x" * 1_000_000, stream="stderr")
    assert len(log.text()) < 50_000
    log.write("\nend\n", stream="stderr")
    assert log.tail(1) == "end\n"
    assert "<OutputLog: 20,00" in repr(log)


def test_many_who_go_up_leave_no_many_lines_without_an_end():
    log = OutputLog()
    for number in range(300):
        log.add(f"{number}\nx{UP}", (number, "stdout"), NOBODY)
    assert len(log.read().open_lines) < 130
    assert [str(number) for number in range(300)] == [line for line in shown(log) if line != "x"]


PIECES = st.sampled_from(
    ["a", "bc", "\n", "\r", UP, "\x1b[2A", "\x1b[B", WIPE, "\x1b[K", "\x1b[2C"]
)


def terminal(text_pieces: list[str]) -> list[str]:
    """The model: a grid that is written on."""
    grid: list[list[str]] = [[]]
    row = column = 0
    for piece in text_pieces:
        if piece == "\n":
            row, column = row + 1, 0
            if row == len(grid):
                grid.append([])
        elif piece == "\r":
            column = 0
        elif piece in (UP, "\x1b[2A"):
            row = row - (1 if piece == UP else 2)
            while row < 0:
                grid.insert(0, [])
                row += 1
        elif piece == "\x1b[B":
            row = min(row + 1, len(grid) - 1)
        elif piece == WIPE:
            grid[row] = []
        elif piece == "\x1b[K":
            del grid[row][column:]
        elif piece == "\x1b[2C":
            column += 2
        else:
            for character in piece:
                grid[row] += [" "] * (column + 1 - len(grid[row]))
                grid[row][column] = character
                column += 1
    return [line for cells in grid if (line := "".join(cells).rstrip())]


@given(st.lists(PIECES, max_size=12))
def test_whatever_is_written_looks_as_in_a_terminal(pieces: list[str]):
    """As long as it is not more lines than are held, and comes at once."""
    pieces = [UP, *pieces]
    assume(pieces.count("\n") < LEAST_HELD)
    log = OutputLog()
    log.write("".join(pieces))
    assert terminal(pieces) == [line.rstrip() for line in shown(log) if line.strip()]
