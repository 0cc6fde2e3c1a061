"""Real kernels through jupyter_client, with Jupyter folders of the tests' own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.jupyter_dirs import KERNEL, make_jupyter_dirs
from tests.kernel_environments import python_with
from tests.processes import StartedProcesses

LIMIT = 60.0


class Kernel:
    """A running kernel, and a client of it."""

    def __init__(self, environment: dict[str, str], name: str = KERNEL) -> None:
        self.manager = KernelManager(kernel_name=name)
        self._environment = environment
        self._client: BlockingKernelClient | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.manager.start_kernel(env=self._environment)
        self._connect()

    def restart(self) -> float:
        """Restart it as JupyterLab does; seconds until the old process is gone."""
        self.client.stop_channels()
        process = self.manager.provisioner
        assert process is not None
        began = time.monotonic()
        self.manager.shutdown_kernel(restart=True)
        gone = time.monotonic() - began
        self.manager.start_kernel(env=self._environment)
        self._connect()
        return gone

    def close(self) -> None:
        """Shut it down."""
        if self._client is not None:
            self._client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def _connect(self) -> None:
        client = self.manager.client()
        assert isinstance(client, BlockingKernelClient)
        self._client = client
        client.start_channels()
        client.wait_for_ready(timeout=LIMIT)

    @property
    def client(self) -> BlockingKernelClient:
        """The client; there is one from `start()` on."""
        assert self._client is not None
        return self._client

    def run(self, code: str) -> dict[str, str]:
        """Run a cell; what it wrote on "stdout" and "stderr". A cell that raises, raises here."""
        written = {"stdout": "", "stderr": ""}

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                written[message["content"]["name"]] += message["content"]["text"]

        reply = self.client.execute_interactive(
            code, output_hook=note, timeout=LIMIT, allow_stdin=False
        )
        content = reply["content"]
        assert content["status"] == "ok", "\n".join(content.get("traceback", [str(content)]))
        return written


@pytest.fixture
def start_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Kernel]]:
    """`start_kernel()`: a kernel of its own; at the end all that it started must be gone.

    `start_kernel("6.31")`: one with this version of ipykernel.
    """
    dirs = make_jupyter_dirs(tmp_path_factory.mktemp("jupyter"))
    started = StartedProcesses()
    environment = dirs.environment() | started.environment
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name, value in environment.items():
            patch.setenv(name, value)

        def start(ipykernel: str | None = None) -> Kernel:
            name = KERNEL
            if ipykernel is not None:
                name = f"ipykernel-{ipykernel}"
                dirs.add_kernel(name, python_with(ipykernel))
            kernel = Kernel(environment, name)
            stack.callback(kernel.close)
            kernel.start()
            return kernel

        yield start
    started.expect_none()
