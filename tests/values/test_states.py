"""The rules of states, pair by pair, written down a second time."""

from __future__ import annotations

import itertools

import pytest

from bgwidgets.states import (
    HOW_A_LOOP_ENDS,
    IllegalEvent,
    LoopEvent,
    LoopLife,
    LoopState,
    TaskState,
    end_state,
)

# The words of the table below: a state that follows, "ends" for one of the six, "-" for illegal.
COLUMNS = ["starting", "running", "stopping", "ended"]
TABLE = """
    started          running    -         stopping   -
    stop asked       stopping   stopping  stopping   same
    main returned    -          stopping  stopping   -
    main cancelled   -          stopping  stopping   -
    main failed      stopping   stopping  stopping   -
    host lost        lost       lost      lost       -
    killed           killed     killed    killed     same
    closed           -          -         ends       -
"""
ROWS = {
    " ".join(words[:-4]): dict(zip(COLUMNS, words[-4:], strict=True))
    for words in (line.split() for line in TABLE.strip().splitlines())
}
HOW_LOOPS_CAME_TO_BE = {
    "starting": [LoopLife()],
    "running": [LoopLife(LoopState.RUNNING, frozenset({LoopEvent.STARTED}))],
    "stopping": [LoopLife(LoopState.STOPPING, frozenset({LoopEvent.STOP_ASKED}))],
    "ended": [
        LoopLife(state, frozenset({event}))
        for event, state in [
            (LoopEvent.MAIN_RETURNED, LoopState.FINISHED),
            (LoopEvent.STOP_ASKED, LoopState.STOPPED),
            (LoopEvent.MAIN_CANCELLED, LoopState.CANCELLED),
            (LoopEvent.MAIN_FAILED, LoopState.FAILED),
            (LoopEvent.KILLED, LoopState.KILLED),
            (LoopEvent.HOST_LOST, LoopState.LOST),
        ]
    ],
}
PAIRS = [
    pytest.param(life, event, ROWS[event][column], id=f"{life.state}-{event}")
    for column, lives in HOW_LOOPS_CAME_TO_BE.items()
    for life in lives
    for event in LoopEvent
]


def test_the_table_has_every_pair():
    assert set(LoopEvent) == set(ROWS)
    lives = itertools.chain(*HOW_LOOPS_CAME_TO_BE.values())
    assert sorted(LoopState) == sorted(life.state for life in lives)
    assert len(LoopState) * len(LoopEvent) == len(PAIRS)


@pytest.mark.parametrize(("life", "event", "expected"), PAIRS)
def test_what_an_event_leads_to(life: LoopLife, event: LoopEvent, expected: str):
    """The next state and a longer list of what happened; or an error, and nothing has changed."""
    copy = LoopLife(life.state, life.happened)
    if expected == "-":
        with pytest.raises(IllegalEvent, match=f"'{event}' cannot happen .* is {life.state}"):
            life.after(event)
    elif expected == "same":
        assert life is life.after(event)
    else:
        # A loop that closes here was only ever asked to stop.
        state = "stopped" if expected == "ends" else expected
        assert LoopLife(LoopState(state), life.happened | {event}) == life.after(event)
    assert copy == life


# "killed" wins over "lost" wins over "failed" and so on; written as the contract has it.
FIRST_MATCH_WINS = [
    ("killed", "killed"),
    ("host lost", "lost"),
    ("main failed", "failed"),
    ("stop asked", "stopped"),
    ("main cancelled", "cancelled"),
    ("main returned", "finished"),
]
SUBSETS = [
    subset
    for size in range(1, 7)
    for subset in itertools.combinations([word for word, _ in FIRST_MATCH_WINS], size)
]


def test_there_are_six_ways_to_end():
    assert 2**6 - 1 == len(SUBSETS)
    assert FIRST_MATCH_WINS == [(str(event), str(state)) for event, state in HOW_A_LOOP_ENDS]


@pytest.mark.parametrize("happened", SUBSETS, ids="+".join)
def test_the_first_line_that_matches_names_the_end(happened: tuple[str, ...]):
    """Whatever else happened, and whether the loop came up or not."""
    expected = next(state for event, state in FIRST_MATCH_WINS if event in happened)
    events = frozenset(LoopEvent(word) for word in happened)
    assert expected == end_state(events)
    assert expected == end_state(events | {LoopEvent.STARTED, LoopEvent.CLOSED})


@pytest.mark.parametrize("happened", [(), (LoopEvent.STARTED,), (LoopEvent.CLOSED,)])
def test_a_loop_to_which_nothing_happened_has_no_end(happened: tuple[LoopEvent, ...]):
    with pytest.raises(IllegalEvent, match="nothing ended this loop"):
        end_state(frozenset(happened))


ORDINARY_LIVES = [
    ("started, main returned, closed", "finished"),
    ("started, stop asked, main cancelled, closed", "stopped"),
    ("started, main cancelled, closed", "cancelled"),
    ("started, stop asked, main failed, closed", "failed"),
    ("stop asked, started, main cancelled, closed", "stopped"),
    ("main failed, closed", "failed"),
    ("stop asked, main failed, closed", "failed"),
    ("started, main returned, stop asked, closed", "stopped"),
    ("started, main returned, closed, stop asked, killed", "finished"),
    ("started, main failed, host lost", "lost"),
    ("started, host lost, killed", "lost"),
    ("started, killed", "killed"),
]


@pytest.mark.parametrize(("events", "expected"), ORDINARY_LIVES)
def test_lives_from_birth_to_end(events: str, expected: str):
    life = LoopLife()
    for event in events.split(", "):
        life = life.after(LoopEvent(event))
    assert expected == life.state


def test_which_states_are_ends():
    """Nothing follows them."""
    unfinished = {"starting", "running", "stopping"}
    assert unfinished == {state for state in LoopState if not state.has_ended}
    unfinished = {"pending", "running", "cancelling"}
    assert unfinished == {state for state in TaskState if not state.has_ended}
