"""A log's file: everything, in order, whatever becomes of the disk."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bgwidgets import LoopManager, LoopState
from bgwidgets.output import log_file
from bgwidgets.output.kept_lines import KeptLines
from bgwidgets.output.log import OutputLog
from tests.output.conftest import LIMIT, fill_disk
from tests.waiting import until


def test_a_file_begins_with_what_is_held(tmp_path: Path):
    """Then each line is there as soon as it is whole."""
    log = OutputLog()
    log.write("before\nhalf ")
    log.to_file(tmp_path / "a.log")
    assert "before\n" == (tmp_path / "a.log").read_text()
    log.write("a line\n")
    assert "before\nhalf a line\n" == (tmp_path / "a.log").read_text()
    log.write("\x1b[31m10%\r")
    assert b"before\nhalf a line\n\x1b[31m10%\r" == (tmp_path / "a.log").read_bytes()
    log.to_file(None)


def test_what_is_unfinished_comes_with_the_end(tmp_path: Path):
    """And more may come after it."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write("no end")
    log.rest()
    assert "no end\n" == (tmp_path / "a.log").read_text()
    log.write(" after all\n")
    log.to_file(None)
    assert "no end\n after all\n" == (tmp_path / "a.log").read_text()


def test_nothing_is_lost_in_a_file_that_memory_cannot_hold(tmp_path: Path):
    log = OutputLog(max_bytes=2_000)
    log.to_file(tmp_path / "a.log")
    for number in range(2_000):
        log.write(f"{number}\n")
    log.to_file(None)
    assert log.dropped > 0
    assert [str(number) for number in range(2_000)] == (tmp_path / "a.log").read_text().split()


def test_a_file_that_is_there_is_added_to(tmp_path: Path):
    """And the same path once more changes nothing, as when a cell is run again."""
    (tmp_path / "a.log").write_text("of yesterday\n")
    log = OutputLog()
    log.write("today\n")
    log.to_file(tmp_path / "a.log")
    log.to_file(tmp_path / "a.log")
    log.to_file(None)
    assert "of yesterday\ntoday\n" == (tmp_path / "a.log").read_text()


def test_a_file_is_rotated_by_size(tmp_path: Path):
    """Whole lines, and no more backups than were asked for."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log", max_bytes=100, backups=2)
    for number in range(100):
        log.write(f"line {number:4}\n")
    log.to_file(None)
    assert {"a.log", "a.log.1", "a.log.2"} == {path.name for path in tmp_path.iterdir()}
    names = ("a.log.2", "a.log.1", "a.log")
    kept = "".join((tmp_path / name).read_text() for name in names)
    assert all((tmp_path / name).stat().st_size <= 100 for name in names)
    assert kept.startswith("line ")
    assert "".join(f"line {number:4}\n" for number in range(100)).endswith(kept)


def test_without_backups_a_full_file_begins_anew(tmp_path: Path):
    log = OutputLog()
    log.to_file(tmp_path / "a.log", max_bytes=10, backups=0)
    log.write("12345678\n")
    log.write("abc\n")
    log.to_file(None)
    assert ["a.log"] == [path.name for path in tmp_path.iterdir()]
    assert "abc\n" == (tmp_path / "a.log").read_text()


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """As `logrotate` does it."""
    monkeypatch.setattr(log_file, "LOOKED_FOR_EVERY", -1.0)
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write("one\n")
    (tmp_path / "a.log").rename(tmp_path / "b.log")
    log.write("two\n")
    log.to_file(None)
    assert "one\n" == (tmp_path / "b.log").read_text()
    assert "two\n" == (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("backups", [0, 1])
def test_a_file_that_is_rotated_may_be_moved_away_too(tmp_path: Path, backups: int):
    """Also right before it is full: what has become of it is looked at then."""
    told: list[tuple[str, str]] = []
    log = OutputLog()
    log.cannot_write = lambda path, why: told.append((path, why))
    log.to_file(tmp_path / "a.log", max_bytes=10, backups=backups)
    log.write("1234567\n")
    (tmp_path / "a.log").rename(tmp_path / "b.log")
    log.write("abcdefg\n")
    (tmp_path / "a.log").unlink()
    log.write("the end\n")
    log.to_file(None)
    assert [] == told
    assert {"a.log", "b.log"} == {path.name for path in tmp_path.iterdir()}
    assert "1234567\n" == (tmp_path / "b.log").read_text()
    assert "the end\n" == (tmp_path / "a.log").read_text()


def test_a_file_that_others_made_in_its_place_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As `logrotate` does it with `create`."""
    monkeypatch.setattr(log_file, "LOOKED_FOR_EVERY", -1.0)
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write("one\n")
    (tmp_path / "a.log").rename(tmp_path / "b.log")
    (tmp_path / "a.log").write_text("made by others\n")
    log.write("two\n")
    log.to_file(None)
    assert "one\n" == (tmp_path / "b.log").read_text()
    assert "made by others\ntwo\n" == (tmp_path / "a.log").read_text()


