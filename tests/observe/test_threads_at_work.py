"""How many threads want the GIL: seen by where they are in their code."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bgwidgets.observe.thread_frames import Place, places_of_other_threads
from bgwidgets.observe.threads_at_work import TURNS, count_at_work, longest_wait, positions_in
from tests.waiting import LIMIT, until


class Switch:
    """Ends what spins, and lets go what waits."""

    def __init__(self) -> None:
        self.is_over = False
        self.event = threading.Event()
        self.lock = threading.Lock()
        self.lock.acquire()

    def spin(self) -> None:
        """In one line."""
        while not self.is_over:
            pass

    def spin_in_calls(self) -> None:
        """Of functions in Python."""
        while not self.is_over:
            self.nothing()

    def nothing(self) -> None:
        """Is called."""

    def wait_for_an_event(self) -> None:
        """Until the end."""
        self.event.wait(LIMIT)

    def wait_for_a_lock(self) -> None:
        """The same."""
        with self.lock:
            pass

    def sleep(self) -> None:
        """Seldom moves."""
        while not self.event.is_set():
            time.sleep(0.05)


@contextmanager
def threads(*names: str) -> Iterator[Callable[[], dict[int, Place]]]:
    """Each runs that method of a switch; what is given looks at them all."""
    switch = Switch()
    begun = [threading.Event() for _ in names]

    def run(name: str, has_begun: threading.Event) -> None:
        has_begun.set()
        getattr(switch, name)()

    all_threads = [
        threading.Thread(target=run, args=each, daemon=True)
        for each in zip(names, begun, strict=True)
    ]
    for thread in all_threads:
        thread.start()
    numbers = {thread.ident for thread in all_threads}

    def look() -> dict[int, Place]:
        return {number: p for number, p in places_of_other_threads().items() if number in numbers}

    try:
        assert all(event.wait(LIMIT) for event in begun)
        yield look
    finally:
        switch.is_over = True
        switch.event.set()
        switch.lock.release()
        for thread in all_threads:
            thread.join(LIMIT)
            assert not thread.is_alive()


def at_work(look: Callable[[], dict[int, Place]]) -> int:
    """By one look alone."""
    places = look()
    return count_at_work(places, positions_in(places, {}, 0.0), since=0.0)


def test_threads_that_run_python_code_are_at_work():
    """At each look, though most of them do not move in between."""
    with threads("spin", "spin", "spin_in_calls") as look:
        until(lambda: 3 == at_work(look))
        assert 3 == at_work(look)


@pytest.mark.parametrize("how", ["wait_for_an_event", "wait_for_a_lock"])
def test_threads_that_wait_are_not(how: str):
    """Whatever for."""
    with threads(how, how) as look:
        until(lambda: 0 == at_work(look))
        before = positions_in(look(), {}, 1.0)
        places = look()
        assert 0 == count_at_work(places, positions_in(places, before, 2.0), since=0.0)


def test_a_thread_that_has_moved_was_at_work():
    """Also if it has been in the same call at the looks since, for it waits for the GIL there, too;
    but not for ever.
    """
    with threads("wait_for_a_lock") as look:
        until(lambda: 0 == at_work(look))
        places = look()
    (number,) = places
    code, instruction = places[number]
    elsewhere = {number: (code, instruction + 2)}
    positions = positions_in(elsewhere, {}, 1.0)
    for now in (2.0, 3.0, 4.0):
        positions = positions_in(places, positions, now)
    assert 1 == count_at_work(places, positions, since=2.0)
    assert 0 == count_at_work(places, positions, since=2.5)


def test_the_more_are_at_work_the_longer_one_waits():
    interval = sys.getswitchinterval()
    assert pytest.approx(TURNS * interval) == longest_wait(0)
    assert pytest.approx(TURNS * 26 * interval) == longest_wait(25)
