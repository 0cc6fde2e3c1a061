"""A job's output in the cell that asks for it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from bgwidgets import LoopManager, WouldDeadlock
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
