"""Files of tests side by side in several processes (pytest-xdist), as `make test` runs them: most
wait more than they compute.

In two parts, one after the other. Browsers and kernels keep the machine busy and are patient; the
others see to it that things happen in time, and get the machine for themselves.

Each process takes the next file when it has done with one (`--dist loadfile`), so a file's kernel
and a folder's browser are shared as ever. Each has its own folders, ports and Jupyter, and its own
mark by which processes that were left behind are found.
"""

from __future__ import annotations

from typing import Final

import pytest

BUSY: Final = ("tests/lab/", "tests/browser/", "tests/kernel/", "tests/cpython/")
"""What keeps the machine busy."""
TIMED: Final = (
    "tests/kernel/test_compared_with_a_bare_kernel.py",
    "tests/kernel/test_kernel_life.py",
    "tests/kernel/test_kernel_trouble.py",
)
"""But these of them take the time."""
LONGEST: Final = (
    "tests/scripts/test_core_with_nest_asyncio.py",
    "tests/lab/",
    "tests/kernel/test_the_seed.py",
    "tests/browser/",
    "tests/kernel/",
)
"""What takes longest, in the order in which it begins: no process is left alone with it in the end,
and one that has a browser keeps it for the next file.
"""


def part_of(test: str) -> str:
    """In which of the two parts a test is."""
    return "busy" if test.startswith(BUSY) and not test.startswith(TIMED) else "timed"


def place(test: str) -> int:
    """Where a test stands in the order in which they begin."""
    places = [place for place, path in enumerate(LONGEST) if test.startswith(path)]
    return min(places, default=len(LONGEST))


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--part busy`, `--part timed`; without it, all."""
    parser.addoption("--part", choices=["busy", "timed"], help="see tests/side_by_side.py")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the other part. Sort in each of several processes; one alone has no reason to."""
    if part := config.getoption("part"):
        others = [item for item in items if part_of(item.nodeid) != part]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if part_of(item.nodeid) == part]
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: place(item.nodeid))
