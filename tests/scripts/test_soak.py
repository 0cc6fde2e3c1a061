"""`make soak`, for a few seconds: it runs, and finds nothing that grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import Sample, Tally, growth, rises

ROOT = Path(__file__).parents[2]


def test_some_seconds_of_everything_leave_nothing_behind():
    """Neither threads nor descriptors, and no more memory; and nothing goes wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--seconds", "10", "--seed", "8"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert done.stdout.endswith("flat after the warm-up\n")


def sample(at: float, **more: float) -> Sample:
    fields = {"megabytes": 90.0, "in_use": 17.0, "objects": 60_000, "blocks": 220_000}
    fields |= {"threads": 15, "descriptors": 38}
    return Sample(at=at, **(fields | more))  # type: ignore[arg-type] # whole numbers where it wants them


MORE = {
    "megabytes": 120.0,
    "in_use": 18.0,
    "objects": 70_000,
    "blocks": 300_000,
    "threads": 16,
    "descriptors": 39,
}


def test_what_grows_is_told():
    """After the warm-up; before it, anything may."""
    flat = [sample(at) for at in range(1, 31)]
    assert [] == growth(flat)
    grown = [*flat[:20], *(sample(at, **MORE) for at in range(21, 31))]
    assert list(MORE) == [text.partition(":")[0].replace(" ", "_") for text in growth(grown)]
    assert [] == growth([sample(1, **MORE), sample(2, **MORE), *flat[2:]])


@pytest.mark.parametrize("name", ["threads", "descriptors"])
@pytest.mark.parametrize("since", [13, 20, 28])
def test_one_thread_an_hour_is_told(name: str, since: int):
    """Whenever it comes, in a soak that takes so long; and what it says is so many an hour."""
    minutes = [
        sample(120.0 * number, **({name: MORE[name]} if number >= since else {}))
        for number in range(1, 31)
    ]
    (text,) = growth(minutes)
    assert text.startswith(f"{name}: +")
    assert rises(minutes)[name].an_hour == pytest.approx(rises(minutes)[name].in_all * 1.5, abs=0.1)


def test_what_comes_and_goes_is_not_told():
    """One thread that was about to end, at any one moment."""
    flat = [sample(at) for at in range(1, 31)]
    for number in range(30):
        assert [] == growth(
            [*flat[:number], sample(number + 1, **MORE_FOR_A_MOMENT), *flat[number + 1 :]]
        )


MORE_FOR_A_MOMENT = {"threads": 16, "descriptors": 39}


def test_too_short_a_time_is_no_success():
    """Nothing was compared."""
    assert ["too short a time for samples after the warm-up"] == growth([sample(1)])


def test_what_takes_longer_than_it_promises_is_told():
    """`stop(0)` has three seconds, and what does not wait has two."""
    tally = Tally()
    tally.took("stop", 2.9)
    tally.took("request_stop", 0.1)
    assert [] == tally.wrong
    tally.took("stop", 3.1)
    tally.took("request_stop", 2.1)
    assert [
        "stop took 3.10 s, and may take 3 s",
        "request_stop took 2.10 s, and may take 2 s",
    ] == (tally.wrong)
    assert {"stop": 3.1, "request_stop": 2.1} == tally.longest
