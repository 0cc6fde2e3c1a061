"""Who makes sure that nothing outlives this process, however it ends: a process of its own.

Linux kills a child with its parent, and only the child: what that has started itself would stay,
and nobody is left to end it when the parent is killed with `kill -9`. So a second process watches
over all children of this one, and kills their process groups when this one is gone. It is there as
long as there is a child.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from bgwidgets.fork_locks import call_in_forks, free_in_forks

_SCRIPT: Final = str(Path(__file__).resolve().with_name("warden_script.py"))


class Warden:
    """That of this process. Any thread may call everything; blocks for some milliseconds at most.

    One that was killed itself is replaced when the next child starts.
    """

    def __init__(self) -> None:
        self._guard: Final = free_in_forks(threading.Lock())
        self._begin_anew()
        # A fork has no children yet, and those of the process that it comes from are not its own.
        call_in_forks(self._begin_anew)

    def _begin_anew(self) -> None:
        self._groups: set[int] = set()
        self._socket: socket.socket | None = None
        """The way to the process; None while there is none."""
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, group: int) -> None:
        """Have this process group killed with this process. Raises OSError when there is no room
        for the warden.
        """
        with self._guard:
            groups = self._groups | {group}
            if not self._told(groups):
                self._end()
                self._start()
                self._told(groups)
            self._groups = groups

    def forget(self, group: int) -> None:
        """It is gone, and its number is free. Without any group there is no warden."""
        with self._guard:
            self._groups.discard(group)
            if not (self._groups and self._told(self._groups)):
                # Either it is not needed any more, or it does not listen: then it is not to kill
                # what has this number next.
                self._end()

    def _told(self, groups: set[int]) -> bool:
        """Whether the process was told which they are."""
        if self._socket is None:
            return False
        try:
            self._socket.send(
                " ".join(map(str, groups)).encode(), socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
            )
        except OSError:
            return False
        return True

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                # A session of its own: what ends the kernel's process group does not reach it.
                self._process = subprocess.Popen(
                    [sys.executable, "-I", "-S", _SCRIPT, str(os.getpid())],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd="/",
                )
            except BaseException:
                ours.close()
                raise
        self._socket = ours

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()  # Before it sees that the socket is closed.
            self._process.wait()
        if self._socket is not None:
            self._socket.close()
        self._process = self._socket = None


warden: Final = Warden()
"""This process's."""
