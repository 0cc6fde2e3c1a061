"""A child process that carries one loop: how it is started, killed, and known to be gone.

It leads a session and a process group of its own, so that the notebook's stop button, which sends
SIGINT to the kernel's group, does not reach it, and so that all that it starts can be ended with
it. It ends with the process that started it, also when that is killed: by PR_SET_PDEATHSIG, even
while C code holds its GIL, and when its socket is closed. The warden ends what it has started in
its group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, Final

from bgwidgets.exceptions import UnknownHost
from bgwidgets.fork_locks import free_in_forks
from bgwidgets.hosts.no_more_files import NUMBERS, PROCESS, say_what_to_do
from bgwidgets.hosts.spawner import spawner
from bgwidgets.hosts.warden import warden

_BOOT: Final = (
    "import sys; sys.path[:] = {path!r}; from bgwidgets.child_main import run; run({fd}, {parent})"
)


UNKNOWN_END: Final = "nobody knows how: this process ignores SIGCHLD, or waits for all children"


def refuse_elsewhere() -> None:
    """Raise `UnknownHost` on a system that lacks what makes sure that no child is left behind."""
    missing = [
        name
        for name, is_there in (
            ("Linux", sys.platform.startswith("linux")),
            ("os.pidfd_open", _has_pidfds()),
        )
        if not is_there
    ]
    if missing:
        raise UnknownHost(
            f"a loop in a process of its own needs {' and '.join(missing)}, which this system does"
            " not have, to be sure that no process is left behind: use host='thread'"
        )
    if not sys.executable:
        raise UnknownHost("Python is not found for a process of its own: sys.executable is empty")


def _has_pidfds() -> bool:
    """Whether the system has them, and a container's rules let us use them. Raises OSError when
    there is no room for one more.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        if error.errno in NUMBERS:
            say_what_to_do(error, PROCESS)
            raise
        return False
    except AttributeError:
        return False
    return True


class ChildProcess:
    """One of them. Any thread may call everything."""

    def __init__(self) -> None:
        """Starts nothing yet. Raises OSError when the system has no room."""
        # Reentrant: a signal handler may kill it in the middle of a kill.
        self._guard: Final = free_in_forks(threading.RLock())
        self._started: _Started | None = None
        self._is_starting = False
        self._given_up: Final = free_in_forks(threading.Event())
        self._is_reaped = False
        self._owner: Final = os.getpid()
        """A fork of this process has it too, and is not to end what is not its own."""
        self.socket, self._theirs = socket.socketpair()
        """What is sent before the start waits there."""

    def start(self) -> None:
        """Start it. Blocks for some milliseconds.

        Raises OSError when the system has no room. Then, and when it was interrupted, it is to be
        given up.
        """
        spawner.call(self._start)

    def _start(self) -> None:
        """In the spawner's thread: it comes to its end also when nobody waits for that any more."""
        with self._guard:
            if self._given_up.is_set():
                return
            self._is_starting = True
        started = None
        try:
            started = _spawn(self._theirs.fileno())
        finally:
            self._theirs.close()
            with self._guard:
                self._is_starting = False
                self._started = started
                is_given_up = self._given_up.is_set()
            if is_given_up:
                self._end()

    def give_up(self) -> None:
        """Whether it was started or not: end it. Instead of all else; blocks for milliseconds."""
        with self._guard:
            self._given_up.set()
            if self._is_starting:
                return  # Who starts it will see.
        self._theirs.close()
        self._end()

    def _end(self) -> None:
        if self._started is not None:
            self.reap()
        self.close()

    @property
    def pid(self) -> int | None:
        """Its process id, also that of its process group and its session; None before it starts."""
        return None if self._started is None else self._started.process.pid

    @property
    def pidfd(self) -> int:
        """By which its end is seen."""
        return self._known().pidfd

    @property
    def stdout(self) -> int:
        """What it writes."""
        return self._known().stdout

    @property
    def stderr(self) -> int:
        """And its complaints."""
        return self._known().stderr

    def _known(self) -> _Started:
        if self._started is None:
            raise RuntimeError("the child is not started")
        return self._started

    def kill(self) -> None:
        """End it, and all that it has started in its group; nothing before it is started. Does not
        block.
        """
        with self._guard:
            # Until it is reaped nothing else gets its number.
            if (pid := self.pid) and not self._is_reaped and os.getpid() == self._owner:
                try:
                    os.killpg(pid, signal.SIGKILL)
                except ProcessLookupError:
                    return

    def reap(self) -> str:
        """It has ended: end what is left of its group. Returns how it ended, in words."""
        self.kill()
        started = self._known()
        with self._guard:
            self._is_reaped = True
        warden.forget(started.process.pid)  # Before something else gets its number.
        try:
            os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # SIGCHLD is ignored, or somebody waits for whatever child ends.
            started.process.wait()
            return UNKNOWN_END
        return _words(started.process.wait())

    def close(self) -> None:
        """Close what leads to it."""
        with contextlib.suppress(OSError):  # Its other end is gone; but a writer may wait for it.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        if self._started is not None:
            os.close(self._started.pidfd)
            for stream in (self._started.process.stdout, self._started.process.stderr):
                if stream is not None:
                    stream.close()


@dataclass(frozen=True, slots=True)
class _Started:
    """A process, and the file descriptors that lead to it."""

    process: subprocess.Popen[bytes]
    pidfd: int
    stdout: int
    stderr: int


def _spawn(fd: int) -> _Started:
    """A process that waits for what it is to do."""
    entries: list[object] = list(sys.path)  # Python itself passes by what is no text.
    path = [entry for entry in entries if isinstance(entry, str)]
    boot = _BOOT.format(path=path, fd=fd, parent=os.getpid())
    process = subprocess.Popen(
        [sys.executable, "-c", boot],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        pass_fds=[fd],
        start_new_session=True,
        env=_environment(),
    )
    try:
        warden.watch(process.pid)
        stdout, stderr = _fd_of(process.stdout), _fd_of(process.stderr)
        return _Started(process, os.pidfd_open(process.pid), stdout, stderr)
    except BaseException:
        with process:  # Closes its pipes, and waits for it.
            process.kill()
        warden.forget(process.pid)
        raise


def _fd_of(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise RuntimeError("the child has no pipes")  # Popen made them: see above.
    return pipe.fileno()


def _environment() -> dict[str, str]:
    """Ours, but that plots do not go to the cells of a notebook, which a child has none of."""
    environment = dict(os.environ)
    if environment.get("MPLBACKEND", "").startswith("module://"):
        del environment["MPLBACKEND"]
    return environment


def _words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
