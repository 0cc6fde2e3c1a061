"""CPython's own tests of asyncio end the same way whether the ledger is on or not.

A part of them, on the Python that runs this, or that `BGW_CPYTHON` names; `make test-cpython` runs
all, and on other Pythons.
"""

from __future__ import annotations

import os
import sys

import pytest

from tests.cpython import comparison
from tests.cpython.comparison import (
    CannotRun,
    Comparison,
    Exemption,
    Report,
    available,
    compare,
    exemptions,
    problems,
    python_to_test,
    short,
)
from tests.cpython.suite import PACKAGE

OURS = "tests.cpython.differs_when_watched"
A_PART = (
    "test_tasks",  # the longest first
    "test_taskgroups",
    "test_base_events",
    "test_context",
    "test_futures",
    "test_locks",
    "test_pep492",
    "test_queues",
    "test_runners",
    "test_streams",
    "test_threads",
    "test_timeouts",
    "test_waitfor",
)
"""The modules that are about tasks, and the quickest of the others."""
LIMIT = 240
"""Seconds for all of them; they take 20 on two cores."""


@pytest.fixture(scope="module")
def a_part() -> dict[str, Comparison]:
    """They mostly wait, so they run at the same time."""
    modules = [f"{PACKAGE}.{module}" for module in A_PART]
    return {short(each.module): each for each in compare(python_to_test(), modules, "ledger")}


@pytest.mark.timeout(LIMIT)
@pytest.mark.parametrize("module", A_PART)
def test_cpythons_own_tests_know_no_difference(a_part: dict[str, Comparison], module: str):
    """But for those in exceptions.toml; and each of those does."""
    assert [] == problems(a_part[module], exemptions())
    assert a_part[module].watched.loops > 0
    assert a_part[module].watched.tasks > 0


def cases(watch: str) -> set[str]:
    (compared,) = compare(python_to_test(), [OURS], watch)
    return {test.rpartition(".test_that_")[2] for test in compared.differing}


def test_a_test_that_sees_the_ledger_differs():
    """And one that fails on a bare loop as well does not."""
    assert {"sees_the_ledger"} == cases("ledger")


def test_a_test_that_sees_the_heartbeat_differs():
    """That is beside the loops when everything is."""
    both = {"sees_the_ledger", "sees_the_heartbeat"}
    assert both == cases("everything")


TEST = "test_tasks.Some.test_thing"


def compared_with(differing: dict[str, str], python: str = "3.11.2") -> Comparison:
    report = Report(python, {f"{PACKAGE}.{TEST}": "ok"}, loops=1, tasks=1, seconds=0.0)
    full = {f"{PACKAGE}.{test}": why for test, why in differing.items()}
    return Comparison(f"{PACKAGE}.test_tasks", "ledger", report, report, full)


def exemption(test: str = TEST, version: str = "3.11", watch: str = "ledger") -> Exemption:
    return Exemption(frozenset([test]), frozenset([version]), frozenset([watch]), "a reason")


def test_a_test_that_differs_must_be_listed():
    """For its Python and its watch."""
    compared = compared_with({TEST: "AssertionError: 1 != 2"})
    assert [] == problems(compared, [exemption()])
    for others in [], [exemption(version="3.12")], [exemption(watch="everything")]:
        (problem,) = problems(compared, others)
        assert problem.startswith(f"{TEST} passes on a bare loop only")
        assert problem.endswith("AssertionError: 1 != 2")


def test_a_test_that_is_listed_must_differ():
    """Or the list would grow old; modules and Pythons that did not run tell nothing."""
    compared = compared_with({})
    (problem,) = problems(compared, [exemption()])
    assert "makes no difference" in problem
    elsewhere = [
        exemption(version="3.12"),
        exemption(watch="everything"),
        exemption(test="test_queues.Some.test_thing"),
    ]
    assert [] == problems(compared, elsewhere)


def test_an_exception_has_a_reason():
    with pytest.raises(ValueError, match="no reason is given for a"):
        Exemption(frozenset("a"), frozenset(), frozenset(), " \n")


def test_a_python_without_its_tests_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    """As Debian's comes."""
    monkeypatch.setattr(comparison, "_written_by", lambda *_: "No module named 'test.test_asyncio'")
    with pytest.raises(CannotRun, match=r"the package libpython3\.11-testsuite"):
        comparison.available(sys.executable)


def test_tests_that_do_not_run_are_no_success(monkeypatch: pytest.MonkeyPatch):
    """A process that ends without a report is shown with what it wrote."""
    monkeypatch.setattr(comparison, "_written_by", lambda *_: "Segmentation fault")
    with pytest.raises(CannotRun, match="Segmentation fault"):
        compare(python_to_test(), [OURS], "ledger")


def test_all_that_is_listed_is_known():
    """Versions and watches that are never run would exempt nothing, in silence."""
    listed = exemptions()
    assert listed != []
    assert {"3.11", "3.12", "3.13"} >= set().union(*(each.versions for each in listed))
    assert {"ledger", "everything"} >= set().union(*(each.watches for each in listed))


def test_a_python_may_be_named_by_a_path_from_here():
    """As make does: `.venv/bin/python`."""
    version, modules = available(os.path.relpath(python_to_test()))
    assert (version, modules) == available(python_to_test())
    assert f"{PACKAGE}.test_tasks" in modules
