"""`make test` runs files of tests side by side, in two parts; the longest begin first."""

from __future__ import annotations

from pathlib import Path

from tests.side_by_side import BUSY, LONGEST, TIMED, part_of, place

ROOT = Path(__file__).parents[2]


def test_what_is_named_is_there():
    """A folder or a file that was renamed must not lose its place in silence."""
    assert [] == [path for path in (*BUSY, *TIMED, *LONGEST) if not (ROOT / path).exists()]


def test_each_test_is_in_one_of_two_parts():
    """What takes the time is not beside a browser."""
    assert "busy" == part_of("tests/lab/test_harness.py::test_page_errors_are_collected")
    assert "busy" == part_of("tests/kernel/test_the_seed.py::test_a_restart[7.4-ours-plain]")
    assert "timed" == part_of("tests/kernel/test_kernel_life.py::test_some")
    assert "timed" == part_of("tests/hosts/test_blocked.py::test_some")


def test_the_first_that_matches_names_the_place():
    """What is not named comes last."""
    assert 1 == place("tests/lab/test_harness.py::test_page_errors_are_collected")
    assert 2 == place("tests/kernel/test_the_seed.py::test_a_restart[7.4-ours-plain]")
    assert 4 == place("tests/kernel/test_other_doors.py::test_some")
    assert len(LONGEST) == place("tests/values/test_words.py::test_some")
