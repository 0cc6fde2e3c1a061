"""The kernel's own loops, and everybody else's, in real kernels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(400)  # The first run installs the kernels.


@pytest.mark.parametrize("ipykernel", IPYKERNELS)
def test_the_kernels_own_loops_are_found_and_protected(start_kernel: StartKernel, ipykernel: str):
    """The notebook's loop and those of the kernel's threads: nobody can take the kernel down."""
    kernel = start_kernel(ipykernel)
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


@pytest.mark.parametrize("ipykernel", IPYKERNELS)
def test_a_users_tasks_on_the_notebooks_own_loop_can_be_cancelled(
    start_kernel: StartKernel, ipykernel: str
):
    """S17: one by one; the loop, and the tasks that keep the kernel alive, stay protected."""
    kernel = start_kernel(ipykernel)
    kernel.run(
        """
import asyncio, bgwidgets as bgw
async def mine():
    await asyncio.Event().wait()
early = asyncio.create_task(mine(), name="early")
own = bgw.adopt(next(loop for loop in bgw.discover() if loop.name == "MainThread"))
"""
    )
    kernel.run('late = asyncio.ensure_future(asyncio.sleep(3600)); late.set_name("late")')
    listed = "print(sorted((t.name, t.coroutine, str(t.state)) for t in own.tasks), end='')"
    written = kernel.run(listed)
    expected = "[('early', 'mine', 'pending'), ('late', 'sleep', 'pending')]"
    assert {"stdout": expected, "stderr": ""} == written
    written = kernel.run(
        """
own.cancel_tasks(*[t.id for t in own.tasks if t.name == "early"])
for refused in (own.cancel_tasks, own.stop_loop, own.request_stop, own.stop):
    try:
        refused()
    except bgw.ProtectedLoop as error:
        print("the notebook's own loop" in str(error), end=" ")
"""
    )
    assert {"stdout": "True True True True ", "stderr": ""} == written
    written = kernel.run(listed)
    expected = "[('early', 'mine', 'cancelled'), ('late', 'sleep', 'pending')]"
    assert {"stdout": expected, "stderr": ""} == written
    # Whoever waits in a cell for the loop that runs it is told so at once.
    written = kernel.run(
        """
import time
began = time.monotonic()
for wait in (own.wait, own.result, own.exception):
    try:
        wait(30)
    except bgw.WouldDeadlock as error:
        print("await" in str(error), end=" ")
print(time.monotonic() - began < 5, end="")
"""
    )
    assert {"stdout": "True True True True", "stderr": ""} == written
    # Nor can it be had by another door.
    written = kernel.run(
        """
def carrier(): pass
carrier.loop = asyncio.get_running_loop()
print(bgw.adopt(carrier) is own, end=" ")
for door in (
    lambda: bgw.adopt(carrier, protected=False),
    lambda: bgw.adopt(asyncio.get_running_loop(), protected=False),
    lambda: own.submit(asyncio.sleep(0)),
):
    try:
        door()
    except bgw.ProtectedLoop as error:
        print("the notebook's own loop" in str(error), end=" ")
"""
    )
    assert {"stdout": "True True True True ", "stderr": ""} == written
    # The kernel is well: cells that await go on to work.
    written = kernel.run("print(await asyncio.sleep(0, 'well'), own.state, end='')")
    assert {"stdout": "well running", "stderr": ""} == written
