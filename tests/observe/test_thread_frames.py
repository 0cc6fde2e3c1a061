"""To take the frames of all threads must never be the moment in which garbage is collected."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from bgwidgets.observe.thread_frames import COLLECTS_AMID_C_CODE, frames_of_other_threads

LIMIT = 10.0


@pytest.fixture
def thread() -> Iterator[threading.Thread]:
    """Waits."""
    gate = threading.Event()
    thread = threading.Thread(target=gate.wait, args=(LIMIT,), daemon=True)
    thread.start()
    yield thread
    gate.set()
    thread.join(LIMIT)


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """The lines in which garbage was collected: it is at each allocation where it can be."""
    seen: list[str] = []

    def note(phase: str, _info: object) -> None:
        frame = sys._getframe(1)
        if phase == "start":
            seen.append(linecache.getline(frame.f_code.co_filename, frame.f_lineno))

    before = gc.get_threshold()
    gc.callbacks.append(note)
    gc.set_threshold(1)
    yield seen
    gc.set_threshold(*before)
    gc.callbacks.remove(note)


def nested(depth: int, call: Callable[[], object]) -> object:
    """Call it below frames of which nobody has made an object yet: that allocates."""
    return nested(depth - 1, call) if depth else call()


@pytest.mark.skipif(
    not COLLECTS_AMID_C_CODE, reason="from Python 3.12 on, nothing is collected amid C code"
)
def test_nothing_is_collected_meanwhile(thread: threading.Thread, collections: list[str]):
    """Python 3.11 would hold a lock then, for which a thread that is made waits for ever."""
    frames = nested(20, frames_of_other_threads)
    assert isinstance(frames, dict)
    assert thread.ident in frames
    during = [line for line in list(collections) if line.strip().startswith("return sys._current")]
    assert [] == during


def test_the_collector_is_left_as_it_was(thread: threading.Thread):
    """On, or off."""
    for is_on in (False, True):
        (gc.enable if is_on else gc.disable)()
        try:
            assert thread.ident in frames_of_other_threads()
            assert is_on is gc.isenabled()
        finally:
            gc.enable()


def test_the_callers_own_frame_is_left_out():
    """It would hold itself."""
    assert threading.get_ident() not in frames_of_other_threads()
