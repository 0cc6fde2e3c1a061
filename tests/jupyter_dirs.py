"""A Jupyter of the tests' own: the user's settings are neither read nor changed."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

KERNEL: Final = "bgwidgets-tests"
"""The kernelspec of the Python that runs the tests. `python3` might be shadowed by another."""


@dataclass(frozen=True)
class JupyterDirs:
    """The folders of one isolated Jupyter, and the environment variables that point to them."""

    root: Path

    @property
    def runtime(self) -> Path:
        """Where kernels' connection files lie."""
        return self.root / "runtime"

    @property
    def settings(self) -> Path:
        """JupyterLab's user settings."""
        return self.root / "lab-settings"

    def environment(self) -> dict[str, str]:
        """The environment of this process with Jupyter's folders replaced."""
        return os.environ | {
            "IPYTHONDIR": str(self.root / "ipython"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.root / "lab-workspaces"),
            "JUPYTER_CONFIG_DIR": str(self.root / "config"),
            "JUPYTER_DATA_DIR": str(self.root / "data"),
            "JUPYTER_PATH": "",
            "JUPYTER_RUNTIME_DIR": str(self.runtime),
        }

    def add_kernel(self, name: str, python: str) -> None:
        """Make a kernelspec; `python` may be another environment's, to test another ipykernel.

        The package is taken from this tree, whatever else that environment has.
        """
        folder = self.root / "data" / "kernels" / name
        folder.mkdir(parents=True)
        command = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec: dict[str, object] = {"argv": command, "display_name": name, "language": "python"}
        if python != sys.executable:
            spec["env"] = {"PYTHONPATH": str(Path(__file__).parents[1])}
        (folder / "kernel.json").write_text(json.dumps(spec))


def make_jupyter_dirs(root: Path) -> JupyterDirs:
    """Make the folders below `root`, with a kernelspec for this very Python."""
    dirs = JupyterDirs(root)
    # Jupyter makes its runtime folder itself but expects IPython's parent folder to be there.
    dirs.runtime.mkdir(mode=0o700, parents=True)
    dirs.add_kernel(KERNEL, sys.executable)
    return dirs
