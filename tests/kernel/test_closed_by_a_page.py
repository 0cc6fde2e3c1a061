"""A page tells a real kernel that it has closed a panel's widgets, or opened others by their names:
they stay, for all pages.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kernel.conftest import Kernel
from tests.kernel_environments import IPYKERNELS

StartKernel = Callable[..., Kernel]

pytestmark = pytest.mark.timeout(400)  # The first run installs the kernels.

PANEL = """
import asyncio, time
import comm
from ipywidgets.widgets.widget import _instances
import bgwidgets as bgw
import bgwidgets.widgets.attendance as attendance
attendance.FORGOTTEN_AFTER = 1.0

async def polite():
    await bgw.current().stop_event.wait()

def until(is_so):
    "Whether it becomes so."
    deadline = time.monotonic() + 20
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_so()

def counts():
    "What there is of widgets."
    return len(comm.get_comm_manager().comms), len(_instances)

def all_are_its_own():
    "Whether the panel's widgets have their names."
    listed = comm.get_comm_manager().comms
    return all(
        listed.get(widget.comm.comm_id) is widget.comm
        and _instances.get(widget.comm.comm_id) is widget
        for widget in [panel, *panel._parts]
    )

before = counts()
job = bgw.start(polite)
panel = bgw.panel()
panel
"""
A_BUTTON = {
    "_model_module": "@jupyter-widgets/controls",
    "_model_module_version": "2.0.0",
    "_model_name": "ButtonModel",
    "_view_module": "@jupyter-widgets/controls",
    "_view_module_version": "2.0.0",
    "_view_name": "ButtonView",
}
OWN = "[widget.comm.comm_id for widget in [panel, *panel._parts]]"


@pytest.mark.parametrize("ipykernel", IPYKERNELS)
def test_what_one_page_closes_goes_on_for_all(start_kernel: StartKernel, ipykernel: str):
    """Each of the panel's widgets, twice: scripts' messages and clicks are heard as before, and
    what the page did is answered as any other message that it should not send. In the end nothing
    is left of the panel: it is put away when nobody shows it, and closed when it is closed.
    """
    kernel = start_kernel(ipykernel)
    kernel.run(PANEL)
    names = kernel.value(OWN)
    table, button, line = kernel.value(
        "[widget.comm.comm_id for widget in"
        " (panel.children[0], panel.stop_event_button, panel.children[1].children[-1])]"
    )
    kernel.send_to_widget(line, {"type": "hello", "view": "line"})
    for name in [*names, *names]:
        kernel.close_widget(name)
    told = kernel.next_from_widget(line, lambda content: content.get("level") == "error")
    assert "for a page to close" in told["text"]
    kernel.send_to_widget(table, {"type": "filter", "text": "abc"})
    kernel.send_to_widget(button, {"event": "click"})
    assert kernel.value("until(lambda: panel.filter == 'abc')")
    assert kernel.value("str(job.wait(20))") == "finished"
    kernel.send_to_widget(table, {"type": "hello", "view": "v", "start": 0, "stop": 9})
    kernel.send_to_widget(table, {"type": "bye", "view": "v", "cleared": True})
    assert kernel.value("until(lambda: counts() == before)")
    kernel.run("panel")
    assert kernel.value(OWN) == names
    for name in names:
        kernel.close_widget(name)
    kernel.run("panel.close()")
    assert kernel.value("counts() == before")
    assert kernel.stderr() == ""


@pytest.mark.parametrize("target", ["nobody", "jupyter.widget"])
@pytest.mark.parametrize("ipykernel", IPYKERNELS)
def test_what_one_page_takes_over_is_taken_back(
    start_kernel: StartKernel, ipykernel: str, target: str
):
    """Each of the panel's widgets: soon scripts' messages are heard as before, and what the page
    did is answered as any other message that it should not send. When all are taken again and the
    panel is closed, nothing is left of it, nor of what the page has opened.
    """
    kernel = start_kernel(ipykernel)
    kernel.run(PANEL)
    names = kernel.value(OWN)
    table, line = kernel.value(
        "[widget.comm.comm_id for widget in (panel.children[0], panel.children[1].children[-1])]"
    )
    kernel.send_to_widget(line, {"type": "hello", "view": "line"})
    kernel.send_to_widget(table, {"type": "hello", "view": "v", "start": 0, "stop": 9})
    for name in names:
        kernel.open_comm(name, target, {"state": A_BUTTON, "buffer_paths": []})
    told = kernel.next_from_widget(line, lambda content: content.get("level") == "error")
    assert "for a page to take" in told["text"]
    assert kernel.value("until(all_are_its_own)")
    kernel.send_to_widget(table, {"type": "filter", "text": "abc"})
    assert kernel.value("until(lambda: panel.filter == 'abc')")
    for name in names:
        kernel.open_comm(name, target, {"state": A_BUTTON, "buffer_paths": []})
    kernel.run("job.stop()\npanel.close()")
    assert kernel.value("counts() == before")
    assert "Traceback" not in kernel.stderr()
