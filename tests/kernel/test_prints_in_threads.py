"""What background work prints comes out, and holds up nobody.

ipykernel 6 looks for the cell of a print by the numbers of the threads that started each other. The
system gives such a number out again, and the search may then go round in circles: a thread that
prints never comes to its end. It happens after two or three runs.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel.seed_cells import AROUND, CELL_1, CELL_3, CELL_4, IPYTHONS, OURS
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(700)  # The first run installs the kernels.

ROUNDS = 20


@pytest.fixture(params=IPYKERNELS)
def kernel(request: pytest.FixtureRequest, start_kernel: StartKernel) -> Kernel:
    """One of each version."""
    kernel = start_kernel(request.param)
    for cell in (CELL_1 + OURS, CELL_3, CELL_4, "import sys" + AROUND):
        kernel.run(cell)
    return kernel


def test_jobs_that_print_come_to_their_end(kernel: Kernel):
    """One after the other, also those that are started again, and not by a cell."""
    kernel.run(
        f"""
a, jobs = run_loop, BackgroundJobManager()
stuck = []
for number in range({ROUNDS}):
    out = jobs.new(a, 5, 3)
    out.join(LIMIT)
    stuck += [number] * out.is_alive()
    if stuck: break
for number in range({ROUNDS // 2}):
    if stuck: break
    loop = list(bgw.manager)[-1]
    loop.wait(LIMIT)
    # As from the panel: not in the thread of the cells.
    thread = threading.Thread(target=loop.restart)
    thread.start(); thread.join(LIMIT)
    loop.wait(LIMIT)
"""
    )
    assert [] == kernel.value("stuck")
    assert {"finished"} == set(kernel.value("[str(loop.state) for loop in bgw.manager]"))
    assert "" == kernel.stderr()


def test_jobs_of_ipythons_own_that_print_come_to_their_end(start_kernel: StartKernel):
    """Adopted: no thread of ours that is started in theirs leads the search astray. The collector
    would mend it now and then.
    """
    kernel = start_kernel("6.31")
    for cell in (CELL_1 + IPYTHONS, CELL_3, CELL_4, "import sys" + AROUND):
        kernel.run(cell)
    kernel.run(
        f"""
gc.disable()
a, jobs = run_loop, BackgroundJobManager()
stuck, states = [], []
def is_watched():
    return "bgwidgets-watchdog" in [thread.name for thread in threading.enumerate()]
for number in range({ROUNDS // 2}):
    out = jobs.new(a, 25, 20)  # For long enough to be found, on a busy machine too.
    loop = bgw.adopt(run_loop)
    out.join(LIMIT)
    stuck += [number] * out.is_alive()
    states.append((str(loop.wait(LIMIT)), loop.snapshot().error_line))
    if stuck: break
    until(lambda: not is_watched(), "the watchdog stays")  # It is to be started in the next job.
"""
    )
    assert [] == kernel.value("stuck")
    assert {("finished", None)} == set(map(tuple, kernel.value("states")))
    assert "" == kernel.stderr()


WORK = """
def plain():
    print("x")

async def to_thread():
    print("before")
    await asyncio.to_thread(print, "x")
    print("after")

async def executor():
    print("before")
    await asyncio.get_running_loop().run_in_executor(None, print, "x")
    print("after")
"""


@pytest.mark.parametrize("work", ["plain", "to_thread", "executor"])
def test_worker_threads_that_print_come_to_their_end(kernel: Kernel, work: str):
    """Plain functions, and what coroutines hand to threads."""
    kernel.run(
        f"""
{WORK}
ends = [str(bgw.start({work}).wait(LIMIT)) for _ in range({ROUNDS})]
"""
    )
    assert ["finished"] * ROUNDS == kernel.value("ends")
    assert "" == kernel.stderr()
