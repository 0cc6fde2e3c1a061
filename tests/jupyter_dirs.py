"""A Jupyter of the tests' own: the user's settings are neither read nor changed."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from jupyter_client.manager import AsyncKernelManager, KernelManager
from traitlets import HasTraits, default

KERNEL: Final = "bgwidgets-tests"
"""The kernelspec of the Python that runs the tests. `python3` might be shadowed by another."""


@dataclass(frozen=True)
class JupyterDirs:
    """The folders of one isolated Jupyter, and the environment variables that point to them."""

    root: Path
    runtime: Path
    """Where kernels' connection files and sockets lie."""

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


@contextmanager
def jupyter_dirs(root: Path) -> Iterator[JupyterDirs]:
    """Make the folders below `root`, with a kernelspec for this very Python.

    Kernels talk over sockets in the file system. Of TCP's, jupyter_client chooses free ports which
    the kernel takes a second later: a test in another process may have been quicker, and then the
    kernel gives up. A path has room for 107 characters, too few for pytest's folders.
    """
    with TemporaryDirectory(prefix="bgw-") as runtime:
        dirs = JupyterDirs(root, Path(runtime))
        # Jupyter makes folders itself but expects IPython's parent folder to be there.
        config = root / "config" / "jupyter_config.json"
        config.parent.mkdir(parents=True)
        config.write_text(json.dumps({"ConnectionFileMixin": {"transport": "ipc"}}))
        dirs.add_kernel(KERNEL, sys.executable)
        yield dirs


class _OverIpc(HasTraits):
    """For a kernel that no server starts: then neither the setting nor a file's name is there."""

    @default("transport")
    def _transport_default(self) -> str:
        return "ipc"

    @default("connection_file")
    def _connection_file_default(self) -> str:
        return str(Path(os.environ["JUPYTER_RUNTIME_DIR"]) / f"kernel-{secrets.token_hex(8)}.json")


class IpcKernelManager(_OverIpc, KernelManager):
    """jupyter_client's, of a kernel in the folders that the environment names."""


class AsyncIpcKernelManager(_OverIpc, AsyncKernelManager):
    """The same for nbclient."""
