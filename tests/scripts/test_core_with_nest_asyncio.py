"""The core's own tests, once more in processes where nest_asyncio was applied before and after."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ["tests/values", "tests/observe", "tests/hosts", "tests/loops", "tests/adoption"]
PLUGINS = ["tests.nest_asyncio_before", "tests.nest_asyncio_after"]
IN_OTHER_PROCESSES = [
    *("tests/hosts/test_process_*", "tests/hosts/test_no_orphans.py"),
    *(f"tests/hosts/test_dask{part}.py" for part in ("", "_resources", "_start")),
    "tests/hosts/test_results_of_processes.py",
]
"""Where nobody has applied it."""
LIMIT = 400.0
"""Seconds; they mostly wait, so both run at the same time."""


@pytest.fixture(scope="module")
def runs() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """A run of the core's tests with each plugin, under way."""
    left_out = [f"--ignore-glob={path}" for path in IN_OTHER_PROCESSES]
    options = ["-q", "-p", "no:cacheprovider", "--color=no", *left_out]
    runs = {
        plugin: subprocess.Popen(
            [sys.executable, "-m", "pytest", *options, "-p", plugin, *CORE],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for plugin in PLUGINS
    }
    yield runs
    for run in runs.values():
        run.kill()
        run.communicate(timeout=10)


@pytest.mark.timeout(LIMIT + 20)
@pytest.mark.parametrize("plugin", PLUGINS)
def test_the_core_works_the_same(runs: dict[str, subprocess.Popen[str]], plugin: str):
    """Not one of its tests knows a difference."""
    written, _ = runs[plugin].communicate(timeout=LIMIT)
    assert 0 == runs[plugin].returncode, written[-4000:]
    assert " passed" in written.splitlines()[-1]
