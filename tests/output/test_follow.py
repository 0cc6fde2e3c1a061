"""A job's output in the cell that asks for it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from bgwidgets import LoopManager, WouldDeadlock
from bgwidgets.output import following
from bgwidgets.output.blocks import NOBODY
from bgwidgets.output.following import follow
from bgwidgets.output.log import OutputLog
from tests.output.conftest import LIMIT, Streams


def ended() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(None)
    return future


def test_it_begins_with_the_tail_and_ends_with_the_loop(manager: LoopManager, cell: Streams):
    """Everything that came in between is there, and once only."""
    go_on = threading.Event()

    def work() -> None:
        for number in range(20):
            print("before", number)
        go_on.wait(LIMIT)
        for number in range(20):
            print("after", number)

    job = manager.start(work)
    while job.snapshot().last_output != "before 19":
        pass
    follower = threading.Thread(target=job.follow, args=(2,))
    follower.start()
    while "before 19" not in cell.stdout.getvalue():
        pass
    go_on.set()
    follower.join(LIMIT)
    assert not follower.is_alive()
    expected = ["before 18", "before 19", *(f"after {number}" for number in range(20))]
    assert expected == cell.stdout.getvalue().splitlines()


def test_each_stream_to_its_own(cell: Streams):
    log = OutputLog()
    log.write("out\n")
    log.write("err\n", stream="stderr")
    follow(log, ended(), 10, is_seen=False)
    assert ("out\n", "err\n") == (cell.stdout.getvalue(), cell.stderr.getvalue())


def test_a_line_that_grows_is_written_as_it_grows(cell: Streams):
    """A bar that is drawn over itself is drawn over itself there."""
    log = OutputLog()
    over: Future[Any] = Future()
    follower = threading.Thread(target=follow, args=(log, over, 10), kwargs={"is_seen": False})
    follower.start()

    def until(written: str) -> None:
        while cell.stdout.getvalue() != written:
            assert follower.is_alive()

    log.write("1")
    until("1")
    log.write("2")
    until("12")
    log.write("\r3")
    until("12\r32")
    log.write("\nnext\n")
    until("12\r32\nnext\n")
    log.write("\r92 %")
    until("12\r32\nnext\n92 %")
    # It goes on and ends before anybody looks again: what was there is drawn over.
    log.write("\r100 %\nready\n")
    until("12\r32\nnext\n92 %\r100 %\nready\n")
    over.set_result(None)
    follower.join(LIMIT)
    assert "12\r32\nnext\n92 %\r100 %\nready\n" == cell.stdout.getvalue()


@pytest.mark.parametrize("is_shown", [True, False], ids=["one is shown before", "all at once"])
def test_in_the_end_every_line_has_an_end(cell: Streams, is_shown: bool):
    """Also where several threads have left one: it is shown which was begun last, and then all."""
    log = OutputLog()
    over: Future[Any] = Future()
    for thread in ("one", "two", "three"):
        log.add(f"half a line of {thread}", (thread, "stdout"), NOBODY)
    log.write("of stderr", stream="stderr")
    log.add("the last", ("four", "stdout"), NOBODY)
    if is_shown:
        follower = threading.Thread(target=follow, args=(log, over, 10), kwargs={"is_seen": False})
        follower.start()
        while cell.stdout.getvalue() != "the last":
            assert follower.is_alive()
        over.set_result(None)
        follower.join(LIMIT)
    else:
        follow(log, ended(), 10, is_seen=False)
    lines = ["half a line of one", "half a line of two", "half a line of three"]
    lines.insert(0 if is_shown else 3, "the last")
    assert "".join(f"{line}\n" for line in lines) == cell.stdout.getvalue()
    assert "of stderr\n" == cell.stderr.getvalue()


def test_nested_bars_that_are_left_open_are_all_there_in_the_end(cell: Streams):
    log = OutputLog()
    log.write("outer 1\ninner 1\x1b[A\router 2\n\rinner 2\x1b[A")
    follow(log, ended(), 10, is_seen=False)
    assert "outer 2\ninner 2\n" == cell.stdout.getvalue()


@pytest.mark.parametrize("asked", [6_000, 7_000])
def test_a_tail_of_any_length_is_there(cell: Streams, asked: int):
    """As far as it is held: how much is not, of what one asks for, is said."""
    log = OutputLog()
    lines = [f"{number:06} {'x' * 90}\n" for number in range(6_500)]
    log.max_bytes = 630_000
    log.write("".join(lines))
    follow(log, ended(), asked, is_seen=False)
    shown = cell.stdout.getvalue().splitlines(keepends=True)
    assert 6_000 < 6_500 - log.dropped < 6_500
    if asked == 6_000:
        assert lines[-asked:] == shown
    else:
        assert [f"… {log.dropped} lines left out\n", *lines[log.dropped :]] == shown


def test_what_comes_too_fast_is_left_out_and_that_is_said(
    cell: Streams, monkeypatch: pytest.MonkeyPatch
):
    """The end of it is shown."""
    monkeypatch.setattr(following, "AT_ONCE", 105)
    log = OutputLog()
    over: Future[Any] = Future()
    log.write("0\n")
    follower = threading.Thread(target=follow, args=(log, over, 10), kwargs={"is_seen": False})
    follower.start()
    while cell.stdout.getvalue() != "0\n":
        assert follower.is_alive()
    log.write("".join(f"line {number:4}\n" for number in range(1_000)))
    over.set_result(None)
    follower.join(LIMIT)
    end = "".join(f"line {number:4}\n" for number in range(990, 1_000))
    assert f"0\n… 990 lines left out\n{end}" == cell.stdout.getvalue()


def test_the_stop_button_ends_it_and_not_the_loop(
    manager: LoopManager, monkeypatch: pytest.MonkeyPatch
):
    """Quietly."""

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    job = manager.start()
    monkeypatch.setattr("concurrent.futures.wait", interrupted)
    job.follow()
    monkeypatch.undo()
    assert "running" == job.state


def test_a_loop_does_not_follow_itself(manager: LoopManager):
    async def follows() -> None:
        job.follow()

    job = manager.start()
    future = job.submit(follows())
    with pytest.raises(WouldDeadlock, match=r"job\.output"):
        future.result(LIMIT)


def test_async_code_follows_too(manager: LoopManager, cell: Streams):
    """On another loop, which goes on turning; there it is that loop's output."""
    job = manager.start(lambda: print("from the job"))
    job.wait(LIMIT)

    async def follows() -> None:
        await asyncio.gather(job.follow_async(), asyncio.sleep(0))

    other = manager.start(follows)
    other.wait(LIMIT)
    assert "from the job\n" == other.output.text()
    assert "" == cell.stdout.getvalue()


def test_where_it_is_seen_anyway_only_the_tail_is_repeated(
    manager: LoopManager, capsys: pytest.CaptureFixture[str]
):
    """In a terminal."""
    job = manager.start(lambda: print("once"))
    job.wait(LIMIT)
    capsys.readouterr()
    job.follow(0)
    assert "" == capsys.readouterr().out
    job.follow(1)
    assert "once\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "shown"), [("half \ud83d of a pair", "half \\ud83d of a pair"), 2 * ("caf\udce9",)]
)
def test_what_no_kernel_could_send_is_shown_as_python_would(cell: Streams, text: str, shown: str):
    """Half of a pair of surrogates; what is no UTF-8 is sent as it came."""
    log = OutputLog()
    log.write(f"{text}\n")
    follow(log, ended(), tail=10, is_seen=False)
    assert f"{shown}\n" == cell.stdout.getvalue()
