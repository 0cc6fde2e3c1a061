"""Loops in processes of their own, started from a notebook: nothing outlives the kernel."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import psutil
import pytest

from tests.kernel.conftest import Kernel
from tests.processes import LIMIT

StartKernel = Callable[[], Kernel]
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"

WORK = """
import asyncio, ctypes
import bgwidgets as bgw

FACTOR = 3

class OurError(Exception):
    pass

async def nap(value):
    await asyncio.sleep(value)
    return FACTOR * value

async def fails():
    raise OurError("of the notebook")

async def holds_the_gil():
    ctypes.PyDLL(None).sleep(3600)
"""


def running_pids(kernel: Kernel) -> list[int]:
    """Three loops in processes; the GIL of one is held by C code for an hour."""
    kernel.run(WORK)
    kernel.run(
        "jobs = [bgw.start(work, *args, host='process') for work, args in"
        " [(nap, (3600,)), (nap, (3600,)), (holds_the_gil, ())]]\n"
        "import time\n"
        "while any(job.state != 'running' for job in jobs): time.sleep(0.01)"
    )
    pids: list[int] = kernel.value("[job.snapshot().pid for job in jobs]")
    assert all(map(psutil.pid_exists, pids))
    return pids


def expect_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + LIMIT
    while left := [pid for pid in pids if psutil.pid_exists(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.01)


def kill_the_kernel(kernel: Kernel) -> None:
    provisioner = kernel.manager.provisioner
    assert provisioner is not None
    os.kill(provisioner.process.pid, signal.SIGKILL)  # type: ignore[attr-defined]


def restart_the_kernel(kernel: Kernel) -> None:
    kernel.restart()


def shut_the_kernel_down(kernel: Kernel) -> None:
    kernel.manager.shutdown_kernel()


@pytest.mark.parametrize("end", [kill_the_kernel, restart_the_kernel, shut_the_kernel_down])
def test_no_child_outlives_the_kernel(start_kernel: StartKernel, end: Callable[[Kernel], None]):
    """Nor one whose GIL is held by C code, so that it cannot notice anything."""
    kernel = start_kernel()
    pids = running_pids(kernel)
    end(kernel)
    expect_gone(pids)


def test_an_interrupt_of_a_cell_leaves_them_alone(start_kernel: StartKernel):
    kernel = start_kernel()
    pids = running_pids(kernel)
    kernel.begin("print('began', flush=True); time.sleep(3600)")
    kernel.interrupt()
    assert (
        "['running', 'running', 'running']"
        == kernel.run("print([str(job.state) for job in jobs], end='')")["stdout"]
    )
    assert all(map(psutil.pid_exists, pids))
    kernel.run("for job in jobs: job.kill()")
    expect_gone(pids)


def cell_with(words: str) -> str:
    """The cell of the notebook about Dask in which these stand."""
    notebook = nbformat.read(NOTEBOOKS / "06_processes_and_dask.ipynb", as_version=4)
    (source,) = (str(cell.source) for cell in notebook.cells if words in cell.source)
    return source


@pytest.mark.timeout(180)
def test_an_interrupt_leaves_loops_on_the_notebooks_cluster_alone(start_kernel: StartKernel):
    """Its workers are in the kernel's process group, and so hear it, too."""
    kernel = start_kernel()
    kernel.run(cell_with("cluster = LocalCluster("))
    kernel.run(
        "import asyncio, os, time, bgwidgets as bgw\n"
        "async def counts():\n"
        "    for number in range(10_000):\n"
        "        bgw.metric('number', number)\n"
        "        await asyncio.sleep(0.1)\n"
        "def last(job): return job.metrics['number'].last if job.metrics else 0\n"
        "jobs = [bgw.start(counts, host=client) for _ in range(2)]\n"
        "while not all(map(last, jobs)): time.sleep(0.01)\n"
        "workers = client.run(os.getpid)"
    )
    kernel.begin("print('began', flush=True); time.sleep(3600)")
    kernel.interrupt()
    kernel.run(  # For more than the second after which a worker's end would be seen.
        "ends = [(job, last(job) + 30) for job in jobs]\n"
        "while not all(job.state.has_ended or last(job) > end for job, end in ends):\n"
        "    time.sleep(0.01)"
    )
    assert ["running", "running"] == kernel.value("[str(job.state) for job in jobs]")
    assert kernel.value("client.run(os.getpid) == workers")
    kernel.run("for job in jobs: job.kill()")
    kernel.run(cell_with("cluster.close()"))
    assert "" == kernel.stderr()


def test_functions_and_errors_of_a_notebook_go_there_and_come_back(start_kernel: StartKernel):
    """The error is one of the notebook's own class, and its traceback has the cell's lines."""
    kernel = start_kernel()
    kernel.run(WORK)
    assert 0.03 == kernel.value("bgw.start(nap, 0.01, host='process').result(30)")
    kernel.run("failed = bgw.start(fails, host='process')\nfailed.wait(30)")
    assert kernel.value("type(failed.exception()) is OurError")
    assert 'raise OurError("of the notebook")' in kernel.value("failed.snapshot().error")


def test_places_are_named_as_the_notebook_names_them(start_kernel: StartKernel):
    kernel = start_kernel()
    kernel.run(WORK)
    kernel.run(
        "job = bgw.start(nap, 3600, host='process')\n"
        "import time\n"
        "while not (job.tasks and job.tasks[0].where): time.sleep(0.01)"
    )
    where, line = kernel.value(
        "(job.tasks[0].where, job.task_detail(job.tasks[0].id).chain[0].source_line)"
    )
    assert ("In[1]:10 nap", "await asyncio.sleep(value)") == (where, line)
    kernel.run("job.kill()")


def test_what_cannot_go_there_is_named(start_kernel: StartKernel):
    kernel = start_kernel()
    kernel.run("import threading, asyncio, bgwidgets as bgw\nlock = threading.Lock()")
    kernel.run("async def locked():\n    with lock: pass")
    said = kernel.run(
        "try: bgw.start(locked, host='process')\nexcept bgw.InvalidWork as error: print(error)"
    )["stdout"]
    assert said.startswith(
        "the global 'lock' that locked() uses, a _thread.lock, cannot be brought"
    )
    assert 0 == kernel.value("len(bgw.manager)")