def test_two_who_rotate_the_same_file_at_the_same_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The one who comes too late goes on with what is there then."""
    told: list[tuple[str, str]] = []
    log = OutputLog()
    log.cannot_write = lambda path, why: told.append((path, why))
    log.to_file(tmp_path / "a.log", max_bytes=10)
    log.write("1234567\n")
    replace = Path.replace

    def too_late(path: Path, to: Path) -> Path:
        replace(path, to)
        return replace(path, to)

    monkeypatch.setattr(Path, "replace", too_late)
    log.write("abcdefg\n")
    log.to_file(None)
    assert [] == told
    assert "abcdefg\n" == (tmp_path / "a.log").read_text()


def test_what_is_taken_in_part_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file may take less of a text than it is given."""
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write("one piece of text\n")
    log.to_file(None)
    assert "one piece of text\n" == (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("is_held", [True, False], ids=["held before", "one print"])
def test_many_lines_at_once_are_rotated_as_single_ones(tmp_path: Path, is_held: bool):
    """A file is larger than was asked for only where one line is."""
    lines = [f"line {number:4}" for number in range(100)]
    lines[50] = "a longer line " * 10
    log = OutputLog()
    if is_held:
        log.write("".join(f"{line}\n" for line in lines))
    log.to_file(tmp_path / "a.log", max_bytes=100, backups=100)
    if not is_held:
        log.write("".join(f"{line}\n" for line in lines))
    log.write("the last one\n")
    log.to_file(None)
    names = sorted(tmp_path.iterdir(), key=lambda path: -int(path.suffix.replace(".log", ".0")[1:]))
    texts = [path.read_text() for path in names]
    assert "".join(f"{line}\n" for line in [*lines, "the last one"]) == "".join(texts)
    assert all(text.endswith("\n") for text in texts)
    assert [f"{lines[50]}\n"] == [text for text in texts if len(text) > 100]


def test_a_file_says_what_was_dropped_before_it(tmp_path: Path):
    """As the text does."""
    log = OutputLog(max_bytes=2_000)
    for number in range(2_000):
        log.write(f"{number}\n")
    log.to_file(tmp_path / "a.log")
    log.to_file(None)
    first = (tmp_path / "a.log").read_text().splitlines()[0]
    assert f"… {log.dropped:,} lines dropped" == first == log.text().splitlines()[0]


def test_a_file_says_nothing_of_what_the_one_before_it_has(tmp_path: Path):
    """What came when there was no file, and is held no more, was lost: of that it speaks."""

    def write_down(log: OutputLog, upto: int) -> None:
        for _ in range(upto - written.pop()):
            log.write("a line\n")
        written.append(upto)

    def begins(name: str) -> str:
        return (tmp_path / name).read_text().splitlines()[0]

    log, written = OutputLog(max_bytes=2_000), [0]
    log.to_file(tmp_path / "a.log")
    write_down(log, 500)
    log.to_file(tmp_path / "b.log")
    assert (True, "a line") == (log.dropped > 400, begins("b.log"))
    write_down(log, 1_000)
    log.to_file(None)
    write_down(log, 2_000)
    log.to_file(tmp_path / "c.log")
    assert f"… {log.dropped - 1_000} lines dropped" == begins("c.log")
    log.to_file(None)
    write_down(log, 2_001)
    log.to_file(tmp_path / "d.log")
    assert "a line" == begins("d.log")
    log.to_file(None)


def test_what_a_file_that_was_given_up_still_took_was_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What it did not take is told as dropped by the next one."""
    log = OutputLog(max_bytes=2_000)
    log.to_file(tmp_path / "a.log")
    for _ in range(500):
        log.write("taken\n")
    with monkeypatch.context() as patch:
        fill_disk(tmp_path / "a.log", patch)
        log.write("not taken\n")
    assert not log.filing.is_on
    for _ in range(499):
        log.write("not taken\n")
    log.to_file(tmp_path / "b.log")
    log.to_file(None)
    first = (tmp_path / "b.log").read_text().splitlines()[0]
    assert f"… {log.dropped - 500} lines dropped" == first


def test_a_folder_that_vanished_just_before_the_end_is_told(tmp_path: Path):
    """Nobody looks at each line whether it is still there."""
    told: list[str] = []
    log = OutputLog()
    log.cannot_write = lambda _, why: told.append(why)
    (tmp_path / "folder").mkdir()
    log.to_file(tmp_path / "folder" / "a.log")
    shutil.rmtree(tmp_path / "folder")
    log.write("the last one\n")
    log.rest()
    assert ["No such file or directory"] == told


@pytest.fixture
def hung_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Somebody writes to it, and it goes on."""
    write, is_reached, goes_on = os.write, threading.Event(), threading.Event()

    def hangs(file: int, data: bytes) -> int:
        if stat.S_ISREG(os.fstat(file).st_mode):
            is_reached.set()
            goes_on.wait(LIMIT)
        return write(file, data)

    monkeypatch.setattr(os, "write", hangs)
    yield is_reached, goes_on
    goes_on.set()


def test_a_disk_that_hangs_holds_up_nobody_who_looks(
    tmp_path: Path, hung_disk: tuple[threading.Event, threading.Event]
):
    """Only those who print wait for it, and all of it is there in the end, in order."""
    is_reached, goes_on = hung_disk
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    printers = [threading.Thread(target=log.write, args=(f"{name}\n",)) for name in "ab"]
    printers[0].start()
    assert is_reached.wait(LIMIT)
    printers[1].start()
    until(lambda: log.last_line == "b")
    assert ("a\nb\n", "b\n") == (log.text(), log.tail(1))
    assert 2 == len(log.read().entries)
    log.max_bytes = 2_000_000
    changes = threading.Thread(target=log.to_file, args=(None,))
    changes.start()
    assert "b" == log.last_line
    assert all(thread.is_alive() for thread in (*printers, changes))
    goes_on.set()
    for thread in (*printers, changes):
        thread.join(LIMIT)
    assert "a\nb\n" == (tmp_path / "a.log").read_text()


def test_a_loop_whose_disk_hangs_is_stopped_in_time(
    tmp_path: Path, hung_disk: tuple[threading.Event, threading.Event], manager: LoopManager
):
    """It is told, as of every loop that is blocked; and the report says how long that took."""
    is_reached, goes_on = hung_disk

    async def prints() -> None:
        job.output.to_file(tmp_path / "a.log")
        job.output.write("one\n")

    job, other = manager.start(), manager.start()
    job.submit(prints())
    assert is_reached.wait(LIMIT)
    began = time.monotonic()
    assert "one" == job.snapshot().last_output
    assert [job.id, other.id] == [each.id for each in manager.snapshots()]
    report = job.stop(grace=0)
    took = time.monotonic() - began
    assert (LoopState.STOPPING, True) == (report.outcome, took - 0.5 < report.seconds < 3.5)
    goes_on.set()
    assert LoopState.STOPPED == job.wait(LIMIT)


def test_finalizers_that_print_in_two_threads_do_not_wait_for_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One amid the writing of the file, the other amid the making of lines."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    is_writing, is_keeping = threading.Event(), threading.Event()
    write, take = os.write, KeptLines.take

    def finalizes_amid_writing(file: int, data: bytes) -> int:
        if data == b"one\n":
            is_writing.set()
            is_keeping.wait(LIMIT)
            log.write("amid writing\n")
        return write(file, data)

    def finalizes_amid_keeping(kept: KeptLines, text: str, *where: Any) -> None:
        if text == "two\n":
            is_keeping.set()
            log.write("amid keeping\n")
        take(kept, text, *where)

    monkeypatch.setattr(os, "write", finalizes_amid_writing)
    monkeypatch.setattr(KeptLines, "take", finalizes_amid_keeping)
    writes = threading.Thread(target=log.write, args=("one\n",), daemon=True)
    writes.start()
    assert is_writing.wait(LIMIT)
    keeps = threading.Thread(target=log.write, args=("two\n",), daemon=True)
    keeps.start()
    for thread in (writes, keeps):
        thread.join(LIMIT)
        assert not thread.is_alive()
    log.to_file(None)
    lines = ["one", "two", "amid writing", "amid keeping"]
    assert sorted(lines) == sorted((tmp_path / "a.log").read_text().splitlines())


def test_a_stop_of_the_cell_that_asks_for_a_file_breaks_nothing_off(
    tmp_path: Path, hung_disk: tuple[threading.Event, threading.Event]
):
    """On a slow disk: it begins with what is held all the same."""
    is_reached, goes_on = hung_disk
    log = OutputLog()
    log.write("held\n")

    def stop() -> None:
        is_reached.wait(LIMIT)
        os.kill(os.getpid(), signal.SIGINT)

    stops = threading.Thread(target=stop)
    stops.start()
    with pytest.raises(KeyboardInterrupt):
        log.to_file(tmp_path / "a.log")
    stops.join(LIMIT)
    goes_on.set()
    log.write("more\n")
    log.to_file(None)
    assert "held\nmore\n" == (tmp_path / "a.log").read_text()


def test_a_file_that_takes_nothing_of_what_is_held_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The one before goes on, with all that came meanwhile."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write("one\n")
    (tmp_path / "b.log").touch()
    with monkeypatch.context() as patch:
        fill_disk(tmp_path / "b.log", patch)
        with pytest.raises(OSError, match="No space left"):
            log.to_file(tmp_path / "b.log")
    log.write("two\n")
    log.to_file(None)
    assert ("one\ntwo\n", "") == tuple((tmp_path / name).read_text() for name in ("a.log", "b.log"))


def test_a_vanished_folder_is_told_and_the_log_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(log_file, "LOOKED_FOR_EVERY", -1.0)
    told: list[tuple[str, str]] = []
    log = OutputLog()
    log.cannot_write = lambda path, why: told.append((path, why))
    (tmp_path / "folder").mkdir()
    log.to_file(tmp_path / "folder" / "a.log")
    log.write("one\n")
    shutil.rmtree(tmp_path / "folder")
    log.write("two\n")
    log.write("three\n")
    assert "one\ntwo\nthree\n" == log.text()
    assert [(str(tmp_path / "folder" / "a.log"), "No such file or directory")] == told


def test_a_full_disk_is_told_and_the_log_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    log = OutputLog()
    log.cannot_write = lambda path, why: told.append(f"{path}: {why}")
    log.to_file(tmp_path / "a.log")
    fill_disk(tmp_path / "a.log", monkeypatch)
    log.write("one\n")
    log.write("two\n")
    assert "one\ntwo\n" == log.text()
    assert [f"{tmp_path / 'a.log'}: No space left on device"] == told


@pytest.mark.parametrize("kind", ["pipe", "pipe that is read", "folder", "device", "socket"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str):
    """At once, with what to do instead; the file that there was goes on."""
    path, readers = tmp_path / "x", list[int]()
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "folder":
            path.mkdir()
        elif kind == "device":
            path.symlink_to("/dev/null")
        elif kind == "socket":
            server.bind(os.fspath(os.path.relpath(path)))
        else:
            os.mkfifo(path)
            if kind == "pipe that is read":
                readers.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        with pytest.raises(
            OSError, match=f"is a {kind.split(maxsplit=1)[0]}; give the path of a file"
        ) as told:
            log.to_file(path)
    assert [str(path), kind == "folder"] == [
        told.value.filename,
        isinstance(told.value, IsADirectoryError),
    ]
    log.write("still here\n")
    log.to_file(None)
    assert "still here\n" == (tmp_path / "a.log").read_text()
    for reader in readers:
        assert b"" == os.read(reader, 100)
        os.close(reader)


@pytest.mark.parametrize("is_read", [False, True])
def test_a_pipe_that_takes_the_place_of_the_file_holds_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_read: bool
):
    """It is told, also when the pipe comes in the moment in which it is opened."""
    monkeypatch.setattr(log_file, "LOOKED_FOR_EVERY", -1.0)
    path, told = tmp_path / "a.log", list[str]()
    opened, readers = os.open, list[int]()

    def swaps(*arguments: Any) -> int:
        monkeypatch.setattr(os, "open", opened)
        os.mkfifo(path)
        if is_read:
            readers.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        return opened(*arguments)

    log = OutputLog()
    log.cannot_write = lambda _, why: told.append(why)
    log.to_file(path)
    log.write("one\n")
    path.unlink()
    monkeypatch.setattr(os, "open", swaps)
    log.write("two\n")
    log.write("three\n")
    assert "one\ntwo\nthree\n" == log.text()
    (why,) = told
    assert "is a pipe; give the path of a file" in why or why == os.strerror(errno.ENXIO)
    for reader in readers:
        assert "is a pipe" in why
        assert b"" == os.read(reader, 100)
        os.close(reader)


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path):
    """Of the one who asked, and nothing is changed."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    with pytest.raises(OSError, match="no folder"):
        log.to_file(tmp_path / "no folder" / "b.log")
    log.write("still here\n")
    log.to_file(None)
    assert "still here\n" == (tmp_path / "a.log").read_text()


@pytest.mark.parametrize("wrong", [{"max_bytes": 0}, {"backups": -1}])
def test_a_rotation_that_makes_no_sense_is_an_error(tmp_path: Path, wrong: dict[str, int]):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        OutputLog().to_file(tmp_path / "a.log", **wrong)


def test_half_of_a_pair_of_surrogates_ends_no_file(tmp_path: Path):
    """As cut off JSON has it: it can be written in no encoding, and is shown as Python would."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write("half \ud83d of a pair\nand more\n")
    log.to_file(None)
    assert "half \\ud83d of a pair\nand more\n" == (tmp_path / "a.log").read_text()


def test_what_is_no_utf8_is_written_as_it_came(tmp_path: Path):
    """Names of files may be so."""
    log = OutputLog()
    log.to_file(tmp_path / "a.log")
    log.write(b"caf\xe9\n".decode(errors="surrogateescape"))
    log.to_file(None)
    assert b"caf\xe9\n" == (tmp_path / "a.log").read_bytes()
