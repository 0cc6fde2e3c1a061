"""Runs code in a Python process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

LIMIT = 60.0
"""Seconds after which a script has failed."""


@dataclass(frozen=True)
class Ran:
    """How a script ended."""

    stdout: str
    stderr: str
    exit_code: int
    seconds: float


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[[str], Ran]:
    """`run_script(code)`: write the code into a file, run it, wait for its end."""

    def run(code: str) -> Ran:
        script = tmp_path / "script.py"
        script.write_text(code)
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script)],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
            cwd=tmp_path,
        )
        return Ran(done.stdout, done.stderr, done.returncode, time.monotonic() - began)

    return run
