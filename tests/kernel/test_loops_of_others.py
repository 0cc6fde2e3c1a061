"""The kernel's own loops, and the seed's code, in a real kernel."""

from __future__ import annotations

from collections.abc import Callable

from tests.kernel.conftest import Kernel

StartKernel = Callable[[], Kernel]

SEED = """
import asyncio, time
import bgwidgets as bgw
from bgwidgets import BackgroundJobManager

async def sprinter(num_sprinter=200, b_print=False):
    i = 0
    while i < num_sprinter:
        i += 1
        await asyncio.sleep(0.02)

async def stopper(stop_event, num_stopper=21, b_print=False):
    for i in range(num_stopper):
        if stop_event.is_set():
            break
        await asyncio.sleep(0.02)
    stop_event.set()
    await asyncio.sleep(0.01)

def run_loop(num_sprinter=400, num_stopper=21, b_print=True):
    async_loop = asyncio.new_event_loop()
    run_loop.loop = async_loop
    asyncio.set_event_loop(async_loop)
    run_loop.task1 = async_loop.create_task(sprinter(num_sprinter, b_print))
    stop_event = asyncio.Event()
    run_loop.stopx = stop_event
    run_loop.task2 = async_loop.create_task(stopper(stop_event, num_stopper, b_print))
    async_loop.run_until_complete(run_loop.task2)

a = run_loop
jobs = BackgroundJobManager()

def running():
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for loop in bgw.manager:
            if loop.state == "running" and len(loop.tasks) == 2:
                return loop
        time.sleep(0.01)
    raise TimeoutError("no loop came up")
"""


def test_the_seeds_three_stops(start_kernel: StartKernel):
    """Each cell as it was written, with the manager's import changed; nothing goes to stderr."""
    kernel = start_kernel()
    kernel.run(SEED)
    for stop, expected in [
        ("a.stopx.set()", "finished"),
        ("loop.request_stop()", "finished"),
        ("loop.stop_loop()", "stopped"),
        ("loop.cancel_tasks()", "cancelled"),
        ("a.task2.cancel(); a.task1.cancel()", "cancelled"),
    ]:
        kernel.run("out = jobs.new(a, 400, 2000)\nloop = running()")
        assert "Running jobs:" in kernel.run("jobs.status()")["stdout"]
        written = kernel.run(f"{stop}\nprint(loop.wait(10), a.loop.is_closed(), end='')")
        assert {"stdout": f"{expected} True", "stderr": ""} == written
        written = kernel.run(
            "out.join(10); loop.remove(); jobs.remove(out.num); jobs.status(); print(jobs.all)"
        )
        assert {"stdout": "{}\n", "stderr": ""} == written


def test_the_kernels_own_loops_are_found_and_protected(start_kernel: StartKernel):
    """The notebook's loop and those of the kernel's threads: nobody can take the kernel down."""
    kernel = start_kernel()
    kernel.run("import threading, bgwidgets as bgw")
    written = kernel.run(
        """
found = {loop.name: loop for loop in bgw.discover()}
assert all(loop.protected for loop in found.values()), found
main = bgw.adopt(found["MainThread"])
deadline = __import__("time").monotonic() + 10
refused = []
for name, loop in found.items():
    try:
        bgw.adopt(loop, protected=False)
    except bgw.ProtectedLoop as error:
        refused.append(name)
print(sorted({"MainThread", "Control", "IOPub"} & set(refused)), len(refused) == len(found))
"""
    )
    assert {"stdout": "['Control', 'IOPub', 'MainThread'] True\n", "stderr": ""} == written
    written = kernel.run(
        """
for command in (main.request_stop, main.stop_loop, main.cancel_tasks, main.stop):
    try:
        command()
    except bgw.ProtectedLoop as error:
        print("the notebook's own loop" in str(error), end=" ")
print(main.state, bgw.current(), bgw.start().stop(1).outcome, end="")
"""
    )
    assert {"stdout": "True True True True running None finished", "stderr": ""} == written
