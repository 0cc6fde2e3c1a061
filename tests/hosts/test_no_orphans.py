"""However a kernel ends, nothing is left: neither its loops' processes, nor what those started."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import bgwidgets as bgw
from bgwidgets import BackgroundLoop, LoopManager, LoopState
from bgwidgets.hosts.warden import Warden, warden
from tests import child_work
from tests.hosts.conftest import LIMIT
from tests.processes import StartedProcesses
from tests.waiting import until

ROOT = Path(__file__).parents[2]

KERNEL = """
import os, sys, time
import bgwidgets as bgw
from tests import child_work

jobs = [
    bgw.start(child_work.has_a_child, host="process"),
    bgw.start(child_work.has_a_child_and_holds_the_gil, host="process"),
]
while not all("it is there" in job.output.text() for job in jobs):
    time.sleep(0.01)
{more}
print("ready", flush=True)
{end}
"""
BUSY_KERNEL = """
import random, threading, time
import bgwidgets as bgw
from tests import child_work

def starts_and_kills():
    while True:
        work = random.choice([child_work.has_a_child, child_work.has_a_child_and_holds_the_gil])
        job = bgw.start(work, host="process", name=str(time.monotonic_ns()))
        time.sleep(random.random() * 0.4)
        job.kill()
        job.remove()

for _ in range(2):
    threading.Thread(target=starts_and_kills, daemon=True).start()
print("ready", flush=True)
time.sleep(3600)
"""
ONLY_ONE_THAT_HOLDS_THE_GIL = """
for job in jobs:
    job.kill()
alone = bgw.start(child_work.holds_the_gil, host="process")
while not alone.snapshot().unresponsive:
    time.sleep(0.01)
"""
FORK = """
if os.fork() == 0:
    time.sleep(3600)
