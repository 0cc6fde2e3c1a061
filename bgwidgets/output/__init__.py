"""What the work on background loops writes and shows: it goes to the loop that runs it."""

from __future__ import annotations

from bgwidgets.output.router import router

__all__ = ["install", "uninstall"]

install = router.install
uninstall = router.uninstall
