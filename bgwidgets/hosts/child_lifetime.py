"""How a child process makes sure that it does not outlive the one that started it, and ends."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import signal
import sys
from typing import Final, NoReturn

from bgwidgets.hosts import resource_tracker

_PR_SET_PDEATHSIG: Final = 1


def end_with_parent(parent: int) -> None:
    """Be killed when the parent ends, whatever this process does then. First thing in the child.

    Linux does it when the thread ends that has started this process. Ends at once if the parent
    has ended already. Raises OSError where it cannot be done.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent:
        end_at_once()


def end_at_once() -> NoReturn:
    """End now, with all that was started in this process group."""
    os.killpg(0, signal.SIGKILL)
    os._exit(1)  # Not reached: a group of one's own can be killed.


def end_in_order() -> NoReturn:
    """Call what was registered with `atexit`, and end. Daemon or not, threads are not waited for.

    Without what the interpreter does beyond that: nobody needs this process's memory tidied up.
    """
    with contextlib.suppress(Exception):  # As the interpreter does: it has printed them.
        atexit._run_exitfuncs()  # noqa: SLF001 - old, undocumented, and multiprocessing uses it too
    resource_tracker.end_now()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # A user may have closed or replaced it.
            stream.flush()
    os._exit(0)
