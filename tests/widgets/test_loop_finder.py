"""The view of all event loops in this kernel: looked for when asked, adopted by a click."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bgwidgets.commands import AdoptLoop
from bgwidgets.exceptions import ProtectedLoop
from bgwidgets.loop_manager import LoopManager
from bgwidgets.widgets.command_runner import Adopted, CommandRunner
from bgwidgets.widgets.control_panel import ControlPanel
from bgwidgets.widgets.protocols import Found, Said
from bgwidgets.widgets.request_reading import read_finder_request
from bgwidgets.widgets.requests import AdoptFound, InvalidRequest, LookForLoops
from bgwidgets.widgets.rows import MOST_FOUND, found_message
from tests.widgets.fakes import FakeSource, loop
from tests.widgets.panel_page import LIMIT, Page, until, work

KERNELS = "it is the kernel's own"


class Reports:
    """What a command runner reports, from whatever thread."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._new = threading.Condition()

    def __call__(self, report: Any) -> None:
        """Kept."""
        with self._new:
            self.all.append(report)
            self._new.notify_all()

    def wait_for_found(self) -> list[Any]:
        """All, as soon as the look is over."""
        with self._new:
            assert self._new.wait_for(lambda: self.all and isinstance(self.all[-1], Found), LIMIT)
        return self.all


def test_rows_say_what_can_be_done():
    """Ours are listed already, others can be adopted; of the kernel's own, that of the cells can be
    watched, and the rest says why there is nothing to do.
    """
    kernels = {"protected": True, "belongs_to_kernel": True, "why_protected": KERNELS}
    loops = (
        loop(1, name="race"),
        loop(4, name="Control", native_thread_id=44, **kernels),
        loop(2, name="fsspecIO", native_thread_id=22, protected=True),
        loop(3, name="MainThread", native_thread_id=33, **kernels),
        loop(5, name="of no thread that is known", **kernels),
    )
    message = found_message(Found(loops, {1}, 0.0, cells_thread=33), "12:03:41")
    assert message == {
        "type": "found",
        "at": "12:03:41",
        "left_out": 0,
        "rows": [
            {"id": 2, "name": "fsspecIO", "what": "it was not started here", "role": "adopt"},
            {"id": 3, "name": "MainThread", "what": KERNELS, "role": "watch"},
            {"id": 4, "name": "Control", "what": KERNELS, "role": "kernel"},
            {"id": 5, "name": "of no thread that is known", "what": KERNELS, "role": "kernel"},
            {"id": 1, "name": "race", "what": "in the list above", "role": "listed"},
        ],
    }


def test_without_a_thread_for_cells_no_loop_of_the_kernel_is_watched():
    """What is not known is not taken for the same."""
    loops = (loop(5, protected=True, belongs_to_kernel=True, why_protected=KERNELS),)
    assert ["kernel"] == [row["role"] for row in found_message(Found(loops, (), 0.0), "")["rows"]]


def test_more_than_anybody_can_read_are_left_out():
    """And counted."""
    loops = tuple(loop(number) for number in range(MOST_FOUND + 7))
    message = found_message(Found(loops, {1}, 0.0), "12:03")
    assert (MOST_FOUND, 7) == (len(message["rows"]), message["left_out"])


def test_what_a_page_may_ask_for():
    """Two things, and nothing else."""
    assert LookForLoops() == read_finder_request({"type": "look"})
    assert AdoptFound(7) == read_finder_request({"type": "adopt", "loop": 7})


@pytest.mark.parametrize(
    "message",
    [
        None,
        [],
        {},
        {"type": "look", "more": 1},
        {"type": "adopt"},
        {"type": "adopt", "loop": "7"},
        {"type": "adopt", "loop": -1},
        {"type": "adopt", "loop": True},
        {"type": "adopt", "loop": 7, "protected": False},
        {"type": "command", "command": "stop_loop", "loop": 7},
    ],
)
def test_what_a_page_may_not_ask_for(message: object):
    with pytest.raises(InvalidRequest):
        read_finder_request(message)


def test_a_look_does_not_hold_up_the_panel():
    """It happens in a thread of its own, and its result is reported."""
    source, reports = FakeSource([loop(1)], others=[loop(2)]), Reports()
    CommandRunner(source, reports).look()
    (found,) = reports.wait_for_found()
    assert [1, 2] == [each.id for each in found.loops]
    assert threading.main_thread().native_id == found.cells_thread


