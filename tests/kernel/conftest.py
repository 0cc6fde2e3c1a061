"""Real kernels through jupyter_client, with Jupyter folders of the tests' own."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.jupyter_dirs import KERNEL, IpcKernelManager, jupyter_dirs
from tests.kernel_environments import python_with
from tests.processes import StartedProcesses

LIMIT = 60.0
SHOWN = {"stream", "display_data", "update_display_data", "clear_output"}


class Kernel:
    """A running kernel, and a client of it."""

    def __init__(self, environment: dict[str, str], name: str = KERNEL) -> None:
        self.manager = IpcKernelManager(kernel_name=name)
        # As much room as it takes: zmq drops what the test does not come to read.
        self.manager.context.rcvhwm = 0
        self._environment = environment
        self._client: BlockingKernelClient | None = None
        self._stderr: list[str] = []
        self.shown: list[tuple[str, Any]] = []
        """All that came for a page to show, whatever cell it was for: what it is, and the text or
        the data."""

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

    def run(self, code: str, *, cell: str | None = None) -> dict[str, str]:
        """Run a cell; what it wrote on "stdout" and "stderr". A cell that raises, raises here.

        `cell`: its name, as JupyterLab gives each of a notebook's.
        """
        return self._run(code, cell=cell)[0]

    def value(self, expression: str) -> Any:
        """What an expression is there: a literal, whatever else is printed meanwhile."""
        answer = self._run("", {"value": f"repr({expression})"})[1]["user_expressions"]["value"]
        assert answer["status"] == "ok", "\n".join(answer.get("traceback", [str(answer)]))
        return ast.literal_eval(ast.literal_eval(answer["data"]["text/plain"]))

    def stderr(self) -> str:
        """All that was written there since the last call, by whatever thread and to whatever cell.

        `run` tells only of its own cell; a thread may write to an earlier one. A task complains
        when it is destroyed, so what can be destroyed is, and nothing is left in a buffer.
        """
        self.run("import gc, sys; gc.collect(); sys.stderr.flush()")
        written = "".join(self._stderr)
        self._stderr.clear()
        return written

    def begin(self, code: str) -> None:
        """Run a cell that says "began", and do not wait for more."""
        deadline = time.monotonic() + LIMIT
        # Interrupted, it would take the next cell with it, were that a moment too early.
        sent = self.client.execute(code, allow_stdin=False, stop_on_error=False)
        while True:
            message = self._next_output(deadline)
            is_its_own = message["parent_header"].get("msg_id") == sent
            if is_its_own and "began" in message["content"].get("text", ""):
                return

    def interrupt(self) -> None:
        """End the cell that runs, and wait for its end."""
        self.manager.interrupt_kernel()
        reply = self.client.get_shell_msg(timeout=LIMIT)
        assert reply["msg_type"] == "execute_reply"

    def create_subshell(self) -> str:
        """A subshell of a page's, as JupyterLab asks for one."""
        message = self.client.session.msg("create_subshell_request", {})
        self.client.control_channel.send(message)
        reply = self.client.get_control_msg(timeout=LIMIT)
        return str(reply["content"]["subshell_id"])

    def send_to_widget(
        self, model_id: str, content: dict[str, Any], *, subshell: str | None = None
    ) -> None:
        """Send a widget a custom message, as a page does. It is not waited for."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": model_id, "data": data})
        if subshell is not None:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)

    def close_widget(self, model_id: str) -> None:
        """Say that a page has closed it. It is not waited for."""
        message = self.client.session.msg("comm_close", {"comm_id": model_id, "data": {}})
        self.client.shell_channel.send(message)

    def open_comm(self, model_id: str, target: str, data: dict[str, Any]) -> None:
        """Say that a page has opened a comm, by a widget's name. It is not waited for."""
        content = {"comm_id": model_id, "target_name": target, "data": data}
        metadata = {"version": "2.1.0"}  # Of the messages of ipywidgets.
        message = self.client.session.msg("comm_open", content, metadata=metadata)
        self.client.shell_channel.send(message)

    def next_from_widget(self, model_id: str, is_meant: Callable[[Any], bool]) -> Any:
        """Wait for the next custom message of a widget that `is_meant`."""
        deadline = time.monotonic() + LIMIT
        while True:
            message = self._next_output(deadline)
            if (
                message["msg_type"] == "comm_msg"
                and message["content"]["comm_id"] == model_id
                and message["content"]["data"]["method"] == "custom"
                and is_meant(message["content"]["data"]["content"])
            ):
                return message["content"]["data"]["content"]

    def _run(
        self, code: str, expressions: dict[str, str] | None = None, *, cell: str | None = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        """What a cell wrote, and the reply to it."""
        deadline = time.monotonic() + LIMIT
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        content |= {"user_expressions": expressions or {}, "stop_on_error": True}
        metadata = {} if cell is None else {"cellId": cell}
        request = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(request)
        sent = request["header"]["msg_id"]
        written = {"stdout": "", "stderr": ""}
        is_idle = False
        while not is_idle:
            message = self._next_output(deadline)
            if message["parent_header"].get("msg_id") != sent:
                continue
            content = message["content"]
            if message["msg_type"] == "stream":
                written[content["name"]] += content["text"]
            is_idle = content.get("execution_state") == "idle"
        while True:
            reply = self.client.get_shell_msg(timeout=max(0.0, deadline - time.monotonic()))
            if reply["parent_header"].get("msg_id") == sent:
                break
        content = reply["content"]
        assert content["status"] == "ok", "\n".join(content.get("traceback", [str(content)]))
        return written, content

    def _next_output(self, deadline: float) -> dict[str, Any]:
        message: dict[str, Any] = self.client.get_iopub_msg(
            timeout=max(0.0, deadline - time.monotonic())
        )
        if message["msg_type"] == "stream" and message["content"]["name"] == "stderr":
            self._stderr.append(message["content"]["text"])
        if message["msg_type"] in SHOWN:
            content = message["content"]
            self.shown.append((message["msg_type"], content.get("text", content.get("data"))))
        return message


@contextmanager
def kernels(root: Path) -> Iterator[Callable[..., Kernel]]:
    """What starts kernels whose folders are below `root`; in the end, all that they started must
    be gone.
    """
    started = StartedProcesses()
    added: set[str] = set()
    with (
        jupyter_dirs(root) as dirs,
        pytest.MonkeyPatch.context() as patch,
        ExitStack() as stack,
    ):
        environment = dirs.environment() | started.environment
        for name, value in environment.items():
            patch.setenv(name, value)

        def start(ipykernel: str | None = None) -> Kernel:
            name = KERNEL
            if ipykernel is not None:
                name = f"ipykernel-{ipykernel}"
                if name not in added:
                    dirs.add_kernel(name, python_with(ipykernel))
                    added.add(name)
            kernel = Kernel(environment, name)
            stack.callback(kernel.close)
            kernel.start()
            return kernel

        yield start
    started.expect_none()


@pytest.fixture
def start_kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Kernel]]:
    """`start_kernel()`: a kernel of its own; at the end all that it started must be gone.

    `start_kernel("6.31")`: one with this version of ipykernel.
    """
    with kernels(tmp_path_factory.mktemp("jupyter")) as start:
        yield start
