"""Finds the system's Chromium. No browser is ever downloaded.

Run as a program (`python -m tests.chromium`) it also starts the browser once, so a launcher that
is there but does not work is noticed before the tests begin.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The names it goes by: Debian, older Ubuntu and others, Google's own packages."""

LAUNCH_ARGUMENTS: Final = (
    "--no-sandbox",  # the tests may run as root in a container, where Chromium's sandbox refuses to
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments for a browser that talks to nobody but the test server."""


class ChromiumNotFound(Exception):
    """Raised when there is no Chromium to test with; the message says what to do."""


def find_chromium() -> str:
    """The Chromium to test with: `$BGW_CHROMIUM` when set, else the first on the PATH."""
    if named := os.environ.get("BGW_CHROMIUM"):
        if path := shutil.which(named):
            return path
        raise ChromiumNotFound(f"BGW_CHROMIUM is {named!r}, which is no program that can be run")
    for name in NAMES:
        if path := shutil.which(name):
            return path
    raise ChromiumNotFound(
        f"no {', '.join(NAMES)} on the PATH. Install it (Debian: apt-get install chromium),"
        " or set BGW_CHROMIUM to the path of a Chromium or Chrome"
    )


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """A browser for the length of the block, for one folder's tests and not for the whole run.

    While the synchronous Playwright runs, asyncio says that a loop is running in this thread, and
    a second Playwright, or `asyncio.run` in any other test, would be refused.
    """
    # Imported here: as a program this module runs where Playwright may not be able to start.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=list(LAUNCH_ARGUMENTS), headless=True
        )
        try:
            yield browser
        finally:
            browser.close()


def main() -> int:
    """Print the browser's path and version; return the exit code."""
    try:
        path = find_chromium()
        version = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()
    except (ChromiumNotFound, OSError, subprocess.SubprocessError) as error:
        print(f"Chromium: {error}", file=sys.stderr)
        return 1
    print(f"Chromium: {path} ({version})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
