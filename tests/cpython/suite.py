"""Runs one module of tests with or without a watch, and writes down how each test ended.

A program for the Python that is tested, which needs nothing installed:
`python -m tests.cpython.suite test.test_asyncio.test_queues ledger REPORT [TEST ...]`
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import os
import pkgutil
import platform
import signal
import sys
import time
import traceback
import unittest
from pathlib import Path
from typing import Any, Final

from tests.cpython.watching import Watch

PACKAGE: Final = "test.test_asyncio"
LIMIT: Final = 400.0
"""Seconds after which a module is stuck: every thread's stack is written, and that is its end."""
REASON_KEPT: Final = 2000


class Outcomes(unittest.TestResult):
    """How each test ended: "ok", "skip", or the traceback."""

    def __init__(self) -> None:
        super().__init__()
        self.by_test: Final[dict[str, str]] = {}

    def _note(self, test: Any, outcome: str) -> None:
        # Of a test that failed, its clean-up may fail as well: the first is what it was.
        if self.by_test.get(test.id(), "ok") == "ok":
            self.by_test[test.id()] = outcome

    def _note_error(self, test: Any, error: Any) -> None:
        self._note(test, "".join(traceback.format_exception(*error))[-REASON_KEPT:])

    def addSuccess(self, test: Any) -> None:  # noqa: N802 - unittest's name, as those below
        """It passed."""
        self._note(test, "ok")

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: ARG002, N802
        """It does not apply here."""
        self._note(test, "skip")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """An assertion did not hold."""
        self._note_error(test, err)

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        """It raised."""
        self._note_error(test, err)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: ARG002, N802
        """A part of it passed or failed."""
        if err is not None:
            self._note_error(test, err)

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: ARG002, N802
        """It failed, as CPython knows."""
        self._note(test, "ok")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        """It passed where CPython did not expect it."""
        self._note(test, "unexpected success")


def available() -> dict[str, Any]:
    """This Python's version, and the modules of CPython's own tests of asyncio that it has."""
    package = importlib.import_module(PACKAGE)
    names = [each.name for each in pkgutil.iter_modules(package.__path__)]
    return {
        "python": platform.python_version(),
        "modules": [f"{PACKAGE}.{name}" for name in sorted(names) if name.startswith("test_")],
    }


def run(module: str, watch: str, only: list[str]) -> dict[str, Any]:
    """Run a module's tests, or only some; returns the report."""
    began = time.monotonic()
    watching = Watch()
    watching.begin(watch)
    outcomes = Outcomes()
    loader = unittest.TestLoader()
    try:
        loaded = importlib.import_module(module)
    except unittest.SkipTest:  # It is for another system.
        pass
    else:
        suite = loader.loadTestsFromNames(only) if only else loader.loadTestsFromModule(loaded)
        # Many of the tests call the collector: what the imports made stays, it need not look there.
        gc.collect()
        gc.freeze()
        suite.run(outcomes)
    return {
        "python": platform.python_version(),
        "outcomes": outcomes.by_test,
        "loops": watching.loops,
        "tasks": watching.tasks,
        "seconds": time.monotonic() - began,
    }


def main(module: str, watch: str, report: str, *only: str) -> None:
    """Run, and write the report as JSON into a file. As a module, "list" asks what there is."""
    faulthandler.dump_traceback_later(LIMIT, exit=True)
    # Ignored in what a shell's script has in the background: tests that interrupt themselves would
    # go on for ever, and take all memory.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    found = available() if module == "list" else run(module, watch, list(only))
    Path(report).write_text(json.dumps(found))
    # The tests may have left threads: those that would hold up the exit are no concern of ours.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
