"""Where other threads are is read without holding what is theirs, nor collecting garbage."""

from __future__ import annotations

import gc
import linecache
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from bgwidgets.observe.thread_frames import (
    COLLECTS_AMID_C_CODE,
    places_of_other_threads,
    stacks_of,
    variable_in,
)
from tests.waiting import until

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


READERS: list[Callable[[int], object]] = [
    lambda number: places_of_other_threads()[number],
    lambda number: stacks_of([number])[number],
    lambda number: variable_in(number, {threading.Condition.wait.__code__}, "self"),
]


@pytest.mark.skipif(
    not COLLECTS_AMID_C_CODE, reason="from Python 3.12 on, nothing is collected amid C code"
)
@pytest.mark.parametrize("read", READERS)
def test_nothing_is_collected_meanwhile(
    thread: threading.Thread, collections: list[str], read: Callable[[int], object]
):
    """Python 3.11 would hold a lock then, for which a thread that is made waits for ever."""
    number = thread.ident or 0
    until(lambda: variable_in(number, {threading.Condition.wait.__code__}, "self") is not None)
    assert nested(20, lambda: read(number)) is not None
    during = [line for line in list(collections) if "_lazily(" in line and "def " not in line]
    assert [] == during


@pytest.mark.parametrize("read", READERS)
def test_the_collector_is_left_as_it_was(thread: threading.Thread, read: Callable[[int], object]):
    """On, or off."""
    for is_on in (False, True):
        (gc.enable if is_on else gc.disable)()
        try:
            read(thread.ident or 0)
            assert is_on is gc.isenabled()
        finally:
            gc.enable()


def test_the_callers_own_place_is_left_out():
    """Who looks is no news."""
    assert threading.get_ident() not in places_of_other_threads()


def test_a_stack_is_told_from_the_innermost_outwards(thread: threading.Thread):
    """The whole of it, or so much as is wanted; a thread that is gone has none."""
    number = thread.ident or 0
    until(lambda: "wait" == stacks_of([number])[number].places[0][0].co_name)
    whole = [code.co_name for code, _ in stacks_of([number])[number].places]
    assert ["wait", "wait", "run", "_bootstrap_inner", "_bootstrap"] == whole
    assert whole[:2] == [code.co_name for code, _ in stacks_of([number], 2)[number].places]
    assert whole[0] == places_of_other_threads()[number][0].co_name
    assert {} == stacks_of([-1])


def test_only_the_functions_that_are_meant_are_asked_for_a_variable(thread: threading.Thread):
    """Of others nothing is touched."""
    number = thread.ident or 0
    code = threading.Condition.wait.__code__
    until(lambda: isinstance(variable_in(number, {code}, "self"), threading.Condition))
    assert variable_in(number, {nested.__code__}, "self") is None
    assert variable_in(-1, {code}, "self") is None


@pytest.mark.parametrize("read", READERS)
def test_who_looks_is_never_the_last_to_hold_anothers_variables(read: Callable[[int], object]):
    """They come to their end in the thread that they are of, while what was read is still held."""
    gone_in, gate = list[str](), threading.Event()

    class Users:
        def __del__(self) -> None:
            gone_in.append(threading.current_thread().name)

    def function() -> None:
        held = Users()
        gate.wait(LIMIT)
        assert isinstance(held, Users)

    def outer() -> None:
        function()
        assert ["theirs"] == gone_in

    thread = threading.Thread(target=outer, name="theirs")
    thread.start()
    number = thread.ident or 0
    until(lambda: variable_in(number, {threading.Condition.wait.__code__}, "self") is not None)
    read_so_far = read(number)
    gate.set()
    thread.join(LIMIT)
    assert ["theirs"] == gone_in
    assert read_so_far is not None
