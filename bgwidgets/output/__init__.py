"""What the work on a loop writes and shows of itself: its output, how far it is, and what it has
found. All of it goes to the loop that runs it.
"""

from __future__ import annotations

from bgwidgets.output.router import router

__all__ = ["install", "uninstall"]

install = router.install
uninstall = router.uninstall