"""
"""Whatever ends, a fork keeps its ends of all sockets and pipes open."""

WAITS = "import sys; sys.stdin.read(1)"


@pytest.fixture
def started(processes: StartedProcesses) -> Iterator[list[subprocess.Popen[str]]]:
    """The kernels of a test."""
    del processes  # It comes first, so it looks last.
    kernels: list[subprocess.Popen[str]] = []
    yield kernels
    for kernel in kernels:
        kernel.kill()
        kernel.communicate(timeout=LIMIT)


def start_kernel(kernels: list[subprocess.Popen[str]], *, more: str = "", end: str = "") -> int:
    """One that has two loops in processes, each with a process that it started itself; its pid."""
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL.format(more=more, end=end or "time.sleep(3600)")],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    kernels.append(kernel)
    assert kernel.stdout is not None
    assert "ready\n" == kernel.stdout.readline()
    return kernel.pid


@pytest.mark.parametrize(
    "signal_number",
    [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV],
    ids=lambda number: number.name,
)
def test_nothing_is_left_of_a_kernel_that_is_killed(
    started: list[subprocess.Popen[str]], processes: StartedProcesses, signal_number: signal.Signals
):
    """Also of a child whose GIL is held by C code for ever."""
    kernel = start_kernel(started)
    # The kernel, the warden, two loops, and what each of them started. What a process is started
    # for cannot be read in the moment in which it begins.
    until(lambda: 6 == len(processes.alive()))
    os.kill(kernel, signal_number)
    until(lambda: not processes.alive(but=kernel))


@pytest.mark.parametrize("end", ["os._exit(0)", "sys.exit()", "os.abort()"])
def test_nothing_is_left_of_a_kernel_that_ends_by_itself(
    started: list[subprocess.Popen[str]], processes: StartedProcesses, end: str
):
    kernel = start_kernel(started, end=end)
    until(lambda: not processes.alive(but=kernel))


def test_nothing_is_left_of_a_kernel_whose_fork_lives_on(
    started: list[subprocess.Popen[str]], processes: StartedProcesses
):
    """As those that the `multiprocessing` of Linux makes: they hold its sockets open."""
    kernel = start_kernel(started, more=FORK)
    os.kill(kernel, signal.SIGKILL)
    until(lambda: len(processes.alive(but=kernel)) == 1)
    (fork,) = processes.alive(but=kernel)
    assert "sleep" not in fork.cmdline()
    fork.kill()


def test_what_a_child_has_started_goes_though_the_warden_is_told_to_end_first(
    started: list[subprocess.Popen[str]], processes: StartedProcesses
):
    """As when a user ends all processes of Python, or a machine shuts down."""
    kernel = start_kernel(started)
    (guard,) = wardens_of(kernel)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        guard.send_signal(number)
    os.kill(kernel, signal.SIGKILL)
    until(lambda: not processes.alive(but=kernel))


def test_a_child_ends_with_its_kernel_though_its_gil_is_held_and_the_warden_was_killed(
    started: list[subprocess.Popen[str]], processes: StartedProcesses
):
    """Linux sees to that."""
    kernel = start_kernel(started, more=ONLY_ONE_THAT_HOLDS_THE_GIL)
    (guard,) = wardens_of(kernel)
    assert 3 == len(processes.alive())
    guard.kill()
    os.kill(kernel, signal.SIGKILL)
    until(lambda: not processes.alive(but=kernel))


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(50, marks=[pytest.mark.long, pytest.mark.timeout(300)])]
)
def test_nothing_is_left_of_a_kernel_that_is_killed_at_a_random_moment(
    processes: StartedProcesses, rounds: int
):
    """While it starts and kills loops, whose work starts processes."""
    pause = threading.Event()
    for _ in range(rounds):
        kernel = subprocess.Popen(
            [sys.executable, "-c", BUSY_KERNEL],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        with kernel:
            assert kernel.stdout is not None
            assert "ready\n" == kernel.stdout.readline()
            pause.wait(random.random() * 1.5)  # noqa: S311 - no secret
            kernel.kill()
        until(lambda: not processes.alive())


def wardens_of(pid: int) -> list[psutil.Process]:
    return [
        process
        for process in psutil.Process(pid).children()
        if process.status() != psutil.STATUS_ZOMBIE
        and any(word.endswith("warden_script.py") for word in process.cmdline())
    ]


def grandchild_of(job: BackgroundLoop) -> psutil.Process:
    until(lambda: "it is there" in job.output.text())
    return psutil.Process(int(job.output.text().split()[-1]))


def test_there_is_one_warden_as_long_as_there_are_loops_in_processes(
    manager: LoopManager, processes: StartedProcesses
):
    jobs = [manager.start(host="process", name=name) for name in ("one", "two")]
    (guard,) = wardens_of(os.getpid())
    assert guard.pid == os.getsid(guard.pid)
    jobs[0].kill()
    assert [guard] == wardens_of(os.getpid())
    jobs[1].kill()
    assert [] == processes.alive()
    again = manager.start(child_work.answer, host="process")
    assert 42 == again.result(LIMIT)
    assert [] == processes.alive()


def test_a_warden_that_was_killed_is_replaced_with_the_next_start(manager: LoopManager):
    """And knows the loops that were there before."""
    job = manager.start(child_work.has_a_child, host="process")
    grandchild = grandchild_of(job)
    (guard,) = wardens_of(os.getpid())
    guard.kill()
    until(lambda: guard.status() == psutil.STATUS_ZOMBIE)
    assert job.state is LoopState.RUNNING
    manager.start(child_work.for_ever, host="process")
    (second,) = until(lambda: wardens_of(os.getpid()))
    assert guard.pid != second.pid
    assert {job.snapshot().pid} < warden._groups
    job.kill()
    until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_what_has_ended_is_not_killed_again(processes: StartedProcesses):
    """Its number may be another's by then."""
    del processes
    ours = Warden()
    victims = [
        subprocess.Popen([sys.executable, "-c", WAITS], stdin=subprocess.PIPE, process_group=0)
        for _ in range(2)
    ]
    for victim in victims:
        ours.watch(victim.pid)
    ours.forget(victims[0].pid)
    assert ours._socket is not None
    ours._socket.close()  # As at the end of the kernel.
    victims[1].wait(LIMIT)
    victims[1].communicate()
    assert -signal.SIGKILL == victims[1].returncode
    assert victims[0].poll() is None
    victims[0].communicate(b"\n", timeout=LIMIT)
    assert 0 == victims[0].returncode
    ours.forget(victims[1].pid)
    assert ours._process is None


def test_a_start_without_room_for_a_warden_starts_nothing(
    manager: LoopManager, processes: StartedProcesses, monkeypatch: pytest.MonkeyPatch
):
    def no_room() -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(warden, "_start", no_room)
    with pytest.raises(BlockingIOError, match="no more processes"):
        manager.start(child_work.for_ever, host="process")
    assert [] == processes.alive()


def test_what_left_the_group_of_its_process_stays(manager: LoopManager):
    """`start_new_session=True` says that it is to live on."""
    job = manager.start(child_work.has_a_child_of_its_own_session, host="process")
    grandchild = grandchild_of(job)
    job.kill()
    assert bgw.LoopState.KILLED == job.state
    assert grandchild.is_running()
    grandchild.kill()
