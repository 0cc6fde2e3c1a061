"""Restart and shutdown of a kernel whose loops nobody stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel

StartKernel = Callable[[], Kernel]

TEN_LOOPS = """
import asyncio, time
import bgwidgets as bgw

async def work():
    for _ in range(10):
        asyncio.create_task(asyncio.sleep(3600))
    await asyncio.Event().wait()

for _ in range({coroutines}): bgw.start(work)
for _ in range({functions}): bgw.start(time.sleep, 3600)
panel = bgw.panel()
"""

TEN_PROCESSES = """
import asyncio, time
import bgwidgets as bgw

async def work():
    await asyncio.Event().wait()

jobs = [bgw.start(work, host="process") for _ in range(5)]
jobs += [bgw.start(time.sleep, 3600, host="process") for _ in range(5)]
deadline = time.monotonic() + 50
while {job.state for job in jobs} != {"running"}:
    assert time.monotonic() < deadline, jobs
    time.sleep(0.01)
panel = bgw.panel()
"""


@pytest.mark.parametrize(("coroutines", "functions"), [(10, 0), (5, 5)])
def test_a_restart_with_ten_loops_takes_at_most_a_second(
    start_kernel: StartKernel, coroutines: int, functions: int
):
    """Until the old kernel is gone; also with plain functions that never return."""
    kernel = start_kernel()
    kernel.run(TEN_LOOPS.format(coroutines=coroutines, functions=functions))

    seconds = kernel.restart()

    assert seconds <= 1.0
    assert "False" == kernel.run("print('bgw' in globals(), end='')")["stdout"]


def test_an_interrupt_leaves_the_loops_alone(start_kernel: StartKernel):
    """It breaks the cell that runs, and nothing else."""
    kernel = start_kernel()
    kernel.run(TEN_LOOPS.format(coroutines=10, functions=0))
    message = kernel.client.execute(
        "import threading\nprint('running', flush=True)\nthreading.Event().wait(60)",
        stop_on_error=False,  # What is sent right after it is not to be given up too.
    )
    # Until its own code runs: an interrupt that comes a moment earlier hits the kernel's, which
    # shrugs it off, and the cell then waits for its full time.
    while kernel.client.get_iopub_msg(timeout=10)["msg_type"] != "stream":
        pass

    kernel.manager.interrupt_kernel()

    reply = kernel.client.get_shell_msg(timeout=10)
    assert message == reply["parent_header"]["msg_id"]
    assert "KeyboardInterrupt" == reply["content"]["ename"]
    states = kernel.run("print({str(loop.state) for loop in bgw.manager}, end='')")["stdout"]
    assert "{'running'}" == states


def test_a_cell_returns_at_once_and_the_three_stops_are_quiet(start_kernel: StartKernel):
    """In the order of the first notebook; nothing goes to stderr."""
    kernel = start_kernel()
    written = kernel.run(
        """
import asyncio, time
import bgwidgets as bgw

async def work():
    side = asyncio.create_task(asyncio.sleep(3600))
    await bgw.current().stop_event.wait()

began = time.monotonic()
jobs = [bgw.start(work) for _ in range(3)]
assert time.monotonic() - began < 0.5
jobs[0].request_stop()
jobs[1].stop_loop()
jobs[2].cancel_tasks()
print(*[job.wait(10) for job in jobs], end="")
"""
    )
    assert {"stdout": "finished stopped cancelled", "stderr": ""} == written


def test_a_cell_may_wait_for_a_job_in_both_ways(start_kernel: StartKernel):
    """A cell runs inside of the kernel's own event loop, and is not refused for that."""
    kernel = start_kernel()
    written = kernel.run(
        """
import asyncio, bgwidgets as bgw
async def answer():
    await asyncio.sleep(0.01)
    return 42
job = bgw.start(answer)
print(job.result(10), await job, bgw.start(answer).stop(5).outcome, end="")
"""
    )
    assert {"stdout": "42 42 finished", "stderr": ""} == written


def test_places_in_a_notebook_are_named_as_the_notebook_names_them(start_kernel: StartKernel):
    """By the number of the cell, and not by a file that nobody knows."""
    kernel = start_kernel()
    kernel.run("import asyncio, bgwidgets as bgw")
    kernel.run("async def nap():\n    await asyncio.sleep(3600)")
    written = kernel.run(
        "job = bgw.start(nap)\n"
        "job.submit(asyncio.sleep(0)).result(10)\n"
        "print([task.where for task in job.tasks if task.is_main][0], end='')"
    )
    assert {"stdout": "In[2]:2 nap", "stderr": ""} == written
