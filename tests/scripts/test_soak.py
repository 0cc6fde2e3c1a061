"""`make soak`, for a few seconds: it runs, and finds nothing that grows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.soak import Sample, growth

ROOT = Path(__file__).parents[2]


def test_five_seconds_of_everything_leave_nothing_behind():
    """Neither threads nor descriptors, and no more memory; and nothing goes wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--seconds", "5", "--seed", "8"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert done.stdout.endswith("flat after the warm-up\n")


def sample(at: float, **more: float) -> Sample:
    fields = {"megabytes": 90.0, "objects": 60_000, "threads": 15, "descriptors": 38}
    return Sample(at=at, **(fields | more))  # type: ignore[arg-type] # whole numbers where it wants them


def test_what_grows_is_told():
    """After the warm-up; before it, anything may."""
    fields = {"megabytes": 120.0, "objects": 70_000, "threads": 16, "descriptors": 39}
    flat = [sample(at) for at in range(1, 10)]
    assert [] == growth(flat)
    assert [] == growth([*flat[2:], sample(10, **fields)])
    grown = [*flat[:5], *(sample(at, **fields) for at in range(6, 10))]
    assert ["memory", "objects", "threads", "descriptors"] == [
        text.partition(":")[0].partition(",")[0] for text in growth(grown)
    ]
    assert [] == growth([sample(1, **fields), sample(2, **fields), *flat[2:]])


def test_too_short_a_time_is_no_success():
    """Nothing was compared."""
    assert ["too short a time for samples after the warm-up"] == growth([sample(1)])
