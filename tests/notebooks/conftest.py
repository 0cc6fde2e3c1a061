"""A Jupyter of its own for the example notebooks, with a kernel that is this very Python."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.jupyter_dirs import KERNEL, jupyter_dirs
from tests.processes import StartedProcesses


@pytest.fixture(scope="package")
def isolated_jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartedProcesses]:
    """Jupyter's folders are the tests' own; yields what tells its processes from others."""
    started = StartedProcesses()
    root = tmp_path_factory.mktemp("jupyter")
    with jupyter_dirs(root) as dirs, pytest.MonkeyPatch.context() as patch:
        # A window of an example is drawn in memory, also where there is a screen.
        environment = dirs.environment() | started.environment | {"QT_QPA_PLATFORM": "offscreen"}
        for name, value in environment.items():
            patch.setenv(name, value)
        yield started


@pytest.fixture
def kernel_name(isolated_jupyter: StartedProcesses) -> Iterator[str]:
    """The kernelspec to run; after the test its kernel and all that it started must be gone."""
    yield KERNEL
    isolated_jupyter.expect_none()
