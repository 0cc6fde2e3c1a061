"""Runs tests twice, bare and watched, and tells where the two differ and may not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.cpython.suite import LIMIT, PACKAGE

ROOT: Final = Path(__file__).parents[2]
EXCEPTIONS: Final = Path(__file__).with_name("exceptions.toml")
GOOD: Final = ("ok", "skip")
AT_ONCE: Final = 2 * (os.cpu_count() or 1)
"""Processes; most of the tests wait for most of their time."""
NEVER_CAME: Final = "did not come to its end"
SHOWN: Final = 3000
"""Characters of what a process wrote that ended without a report."""


class CannotRun(AssertionError):
    """Raised when the tests do not run at all; the message says why, and what to install."""


@dataclass(frozen=True, slots=True)
class Report:
    """One run of one module."""

    python: str
    outcomes: dict[str, str]
    loops: int
    tasks: int
    seconds: float

    @property
    def version(self) -> str:
        """As in "3.11"."""
        return ".".join(self.python.split(".")[:2])


@dataclass(frozen=True, slots=True)
class Exemption:
    """Tests that may differ, and why."""

    tests: frozenset[str]
    versions: frozenset[str]
    watches: frozenset[str]
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError(f"no reason is given for {', '.join(sorted(self.tests))}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A module's two runs."""

    module: str
    watch: str
    bare: Report
    watched: Report
    differing: dict[str, str]
    """The tests that pass on bare loops only, each with how it ends on watched ones."""


def python_to_test() -> str:
    """The one that BGW_CPYTHON names, else the one that runs this."""
    return os.environ.get("BGW_CPYTHON") or sys.executable


def exemptions(file: Path = EXCEPTIONS) -> list[Exemption]:
    """What the list says."""
    return [
        Exemption(
            frozenset(each["tests"]),
            frozenset(each["versions"]),
            frozenset(each["watches"]),
            each["reason"],
        )
        for each in tomllib.loads(file.read_text())["exception"]
    ]


def exempted(comparison: Comparison, exemptions: Iterable[Exemption]) -> set[str]:
    """Those of a module's tests that are listed for its Python and its watch."""
    return {
        test
        for each in exemptions
        if comparison.bare.version in each.versions and comparison.watch in each.watches
        for test in each.tests
        if test.startswith(f"{short(comparison.module)}.")
    }


def problems(comparison: Comparison, exemptions: Iterable[Exemption]) -> list[str]:
    """What is wrong, in words: a test that differs and is not listed, or the other way round."""
    listed = exempted(comparison, exemptions)
    differing = {short(test): why for test, why in comparison.differing.items()}
    where = f"Python {comparison.bare.python}, watch {comparison.watch}"
    return [
        *(
            f"{test} passes on a bare loop only ({where}):\n{why}"
            for test, why in sorted(differing.items())
            if test not in listed
        ),
        *(
            f"{test} is listed in {EXCEPTIONS.name}, but makes no difference ({where})"
            for test in sorted(listed.difference(differing))
        ),
    ]


def short(test: str) -> str:
    """Without the package that all have in common."""
    return test.removeprefix(f"{PACKAGE}.")


def available(python: str) -> tuple[str, list[str]]:
    """A Python's version and its modules of tests. Raises `CannotRun` when it came without."""
    found = _run(python, "list", "nothing")
    return found["python"], found["modules"]


def compare(python: str, modules: Sequence[str], watch: str) -> list[Comparison]:
    """Run modules bare and watched, some at the same time. Blocks for as long as that takes."""
    runs = [(module, each) for module in modules for each in ("nothing", watch)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        reports = pool.map(lambda run: _report(python, *run), runs)
        pairs = list(zip(modules, reports, reports, strict=True))
    return [
        Comparison(module, watch, bare, watched, _confirmed(python, module, watch, bare, watched))
        for module, bare, watched in pairs
    ]


def _confirmed(
    python: str, module: str, watch: str, bare: Report, watched: Report
) -> dict[str, str]:
    differing = _differing(bare, watched)
    if not differing:
        return {}
    # Many time things, and we were not alone: only what differs once more is our fault.
    alone = [_report(python, module, each, differing) for each in ("nothing", watch)]
    return _differing(*alone)


def _differing(bare: Report, watched: Report) -> dict[str, str]:
    return {
        test: outcome
        for test, expected in bare.outcomes.items()
        if expected in GOOD and (outcome := watched.outcomes.get(test, NEVER_CAME)) != expected
    }


def _report(python: str, module: str, watch: str, only: Iterable[str] = ()) -> Report:
    return Report(**_run(python, module, watch, *only))


def _run(python: str, *arguments: str) -> Any:
    with _folder() as folder:
        report = folder / "report.json"
        module, watch, *only = arguments
        # The tests run elsewhere, so a path from here leads nowhere; a link of a venv is kept.
        program = str(Path(python).absolute()) if os.sep in python else python
        command = [program, "-m", "tests.cpython.suite", module, watch, str(report), *only]
        written = _written_by(command, folder)
        if not report.exists():
            raise CannotRun(_why(python, module, watch, written))
        return json.loads(report.read_text())


@contextmanager
def _folder() -> Iterator[Path]:
    # Some of the tests write files where they are.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _written_by(command: Sequence[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in ("PYTHONASYNCIODEBUG", "PYTHONWARNINGS", "PYTHONDEVMODE"):
        environment.pop(name, None)
    with (folder / "written").open("w+", errors="replace") as file:
        try:
            subprocess.run(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=LIMIT + 20,
                check=False,
            )
        except subprocess.TimeoutExpired:
            file.write(f"\nnot done after {LIMIT + 20:g} s")
        file.seek(0)
        return file.read()


def _why(python: str, module: str, watch: str, written: str) -> str:
    if re.search(r"No module named 'test[.']", written):
        return (
            f"{python} came without CPython's own tests. On Debian and Ubuntu they are in the"
            " package libpython3.11-testsuite, or that of your version: `make test` installs it"
            " where it may. Else set BGW_CPYTHON to the path of a Python that has them"
        )
    return f"{python}: {module} with {watch} watched wrote no report:\n{written[-SHOWN:]}"
