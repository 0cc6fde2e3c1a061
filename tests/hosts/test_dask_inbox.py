"""What waits on a Dask worker for a kernel that does not fetch it is bounded, and tells of it."""

from __future__ import annotations

import random
import time

import pytest

from bgwidgets.hosts.dask_inbox import Event, Inbox
from bgwidgets.hosts.messages import (
    Answer,
    Happened,
    Piece,
    Told,
    Wrote,
    decode,
    encode,
)
from bgwidgets.snapshots import LoopSnapshot
from bgwidgets.states import LoopEvent, LoopState

MOST = 10_000


def output(text: str) -> bytes:
    return encode(Wrote((Piece(text, "stdout", "a thread", None, None),)))


def told(name: str | None) -> bytes:
    now = time.time()
    if name is None:
        return encode(Told(None, now))
    snapshot = LoopSnapshot(
        id=1, name=name, host="dask", state=LoopState.RUNNING, run_number=1, as_of=now
    )
    return encode(Told(snapshot, now))


def size_told(events: list[Event]) -> int:
    """How much is said to be dropped."""
    return sum(int(event.data) for event in events if event.kind == "dropped")


def test_what_is_fetched_in_time_is_all_there_in_order():
    inbox = Inbox(MOST)
    taken, frames = 0, []
    for number in range(100):
        inbox.received(sent := output("x" * 1000 + str(number)))
        for event in inbox.take(taken):
            assert ("frame", sent) == (event.kind, event.data)
            taken = event.number
            frames.append(event.data)
    assert 100 == len(frames)
    assert [] == inbox.take(taken)


def test_what_was_lost_on_its_way_is_handed_out_again():
    inbox = Inbox(MOST)
    inbox.received(output("one"))
    inbox.wrote("two", "stderr")
    inbox.gone("exit code 0")
    first = inbox.take(0)
    assert ["frame", "stderr", "gone"] == [event.kind for event in first]
    assert first == inbox.take(0)
    assert first[1:] == inbox.take(first[0].number)
    assert [] == inbox.take(first[-1].number)


def test_of_too_much_output_the_oldest_is_dropped_and_that_is_told():
    """There where it was; and nothing else is ever dropped."""
    inbox = Inbox(MOST)
    written = 0
    for number in range(100):
        inbox.received(encode(Answer(number)))
        inbox.received(frame := output("x" * 500))
        inbox.wrote("y" * 500, "stdout")
        written += len(frame) + 500
    inbox.received(encode(Happened(LoopEvent.MAIN_FAILED)))
    inbox.gone("exit code 1")
    events = inbox.take(0)
    assert sorted(event.number for event in events) == [event.number for event in events]
    assert [0, 1] == [at for at, event in enumerate(events) if event.kind in {"frame", "dropped"}][
        :2
    ]
    assert "dropped" == events[1].kind
    kept = [event.data for event in events if event.kind in {"frame", "stdout"}]
    messages = [decode(data) for data in kept if isinstance(data, bytes)]
    assert list(range(100)) == [each.number for each in messages if isinstance(each, Answer)]
    assert Happened(LoopEvent.MAIN_FAILED) in messages
    assert "gone" == events[-1].kind
    left = [data for data in kept if isinstance(data, str) or isinstance(decode(data), Wrote)]
    size_left = sum(map(len, left))
    assert MOST / 2 < size_left <= MOST
    assert written == size_left + size_told(events)


def test_what_may_have_been_fetched_is_not_dropped_any_more():
    """Else more would be missing than is told."""
    inbox = Inbox(MOST)
    inbox.received(output("x" * 9_000))
    first = inbox.take(0)
    for _ in range(3):
        inbox.received(output("y" * 9_000))
    assert first == inbox.take(0)[:1]
    assert ["frame", "dropped", "frame"] == [event.kind for event in inbox.take(0)]
    seen = inbox.take(first[0].number)
    for _ in range(3):
        inbox.received(output("z" * 9_000))
    assert seen == inbox.take(first[0].number)[:2]
    events = inbox.take(seen[-1].number)
    assert ["dropped", "frame"] == [event.kind for event in events]


def test_of_how_the_loop_stands_only_the_latest_waits():
    """What says that nothing has changed since is not said of something else."""
    inbox = Inbox(MOST)
    for frame in [told("first"), told(None), told(None), told("second"), told(None), told(None)]:
        inbox.received(frame)
    events = inbox.take(0)
    messages = [decode(event.data) for event in events if isinstance(event.data, bytes)]
    assert ["second", None] == [each.snapshot and each.snapshot.name for each in messages]
    inbox.received(told("third"))
    assert events == inbox.take(0)[:2]
    assert 3 == len(inbox.take(0))


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_on_its_way_all_is_there_once_or_told(seed: int):
    """Also when answers are lost, in any order of events."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    inbox = Inbox(MOST)
    written = 0
    answers = 0
    fetched: list[Event] = []
    for _ in range(2_000):
        way = chance.random()
        if way < 0.5:
            inbox.received(frame := output("x" * chance.randrange(1, 3_000)))
            written += len(frame)
        elif way < 0.7:
            inbox.received(encode(Answer(answers)))
            answers += 1
        elif way < 0.9:
            inbox.received(told(chance.choice([None, "name"])))
        else:
            events = inbox.take(fetched[-1].number if fetched else 0)
            if chance.random() < 0.5:
                fetched += events
    fetched += inbox.take(fetched[-1].number if fetched else 0)
    numbers = [event.number for event in fetched]
    assert sorted(set(numbers)) == numbers
    frames = [event.data for event in fetched if isinstance(event.data, bytes)]
    messages = [decode(frame) for frame in frames]
    assert list(range(answers)) == [each.number for each in messages if isinstance(each, Answer)]
    came = sum(len(frame) for frame in frames if isinstance(decode(frame), Wrote))
    assert size_told(fetched) > 0
    assert written == came + size_told(fetched)
