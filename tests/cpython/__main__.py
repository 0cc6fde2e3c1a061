"""All of CPython's own tests of asyncio, for each Python that is named: `make test-cpython`.

`python -m tests.cpython [--watch ledger|everything] [--only MODULE]... [PYTHON]...`
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.cpython import comparison
from tests.cpython.comparison import GOOD, CannotRun, Exemption
from tests.cpython.suite import PACKAGE
from tests.cpython.watching import WATCHES


def check(
    python: str, version: str, modules: Sequence[str], watch: str, exemptions: list[Exemption]
) -> bool:
    """Run one Python's tests, print what they say; whether all is well."""
    began = time.monotonic()
    compared = comparison.compare(python, modules, watch)
    wrong = [each for one in compared for each in comparison.problems(one, exemptions)]
    tests = sum(len(one.bare.outcomes) for one in compared)
    failing = sum(how not in GOOD for one in compared for how in one.bare.outcomes.values())
    loops = sum(one.watched.loops for one in compared)
    tasks = sum(one.watched.tasks for one in compared)
    differing = sum(len(one.differing) for one in compared)
    listed = sum(len(comparison.exempted(one, exemptions)) for one in compared)
    if not loops:
        wrong.append(f"no loop was watched on {python}")
    print(
        f"Python {version}, watch {watch}: {tests} tests, {failing} fail bare;"
        f" {loops} loops and {tasks} tasks were watched; {differing} differ, {listed} are listed;"
        f" {time.monotonic() - began:.0f} s",
        flush=True,
    )
    for problem in wrong:
        print(f"  {problem}", file=sys.stderr)
    return not wrong


def main() -> int:
    """Run for each Python and each watch; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cpython")
    parser.add_argument(
        "pythons", nargs="*", default=[comparison.python_to_test()], metavar="PYTHON"
    )
    parser.add_argument("--watch", action="append", choices=WATCHES[1:])
    parser.add_argument("--only", action="append", default=[], metavar="MODULE")
    arguments = parser.parse_args()
    exemptions = comparison.exemptions()
    is_well = True
    done: set[str] = set()
    for python in arguments.pythons:
        try:
            version, modules = comparison.available(python)
            if version in done:  # It was found twice.
                continue
            done.add(version)
            modules = [f"{PACKAGE}.{each}" for each in arguments.only] or modules
            for watch in arguments.watch or WATCHES[1:]:
                is_well &= check(python, version, modules, watch, exemptions)
        except CannotRun as error:
            print(error, file=sys.stderr)
            is_well = False
    return not is_well


if __name__ == "__main__":
    sys.exit(main())
