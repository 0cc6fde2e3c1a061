"""One thread for all that have something to do."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field

import pytest

from bgwidgets.widgets.shared_thread import NOT_BEFORE_CALLED, SharedThread

LIMIT = 5.0


@dataclass(eq=False)
class Worker:
    """Answers each turn with what the test put there, and then with "not before I am called"."""

    answers: list[float | None] = field(default_factory=list)
    turns: queue.SimpleQueue[threading.Thread] = field(default_factory=queue.SimpleQueue)

    def take_turn(self) -> float | None:
        """The next answer."""
        answer = self.answers.pop(0) if self.answers else NOT_BEFORE_CALLED
        self.turns.put(threading.current_thread())
        return answer


@pytest.fixture
def shared() -> SharedThread:
    """Not running yet."""
    return SharedThread("shared")


def leave(shared: SharedThread, *workers: Worker) -> None:
    """Each leaves at its next turn."""
    for worker in workers:
        worker.answers = [None]
        shared.call(worker)
        worker.turns.get(timeout=LIMIT)


def test_all_take_turns_in_one_thread(shared: SharedThread):
    """It is a daemon, and is there until the last has left."""
    one, other = Worker(), Worker()
    shared.call(one)
    shared.call(other)
    thread = one.turns.get(timeout=LIMIT)
    assert thread is other.turns.get(timeout=LIMIT)
    assert (thread.name, thread.daemon) == ("shared", True)
    leave(shared, one)
    shared.call(other)
    assert other.turns.get(timeout=LIMIT) is thread
    leave(shared, other)
    thread.join(LIMIT)
    assert not thread.is_alive()


def test_a_thread_that_could_not_be_started_is_tried_again(
    shared: SharedThread, monkeypatch: pytest.MonkeyPatch
):
    """Where there is no room for one more, there may be later."""

    def start(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    worker = Worker()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start"):
            shared.call(worker)
    leave(shared, worker)


def test_a_turn_comes_when_it_is_time(shared: SharedThread):
    """Without a call."""
    worker = Worker([0.01, 0.0])
    shared.call(worker)
    for _ in range(3):
        worker.turns.get(timeout=LIMIT)
    leave(shared, worker)


def test_who_has_left_may_come_again(shared: SharedThread):
    """In a new thread, when the first has ended."""
    worker = Worker([None])
    shared.call(worker)
    first = worker.turns.get(timeout=LIMIT)
    first.join(LIMIT)
    shared.call(worker)
    assert worker.turns.get(timeout=LIMIT) is not first
    leave(shared, worker)


def test_who_is_called_while_it_has_its_turn_gets_another(shared: SharedThread):
    """Even if it meant to leave: it did not know of the call."""

    class Leaver(Worker):
        is_first = True

        def take_turn(self) -> float | None:
            if self.is_first:
                self.is_first = False
                shared.call(self)
            return super().take_turn()

    worker = Leaver([None, None])
    shared.call(worker)
    worker.turns.get(timeout=LIMIT)
    worker.turns.get(timeout=LIMIT)


def test_only_members_are_called_as_members(shared: SharedThread):
    """No thread is started for others, and none of them is made a member."""
    stranger, member = Worker(), Worker()
    shared.call_member(stranger)
    shared.call(member)
    member.turns.get(timeout=LIMIT)
    shared.call_member(member)
    member.turns.get(timeout=LIMIT)
    leave(shared, member)
    assert stranger.turns.empty()


def test_many_threads_may_call(shared: SharedThread):
    """Whether the thread is just starting or just ending."""
    barrier = threading.Barrier(4)
    workers = [Worker([None] * 50) for _ in range(4)]

    def call(worker: Worker) -> None:
        barrier.wait(LIMIT)
        for _ in range(50):
            shared.call(worker)
            worker.turns.get(timeout=LIMIT)

    threads = [threading.Thread(target=call, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert [worker.answers for worker in workers] == [[]] * 4
