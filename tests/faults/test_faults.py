"""Whatever goes wrong in a task, the state is true, a stop ends in time, nobody waits for ever, and
nobody else notices.

What goes wrong may last for ever, so it has a Python of its own, and so has each group of faults
that leave each other alone. There all loops that are tried out run at the same time.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from tests.faults.ends import Way
from tests.faults.faults import FAULTS
from tests.faults.kinds import Kind, Place
from tests.processes import StartedProcesses

ROOT: Final = Path(__file__).parents[2]
LIMIT: Final = 60.0
LONG_LIMIT: Final = 900.0
THROWN_OUT: Final = "Task exception was never retrieved\n"
"""Python's own words on an adopted loop, whose owner's runner a task has thrown out: nobody turns
it any more, so that nobody else can say it."""
OF_DASK: Final = re.compile(
    r"^\d{4}-\d\d-\d\d [\d:,]+ - (distributed\.\S+ - [A-Z]+ - .*)$", re.MULTILINE
)
"""What Dask logs of its connections: a line each."""

CASES: Final = (
    (Place.MAIN, Way.STOP_EVENT),
    (Place.OTHER, Way.STOP_LOOP),
    (Place.MAIN, Way.CANCEL_TASKS),
    (Place.OTHER, Way.STOP),
    (Place.OTHER, Way.STOP_EVENT),
    (Place.MAIN, Way.STOP_LOOP),
    (Place.OTHER, Way.CANCEL_TASKS),
    (Place.MAIN, Way.STOP),
)
EACH: Final = len(CASES) // len(Kind)
"""So many are played for each fault on each kind of loop, and all of them over all kinds."""
GROUPS: Final = {
    "will not be cancelled": (
        "swallows_once",
        "swallows_for_ever",
        "spawns_when_cancelled",
        "hangs_in_a_generators_finally",
    ),
    "blocks": ("spins", "sleeps", "is_in_c_without_the_gil", "never_returns_from_a_thread"),
    "holds the lock": ("is_in_c_with_the_gil",),
    "raises": (
        "raises_system_exit",
        "raises_keyboard_interrupt",
        "raises_generator_exit",
        "raises_recursion_error",
        "raises_memory_error",
        "raises_a_base_exception_of_its_own",
        "raises_what_cannot_be_shown",
    ),
    "fails all the time": ("fails_thousands_of_times_a_second",),
    "lays hands on the loop": (
        "stops_the_loop",
        "closes_the_loop",
        "breaks_the_exception_handler",
    ),
    "closes stdout": ("closes_stdout",),
    "cannot be shown": (
        "cannot_be_named_or_shown",
        "has_a_name_of_a_megabyte",
        "has_surrogates_in_its_name",
        "has_control_characters_in_its_name",
    ),
}
"""Those that can be played in the same Python."""
ON_DASK: Final = (
    "swallows_for_ever",
    "is_in_c_with_the_gil",
    "raises_a_base_exception_of_its_own",
    "never_returns_from_a_thread",
)


def some_of(fault: str, kind: Kind, part: int = 0) -> list[str]:
    """A few scenarios for each fault and kind: every two of fault, kind, place and way meet. All
    parts together are all scenarios.
    """
    first = list(FAULTS).index(fault) + EACH * (list(Kind).index(kind) + part)
    cases = itertools.islice(itertools.cycle(CASES), first, first + EACH)
    return [f"{fault}:{place}:{way.name}" for place, way in cases]


@pytest.fixture
def processes() -> StartedProcesses:
    return StartedProcesses()


def play(
    kind: Kind, scenarios: list[str], processes: StartedProcesses, limit: float = LIMIT
) -> None:
    """Play them in a Python of their own: none fails, it ends, it says little, nothing is left."""
    played = subprocess.run(
        [sys.executable, "-m", "tests.faults", kind, *scenarios],
        env=os.environ | processes.environment | {"PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    told = "\n".join(line for line in played.stdout.splitlines() if line != "tick")
    assert 0 == played.returncode, f"{told}\n{played.stderr}"
    expect_little_said(kind, scenarios, played.stderr)
    processes.expect_none()


def expect_little_said(kind: Kind, scenarios: list[str], stderr: str) -> None:
    """Nothing on standard error, but what is useful, and that once."""
    allowed: Counter[str] = Counter()
    if kind is Kind.ADOPTED:
        before, *complaints = stderr.split(THROWN_OUT)
        said = [before] * bool(before) + [_fault_of(complaint) for complaint in complaints]
        each = (scenario.split(":")[:2] for scenario in scenarios)
        allowed.update(
            fault for fault, place in each if FAULTS[fault].throws_out and place == Place.OTHER
        )
    elif kind is Kind.DASK:
        said = [*OF_DASK.findall(stderr), *OF_DASK.sub("", stderr).split()]
        allowed.update({line for line in said if line.startswith("distributed.")})
    else:
        said = stderr.splitlines()
    assert Counter(said) <= allowed, stderr


def _fault_of(complaint: str) -> str:
    """That whose task was not asked for its error, if that is told whole: which task, and its error
    with the line that raised it; otherwise what was told instead.
    """
    told = re.fullmatch(
        r"future: <Task finished name='fault' coro=<(\w+)\(\) .* exception=(\w+)\(.*\)>\n"
        r"Traceback [^\n]*\n( [^\n]*\n)+\2(: [^\n]*)?\n",
        complaint,
    )
    return complaint if told is None else told[1]


def test_every_fault_is_in_a_group():
    assert sorted(FAULTS) == sorted(itertools.chain(*GROUPS.values()))


@pytest.mark.parametrize("kind", [Kind.NATIVE, Kind.ADOPTED, Kind.PROCESS])
@pytest.mark.parametrize("group", GROUPS)
def test_what_goes_wrong_in_a_task_does_no_harm(
    group: str, kind: Kind, processes: StartedProcesses
):
    play(kind, [each for fault in GROUPS[group] for each in some_of(fault, kind)], processes)


def test_nor_on_a_dask_worker(processes: StartedProcesses):
    scenarios = [each for fault in ON_DASK for each in some_of(fault, Kind.DASK)]
    play(Kind.DASK, scenarios, processes)


@pytest.mark.long
@pytest.mark.timeout(LONG_LIMIT)
@pytest.mark.parametrize("part", range(len(CASES) // EACH))
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("group", GROUPS)
def test_nor_in_any_place_or_way(group: str, kind: Kind, part: int, processes: StartedProcesses):
    """As many at the same time as above, or those that block would hold up the others."""
    scenarios = [each for fault in GROUPS[group] for each in some_of(fault, kind, part)]
    play(kind, scenarios, processes, LONG_LIMIT)
