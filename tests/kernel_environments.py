"""Environments with other versions of ipykernel: made when first needed, and kept for the next run.

They lie outside of the tree, in the user's cache: `BGW_TEST_CACHE` names another folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
IPYKERNELS: Final = ("6.31", "7.3", "7.4")
"""The versions that the package is tested with."""
INSTALL_LIMIT: Final = 300.0
"""Seconds; also how long one test run waits for another that installs the same."""


class CannotInstall(AssertionError):
    """Raised when an environment could not be made; the message is pip's own."""


def python_with(ipykernel: str) -> str:
    """The Python of an environment with this version of ipykernel and all that bgwidgets needs.

    The package itself is not installed there: `PYTHONPATH` must lead to it. Blocks for as long as
    the installation takes, at most 5 minutes; later calls find it.
    """
    if version("ipykernel").startswith(f"{ipykernel}."):
        return sys.executable
    requirements = _requirements(ipykernel)
    key = hashlib.sha256("\n".join([platform.python_version(), *requirements]).encode())
    folder = _cache() / f"ipykernel-{ipykernel}-{key.hexdigest()[:16]}"
    python = folder / "bin" / "python"
    if not python.exists():
        with _alone(_beside(folder, ".lock")):
            if not python.exists():
                _install(folder, requirements)
    return str(python)


def _beside(folder: Path, ending: str) -> Path:
    # Not `with_suffix`: to that, all of a name after "ipykernel-7" is a suffix.
    return folder.with_name(folder.name + ending)


def _requirements(ipykernel: str) -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    own = [each for each in project["dependencies"] if not each.startswith("ipykernel")]
    return [*own, f"ipykernel=={ipykernel}.*"]


def _cache() -> Path:
    named = os.environ.get("BGW_TEST_CACHE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = Path(named) if named else cache / "bgwidgets-tests"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One test run at a time; the others wait, and then find what it made."""
    deadline = time.monotonic() + INSTALL_LIMIT
    with lock.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                assert time.monotonic() < deadline, f"somebody else holds {lock}"
                time.sleep(0.1)
        yield


def _install(folder: Path, requirements: list[str]) -> None:
    # Beside its place, and moved there when it is complete. Only `python -m` works after a move.
    half_made = _beside(folder, ".new")
    shutil.rmtree(half_made, ignore_errors=True)
    python = half_made / "bin" / "python"
    _run([sys.executable, "-m", "venv", str(half_made)])
    _run([str(python), "-m", "pip", "install", "--quiet", *requirements])
    # There may be one there whose Python has gone since.
    shutil.rmtree(folder, ignore_errors=True)
    half_made.rename(folder)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        said = (error.stdout or b"").decode(errors="replace")
        raise CannotInstall(
            f"{' '.join(command)}: not done within {INSTALL_LIMIT:g} s\n{said[-4000:]}"
        ) from None
    if done.returncode != 0:
        raise CannotInstall(f"{' '.join(command)}:\n{done.stdout[-4000:]}")
