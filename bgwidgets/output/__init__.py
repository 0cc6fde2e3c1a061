"""What the work on a loop writes and shows of itself: its output, how far it is, and what it has
found. All of it goes to the loop that runs it.
"""

from __future__ import annotations

from bgwidgets.output.router import router
from bgwidgets.output.tqdm_bars import tqdm_catcher

__all__ = ["install", "uninstall"]


def install(*, tee: bool | None = None) -> None:
    """Route what loops write, also to streams that have come since, and catch their bars.

    `tee`: whether it is also to be seen where it would be without us; by default it is, but in a
    Jupyter kernel. Any thread; does not block.
    """
    router.install(tee=tee)
    tqdm_catcher.install()


def uninstall() -> None:
    """Put everything back as it was, tqdm too; loops write and draw bars as they would without us,
    until `install()`. Bars that are there stay as they are. Any thread; does not block.
    """
    router.uninstall()
    tqdm_catcher.uninstall()
