"""A hundred panels that nobody sees any more, in a real kernel: nothing of them is left."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kernel.conftest import LIMIT, Kernel, kernels
from tests.kernel_environments import IPYKERNELS

pytestmark = pytest.mark.timeout(700)  # The first run installs the kernels.

PREPARE = """
import asyncio, gc, threading, time
import comm
from ipywidgets.widgets.widget import _instances
import bgwidgets as bgw
import bgwidgets.widgets.attendance as attendance
attendance.FORGOTTEN_AFTER = 1.0  # No message of a page that is gone is still under way.

async def work():
    await asyncio.Event().wait()

bgw.start(work)

def counts():
    "What there is beside the loops."
    threads = [thread.name for thread in threading.enumerate()]
    subscribers = len(bgw.manager._subscribers)
    return len(comm.get_comm_manager().comms), len(_instances), threads, subscribers

def settle(expected, limit):
    "The counts, as soon as they are the expected ones."
    deadline = time.monotonic() + limit
    while counts() != expected and time.monotonic() < deadline:
        time.sleep(0.01)
    return counts()

def settle_without_panels(limit):
    "The same, as soon as there is no panel."
    deadline = time.monotonic() + limit
    while "bgwidgets-panel" in counts()[2] and time.monotonic() < deadline:
        time.sleep(0.01)
    return counts()
"""
RERUNS = 100


@pytest.fixture(scope="module", params=IPYKERNELS)
def kernel(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    """One for all tests, with a running loop."""
    with kernels(tmp_path_factory.mktemp("jupyter")) as start_kernel:
        kernel = start_kernel(request.param)
        kernel.run(PREPARE)
        # zmq keeps a thread from the first big message on, such as a table's script.
        show_and_clear(kernel, 0, "panel = bgw.panel()\npanel")
        assert kernel.value(f"settle_without_panels({LIMIT})")[:2] == (0, 0)
        yield kernel
        assert kernel.stderr() == ""


def show_and_clear(kernel: Kernel, number: int, cell: str) -> None:
    """What a page does that shows the panel until its cell is run again."""
    kernel.run(cell)
    for model_id in kernel.value("[panel.children[place].model_id for place in (0, 2)]"):
        view = f"view{number}"
        hello = {"type": "hello", "view": view, "start": 0, "stop": 9}
        kernel.send_to_widget(model_id, hello)
        kernel.send_to_widget(model_id, {"type": "bye", "view": view, "cleared": True})


def test_a_cell_that_is_run_again_leaves_nothing(kernel: Kernel):
    """Though IPython keeps each of them as the cell's output. The last one has been put away too,
    and with it the thread.
    """
    before = kernel.value("counts()")
    for number in range(RERUNS):
        show_and_clear(kernel, number, "panel = bgw.panel()\npanel")
    assert kernel.value(f"settle({before}, {LIMIT})") == before
    panels = "len({id(out) for out in Out.values() if type(out).__name__ == 'ControlPanel'})"
    assert kernel.value(panels) >= RERUNS


def test_one_panel_that_is_shown_again_and_again_is_the_same(kernel: Kernel):
    """It comes back each time, with a thread, and goes."""
    before = kernel.value("counts()")
    kernel.run("panel = bgw.panel()")
    for number in range(10):
        show_and_clear(kernel, number, "panel")
    assert kernel.value(f"settle({before}, {LIMIT})") == before
    kernel.run("panel.close()")
    assert kernel.value("counts()") == before


def test_panels_that_nobody_displayed_are_garbage(kernel: Kernel):
    """Made in a cell that is run again. One at a time: zmq drops some of very many messages."""
    before = kernel.value("counts()")
    for _ in range(RERUNS):
        kernel.run("panel = bgw.panel()\ndel panel\ngc.collect();")
    assert kernel.value(f"settle({before}, {LIMIT})") == before


def test_a_page_that_had_no_time_to_show_them_need_not_tell(kernel: Kernel):
    """The frontend names the cell that it runs: the panel of its earlier run is on no page."""
    before = kernel.value("counts()")
    for _ in range(RERUNS):
        kernel.run("panel = bgw.panel()\npanel", cell="the-cell")
    kernel.run("panel.close()")
    assert kernel.value(f"settle({before}, {LIMIT})") == before
