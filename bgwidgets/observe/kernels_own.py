"""What belongs to a Jupyter kernel itself: its threads' event loops, and its tasks on them.

Known by where the code comes from. Seen on ipykernel 6.31 to 7.4.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import Final

_KERNELS_PACKAGES: Final = ("ipykernel", "IPython", "jupyter_client", "tornado", "zmq", "comm")
"""Whose coroutines keep a kernel alive, and run its cells."""


def why_kernels(thread: threading.Thread | None) -> str | None:
    """Why nobody may stop the loop of this thread; None when it is not the kernel's."""
    if thread is None or not _is_kernel():
        return None
    if thread is threading.main_thread():
        return "it is the notebook's own loop, and the kernel would go down with it"
    # ipykernel's threads have classes of their own, but for the one that sends output.
    if type(thread).__module__.startswith("ipykernel") or thread.name == "IOPub":
        return f"it is the kernel's own (thread {thread.name}), which would go down with it"
    return None


def _is_kernel() -> bool:
    """Whether this process is a kernel, and has not only imported what makes one."""
    module = sys.modules.get("ipykernel.kernelapp")
    app = getattr(module, "IPKernelApp", None)
    return app is not None and bool(app.initialized())


def is_users(coroutine: object) -> bool:
    """Whether a task that runs this was made by the user, on a loop that is the kernel's.

    The kernel's own are coroutines of its packages; among them is the one that runs the cell. So a
    user's task that runs a coroutine of tornado, say, is taken for the kernel's, which is the safe
    side to err on; and so is what does not say where it comes from.
    """
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    file: str | None = getattr(code, "co_filename", None)
    return file is not None and not file.startswith(_kernels_folders())


def _kernels_folders() -> tuple[str, ...]:
    modules = [sys.modules.get(name) for name in _KERNELS_PACKAGES]
    files = [getattr(module, "__file__", None) for module in modules]
    return tuple(os.path.dirname(file) + os.sep for file in files if file)  # noqa: PTH120 - compared as text
