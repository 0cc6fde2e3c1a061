"""What a log keeps, what it drops, and how it is read."""

from __future__ import annotations

import threading
import tracemalloc
from _thread import interrupt_main
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bgwidgets.output.kept_lines import DISPLAYS_KEPT, LONGEST_LINE, MOST_OPEN, KeptLines
from bgwidgets.output.log import OutputLog

LIMIT = 10.0


def run_in_a_thread(step: Callable[[], None]) -> None:
    thread = threading.Thread(target=step)
    thread.start()
    thread.join(LIMIT)


def numbered(log: OutputLog, count: int) -> None:
    for number in range(count):
        log.write(f"line {number}\n")


def test_what_is_written_is_read():
    """In order and byte for byte, whole lines and what comes after them."""
    log = OutputLog()
    for piece in ("a\nb", "c\n", "", "\n", "open"):
        log.write(piece)
    assert "a\nbc\n\nopen" == log.text()
    assert "<OutputLog: 3 lines>" == repr(log)


def test_the_tail_is_the_last_lines():
    """An unfinished one counts as one."""
    log = OutputLog()
    numbered(log, 20)
    assert "line 18\nline 19\n" == log.tail(2)
    log.write("more")
    assert "line 19\nmore" == log.tail(2)
    assert "" == log.tail(0)
    assert log.text() == log.tail(1000)


@pytest.mark.parametrize("wrong", [None, "1MB", 0, -1, 1e6, True])
def test_a_bound_that_makes_no_sense_is_an_error(wrong: object):
    """Of the one who sets it, and of nobody who prints."""
    with pytest.raises(ValueError, match="max_bytes is a number of bytes"):
        OutputLog(max_bytes=wrong)  # type: ignore[arg-type]
    log = OutputLog()
    with pytest.raises(ValueError, match="max_bytes is a number of bytes"):
        log.max_bytes = wrong  # type: ignore[assignment]
    log.write("still here\n")
    assert ("still here\n", 1_000_000) == (log.text(), log.max_bytes)


