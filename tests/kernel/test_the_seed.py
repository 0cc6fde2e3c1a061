"""Every scene of the seed, S1 to S8, in real kernels: its own code, written without us in mind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(400)  # The first run installs the kernels.

NESTED = "import nest_asyncio\nnest_asyncio.apply()"
OURS = "from bgwidgets import BackgroundJobManager"
IPYTHONS = "from IPython.lib.backgroundjobs import BackgroundJobManager"

SEED = """
import asyncio
import time

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
"""
"""The cells as they were written, printing less and waiting less; only the import is changed."""

AROUND = """
import bgwidgets as bgw

panel = bgw.panel()

def until(is_so, what):
    deadline = time.monotonic() + 10
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.005)

def with_both_tasks(loop):
    until(lambda: loop.state == "running" and len(loop.tasks) == 2, f"{loop}: {loop.tasks}")
    return loop

def begun(out):
    # The loop of a job that was just started, when both its tasks are listed.
    until(lambda: any(not loop.state.has_ended for loop in bgw.manager), "no loop came up")
    return with_both_tasks([loop for loop in bgw.manager if not loop.state.has_ended][-1])

def click(button, loop):
    panel.selected = loop.id
    until(lambda: not getattr(panel, button).disabled, f"{button} stays disabled")
    getattr(panel, button).click()

def is_clean(loop):
    # Closed, with nothing pending.
    return a.loop.is_closed() and not [t for t in loop.tasks if not t.state.has_ended]
