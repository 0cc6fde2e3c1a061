"""The panel in Voila, which runs a notebook and shows its outputs alone."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.jupyter_dirs import KERNEL, jupyter_dirs
from tests.processes import StartedProcesses

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

pytestmark = pytest.mark.long

LIMIT: Final = 60.0
"""Seconds for Voila to start, and for a page of it to have run its notebook."""
CELL: Final = """
import asyncio
import bgwidgets as bgw
async def race():
    await asyncio.sleep(3600)
bgw.start(race)
bgw.panel()
"""


def notebook() -> dict[str, Any]:
    """One cell, which displays a panel."""
    spec = {"name": KERNEL, "display_name": KERNEL, "language": "python"}
    cell: dict[str, Any] = {"id": "cell", "cell_type": "code", "source": CELL, "metadata": {}}
    cell |= {"outputs": [], "execution_count": None}
    metadata = {"kernelspec": spec}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}


@contextmanager
def running_voila(folder: Path) -> Iterator[str]:
    """A server for the length of the block; its address."""
    started = StartedProcesses()
    file = folder / "panel.ipynb"
    file.write_text(json.dumps(notebook()))
    log = folder / "voila.log"
    with jupyter_dirs(folder / "jupyter") as dirs, log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "voila", str(file)),
                *("--no-browser", "--Voila.ip=127.0.0.1", f"--port={_free_port()}"),
            ],
            env=dirs.environment() | started.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield _address(process, log)
        except BaseException as error:
            error.add_note(log.read_text())
            raise
        finally:
            process.terminate()
            process.wait(LIMIT)
    started.expect_none()


def _free_port() -> int:
    """Voila would name port 0 as its address. If another takes it first, it tries the next."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """As it says in its log."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        if found := re.search(r"http://127\.0\.0\.1:[1-9]\d*/\S*", log.read_text()):
            return found.group()
        time.sleep(0.05)
    raise AssertionError("Voila is not up")


def test_the_panel_is_live_and_a_click_takes_effect(tmp_path: Path, browser: BrowserContext):
    """There is a kernel for each page, and the page has no notebook around the panel."""
    with running_voila(tmp_path) as address:
        page = browser.new_page()
        try:
            page.goto(address, timeout=LIMIT * 1000)
            row = page.locator(".bgw-panel .bgw-loops .bgw-row")
            expect(row.locator(".bgw-col-state")).to_have_text("running", timeout=LIMIT * 1000)
            page.get_by_role("button", name="Stop loop", exact=True).click()
            expect(row.locator(".bgw-col-state")).to_have_text("stopped")
            assert page.locator(".bgw-contact").inner_text() == ""
        finally:
            page.close()