def test_however_many_ask_there_is_one_look_at_a_time_and_one_more():
    """Each goes through every object of the process; a page can ask a thousand times a second."""
    begun, go_on = threading.Semaphore(0), threading.Event()

    class Slow(FakeSource):
        def discover(self) -> Any:
            self.looks += 1
            begun.release()
            assert go_on.wait(LIMIT)
            return super().discover()

    source, reports = Slow(others=[loop(2, name="theirs")]), Reports()
    runner = CommandRunner(source, reports)
    runner.look()
    assert begun.acquire(timeout=LIMIT)
    for _ in range(100):
        runner.look()
        runner.look(adopt=2)
    looking = [each for each in threading.enumerate() if each.name == "bgwidgets-look"]
    assert 1 == len(looking)
    go_on.set()
    looking[0].join(LIMIT)
    assert [AdoptLoop(2)] == source.executed
    assert 2 == len([each for each in reports.all if isinstance(each, Found)])
    runner.look()
    until(lambda: 3 == len([each for each in reports.all if isinstance(each, Found)]))


def test_a_loop_that_was_adopted_under_another_id_is_no_error():
    """From Python, by its function, since the page's look."""

    class Knows(FakeSource):
        def execute(self, command: Any) -> None:
            self.executed.append(command)

    source, reports = Knows([loop(1)]), Reports()
    CommandRunner(source, reports).look(adopt=2)
    said, _ = reports.wait_for_found()
    assert Said("That loop is in the list already") == said


def test_a_manager_that_fails_after_the_look_is_not_waited_for_for_ever():
    """The page shows "looking" until it is told something."""

    class Broken(FakeSource):
        def snapshots(self) -> Any:
            raise OSError("no answer")

    reports = Reports()
    CommandRunner(Broken(), reports).look()
    said, found = reports.wait_for_found()
    assert (True, ()) == (said.is_error, found.listed or ())


def test_an_adopted_loop_is_told_of_before_the_next_look():
    """So it can be selected, and the view shows it as listed."""
    source, reports = FakeSource(others=[loop(2, name="theirs", protected=True)]), Reports()
    CommandRunner(source, reports).look(adopt=2)
    said, adopted, found = reports.wait_for_found()
    assert (Said("theirs is listed now"), Adopted(2)) == (said, adopted)
    assert [False] == [each.protected for each in found.loops]
    assert [AdoptLoop(2)] == source.executed


def test_what_cannot_be_adopted_says_why():
    """And the look comes all the same."""
    source, reports = FakeSource(others=[loop(2)]), Reports()
    source.error = ProtectedLoop("this loop stays protected")
    CommandRunner(source, reports).look(adopt=2)
    said, found = reports.wait_for_found()
    assert Said("this loop stays protected", is_error=True) == said
    assert 1 == len(found.loops)


def test_a_look_that_fails_is_not_waited_for_for_ever():
    """It is said, and the view shows that nothing was found."""

    class Broken(FakeSource):
        def discover(self) -> Any:
            raise OSError("no objects")

    reports = Reports()
    CommandRunner(Broken(), reports).look()
    said, found = reports.wait_for_found()
    assert (Said("OSError: no objects", is_error=True), ()) == (said, found.loops)


@pytest.fixture
def theirs() -> Iterator[asyncio.AbstractEventLoop]:
    """A loop that somebody else runs, in a thread named "theirs"."""
    loop = asyncio.new_event_loop()
    runs = threading.Event()
    loop.call_soon(runs.set)
    thread = threading.Thread(target=loop.run_forever, name="theirs", daemon=True)
    thread.start()
    assert runs.wait(LIMIT)
    yield loop
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
    thread.join(LIMIT)
    loop.close()


def test_a_page_finds_adopts_and_stops_a_loop(
    manager: LoopManager, panel: ControlPanel, page: Page, theirs: asyncio.AbstractEventLoop
):
    """With a real manager and a real loop of somebody else's."""
    own = manager.start(work)
    page.send("finder", type="look")
    found = page.wait_for("finder", lambda message: message["rows"])
    rows = {row["name"]: row for row in found["rows"]}
    assert ("in the list above", "listed") == (rows["work"]["what"], rows["work"]["role"])
    assert "adopt" == rows["theirs"]["role"]

    page.send("finder", type="adopt", loop=rows["theirs"]["id"])

    page.wait_for_words("theirs is listed now")
    until(lambda: rows["theirs"]["id"] == panel.selected)
    page.wait_for(
        "finder",
        lambda message: [
            row for row in message["rows"] if row["name"] == "theirs" and row["role"] == "listed"
        ],
    )
    adopted = manager["theirs"]
    assert not adopted.snapshot().protected
    panel.stop_loop_button.click()
    assert "stopped" == adopted.wait(LIMIT)
    assert theirs.is_closed()
    own.stop(0)


def test_a_loop_that_is_gone_is_said_to_be(page: Page):
    """The page's picture may be old."""
    page.send("finder", type="adopt", loop=2**40)
    assert "error" == page.wait_for_words("is gone: look again")
