"""`python -m benchmarks [NAME ...] [--rounds N] [--json FILE]`."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Result

BENCHMARKS: Final = {
    "start": 200,
    "tasks": 15,
    "cancel": 9,
    "memory": 3,
    "lateness": 5,
    "sorting": 5,
    "round_trip": 15,
    "nested": 9,
    "watching": 15,
    "metrics": 15,
    "click": 20,
    "panel": 5,
    "prints": 5,
    "hosts": 15,
    "many_hosts": 5,
}
"""Each benchmark's module, and how many rounds give a steady median."""
COMPARED: Final = (
    *("bgwidgets", "ipywidgets", "aiomonitor", "uvloop", "anyio", "distributed", "itables", "loky"),
)
"""Whose versions are told."""


def main() -> None:
    """Run what was asked for; a table on the screen, and all of it in a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, help="instead of each benchmark's own number")
    parser.add_argument("--json", type=Path, help="instead of results-3.11.json")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}"
        )
    machine = _machine()
    print(f"Python {machine['python']}, {machine['system']}, {machine['cores']} cores")
    print(", ".join(f"{name} {version}" for name, version in machine["versions"].items()), "\n")
    written = chosen.json or Path(__file__).with_name(f"results-{machine['python'][:4]}.json")
    results: list[Result] = []
    for name in chosen.names or BENCHMARKS:
        module = importlib.import_module(f"benchmarks.{name}")
        for result in module.run(chosen.rounds or BENCHMARKS[name]):
            print(result.as_text(), end="\n\n", flush=True)
            results.append(result)
        # After each: whatever becomes of the next, these figures are there.
        plain = {"machine": machine, "results": [result.as_json() for result in results]}
        written.write_text(json.dumps(plain, indent=2) + "\n")
    for result in results:
        for goal in result.goals:
            print(goal.as_text())
    print(f"written to {written}")


def _machine() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "versions": {name: _version(name) for name in COMPARED},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
