"""A JupyterLab server of the tests' own: started, asked, and ended with all that it started.

Or one of Notebook 7, which is made of the same parts.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final, Literal

from tests.jupyter_dirs import JupyterDirs, jupyter_dirs
from tests.processes import StartedProcesses

START_LIMIT: Final = 60.0
STOP_LIMIT: Final = 15.0
REQUEST_LIMIT: Final = 30.0
POLL: Final = 0.05

QUIET_SETTINGS: Final = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "checkForUpdates": False,
        "doNotDisturbMode": True,
        "fetchNews": "false",
    },
}
"""What would otherwise lay a question or a toast over the page."""


class LabFailure(AssertionError):
    """Raised when JupyterLab did not do in time what was asked; the message says what was seen."""


class LabServer:
    """One running server. Made by `running_lab`."""

    def __init__(
        self,
        folder: Path,
        dirs: JupyterDirs,
        *,
        app: Literal["lab", "notebook"],
        settings: Mapping[str, Any],
    ) -> None:
        self.app = app
        self._settings: Final = {**QUIET_SETTINGS, **settings}
        self.dirs = dirs
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        self.started = StartedProcesses()
        self.token = secrets.token_hex(16)
        self.url = ""
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and return when it answers."""
        self.reset_settings()
        with self._log.open("wb") as log:
            self._process = self._spawn(log)
        deadline = time.monotonic() + START_LIMIT
        # Port 0 leaves the choice to the system, so no other program can take the port in between.
        # The server writes the one it got into this file.
        info = self.dirs.runtime / f"jpserver-{self._process.pid}.json"
        while not self._answers(info):
            if (code := self._process.poll()) is not None:
                raise LabFailure(f"JupyterLab ended with exit code {code}\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise LabFailure(f"JupyterLab is not up in {START_LIMIT:g} s\n{self.log_tail()}")
            time.sleep(POLL)

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter", self.app),
                *("--no-browser", "--allow-root", "--expose-app-in-browser"),
                "--LabApp.extension_manager=readonly",  # asks no package index
                "--ServerApp.ip=127.0.0.1",
                "--ServerApp.port=0",
                f"--ServerApp.root_dir={self.notebooks}",
                f"--IdentityProvider.token={self.token}",
            ],
            env=self.dirs.environment() | self.started.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # A Ctrl-C in the terminal goes to pytest, which then ends the server in order.
            start_new_session=True,
        )

    def _answers(self, info: Path) -> bool:
        try:
            self.url = str(json.loads(info.read_text())["url"]).rstrip("/")
            self.request("GET", "/api/status")
        except (OSError, ValueError):
            return False
        return True

    def request(self, method: str, path: str) -> Any:
        """Ask the server's REST API; returns the decoded answer."""
        request = urllib.request.Request(  # noqa: S310 - always our own http://127.0.0.1
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        # No proxy: one that is set for the outside world knows nothing of this server.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=REQUEST_LIMIT) as response:
            body = response.read()
        return json.loads(body) if body else None

    def restart_kernel(self, path: str) -> None:
        """Restart the kernel of one notebook, and no page of it is asked."""
        for session in self.request("GET", "/api/sessions"):
            if path == session["path"]:
                self.request("POST", f"/api/kernels/{session['kernel']['id']}/restart")

    def shut_down_kernels(self, path: str | None = None) -> None:
        """Shut down the kernel of one notebook, or of all.

        While it starts one in place of one that died, the server may answer that it cannot (500).
        """
        deadline = time.monotonic() + STOP_LIMIT
        while True:
            try:
                for session in self.request("GET", "/api/sessions"):
                    if path in (None, session["path"]):
                        self.request("DELETE", f"/api/sessions/{session['id']}")
            except urllib.error.HTTPError as error:
                if error.code != HTTPStatus.INTERNAL_SERVER_ERROR or time.monotonic() > deadline:
                    raise
                time.sleep(POLL)
            else:
                return

    def reset_settings(self) -> None:
        """Forget what a page has set (a theme, say): every test finds the same JupyterLab."""
        for path in self.dirs.settings.rglob("*.jupyterlab-settings"):
            path.unlink()
        for name, settings in self._settings.items():
            path = self.dirs.settings / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))

    def page_of(self, notebook: str) -> str:
        """The address of a notebook's page."""
        where = "lab/tree" if self.app == "lab" else "notebooks"
        return f"{self.url}/{where}/{notebook}?reset"

    def log_tail(self, lines: int = 30) -> str:
        """The end of what the server and its kernels wrote."""
        text = self._log.read_text(errors="replace") if self._log.exists() else ""
        return "\n".join(["--- JupyterLab server log ---", *text.splitlines()[-lines:]])

    def expect_no_kernels(self, limit: float = STOP_LIMIT) -> None:
        """Expect that every kernel, and what it started, is gone."""
        self.started.expect_none(but=self._process.pid if self._process else None, limit=limit)

    def stop(self) -> None:
        """End the server, then expect that nothing it started is left."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_LIMIT)
            raise LabFailure(
                f"JupyterLab ignored SIGTERM for {STOP_LIMIT:g} s\n{self.log_tail()}"
            ) from None
        finally:
            self.started.expect_none()


@contextmanager
def running_lab(
    folder: Path,
    *,
    app: Literal["lab", "notebook"] = "lab",
    settings: Mapping[str, Any] = MappingProxyType({}),
) -> Iterator[LabServer]:
    """A server for the length of the block. `settings`: the user's, by their plugins' names."""
    with jupyter_dirs(folder / "jupyter") as dirs:
        server = LabServer(folder, dirs, app=app, settings=settings)
        try:
            server.start()
            yield server
        finally:
            server.stop()
