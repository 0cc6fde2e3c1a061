"""A process that ends what a kernel leaves behind: `python warden_script.py PID`.

Whatever the process PID ends by, `kill -9` too, this one outlives it, kills the process groups that
it was told of, and ends. It is told of them on its standard input, a socket: each message is a list
of all that are there now. It loads next to nothing, and nobody's interpreter lock holds it up.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from typing import Final

_MOST: Final = 1 << 20
"""Bytes of the longest message."""
_KERNEL_ENDS: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
"""What may come to all processes of a user, and is not to end this one before the kernel."""


def watch(kernel: int) -> None:
    """Wait for the kernel's end, or that it closes the socket; kill what it leaves."""
    for each in _KERNEL_ENDS:
        signal.signal(each, signal.SIG_IGN)
    groups: list[int] = []
    try:
        end = os.pidfd_open(kernel)
    except ProcessLookupError:
        is_there = False
    else:
        is_there = os.getppid() == kernel  # Else the number is somebody else's by now.
    while True:
        if is_there:
            select.select([0, end], [], [])
        # The end of the kernel comes after all that it has said.
        if not select.select([0], [], [], 0)[0]:
            break
        message = os.read(0, _MOST)
        if not message:
            break
        groups = [int(word) for word in message.split()]
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except OSError:  # It has ended; or is another user's by now, as after `sudo`.
            continue


if __name__ == "__main__":
    watch(int(sys.argv[1]))
