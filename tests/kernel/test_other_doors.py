"""The ways to the kernel's own loop that are not `discover()`, in real kernels."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(400)  # The first run installs the kernels.


@pytest.mark.parametrize("ipykernel", IPYKERNELS)
def test_the_kernels_loop_cannot_be_had_by_another_door(start_kernel: StartKernel, ipykernel: str):
    """Whatever it is adopted by, it is the one that is listed, and stays protected."""
    kernel = start_kernel(ipykernel)
    kernel.run(
        """
import asyncio, bgwidgets as bgw
own = bgw.adopt(next(loop for loop in bgw.discover() if loop.name == "MainThread"))
def carrier(): pass
carrier.loop = asyncio.get_running_loop()
"""
    )
    written = kernel.run(
        """
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
