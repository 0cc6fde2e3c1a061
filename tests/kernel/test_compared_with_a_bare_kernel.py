"""What the package and its forgotten loops add to a kernel: next to nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

from tests.kernel.conftest import Kernel
from tests.kernel.test_kernel_life import TEN_LOOPS, TEN_PROCESSES

StartKernel = Callable[[], Kernel]

MOST_ROUNDS = 8
MORE = 0.5
"""Seconds that ten loops may add to a restart. Functions that take no notice of its end get 0.3 of
them. Threads that hold it up add two and a half: so long does Jupyter wait until it kills the
kernel."""
SHUTDOWN_LIMIT = 5.0


LOOPS = {
    "coroutines": TEN_LOOPS.format(coroutines=10, functions=0),
    "functions too": TEN_LOOPS.format(coroutines=5, functions=5),
    "in processes": TEN_PROCESSES,
}
SPINNING = "print('began', flush=True)\nwhile True: pass"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("spins", [False, True], ids=["idle", "amid a cell that spins"])
@pytest.mark.parametrize("loops", LOOPS)
def test_ten_loops_hardly_lengthen_a_restart(start_kernel: StartKernel, loops: str, spins: bool):
    """Restarted in turn, so that whatever slows the machine down slows both kernels down; and the
    quickest of each counts, for half a second is soon lost where others have much to do. A cell
    that spins never hears that the kernel is to end. No process is left of any of them.
    """
    bare, with_loops = start_kernel(), start_kernel()
    seconds: dict[Kernel, list[float]] = {bare: [], with_loops: []}
    for _ in range(MOST_ROUNDS):
        with_loops.run(LOOPS[loops])
        started = processes_of(with_loops)
        for kernel, took in seconds.items():
            if spins:
                kernel.begin(SPINNING)
            took.append(kernel.restart())
        expect_no_more(started)
        if min(seconds[with_loops]) <= min(seconds[bare]) + MORE:
            break
    else:
        pytest.fail(f"{seconds[bare]} s without loops, and with them {seconds[with_loops]} s")
    assert "False" == with_loops.run("print('bgw' in globals(), end='')")["stdout"]


@pytest.mark.parametrize("loops", LOOPS)
def test_a_shutdown_leaves_no_process(start_kernel: StartKernel, loops: str):
    """A kernel that is asked to end does so by itself; it need not be killed."""
    kernel = start_kernel()
    kernel.run(LOOPS[loops])
    assert kernel.manager.is_alive()
    started = processes_of(kernel)
    assert len(started) >= (10 if loops == "in processes" else 0)

    kernel.client.shutdown()

    assert 0 == process_of(kernel).wait(SHUTDOWN_LIMIT)
    expect_no_more(started)


def process_of(kernel: Kernel) -> Any:
    provisioner = kernel.manager.provisioner
    assert provisioner is not None
    return provisioner.process  # type: ignore[attr-defined] # a local one has it


def processes_of(kernel: Kernel) -> list[psutil.Process]:
    """Those that it has started, and theirs."""
    children: list[psutil.Process] = psutil.Process(process_of(kernel).pid).children(recursive=True)
    return children


def expect_no_more(processes: list[psutil.Process]) -> None:
    """They are gone, or will be in a moment."""
    _, left = psutil.wait_procs(processes, timeout=5)
    assert [] == left


def test_the_import_loads_no_widgets(start_kernel: StartKernel):
    """They come with the first panel, and not before."""
    kernel = start_kernel()
    look = "print({'ipywidgets', 'anywidget'} & set(sys.modules), end='')"

    before = kernel.run(f"import sys, bgwidgets as bgw\nbgw.start().stop(0)\n{look}")
    kernel.run("panel = bgw.panel()")
    after = kernel.run("print('ipywidgets' in sys.modules, end='')")

    assert {"stdout": "set()", "stderr": ""} == before
    assert "True" == after["stdout"]