def test_a_stop_of_the_cell_that_reads_breaks_nothing_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Wherever it comes: what was about to be kept is kept, in memory and in the file."""
    take = KeptLines.take

    def is_stopped_amid(kept: KeptLines, *args: Any) -> None:
        interrupt_main()
        take(kept, *args)

    log = OutputLog()
    log.to_file(tmp_path / "a.log")

    def put_down() -> None:
        pen = log.pen("stdout")
        log.turn_to(pen)
        pen.parts.extend(["one", "\n", "two"])

    run_in_a_thread(put_down)
    with monkeypatch.context() as patch:
        patch.setattr(KeptLines, "take", is_stopped_amid)
        with pytest.raises(KeyboardInterrupt):
            log.text()
    assert "one\ntwo" == log.text()
    log.to_file(None)
    assert "one\ntwo\n" == (tmp_path / "a.log").read_text()


def test_there_is_no_last_line_before_the_first():
    assert OutputLog().last_line is None


def test_the_last_line_is_not_blank_and_has_no_colours():
    log = OutputLog()
    log.write("\x1b[31mred\x1b[0m\n\n   \n")
    assert "red" == log.last_line
    log.write("50%\r60%")
    assert "60%" == log.last_line


def test_only_the_last_are_kept_by_lines_and_what_was_dropped_is_said():
    """The first line that is kept is a whole one."""
    log = OutputLog(max_bytes=20_000)
    numbered(log, 10_000)
    first, second, *_ = log.text().split("\n")
    assert f"… {log.dropped:,} lines dropped" == first
    assert f"line {log.dropped}" == second
    assert log.text().endswith("line 9998\nline 9999\n")
    assert f"<OutputLog: 10,000 lines, the first {log.dropped:,} dropped>" == repr(log)


def test_what_is_dropped_of_many_lines_at_once_is_counted():
    """Each line is held or dropped, and has the number that it had, however they came: thousands in
    one piece, when there is no room left.
    """
    log = OutputLog(max_bytes=50_000)
    written = 0
    for count in (1, 5_000, 3, 7_000, 2_999, 1):
        log.write("".join(f"line {number}\n" for number in range(written, written + count)))
        written += count
        whole = log.text().removeprefix(f"… {log.dropped:,} lines dropped\n").splitlines()
        assert [f"line {number}" for number in range(log.dropped, written)] == whole
        assert len("".join(whole)) < 50_000
        numbers: list[int] = []
        for entry in log.read().entries:
            lines = entry.text.splitlines()
            assert [f"line {entry.number + place}" for place in range(len(lines))] == lines
            numbers += range(entry.number, entry.number + len(lines))
        assert list(range(log.dropped, written)) == numbers
    assert f"<OutputLog: 15,004 lines, the first {log.dropped:,} dropped>" == repr(log)
    assert log.dropped > 10_000


def test_a_log_takes_no_more_memory_than_it_may():
    """Also of short lines of many tasks, and of lines that have no end."""
    tracemalloc.start()
    try:
        log = OutputLog(max_bytes=1_000_000)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(100_000):
            log.write("x\n", task_id=number % 7, task_name="one")
        for _ in range(2_000):
            log.write("no end to be seen " * 30)
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used < 1_300_000


def test_of_a_line_that_is_too_long_the_end_is_kept():
    """Finished or not, written at once or bit by bit."""
    log = OutputLog()
    log.write("a" * (LONGEST_LINE + 5))
    log.write("bc")
    assert log.text().startswith("… 7 characters dropped … aaa")
    log.write("d\n")
    assert log.text().startswith("… 8 characters dropped … aaa")
    assert log.text().endswith("aabcd\n")
    log.write("x" * (LONGEST_LINE + 9) + "\nshort\n")
    assert "… 9 characters dropped … x" == log.tail(2)[:26]
    assert "short\n" == log.tail(1)


def test_lines_that_have_no_end_count_as_well():
    """However many there are, and however long; whole lines make room for them, and what is dropped
    is said. One that ends is a line like others.
    """
    tracemalloc.start()
    try:
        log = OutputLog(max_bytes=300_000)
        before = tracemalloc.get_traced_memory()[0]
        numbered(log, 50_000)
        for number in range(2_000):
            place = (number % 50, "stdout")
            log.add(f"{number % 50} no end 😀 " * 100, place, (None, None))  # type: ignore[arg-type]
        used = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert used < 500_000
    texts = [line.text for line in log.read().open_lines]
    assert 50 == len(texts)
    for number, text in enumerate(texts):
        gone = int(text.removeprefix("… ").partition(" ")[0].replace(",", ""))
        assert text.endswith(f" characters dropped … {text.partition('dropped … ')[2]}")
        kept = text.partition(" dropped … ")[2]
        assert len(f"{number} no end 😀 ") * 100 * 40 == gone + len(kept)
        assert f"{number} no end 😀 " * 5 == kept[-len(f"{number} no end 😀 ") * 5 :]
    assert log.dropped == 50_000
    for number in range(50):
        log.add("\n", (number, "stdout"), (None, None))
    assert "<OutputLog: 50,050 lines, " in repr(log)
    numbered(log, 50_000)
    assert "line 49999\n" == log.tail(1)
    assert log.text().startswith(f"… {log.dropped:,} lines dropped\nline {log.dropped - 50_050}\n")


def test_a_log_with_little_room_keeps_little_of_a_long_line():
    """Ended or not."""
    log = OutputLog(max_bytes=20_000)
    for _ in range(3_000):
        log.write("no end " * 100)
    assert len(log.text()) < 20_000
    assert log.text().startswith("… 2,0")
    log.write("\n" + "x" * 1_000_000 + "\n")
    assert len(log.text()) < 20_000
    assert "<OutputLog: 2 lines>" == repr(log)


def test_it_can_be_cleared():
    """At once, or when the next text comes."""
    log = OutputLog()
    log.write("a\nb")
    log.clear(wait=True)
    assert "a\nb" == log.text()
    log.write("c\n")
    assert "c\n" == log.text()
    log.clear()
    assert ("", None, "<OutputLog: 0 lines>") == (log.text(), log.last_line, repr(log))


def test_a_progress_bar_is_one_line():
    log = OutputLog()
    for percent in range(0, 101, 10):
        log.write(f"\r{percent:3}%", stream="stderr")
    assert "100%" == log.text()
    log.write("\n", stream="stderr")
    assert "100%\n" == log.text()


def test_colours_stay_unless_they_are_not_wanted():
    log = OutputLog()
    log.write("\x1b[31mred\x1b[0m\n")
    assert "\x1b[31mred\x1b[0m\n" == log.text() == log.tail(1)
    assert "red\n" == log.text(colours=False) == log.tail(1, colours=False)


def test_streams_do_not_get_into_each_others_lines():
    log = OutputLog()
    log.write("out")
    log.write("err", stream="stderr")
    log.write("put\n")
    log.write("or\n", stream="stderr")
    assert "output\nerror\n" == log.text()


def test_a_reader_gets_only_what_is_new():
    """With whose it is; lines of one task in a row are one entry."""
    log = OutputLog()
    log.write("a\nb\n", task_id=1, task_name="one")
    log.write("c\n", task_id=2, task_name="two")
    first = log.read()
    log.write("d\n", stream="stderr")
    second = log.read(first.after)
    assert [(0, "a\nb\n", 1, "one"), (2, "c\n", 2, "two")] == [
        (entry.number, entry.text, entry.task_id, entry.task_name) for entry in first.entries
    ]
    assert [(3, "d\n", "stderr", None)] == [
        (entry.number, entry.text, entry.stream, entry.task_id) for entry in second.entries
    ]
    third = log.read(second.after)
    assert ((), 0, False) == (third.entries, third.dropped, third.is_cleared)


def test_a_reader_sees_unfinished_lines_as_they_are():
    """And gets them as lines when they end."""
    log = OutputLog()
    log.write("a", task_id=1)
    first = log.read()
    assert ["a"] == [line.text for line in first.open_lines]
    log.write("\rb", task_id=1)
    second = log.read(first.after)
    assert [("b", first.open_lines[0].number)] == [
        (line.text, line.number) for line in second.open_lines
    ]
    log.write("\n", task_id=1)
    third = log.read(second.after)
    assert (["b\n"], ()) == ([entry.text for entry in third.entries], third.open_lines)


def test_a_line_is_whose_it_was_begun():
    """What another task ends is not the other's."""
    log = OutputLog()
    log.write("begun, ", task_id=1)
    log.write("ended\nnext\n", task_id=2)
    assert [("begun, ended\n", 1), ("next\n", 2)] == [
        (entry.text, entry.task_id) for entry in log.read().entries
    ]