"""

STOPS = {
    "finished": [
        "a.stopx.set()",
        "loop.request_stop()",
        "click('stop_event_button', loop)",
    ],
    "stopped": ["a.loop.stop()", "loop.stop_loop()", "click('stop_loop_button', loop)"],
    "cancelled": [
        "a.task2.cancel(); a.task1.cancel()",
        "loop.cancel_tasks()",
        "click('cancel_tasks_button', loop)",
    ],
}
"""The three stops, each as the seed has it, by a call, and by a click."""


@pytest.fixture(params=IPYKERNELS)
def ipykernel(request: pytest.FixtureRequest) -> str:
    """Each version in turn."""
    return str(request.param)


def quiet(kernel: Kernel, code: str) -> str:
    """Run a cell that must complain of nothing; what it printed."""
    written = kernel.run(code)
    assert "" == written["stderr"]
    return written["stdout"]


@pytest.mark.parametrize("preamble", [NESTED, ""], ids=["nested", "plain"])
def test_with_our_manager_every_scene_works(
    start_kernel: StartKernel, ipykernel: str, preamble: str
):
    """Only the manager's import is changed; nothing ever goes to stderr."""
    kernel = start_kernel(ipykernel)
    for cell in (preamble, OURS, SEED, AROUND):
        quiet(kernel, cell)
    told = quiet(kernel, "import ipykernel; print(ipykernel.__version__)")
    assert told.startswith(f"{ipykernel}.")

    # S1: the loop with its two tasks, its stop event found, the states alive.
    quiet(kernel, "out = jobs.new(a, 4000, 2000)\nloop = begun(out)")
    listed = quiet(
        kernel,
        """
print(loop.name, loop.host, loop.state)
print(sorted((t.name, t.coroutine, t.is_main, str(t.state)) for t in loop.tasks))
print(loop.stop_event.is_set(), loop.snapshot().stop_requested)
""",
    )
    assert listed.splitlines() == [
        "run_loop adopted running",
        "[('task1', 'sprinter', False, 'pending'), ('task2', 'stopper', True, 'pending')]",
        "False False",
    ]
    quiet(kernel, "loop.stop_loop(); loop.wait(10); loop.remove(); out.join(10); jobs.flush()")

    # S2, S3, S4 and S6: each stop ends as it should, and the lists tell the truth.
    for expected, stops in STOPS.items():
        group = "Completed" if expected == "finished" else "Dead"
        for stop in stops:
            quiet(kernel, "out = jobs.new(a, 4000, 2000)\nloop = begun(out)")
            assert "Running jobs:\n" in quiet(kernel, "jobs.status()")
            ended = quiet(kernel, f"{stop}\nprint(loop.wait(10), is_clean(loop), end='')")
            assert f"{expected} True" == ended, stop
            told = quiet(kernel, "out.join(10); jobs.status()")
            assert [f"{group} jobs:"] == [line for line in told.splitlines() if "jobs:" in line]
            gone = "loop.remove(); jobs.remove(out.num); jobs.status(); print(jobs.all)"
            assert "{}\n" == quiet(kernel, gone)

    # S5: a stop right after the start is honoured.
    for expected, stop in [
        ("finished", "loop.request_stop()"),
        ("stopped", "loop.stop_loop()"),
        ("cancelled", "loop.cancel_tasks()"),
    ]:
        ended = quiet(
            kernel,
            f"""
out = jobs.new(a, 4000, 2000)
until(lambda: len(bgw.manager), "no loop came up")
(loop,) = bgw.manager
{stop}
print(loop.wait(10), is_clean(loop), end='')
out.join(10); loop.remove()
""",
        )
        assert f"{expected} True" == ended, stop
    assert quiet(kernel, "jobs.flush(); print(jobs.all)").endswith("{}\n")

    # S7: again, without defining run_loop again.
    again = quiet(
        kernel,
        """
out = jobs.new(a, 4000, 2000)
loop = begun(out)
loop.stop_loop(); loop.wait(10); out.join(10)
loop.restart()
with_both_tasks(loop)
print(loop.run_number, loop.state, sorted(t.name for t in loop.tasks), a.loop.is_running())
loop.request_stop()
print(loop.wait(10), is_clean(loop))
loop.remove()
""",
    )
    assert again == "2 running ['task1', 'task2'] True\nfinished True\n"

    # S8: twice at the same time; the second run overwrites what the function carries.
    twice = quiet(
        kernel,
        """
one = jobs.new(a, 4000, 2000)
first = begun(one)
two = jobs.new(a, 4000, 2000)
until(lambda: len(bgw.manager) == 2, "the second loop did not come up")
second = with_both_tasks(list(bgw.manager)[-1])
print(first.name, second.name, first.id != second.id)
first.request_stop()
print(first.wait(10), first.stop_event.is_set(), second.stop_event.is_set(), second.state)
second.cancel_tasks()
print(second.wait(10), is_clean(second))
one.join(10); two.join(10)
""",
    )
    assert twice == "run_loop run_loop-2 True\nfinished True False running\ncancelled True\n"


@pytest.mark.parametrize("preamble", [NESTED, ""], ids=["nested", "plain"])
def test_with_ipythons_own_manager_adopt_does_the_same(
    start_kernel: StartKernel, ipykernel: str, preamble: str
):
    """At most the owner's own exception appears, once; our state tells the truth."""
    kernel = start_kernel(ipykernel)
    for cell in (preamble, IPYTHONS, SEED, AROUND):
        quiet(kernel, cell)
    for expected, stops in STOPS.items():
        for stop in stops:
            written = kernel.run(
                f"""
out = jobs.new(a, 4000, 2000)
loop = with_both_tasks(bgw.adopt(run_loop, name="seed"))
print(sorted((t.name, t.is_main) for t in loop.tasks), loop.stop_event.is_set())
{stop}
print(loop.wait(10), is_clean(loop), out.join(10), out.is_alive())
"""
            )
            lines = written["stdout"].splitlines()
            assert "[('task1', False), ('task2', True)] False" in lines, (stop, written)
            assert f"{expected} True None False" in lines, (stop, written)
            said = written["stderr"] + written["stdout"]
            assert said.count("Traceback (most recent call last)") <= 1, (stop, said)
            assert "Task was destroyed" not in said, (stop, said)
            if expected == "finished":
                assert "" == written["stderr"], stop
