"""`python -m benchmarks [NAME ...] [--rounds N] [--json FILE]`."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
from pathlib import Path
from typing import Final

BENCHMARKS: Final = {
    "start": 200,
    "tasks": 15,
    "nested": 9,
    "watching": 15,
    "round_trip": 30,
    "click": 20,
}
"""Each benchmark's module, and how many rounds give a steady median."""


def main() -> None:
    """Run what was asked for; a table on the screen, and all of it in a file."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, help="instead of each benchmark's own number")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results.json"))
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(
            f"no benchmark {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}"
        )
    machine = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }
    print(f"Python {machine['python']}, {machine['system']}, {machine['cores']} cores\n")
    results = []
    for name in chosen.names or BENCHMARKS:
        module = importlib.import_module(f"benchmarks.{name}")
        for result in module.run(chosen.rounds or BENCHMARKS[name]):
            print(result.as_text(), end="\n\n", flush=True)
            results.append(result.as_json())
    chosen.json.write_text(json.dumps({"machine": machine, "results": results}, indent=2) + "\n")
    print(f"written to {chosen.json}")


if __name__ == "__main__":
    main()