def test_a_reader_is_told_how_much_it_missed():
    """Because it was dropped, or because it wanted no more than that."""
    log = OutputLog(max_bytes=20_000)
    log.write("first\n")
    after = log.read().after
    numbered(log, 10_000)
    reading = log.read(after)
    assert reading.dropped == log.dropped - 1
    assert reading.entries[0].number == log.dropped

    little = log.read(after, limit=100)
    text = "".join(entry.text for entry in little.entries)
    assert len(text) <= 100
    assert text.endswith("line 9999\n")
    assert 10_000 - text.count("\n") == little.dropped
    assert little.entries[0].number == 10_001 - text.count("\n")


def test_a_reader_is_told_that_the_log_was_cleared():
    log = OutputLog()
    log.write("a\n")
    first = log.read()
    log.clear()
    log.write("b\n")
    second = log.read(first.after)
    assert (True, ["b\n"], 0) == (
        second.is_cleared,
        [entry.text for entry in second.entries],
        second.dropped,
    )
    assert not log.read(second.after).is_cleared


def test_the_version_changes_with_whatever_is_written():
    """So nobody needs to read to see that there is nothing new."""
    log = OutputLog()
    versions = [log.version]
    for act in (
        lambda: log.write("a"),
        lambda: log.write("\n"),
        lambda: log.show({"text/plain": "x"}),
        log.clear,
        lambda: log.clear(wait=True),
    ):
        act()
        versions.append(log.version)
        log.read()
        assert versions[-1] == log.version
    assert all(one < other for one, other in pairwise(versions))


def test_what_was_displayed_is_an_entry_with_its_data():
    """Its plain text is in the text."""
    log = OutputLog()
    log.show({"text/plain": "<Figure>", "image/png": "iVBO"}, task_id=4, task_name="draw")
    (entry,) = log.read().entries
    assert ("<Figure>\n", 4, "draw") == (entry.text, entry.task_id, entry.task_name)
    assert {"text/plain": "<Figure>", "image/png": "iVBO"} == entry.data
    assert "<Figure>\n" == log.text()


