"""The kernel's own loops, in real kernels: found, listed, and nobody can take the kernel down."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(700)  # The first run installs the kernels.

COMMANDS = """
def refused(loop):
    # Why each command is refused; the name of one that is not.
    reasons = set()
    for command in (loop.request_stop, loop.stop_loop, loop.cancel_tasks, loop.stop):
        try:
            command()
        except bgw.ProtectedLoop as error:
            reasons.add(str(error))
        else:
            reasons.add(command.__name__)
    return sorted(reasons)
"""


@pytest.fixture(params=IPYKERNELS)
def kernel(request: pytest.FixtureRequest, start_kernel: StartKernel) -> Kernel:
    """One of each version."""
    kernel = start_kernel(request.param)
    kernel.run(f"import asyncio, time\nimport bgwidgets as bgw\n{COMMANDS}")
    return kernel


def threads_of(kernel: Kernel) -> set[str]:
    """Those of the kernel's threads that have an event loop."""
    is_newer = kernel.value("__import__('ipykernel').version_info[0]") >= 7
    return {"MainThread", "Control", "IOPub", *(["Shell channel"] if is_newer else [])}


def test_they_are_found_and_protected(kernel: Kernel):
    """S17: the notebook's own and those of the kernel's threads; each command is refused with the
    reason, and nobody can lift that.
    """
    kernel.run(
        """
found = {loop.name: loop for loop in bgw.discover()}
lifted = []
for loop in found.values():
    try:
        bgw.adopt(loop, protected=False)
    except bgw.ProtectedLoop:
        continue
    lifted.append(loop.name)
"""
    )
    threads = threads_of(kernel)
    assert threads == set(kernel.value("list(found)"))
    assert [] == kernel.value("lifted")
    assert [] == kernel.value("list(map(str, bgw.manager))")

    kernel.run("adopted = {name: bgw.adopt(loop) for name, loop in found.items()}")

    why = kernel.value("{name: refused(loop) for name, loop in adopted.items()}")
    assert dict.fromkeys(threads, 1) == {name: len(reasons) for name, reasons in why.items()}
    assert "it is the notebook's own loop, and the kernel would go down" in why["MainThread"][0]
    for name in threads - {"MainThread"}:
        assert f"it is the kernel's own (thread {name}), which would go down" in why[name][0]
    assert {(True, True, True)} == set(
        kernel.value(
            "[(loop.protected, loop.adopted, loop.belongs_to_kernel)"
            " for loop in map(bgw.BackgroundLoop.snapshot, bgw.manager)]"
        )
    )
    # Not stopped by the way either; and whoever runs in a cell is on no loop of ours.
    assert [] == kernel.value("bgw.manager.stop_all(0)")
    assert (None, "finished") == kernel.value("(bgw.current(), str(bgw.start().stop(10).outcome))")
    assert {"running"} == set(kernel.value("[str(loop.state) for loop in adopted.values()]"))
    assert "" == kernel.stderr()


def test_a_subshells_loop_is_the_kernels_too(start_kernel: StartKernel):
    """It comes and goes with a page, in a thread of its own."""
    kernel = start_kernel()
    message = kernel.client.session.msg("create_subshell_request", {})
    kernel.client.control_channel.send(message)
    reply = kernel.client.get_control_msg(timeout=10)
    assert "ok" == reply["content"]["status"], reply
    name = f"subshell-{reply['content']['subshell_id']}"
    kernel.run("import bgwidgets as bgw")

    found = kernel.value(
        "{loop.name: (loop.protected, loop.belongs_to_kernel) for loop in bgw.discover()}"
    )

    assert {*threads_of(kernel), name} == set(found)
    assert (True, True) == found[name]


def test_a_users_tasks_on_the_notebooks_own_loop_can_be_cancelled(kernel: Kernel):
    """S17: one by one; the loop, and the tasks that keep the kernel alive, stay protected."""
    kernel.run(
        """
async def mine():
    await asyncio.Event().wait()
early = asyncio.create_task(mine(), name="early")
own = bgw.adopt(next(loop for loop in bgw.discover() if loop.name == "MainThread"))
"""
    )
    kernel.run('late = asyncio.ensure_future(asyncio.sleep(3600)); late.set_name("late")')
    listed = "sorted((task.name, task.coroutine, str(task.state)) for task in own.tasks)"
    assert [("early", "mine", "pending"), ("late", "sleep", "pending")] == kernel.value(listed)
    assert kernel.value("len(asyncio.all_tasks(early.get_loop()))") > 2, "none of the kernel's own"

    kernel.run("own.cancel_tasks(*[task.id for task in own.tasks if task.name == 'early'])")

    assert [("early", "mine", "cancelled"), ("late", "sleep", "pending")] == kernel.value(listed)
    assert (True, False) == kernel.value("(early.cancelled(), late.done())")
    (reason,) = kernel.value("refused(own)")
    assert "it is the notebook's own loop" in reason
    # The kernel is well: cells that await go on to work.
    kernel.run("answer = await asyncio.sleep(0, 'well')")
    assert ("well", "running") == kernel.value("(answer, str(own.state))")
    assert [("early", "mine", "cancelled"), ("late", "sleep", "pending")] == kernel.value(listed)
    # Whoever waits in a cell for the loop that runs it is told so at once.
    kernel.run(
        """
began = time.monotonic()
told = []
for wait in (own.wait, own.result, own.exception):
    try:
        wait(30)
    except bgw.WouldDeadlock as error:
        told.append("await" in str(error))
took = time.monotonic() - began
"""
    )
    assert [True] * 3 == kernel.value("told")
    assert kernel.value("took") < 5
    assert "" == kernel.stderr()
