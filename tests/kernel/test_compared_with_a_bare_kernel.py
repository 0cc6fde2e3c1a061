"""What the package and its forgotten loops add to a kernel: next to nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel.test_kernel_life import TEN_LOOPS

StartKernel = Callable[[], Kernel]

MOST_ROUNDS = 8
MORE = 0.5
"""Seconds that ten loops may add to a restart. Functions that take no notice of its end get 0.3 of
them. Threads that hold it up add two and a half: so long does Jupyter wait until it kills the
kernel."""
SHUTDOWN_LIMIT = 5.0


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("coroutines", "functions"), [(10, 0), (5, 5)])
def test_ten_loops_hardly_lengthen_a_restart(
    start_kernel: StartKernel, coroutines: int, functions: int
):
    """Restarted in turn, so that whatever slows the machine down slows both kernels down; and the
    quickest of each counts, for half a second is soon lost where others have much to do.
    """
    bare, with_loops = start_kernel(), start_kernel()
    seconds: dict[Kernel, list[float]] = {bare: [], with_loops: []}
    for _ in range(MOST_ROUNDS):
        with_loops.run(TEN_LOOPS.format(coroutines=coroutines, functions=functions))
        for kernel, took in seconds.items():
            took.append(kernel.restart())
        if min(seconds[with_loops]) <= min(seconds[bare]) + MORE:
            return

    pytest.fail(f"{seconds[bare]} s without loops, and with them {seconds[with_loops]} s")


@pytest.mark.parametrize(("coroutines", "functions"), [(10, 0), (5, 5)])
def test_a_shutdown_leaves_no_process(start_kernel: StartKernel, coroutines: int, functions: int):
    """A kernel that is asked to end does so by itself; it need not be killed."""
    kernel = start_kernel()
    kernel.run(TEN_LOOPS.format(coroutines=coroutines, functions=functions))
    assert kernel.manager.is_alive()

    kernel.client.shutdown()

    provisioner = kernel.manager.provisioner
    assert provisioner is not None
    process = provisioner.process  # type: ignore[attr-defined] # a local one has it
    assert 0 == process.wait(SHUTDOWN_LIMIT)


def test_the_import_loads_no_widgets(start_kernel: StartKernel):
    """They come with the first panel, and not before."""
    kernel = start_kernel()
    look = "print({'ipywidgets', 'anywidget'} & set(sys.modules), end='')"

    before = kernel.run(f"import sys, bgwidgets as bgw\nbgw.start().stop(0)\n{look}")
    kernel.run("panel = bgw.panel()")
    after = kernel.run("print('ipywidgets' in sys.modules, end='')")

    assert {"stdout": "set()", "stderr": ""} == before
    assert "True" == after["stdout"]