def test_what_is_displayed_anew_takes_the_place_of_the_old():
    """And comes to the end, where one looks."""
    log = OutputLog()
    log.show({"text/plain": "one"}, display_id="d")
    log.write("between\n")
    first = log.read()
    log.show({"text/plain": "two"}, display_id="d", update=True)
    (entry,) = log.read(first.after).entries
    assert ("two\n", first.entries[0].number) == (entry.text, entry.replaces)
    assert "between\ntwo\n" == log.text()


def test_what_a_cell_has_displayed_is_new_where_a_loop_displays_it_anew():
    """By the handle that a cell has, say; and once more it takes its own place."""
    log = OutputLog()
    log.show({"text/plain": "10 %"}, display_id="of a cell", update=True)
    first = log.read()
    assert [("10 %\n", None)] == [(entry.text, entry.replaces) for entry in first.entries]
    log.show({"text/plain": "20 %"}, display_id="of a cell", update=True)
    (entry,) = log.read(first.after).entries
    assert ("20 %\n", first.entries[0].number) == (entry.text, entry.replaces)
    assert "20 %\n" == log.text()


def test_of_many_things_the_last_can_be_displayed_anew():
    """A loop that displays something new each time does not pile them up: the first ones stay."""
    log = OutputLog()
    for number in range(DISPLAYS_KEPT + 1):
        log.show({"text/plain": f"{number}"}, display_id=f"{number}")
    log.show({"text/plain": "the second"}, display_id="1", update=True)
    log.show({"text/plain": "the first"}, display_id="0", update=True)
    one, another = log.read().entries[-2:]
    assert ("the second\n", 1) == (one.text, one.replaces)
    assert ("the first\n", None) == (another.text, another.replaces)
    assert log.text().startswith("0\n2\n")


def test_what_was_dropped_can_still_be_displayed_anew():
    """As the last thing, and nothing is counted twice."""
    log = OutputLog(max_bytes=10_000)
    log.show({"text/plain": "one", "image/png": "x" * 5_000}, display_id="d")
    numbered(log, 1_000)
    log.show({"text/plain": "two", "image/png": "x" * 5_000}, display_id="d", update=True)
    numbered(log, 1_000)
    kept = log.text().count("\n")
    numbered(log, 1_000)
    assert kept == log.text().count("\n")


def test_a_picture_counts_as_what_it_is():
    """Many push the oldest out, and one that is larger than all is kept as its text."""
    log = OutputLog(max_bytes=100_000)
    for number in range(20):
        log.show({"text/plain": f"picture {number}", "image/png": "x" * 10_000})
    assert 8 <= len(log.read().entries) <= 10
    log.show({"text/plain": "huge", "image/png": "x" * 200_000})
    assert log.read().entries[-1].data is None
    assert log.text().endswith("huge\n")


def test_threads_that_write_at_the_same_time_lose_nothing():
    """Each one's lines are whole and in their order."""
    log = OutputLog(max_bytes=100_000_000)
    together = threading.Barrier(4)

    def write(name: str) -> None:
        pen = log.pen("stdout")
        log.give_pen(pen, (None, name))
        together.wait(LIMIT)
        for number in range(5_000):
            if log.last is not pen:
                log.turn_to(pen)
            pen.parts.append(f"{name} {number}")
            pen.parts.append("\n")
            if number % 700 == 0:
                log.gather()

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    readers_lines: list[str] = []
    after = 0
    while any(thread.is_alive() for thread in threads) or log.read(after).entries:
        reading = log.read(after)
        after = reading.after
        readers_lines += "".join(entry.text for entry in reading.entries).splitlines()
    assert readers_lines == log.text().splitlines()
    for name in "abcd":
        own = [line for line in readers_lines if line.startswith(name)]
        assert [f"{name} {number}" for number in range(5_000)] == own


def test_a_thousand_threads_leave_no_thousand_unfinished_lines():
    """The oldest is a line then, as if it had ended."""
    log = OutputLog()
    count = MOST_OPEN + 5
    for number in range(count):
        log.add(f"open {number}", (number, "stdout"), (None, None))
    reading = log.read()
    assert MOST_OPEN == len(reading.open_lines)
    assert ["open 0\n", "open 1\n"] == [entry.text for entry in reading.entries[:2]]
